"""One step of a programme file, with the rules it can be held to without looking at any other step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from bot.programmes.forms import Form, items, leaf, one_of, texts
from bot.programmes.grammar import (
    LONGEST_STEP_ID,
    Unreadable,
    after,
    clock,
    identifier,
    quoted,
    recall,
    sessions,
    span,
    when,
    yes,
)
from bot.programmes.problems import Margin
from bot.programmes.questions import LONGEST_SAYS, read_options, read_questions
from bot.programmes.schema import WHEN_BOTH, Anchor, At, Remind, Silence, Step, Then
from bot.programmes.tree import Node
from bot.words import CohortKind, Level, Pacing, Role, StepKind, Visibility

LONGEST_TEXT = 3000  # code points; Telegram takes 4096 and the message has a frame of its own
PLACES = frozenset(
    {
        *("partner", "facilitator", "session", "time", "date", "place"),
        *("link", "present", "bring", "music", "instructions"),
    }
)

LONGEST_BESIDE_THREAD = 500  # what comes back needs the rest of the message
THREAD = "thread"  # one's own words from an earlier session; only where a step recalls them

_KEYS = (
    *("id", "kind", "text", "for", "session", "cohorts", "recalls", "safety", "silent", "again_after_move"),
    *("at", "after", "with", "not_before", "merge_into", "not_after", "pace", "tolerance", "fresh_for"),
    *("ask", "visible_to", "opens", "then", "confirm", "remind", "silence"),
)
_RIDING = frozenset({"id", "text", "session", "cohorts", "with", "ask", "visible_to"})  # all that a riding step says
_TO_BE_READ = "An alert tells the facilitator, so they must be the one who reads: visible_to: facilitator."


@dataclass(frozen=True)
class Sheet:
    """A step as it was read, with its form for remarks; what could not be read holds a stand-in."""

    step: Step
    form: Form


def read_step(node: Node, margin: Margin, kind: CohortKind | None) -> Sheet | None:
    """Read one step; nothing if not even its id is there."""
    form = Form(node, margin, _KEYS, "a step: its id, when, kind and text")
    name = form.read("id", partial(identifier, longest=LONGEST_STEP_ID))
    form.require("id", 'Write "id: first-evening".')
    if name:
        form.margin = margin.beside(f"step {name}")
    rides_with = form.through("with", lambda it: _hosts(it, form.margin)) or ()
    for key, remedy in {
        "fresh_for": "Say for how long it still makes sense: fresh_for: 6h.",
        "kind": f"Write one of {', '.join(StepKind)}.",
        "text": 'Write text: {en: "…"}.',
    }.items():
        if key == "text" or "with" not in form:
            form.require(key, remedy)
    cohorts = form.through("cohorts", lambda it: _cohorts(it, form.margin))
    if kind is None and cohorts and len(cohorts) == 1:
        (kind,) = cohorts
    elif kind and cohorts:
        form.note("cohorts", f"this programme is for one kind of cohort anyway: {kind}.", "Remove this line.")
    places = PLACES if kind is CohortKind.COUPLE else PLACES - {"partner"}
    places = places | {THREAD} if "recalls" in form else places
    longest = LONGEST_BESIDE_THREAD if "recalls" in form else LONGEST_SAYS if "with" in form else LONGEST_TEXT
    step = Step(
        id=name or "",
        at=_hour(form) or At(Anchor.START),
        kind=form.read("kind", one_of(StepKind)) or StepKind.REMINDER,
        text=form.through("text", lambda it: texts(it, form.margin, longest, places)) or {},
        fresh_for=form.read("fresh_for", span) or Step.tolerance,
        visible_to=form.read("visible_to", one_of(Visibility)) or Visibility.NONE,
        pace=form.read("pace", one_of(Pacing)) or Pacing.LOCAL,
        not_after=form.read("not_after", clock),
        not_before=form.read("not_before", clock),
        merge_into=form.read("merge_into", partial(identifier, longest=LONGEST_STEP_ID)),
        ask=form.through("ask", lambda it: read_questions(it, form.margin, places)) or (),
        silence=form.through("silence", lambda it: _silence(it, form.margin)),
        opens=form.read("opens", lambda words: WHEN_BOTH if words == WHEN_BOTH else when(words)),
        then=form.through("then", lambda it: _then(it, form.margin, places)),
        remind=form.through("remind", lambda it: _remind(it, form.margin, places)),
        safety=form.read("safety", yes) or False,
        again_after_move=form.read("again_after_move", yes) or False,
        silent=form.read("silent", yes) or False,
        both_confirm=form.read("confirm", _both) == "both",
        sessions=form.read("session", sessions),
        cohorts=cohorts,
        rides_with=rides_with,
        recalls=form.read("recalls", recall),
    )
    tolerance = form.read("tolerance", span)
    roles = form.through("for", lambda it: _roles(it, form.margin))
    roles = frozenset(Role) if rides_with else roles  # whoever gets the step it rides with
    step = replace(step, tolerance=step.tolerance if tolerance is None else tolerance, roles=roles or step.roles)
    _hold_to_the_rules(step, form, kind)
    return Sheet(step, form) if name else None


def _hour(form: Form) -> At | None:
    if "at" in form and "after" in form:
        form.note("after", '"at" and "after" both say when.', "Keep one of them.")
    if "after" in form:
        return form.read("after", after)
    if "with" in form:
        return None
    form.require("at", 'Say when: "at: day 1 at 09:30" or "after: some-step + 90m".')
    return form.read("at", when)


def _both(words: str) -> Literal["both"]:
    if words != "both":
        raise Unreadable(f"{quoted(words)} is not known here.", 'Write "confirm: both", or leave it out.')
    return "both"


def _roles(node: Node, margin: Margin) -> frozenset[Role] | None:
    listed = items(node, margin, "roles in a list: [receiving, supporting]")
    if listed is None:
        return None
    roles = frozenset(role for item in listed if (role := leaf(item, margin, one_of(Role))))
    if not listed:
        margin.note(node, "nobody would receive this.", "Name a role, or leave the line out for everybody present.")
    return roles or None


def _cohorts(node: Node, margin: Margin) -> frozenset[CohortKind] | None:
    listed = items(node, margin, "kinds of cohorts in a list: [couple, group]")
    if listed is None:
        return None
    kinds = frozenset(kind for item in listed if (kind := leaf(item, margin, one_of(CohortKind))))
    if not listed:
        margin.note(node, "no cohort would receive this.", "Name a kind, or leave the line out for every kind.")
    return kinds or None


def _hosts(node: Node, margin: Margin) -> tuple[str, ...] | None:
    listed = items(node, margin, "steps in a list: [capture]")
    if listed is None:
        return None
    if not listed:
        margin.note(node, "there is no step to ride with.", "Name one: with: [capture].")
    read = partial(identifier, longest=LONGEST_STEP_ID)
    return tuple(host for item in listed if (host := leaf(item, margin, read))) or None


def _silence(node: Node, margin: Margin) -> Silence | None:
    form = Form(node, margin, ("after", "alert"), "{after: 90m, alert: amber}")
    form.require("after", "Write after: 90m.")
    form.require("alert", "Write alert: amber or alert: red.")
    after_, level = form.read("after", span), form.read("alert", one_of(Level))
    return Silence(after_, level) if after_ is not None and level else None


def _then(node: Node, margin: Margin, places: Collection[str]) -> Then | None:
    form = Form(node, margin, ("text", "replies"), "{text: {en: …}, replies: {thanks: {en: Thank you}}}")
    form.require("text", 'Write text: {en: "…"}.')
    text = form.through("text", lambda it: texts(it, margin, LONGEST_SAYS, places))
    replies = form.through("replies", lambda it: read_options(it, margin, alerts=False))
    return Then(text, replies or ()) if text else None


def _remind(node: Node, margin: Margin, places: Collection[str]) -> Remind | None:
    form = Form(node, margin, ("at", "after", "text"), '{at: "12:15", text: {en: …}}')
    form.require("text", 'Write text: {en: "…"}.')
    at, after_ = form.read("at", clock), form.read("after", span)
    text = form.through("text", lambda it: texts(it, margin, LONGEST_SAYS, places))
    if ("at" in form) == ("after" in form) and form.can_read("at", "after"):
        margin.note(node, "a reminder comes at one hour.", 'Write either at: "12:15" or after: 3h.')
    return Remind(text, at, after_) if text else None


def _hold_to_the_rules(step: Step, form: Form, kind: CohortKind | None) -> None:
    """What cannot be meant, said once and only about keys that were readable."""
    if form.can_read("ask", "visible_to"):
        _who_reads(step, form, kind)
    if form.can_read("at", "after", "not_after", "not_before"):
        _when_it_can_be(step, form)
    if "with" in form:
        _rides_only(form)
        return
    if (
        "recalls" in form
        and form.can_read("recalls", "text")
        and not all(_shows_thread(it) for it in step.text.values())
    ):
        form.note("recalls", "nothing shows what comes back.", "Write {thread} into the text, in every language.")
    if "ask" not in form:
        for key in ("silence", "remind"):
            if key in form:
                form.note(key, "nothing is asked here, so nobody can be silent.", 'Write a question under "ask".')
    if "tolerance" in form and step.pace is Pacing.LOCAL and form.can_read("pace"):
        form.note("tolerance", "only a step for everybody together has a tolerance.", "Write pace: together.")
    if "fresh_for" in form and form.can_read("fresh_for") and not form.read("fresh_for", span):
        form.note("fresh_for", "it would be stale before it is sent.", "Write how long it still makes sense: 6h.")


def _shows_thread(text: str) -> bool:
    return f"{{{THREAD}}}" in text


def _rides_only(form: Form) -> None:
    """A step in another one's message has no hour, kind or readers of its own."""
    for key in _KEYS:
        if key in form and key not in _RIDING:
            form.note(key, "a step that rides with another has no message of its own.", "Remove this line.")
    if "ask" not in form:
        form.note("with", "a step that asks nothing has nothing to ride for.", 'Write a question under "ask".')


