"""Local hours and the silence people ask for. Pure.

Instants are aware UTC datetimes. A local hour that does not exist on a day moves forward; one that exists twice is
taken the first time. Quiet hours hold from ``begins`` up to, but not including, ``ends``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.words import QuietHours

Rest = tuple[QuietHours, ZoneInfo]  # when somebody is quiet, and where

_MINUTE = timedelta(minutes=1)


def local_instant(day: date, clock: time, zone: ZoneInfo, *, second: bool = False) -> datetime:
    """The instant at which clocks in ``zone`` show this time; ``second`` takes the later of two."""
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=int(second)).astimezone(UTC)


def is_quiet(instant: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    """Whether somebody in ``zone`` wants silence now."""
    return is_quiet_clock(instant.astimezone(zone).time(), quiet)


def is_quiet_clock(clock: time, quiet: QuietHours) -> bool:
    """The same for a local clock time; equal ends mean never."""
    if quiet.begins <= quiet.ends:
        return quiet.begins <= clock < quiet.ends
    return clock >= quiet.begins or clock < quiet.ends


def next_waking(instant: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """The first instant from here on at which they are not quiet."""
    if not is_quiet(instant, quiet, zone):
        return instant
    return min(end for end in _around(instant, quiet.ends, zone) if end >= instant and not is_quiet(end, quiet, zone))


def previous_waking(instant: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """The last minute up to here at which they were not quiet."""
    if not is_quiet(instant, quiet, zone):
        return instant
    lasts = (begin - _MINUTE for begin in _around(instant, quiet.begins, zone))
    return max(last for last in lasts if last <= instant and not is_quiet(last, quiet, zone))


def shared_waking(wish: datetime, rests: Collection[Rest], *, earliest: datetime, latest: datetime) -> datetime | None:
    """The instant nearest to ``wish`` within these bounds at which nobody is quiet; of two as near, the later."""
    later: datetime | None = wish
    while later is not None and (moved := max((next_waking(later, *rest) for rest in rests), default=later)) != later:
        later = moved if moved <= latest else None
    earlier: datetime | None = wish
    while (
        earlier is not None
        and (moved := min((previous_waking(earlier, *rest) for rest in rests), default=earlier)) != earlier
    ):
        earlier = moved if moved >= earliest else None
    found = [instant for instant in (later, earlier) if instant is not None and earliest <= instant <= latest]
    return min(found, key=lambda instant: abs(instant - wish), default=None)


def _around(instant: datetime, clock: time, zone: ZoneInfo) -> list[datetime]:
    """Every instant near this one at which the clock shows that time, also where an hour comes twice."""
    today = instant.astimezone(zone).date()
    days = [today + timedelta(days=n) for n in range(-2, 3)]
    return [local_instant(day, clock, zone, second=second) for day in days for second in (False, True)]
