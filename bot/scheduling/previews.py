"""What a change would do, said before anybody confirms it: short lines with names and counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from bot.buttons import button
from bot.messages import Html, Message, Row, escape
from bot.scheduling.compose import join, length, what, what_kind, zone_name
from bot.scheduling.queries import Guest
from bot.scheduling.rules import Shift, Taken, minutes, said_at
from bot.scheduling.wish import Wish
from bot.storage.tables import Meeting
from bot.texts import N_, Texts
from bot.window.reconcile import Impact
from bot.window.values import Cannot, Why

_MOST_NAMES = 6  # in one line; more are counted
_MOST_LINES = 4  # of whose invitation waits; more are counted
_MOST_KEPT_FROM = 20  # lines of what cannot be kept: every one matters, but a message has an end

# Only what time itself forbids: who rests, went lighter or left is nobody's preview.
_WHY = {
    Why.QUIET: N_("{step}: no waking hour in time ({names})"),
    Why.CROWDED: N_("{step}: the day is full ({names})"),
    Why.TOO_LATE: N_("{step}: it would be too late that day ({names})"),
    Why.TOO_EARLY: N_("{step}: it would be too early that day ({names})"),
    Why.NOT_TONIGHT: N_("{step}: cannot go out that evening; please ask {names} yourself"),
    Why.NO_SHARED_HOUR: N_("{step}: no hour suits all; each gets it at their own ({names})"),
    Why.NEXT_SESSION: N_("{step}: the next session comes first ({names})"),
}
_SHIFTS = {
    Shift.TWICE: N_("That hour comes twice that day; I take the first, {hour} ({offset})."),
    Shift.MISSING: N_("That hour does not exist that day; I take {hour} ({offset})."),
}


def new_meeting(
    draft_id: UUID,
    cohort: str,
    wish: Wish,
    taken: Taken,
    number: int,
    guests: Sequence[Guest],
    impact: Impact,
    t: Texts,
    *,
    now: datetime,
) -> Message:
    """A meeting before it is planned."""
    assert wish.lasts is not None  # noqa: S101 - everything was asked
    starts_at = taken.at
    lines = [
        Html(f"<b>{escape(cohort)}, {what_kind(wish.kind, number, t)}</b>"),
        t(
            "{day}, {start} to {end}, {zone}, {length}",
            day=t.day(starts_at),
            start=t.hour(starts_at),
            end=t.hour(starts_at + wish.lasts),
            zone=zone_name(t.zone, t),
            length=length(wish.lasts),
        ),
    ]
    if wish.title:
        lines.append(t("<i>{title}</i> (everybody invited reads this)", title=wish.title))
    lines += _shift(taken, t)
    lines += _local_times(starts_at, guests, t)
    lines += _invitations(starts_at, guests, t, now=now)
    lines += _counts(impact, t)
    lines += _cannot(impact.cannot, {one.member.id: one.name for one in guests}, t)
    return Message("\n".join(lines), _confirm(draft_id, t))


def moving(
    draft_id: UUID,
    cohort: str,
    meeting: Meeting,
    taken: Taken,
    guests: Sequence[Guest],
    impact: Impact,
    t: Texts,
) -> Message:
    """A move before it is made; ``meeting`` still has its old time."""
    lines = [
        Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>"),
        t("{old} → {new}, {zone}", old=t.when(meeting.starts_at), new=t.when(taken.at), zone=zone_name(t.zone, t)),
    ]
    lines += _shift(taken, t)
    lines += _local_times(taken.at, guests, t)
    lines += _counts(impact, t, of=meeting)
    lines += _cannot(impact.cannot, {one.member.id: one.name for one in guests}, t)
    lines.append(t("Everybody reads the old and the new time and is asked again whether they can come."))
    return Message("\n".join(lines), _confirm(draft_id, t))


def cancelling(cohort: str, meeting: Meeting, told: int, impact: Impact, t: Texts) -> Message:
    """A cancelling before it is done; ``told`` is how many know of the meeting."""
    lines = [
        Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>"),
        t("{when}, {zone}", when=t.when(meeting.starts_at), zone=zone_name(t.zone, t)),
        t.many("{n} person reads that it is cancelled.", "{n} people read that it is cancelled.", told),
        *_counts(impact, t, of=meeting),
    ]
    buttons = (
        button(t.label("Call it off"), "meeting-off", meeting.id, str(meeting.sequence)),
        button(t.label("Keep it"), "meeting", meeting.id),
    )
    return Message("\n".join(lines), (buttons,))


def correcting(
    cohort: str, meeting: Meeting, ended_at: datetime, names: Mapping[UUID, str], impact: Impact, t: Texts
) -> Message:
    """A correction of the end before it is made; ``meeting`` still has the old one."""
    assert meeting.released_at is not None  # noqa: S101 - only what was recorded is corrected
    lines = [
        Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>"),
        t(
            "It ended at {old} → {new}, {zone}",
            old=t.hour(meeting.released_at),
            new=t.hour(ended_at),
            zone=zone_name(t.zone, t),
        ),
        *_counts(impact, t, of=meeting),
        *_cannot(impact.cannot, names, t),
    ]
    buttons = (
        button(t.label("Confirm"), "ended-fix", meeting.id, str(minutes(ended_at))),
        button(t.label("Cancel"), "meeting", meeting.id),
    )
    return Message("\n".join(lines), (buttons,))


def ask_yourself(names: Mapping[UUID, str], impact: Impact, t: Texts) -> Html:
    """What cannot go out that evening any more, so that the facilitator asks instead; empty if all of it can."""
    missed = [one for one in impact.cannot if one.why is Why.NOT_TONIGHT]
    return Html("\n".join(_cannot(missed, names, t)))


def _confirm(draft_id: UUID, t: Texts) -> tuple[Row, ...]:
    return (
        (button(t.label("Confirm"), "meet-confirm", draft_id),),
        (button(t.label("Change"), "meet-change", draft_id), button(t.label("Cancel"), "meet-drop", draft_id)),
    )


def _shift(taken: Taken, t: Texts) -> list[Html]:
    """Which instant was taken, where a clock change leaves room for doubt."""
    if taken.shift is Shift.NONE:
        return []
    offset = t.local(taken.at).isoformat()[-6:]
    return [t(_SHIFTS[taken.shift], hour=t.hour(taken.at), offset=f"UTC{offset}")]


def _local_times(starts_at: datetime, guests: Sequence[Guest], t: Texts) -> list[Html]:
    """What the clocks of those invited will show, one line for each zone."""
    clocks: dict[str, list[Guest]] = defaultdict(list)
    for one in guests:
        clocks[replace(t, zone=one.zone).when(starts_at)].append(one)
    return [
        t(
            "{names}: {hour} their time",
            names=_names([one.name for one in there], t),
            hour=(hour if len(clocks) > 1 else replace(t, zone=there[0].zone).hour(starts_at)),
        )
        for hour, there in clocks.items()
    ]


def _invitations(starts_at: datetime, guests: Sequence[Guest], t: Texts, *, now: datetime) -> list[Html]:
    if not guests:
        return [t("Nobody is here yet. Whoever you admit is invited then.")]
    lines = [t.many("{n} invitation goes out.", "{n} invitations go out.", len(guests))]
    for one in guests:
        due_at, _ = said_at(now, one.quiet, one.zone, starts_at)
        if due_at > now:
            there = replace(t, zone=one.zone)
            lines.append(t("{name}'s waits for {hour} their time.", name=one.name, hour=there.hour(due_at)))
    if len(lines) > _MOST_LINES:
        lines = [lines[0], t.many("{n} waits for the morning.", "{n} wait for the morning.", len(lines) - 1)]
    return lines


def _counts(impact: Impact, t: Texts, *, of: Meeting | None = None) -> list[Html]:
    """Like "3 already sent stay, 5 move, 1 waits for 08:00, 1 is skipped as too old"."""
    stay = [row for row in impact.stay if of is not None and str(of.id) in row.key]
    lines = []
    if impact.new:
        first = min(wanted.leaves_at for wanted in impact.new)
        lines.append(
            t.many(
                "{n} message is planned, for {when}.",
                "{n} messages are planned, the first {when}.",
                len(impact.new),
                when=t.when(first),
            )
        )
    counts = [
        t.many("{n} already sent stays", "{n} already sent stay", len(stay)) if stay else None,
        t.many("{n} moves", "{n} move", len(impact.move)) if impact.move else None,
        _waits(impact, t),
        t.many("{n} is skipped as too old", "{n} are skipped as too old", len(impact.skipped))
        if impact.skipped
        else None,
        t.many("{n} is not sent any more", "{n} are not sent any more", len(impact.withdrawn))
        if impact.withdrawn
        else None,
    ]
    if said := [count for count in counts if count is not None]:
        lines.append(Html(", ".join(said) + "."))
    return lines


def _waits(impact: Impact, t: Texts) -> Html | None:
    if not impact.waits:
        return None
    first = min(wanted.leaves_at for wanted in impact.waits)
    return t.many("{n} waits for {when}", "{n} wait for the morning", len(impact.waits), when=t.when(first))


def _names(names: list[str], t: Texts) -> str:
    """The names, or how many they are if a line cannot hold them."""
    return join(names, t) if len(names) <= _MOST_NAMES else t.many("{n} person", "{n} people", len(names))


def _cannot(cannot: Sequence[Cannot], names: Mapping[UUID, str], t: Texts) -> list[Html]:
    """What cannot be kept, grouped by step and reason."""
    grouped: dict[tuple[str, Why], list[str]] = defaultdict(list)
    for one in cannot:
        if one.why in _WHY:
            name = names.get(one.member_id, "") if one.member_id else t.label("everybody")
            grouped[one.step, one.why].append(name)
    lines = [
        t(_WHY[why], step=step.replace("-", " "), names=_names([name for name in dict.fromkeys(who) if name], t))
        for (step, why), who in grouped.items()
    ]
    more = len(lines) - _MOST_KEPT_FROM
    if more > 0:
        lines = [*lines[:_MOST_KEPT_FROM], t("and {n} more", n=more)]
    return [t("<b>Cannot be kept:</b>"), *lines] if lines else []
