"""Calendar files, opened by a calendar library that did not write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from bot.scheduling.calendar import Entry, calendar_file

START = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)
MEETING = UUID("018f6e2a-0000-7000-8000-00000000000a")
ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "Africa/Casablanca",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "UTC",
]


def entry(starts_at: datetime = START, lasts: timedelta = timedelta(hours=3), **more) -> Entry:
    return Entry(MEETING, 0, starts_at, starts_at + lasts, "Maple", START - timedelta(days=5), **more)


def opened(file: bytes, zone: str):
    """Open a file that has to explain its zone itself: the name is one that no library knows."""
    return vobject.readOne(file.decode().replace(zone, f"Elsewhere/{uuid4()}") if zone != "UTC" else file.decode())


@given(
    st.sampled_from(ZONES),
    st.integers(0, 700 * 24 * 60),
    st.integers(10, 24 * 60),
)
def test_another_library_reads_the_same_instants(zone: str, later: int, minutes: int) -> None:
    starts_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=later)
    lasts = timedelta(minutes=minutes)

    event = opened(calendar_file(entry(starts_at, lasts), ZoneInfo(zone)), zone).vevent

    assert event.dtstart.value.astimezone(UTC) == starts_at
    assert event.dtend.value.astimezone(UTC) == starts_at + lasts


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [(2026, 3, 29), (2026, 10, 25), (2026, 11, 1), (2027, 4, 4), (2026, 2, 15)])
def test_every_hour_around_a_clock_change_is_the_right_one(zone: str, day: tuple[int, int, int]) -> None:
    midnight = datetime(*day, tzinfo=UTC)
    hours = [midnight + timedelta(minutes=30 * n) for n in range(-28, 60)]

    read = [opened(calendar_file(entry(at), ZoneInfo(zone)), zone).vevent.dtstart.value.astimezone(UTC) for at in hours]

    assert read == hours


def test_a_session_across_the_clock_change_lasts_as_long_as_it_lasts() -> None:
    starts_at = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Berlin, three hours before the clocks go back

    event = opened(
        calendar_file(entry(starts_at, timedelta(hours=6)), ZoneInfo("Europe/Berlin")), "Europe/Berlin"
    ).vevent

    assert (event.dtstart.value.hour, event.dtend.value.hour) == (0, 5)
    assert event.dtend.value.astimezone(UTC) - event.dtstart.value.astimezone(UTC) == timedelta(hours=6)


def test_the_entry_is_in_the_readers_own_zone() -> None:
    lines = calendar_file(entry(), ZoneInfo("Asia/Kolkata")).decode().splitlines()

    assert "DTSTART;TZID=Asia/Kolkata:20261128T183000" in lines
    assert "TZID:Asia/Kolkata" in lines


def test_the_same_meeting_keeps_its_uid_and_counts_its_changes() -> None:
    first = vobject.readOne(calendar_file(entry(), ZoneInfo("UTC")).decode())
    moved = Entry(MEETING, 1, START + timedelta(days=1), START + timedelta(days=1, hours=3), "Maple", START)
    second = vobject.readOne(calendar_file(moved, ZoneInfo("UTC")).decode())

    assert first.vevent.uid.value == second.vevent.uid.value
    assert (first.vevent.sequence.value, second.vevent.sequence.value) == ("0", "1")
    assert first.method.value == "PUBLISH"


def test_a_cancelled_meeting_leaves_the_calendar() -> None:
    gone = vobject.readOne(calendar_file(entry(cancelled=True), ZoneInfo("UTC")).decode())

    assert gone.method.value == "CANCEL"
    assert gone.vevent.status.value == "CANCELLED"


def test_place_and_link_stand_there_only_if_they_are_known() -> None:
    bare = vobject.readOne(calendar_file(entry(), ZoneInfo("UTC")).decode()).vevent
    full = entry(location="Room 3, 2nd floor; ring twice", url="https://example.org/room")
    told = vobject.readOne(calendar_file(full, ZoneInfo("UTC")).decode()).vevent

    assert sorted(bare.contents) == ["class", "dtend", "dtstamp", "dtstart", "sequence", "status", "summary", "uid"]
    assert told.location.value == "Room 3, 2nd floor; ring twice"
    assert told.url.value == "https://example.org/room"
