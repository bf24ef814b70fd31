"""The phases of a window: a preset by name, or a list of their own. The presets are data, in ``phases.yaml``."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from bot.programmes.forms import Form, items, leaf, one_of, texts
from bot.programmes.grammar import LONGEST_SHORT_ID, Unreadable, identifier, number, quoted, when, yes
from bot.programmes.paper import Session, hour_of, sessions
from bot.programmes.problems import Margin, ProgrammeProblems, did_you_mean
from bot.programmes.questions import LONGEST_LABEL
from bot.programmes.schema import Anchor, At, Phase, Stretch
from bot.programmes.tree import Leaf, Node, read_tree
from bot.words import StepKind

MOST_PER_DAY = 9

_PRESETS = Path(__file__).with_name("phases.yaml")
_PHASE = ("key", "from", "to", "label", "most_per_day", "kinds", "only_safety", "sharing_may_widen", "stretches")
_EXAMPLE = "a phase: {key: open, from: day 1 at 10:00, to: release + 72h, label: {en: Open days}}"


@cache
def presets() -> dict[str, tuple[Phase, ...]]:
    """The phases that come with the bot, by name."""
    margin = Margin()
    tree = read_tree(_PRESETS.read_bytes(), margin)
    found = {key.text: _listed(node, margin) for key, node in tree.entries} if tree else {}
    if margin.notes:
        raise ProgrammeProblems(_PRESETS.name, margin.sorted())
    return {name: phases or () for name, phases in found.items()}


def read_phases(node: Node, margin: Margin) -> tuple[Phase, ...] | None:
    return leaf(node, margin, _preset) if isinstance(node, Leaf) else _listed(node, margin)


def _preset(name: str) -> tuple[Phase, ...]:
    if name not in presets():
        raise Unreadable(f"{quoted(name)} is not a set of phases.", did_you_mean(name, presets()))
    return presets()[name]


def _listed(node: Node, margin: Margin) -> tuple[Phase, ...] | None:
    listed = items(node, margin, "the name of a preset, or a list of phases")
    if listed is None:
        return None
    read = [(item, phase) for item in listed if (phase := _phase(item, margin))]
    phases = [phase for _, phase in read]
    for (item, phase), before in zip(read[1:], phases, strict=False):
        if any(_is_before(phase.begins, before.ends, session) for session in sessions()):
            what = f"{quoted(phase.key)} begins before {quoted(before.key)} has ended."
            margin.note(item, what, "Order them by time.")
    if not listed:
        margin.note(node, "there are no phases here.", 'Write "phases: none" for the plain rhythm.')
    if len({phase.key for phase in phases}) != len(phases):
        margin.note(node, "two phases have the same key.", "Give each its own.")
    return tuple(phases) or None


def _phase(node: Node, margin: Margin) -> Phase | None:
    form = Form(node, margin, _PHASE, _EXAMPLE)
    for needed in ("key", "from", "to", "label"):
        form.require(needed, f"Write {_EXAMPLE}.")
    key = form.read("key", partial(identifier, longest=LONGEST_SHORT_ID))
    begins, ends = form.read("from", _edge), form.read("to", _edge)
    label = form.through("label", lambda it: texts(it, margin, LONGEST_LABEL))
    most = form.read("most_per_day", number)
    if most is not None and not 0 <= most <= MOST_PER_DAY:
        form.note("most_per_day", f"{most} a day cannot be.", f"Write a number from 0 to {MOST_PER_DAY}.")
    widens = form.read("sharing_may_widen", yes)
    phase = Phase(
        key=key or "",
        label=label or {},
        begins=begins or At(Anchor.RELEASE),
        ends=ends or At(Anchor.RELEASE),
        most_per_day=most,
        kinds=form.through("kinds", lambda it: _kinds(it, margin)),
        only_safety=form.read("only_safety", yes) or False,
        sharing_may_widen=True if widens is None else widens,
        stretches=form.through("stretches", lambda it: _stretches(it, margin)) or (),
    )
    if not form.can_read("key", "from", "to", "label"):
        return None
    if any(_is_before(phase.ends, phase.begins, session) for session in sessions()):
        form.note("to", f"{quoted(phase.key)} ends before it begins.", "Give it some time.")
    return phase


def _edge(words: str) -> At:
    at = when(words)
    if at.anchor is Anchor.AFTER:
        raise Unreadable("a phase does not hang on a step.", 'Write "release + 72h" or "day 1 at 10:00".')
    return at


def _kinds(node: Node, margin: Margin) -> frozenset[StepKind] | None:
    listed = items(node, margin, "kinds in a list: [practice, check-in]")
    return frozenset(kind for item in listed or () if (kind := leaf(item, margin, one_of(StepKind)))) or None


def _stretches(node: Node, margin: Margin) -> tuple[Stretch, ...] | None:
    listed = items(node, margin, "a list of {label: {en: …}, from: release + 6h, to: release + 12h}")
    return tuple(stretch for item in listed or () if (stretch := _stretch(item, margin))) or None


def _stretch(node: Node, margin: Margin) -> Stretch | None:
    form = Form(node, margin, ("label", "from", "to"), "{label: {en: …}, from: release + 6h, to: release + 12h}")
    for key in ("label", "from", "to"):
        form.require(key, "Write label, from and to.")
    label = form.through("label", lambda it: texts(it, margin, LONGEST_LABEL))
    begins, ends = form.read("from", _edge), form.read("to", _edge)
    return Stretch(label, begins, ends) if label and begins and ends else None


def _is_before(one: At, other: At, session: Session) -> bool:
    hours = hour_of(one, session, {}), hour_of(other, session, {})
    return hours[0] is not None and hours[1] is not None and hours[0] < hours[1]