def _who_reads(step: Step, form: Form, kind: CohortKind | None) -> None:
    readers, asks = step.visible_to, "ask" in form
    if asks and readers is Visibility.NONE:
        form.note("ask", "nobody could read the answer.", "Say who may: visible_to: me, facilitator or pair.")
    if not asks and readers is not Visibility.NONE:
        form.note("visible_to", "nothing is asked here, so there is nothing to read.", 'Write a question under "ask".')
    if readers is Visibility.PAIR and kind is not CohortKind.COUPLE:
        form.note("visible_to", "only a couple has a pair.", "Write for: couple at the top, or visible_to: me.")
    if readers is Visibility.CIRCLE and kind is not CohortKind.GROUP:
        form.note("visible_to", "only a group has a circle.", "Write for: group at the top, or visible_to: me.")
    if readers is Visibility.PAIR:
        if "opens" not in form:
            form.note("visible_to", "nothing says when the answers open.", "Write opens: day 2 at 17:00, or when-both.")
    else:
        for key in ("opens", "then", "confirm"):
            if key in form:
                form.note(key, "only sealed answers of a pair open.", "Write visible_to: pair, or remove this line.")
    if readers is not Visibility.FACILITATOR and readers is not Visibility.NONE:
        if "silence" in form or any(question.alerts for question in step.ask):
            form.note("silence", "an alert would tell of a private answer.", _TO_BE_READ)
        elif any(option.alert for question in step.ask for option in question.options):
            form.note("ask", "an alert would tell of a private answer.", _TO_BE_READ)


def _when_it_can_be(step: Step, form: Form) -> None:
    earliest, latest = step.not_before, step.not_after
    if earliest and latest and earliest > latest:
        form.note("not_before", "not_before is later than not_after.", "Leave some time between them.")
    if step.at.clock and earliest and step.at.clock < earliest:
        form.note("not_before", "the hour itself is earlier than not_before.", "Move one of them.")
    if step.at.clock and latest and step.at.clock > latest:
        form.note("not_after", "the hour itself is later than not_after.", "Move one of them.")
    if step.merge_into and not earliest:
        form.note("merge_into", "nothing says when it is too early.", 'Write not_before: "08:00" as well.')
    is_before = step.at.anchor is Anchor.START or (step.at.anchor is Anchor.DAY and step.at.day < 0)
    if step.again_after_move and not is_before:
        form.note("again_after_move", "only a step before the session is said again.", "Remove this line.")
