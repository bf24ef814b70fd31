"""A meeting as a calendar file (RFC 5545), which updates the entry that an earlier file made.

The entry keeps its UID for life; SEQUENCE grows with every change; METHOD says whether it is there or cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Entry:
    """What a calendar shows; ``summary`` is neutral, because calendars are read over shoulders."""

    meeting_id: UUID
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    written_at: datetime
    location: str = ""
    url: str = ""
    cancelled: bool = False


def calendar_file(entry: Entry, zone: ZoneInfo) -> bytes:
    """The file, in the wall-clock time of its reader's ``zone``, with that zone's own rules inside."""
    calendar = Calendar()
    calendar.add("prodid", "-//Understory//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if entry.cancelled else "PUBLISH")
    if zone.key != "UTC":
        calendar.add_component(_zone_rules(zone.key, entry.starts_at.year))
    calendar.add_component(_event(entry, zone))
    return bytes(calendar.to_ical())


def _event(entry: Entry, zone: ZoneInfo) -> Event:
    event = Event()
    event.add("uid", f"{entry.meeting_id}@understory")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.written_at)
    event.add("dtstart", _local(entry.starts_at, zone))
    event.add("dtend", _local(entry.ends_at, zone))
    event.add("summary", entry.summary)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    if entry.location:
        event.add("location", entry.location)
    if entry.url:
        event.add("url", entry.url)
    return event


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall-clock time; in UTC where the clock shows it for the second time, which no file could say otherwise."""
    local = instant.astimezone(zone)
    return local if local.fold == 0 else instant.astimezone(UTC)


@cache
def _zone_rules(name: str, year: int) -> Timezone:
    """The offsets of a zone around the year of a meeting, one observance for each change of its clocks.

    Written here because icalendar 7.3 begins each summer time an hour late: RFC 5545 tells the onset on the old
    offset.
    """
    zone = ZoneInfo(name)
    rules = Timezone()
    rules.add("tzid", name)
    first = datetime(year - 1, 1, 1, tzinfo=UTC)
    rules.add_component(_observance(first.astimezone(zone), first.astimezone(zone)))
    for noon in (first + timedelta(hours=12, days=n) for n in range(3 * 366)):
        before, after = noon.astimezone(zone), (noon + _DAY).astimezone(zone)
        if before.utcoffset() != after.utcoffset():
            rules.add_component(_observance(*_change(noon, zone)))
    return rules


def _change(earlier: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The last second of the old offset and the first of the new one, within a day."""
    low, high = 0, int(_DAY.total_seconds())
    old = earlier.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if (earlier + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return (earlier + timedelta(seconds=low)).astimezone(zone), (earlier + timedelta(seconds=high)).astimezone(zone)


def _observance(before: datetime, after: datetime) -> TimezoneStandard | TimezoneDaylight:
    old, new = before.utcoffset(), after.utcoffset()
    onset = (after.astimezone(UTC) + (old or timedelta())).replace(tzinfo=None)
    observance = TimezoneDaylight() if after.dst() else TimezoneStandard()
    observance.add("dtstart", onset)
    observance.add("tzoffsetfrom", old)
    observance.add("tzoffsetto", new)
    observance.add("tzname", after.tzname())
    return observance
