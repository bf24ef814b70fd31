"""When the steps of a programme fall for an imagined session: no zones, no quiet hours, nobody late. Pure.

Good enough to see that an opening would come before its question or that an evening is crowded; what really happens
is decided by the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from bot.programmes.schema import Anchor, At


@dataclass(frozen=True)
class Session:
    start: datetime
    release: datetime


def sessions() -> Iterator[Session]:
    """A morning, an afternoon and an evening of three hours each."""
    for hour in (9, 14, 18):
        start = datetime(2001, 1, 15, hour, tzinfo=UTC)
        yield Session(start, start + timedelta(hours=3))


def hours(wanted: Mapping[str, At], session: Session) -> dict[str, datetime]:
    """The hour of every step; those that hang on a missing step or on themselves have none."""
    found: dict[str, datetime] = {}
    waiting = dict(wanted)
    while waiting:
        known = {step: hour for step, at in waiting.items() if (hour := hour_of(at, session, found))}
        if not known:
            break
        found |= known
        waiting = {step: at for step, at in waiting.items() if step not in known}
    return found


def hour_of(at: At, session: Session, found: Mapping[str, datetime]) -> datetime | None:
    match at.anchor:
        case Anchor.START:
            return session.start + at.offset
        case Anchor.RELEASE:
            return session.release + at.offset
        case Anchor.DAY:
            day = (session.release if at.day > 0 else session.start).date() + timedelta(days=at.day)
            return datetime.combine(day, at.clock or time(), tzinfo=UTC)
        case Anchor.AFTER:
            before = found.get(at.step or "")
            return before + at.offset if before else None
