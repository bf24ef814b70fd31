"""When a safety step may speak: it waits for nobody, and in the evening it goes silently into quiet hours. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from bot.programmes.schema import Anchor, Step
from bot.window.diary import Diary
from bot.window.values import Why
from bot.window.wishes import Wish, stale_at

EVENING_ENDS = time(22, 45)  # until then a safety step may speak silently in quiet hours
GRACE = timedelta(minutes=15)  # for a slow line; nothing is said after eleven


def safe_hour(step: Step, diary: Diary, wish: Wish, now: datetime) -> tuple[datetime | None, datetime, Why]:
    """When a safety step may speak, not before now; until when; and why, if it may not.

    With an hour by which it must be said it never waits for the morning: the facilitator is asked instead.
    """
    until, too_late = stale_at(step, wish, diary.anchors.starts_at), Why.PAST
    if now >= until:
        return None, until, too_late
    due = wish.at if wish.latest is None else min(wish.at, wish.latest)
    if step.at.anchor is Anchor.RELEASE and due < diary.anchors.released_at:
        return None, until, Why.NOT_TONIGHT
    if wish.latest and wish.latest + GRACE < until:
        until, too_late = wish.latest + GRACE, Why.NOT_TONIGHT
    at = max(due, now)
    if diary.is_quiet(at) and not diary.is_evening(at, time.max if wish.latest else EVENING_ENDS):
        at, too_late = until if wish.latest else diary.next_waking(at), Why.NOT_TONIGHT
    return (at, until, too_late) if at < until else (None, until, too_late)
