"""What follows from where the steps lie: openings of sealed answers, and reminders for the silent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.programmes.schema import Anchor, At, Programme, Remind, Step
from bot.window.budget import GAP
from bot.window.diary import Diary
from bot.window.draft import Draft
from bot.window.phases import Anchors, instant_of
from bot.window.quiet import local_instant, shared_waking
from bot.window.values import Cannot, Decision, Why

NUDGE_FRESH_FOR = timedelta(hours=6)

_DAY = timedelta(days=1)
_TWO_DAYS = timedelta(days=2)  # nights repeat: who shares no waking hour in two days never does


def announced_hour(step: Step, draft: Draft, cohort: Anchors) -> datetime | None:
    """The hour at which sealed answers open, one for both; none if they open when both have answered."""
    if not isinstance(step.opens, At):
        return None
    if step.opens.anchor is Anchor.AFTER:
        places = draft.places_of(step.opens.step or "")
        return max(places) + step.opens.offset if places else None
    return instant_of(step.opens, cohort)


def openings(programme: Programme, draft: Draft, diaries: Sequence[Diary], cohort: Anchors) -> tuple[Decision, ...]:
    """One decision for each sealed step that anybody was or will be asked.

    Answers that open as soon as both are there are decided at the latest when the step is no longer fresh.
    """
    if draft.gathered.unpaired or draft.gathered.minimal:
        return ()
    decisions = []
    for step in programme.steps:
        if not step.is_sealed or not any(draft.is_spoken(step, diary.party) for diary in diaries):
            continue
        announced = announced_hour(step, draft, cohort) or max(draft.places_of(step.id)) + step.fresh_for
        due = _opening_hour(announced, [diary for diary in diaries if diary.party.role in step.roles])
        if due is None:
            draft.warn(Cannot(step.id, None, Why.NO_SHARED_HOUR, announced))
        key = f"opening:{draft.gathered.meeting_id}:{step.id}"
        decisions.append(Decision(key, "opening", step.id, due or announced, announced))
    return tuple(decisions)


def _opening_hour(announced: datetime, readers: Sequence[Diary]) -> datetime | None:
    """The first instant from the announced one on at which nobody is quiet or just out of the session."""
    rests = {(diary.party.quiet, diary.party.zone) for diary in readers}
    at: datetime | None = announced
    while at is not None:
        at = shared_waking(at, rests, earliest=at, latest=at + _TWO_DAYS)
        later = max((diary.after_acute(at) for diary in readers), default=at) if at else None
        if later == at:
            return at
        at = later
    return None


def nudge(
    programme: Programme, draft: Draft, diaries: Sequence[Diary], ends_at: Mapping[str, datetime], now: datetime
) -> None:
    """Place one reminder for each step that has one; whether somebody was silent is known only when it leaves."""
    wishes = [
        (_nudge_hour(step.remind, said, diary), order, position, diary, step, said)
        for order, step in enumerate(programme.steps)
        if step.remind
        for position, diary in enumerate(diaries)
        if draft.is_spoken(step, diary.party) and (said := draft.place_of(step.id, diary.party))
    ]
    for wish_at, _, _, diary, step, said in sorted(wishes, key=lambda wish: wish[:3]):
        if draft.key("remind", step, diary.party) not in draft.already:
            _place_nudge(draft, diary, step, wish_at, ends_at.get(step.id, said + step.fresh_for), now)


def _place_nudge(
    draft: Draft, diary: Diary, step: Step, wish_at: datetime, answers_end_at: datetime, now: datetime
) -> None:
    until = min(answers_end_at, diary.ends_at, draft.gathered.next_eve or answers_end_at)
    at = diary.room_for_nudge(wish_at, until, step.kind)
    if at and at < now:
        until = min(until, at + NUDGE_FRESH_FOR)
        at = diary.room_for_nudge(now, until, step.kind)
    rest = draft.rest_of(diary.party, step, wish_at) or (draft.rest_of(diary.party, step, at) if at else None)
    if at is None or rest:
        draft.dropped[draft.key("remind", step, diary.party)] = rest or Why.CROWDED
    else:
        draft.put_nudge(step, diary, wish_at, at, min(until, at + NUDGE_FRESH_FOR))


def _nudge_hour(remind: Remind, said: datetime, diary: Diary) -> datetime:
    """When a reminder would like to come: after its span, or at the first such clock time that leaves some time."""
    if remind.at is None:
        return said + (remind.after or GAP)
    hours = (local_instant(diary.day_of(said) + n * _DAY, remind.at, diary.party.zone) for n in range(3))
    return next(hour for hour in hours if hour >= said + GAP)
