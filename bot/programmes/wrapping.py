"""A series around programmes: which one carries each session, and whether the two go together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from bot.programmes.forms import Form, leaf
from bot.programmes.grammar import LONGEST_STEP_ID, identifier, quoted
from bot.programmes.order import Elsewhere
from bot.programmes.problems import Margin, did_you_mean
from bot.programmes.schema import Programme, Step
from bot.programmes.steps import Sheet
from bot.programmes.tree import Fields, Leaf, Node
from bot.words import CohortKind

_NAME = partial(identifier, longest=LONGEST_STEP_ID)
_EXAMPLE = "{couple: couple-72h, group: group-72h, individual: individual-72h}"


def read_wraps(node: Node, margin: Margin, kind: CohortKind | None) -> Mapping[CohortKind, str] | None:
    """The programme of each session: one name, or one for every kind of cohort that the series is for."""
    kinds = [kind] if kind else list(CohortKind)
    if isinstance(node, Leaf):
        name = leaf(node, margin, _NAME)
        if name and not kind:
            margin.note(node, "a series for any cohort wraps one programme for each kind.", f"Write {_EXAMPLE}.")
            return None
        return dict.fromkeys(kinds, name) if name else None
    if not isinstance(node, Fields):
        margin.note(node, "here a programme is named for each kind of cohort.", f"Write {_EXAMPLE}.")
        return None
    found = {}
    for key, value in node.entries:
        if key.text not in list(CohortKind):
            margin.note(key, f"{quoted(key.text)} is not a kind of cohort.", did_you_mean(key.text, list(CohortKind)))
        elif name := leaf(value, margin, _NAME):
            found[CohortKind(key.text)] = name
    for missing in [each for each in kinds if each not in {key.text for key, _ in node.entries}]:
        margin.note(node, f'nothing is wrapped for "{missing}".', f"Write {_EXAMPLE}.")
    return found if all(each in found for each in kinds) else None


def check_wrapping(
    outer: Programme, sheets: Mapping[str, Sheet], form: Form, wrappable: Mapping[str, Programme] | None
) -> None:
    """Leave remarks about what is wrapped; without ``wrappable`` only about the file itself."""
    if "wraps" not in form:
        for sheet in sheets.values():
            if "cohorts" in sheet.form:
                sheet.form.note("cohorts", "only a series has steps for one kind of cohort.", "Remove this line.")
        return
    for key in ("phases", "window"):
        if key in form:
            form.note(key, "a series has those of the programme that it wraps.", "Remove this line.")
    if wrappable is None:
        return
    for kind, name in outer.wraps.items():
        inner = wrappable.get(name)
        if inner is None:
            form.note("wraps", f"there is no programme called {quoted(name)}.", did_you_mean(name, wrappable))
        elif inner.wraps:
            form.note("wraps", f"{quoted(name)} is a series itself.", "Name the programme of one session.")
        elif inner.kind not in {kind, None}:
            form.note("wraps", f"{quoted(name)} is not for this kind of cohort: {kind}.", "Name one that is.")
        else:
            for sheet in sheets.values():
                if inner.step(sheet.step.id) and _is_for(sheet.step, kind):
                    sheet.form.note("id", f"{quoted(name)} has a step of this id too.", "Give this one another id.")


def elsewhere_in(outer: Programme, wrappable: Mapping[str, Programme] | None, *, certain: bool) -> Elsewhere:
    """Where the steps of a series may name others: in what it wraps, for every kind of cohort they are for."""

    def find(step: Step, name: str) -> Collection[Step] | None:
        wrapped = (
            [wrappable.get(each) for kind, each in outer.wraps.items() if _is_for(step, kind)] if wrappable else []
        )
        if not certain or None in wrapped or (outer.wraps and wrappable is None):
            return None
        found = [inner.step(name) for inner in wrapped if inner]
        return () if None in found else [each for each in found if each]

    return find


def _is_for(step: Step, kind: CohortKind) -> bool:
    return step.cohorts is None or kind in step.cohorts
