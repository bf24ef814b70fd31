"""Dates, hours and lengths as people type them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.scheduling.typed import DaysDisagree, NotUnderstood, Typed, read, read_clock, read_length, split_name

HERE = datetime(2026, 11, 23, 9, 30)  # noqa: DTZ001 - a wall clock, on a Monday
SATURDAY = date(2026, 11, 28)
TWO = time(14, 0)

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MONATE = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WOCHENTAGE = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]


@pytest.mark.parametrize(
    ("words", "day", "clock"),
    [
        ("2026-11-28 14:00", SATURDAY, TWO),
        ("Sat 6pm", SATURDAY, time(18)),
        ("Sat, 6 p.m.", SATURDAY, time(18)),
        ("tomorrow 14:00", date(2026, 11, 24), TWO),
        ("28.11. 14:00", SATURDAY, TWO),
        ("28.11.2026 14.00", SATURDAY, TWO),
        ("28 Nov 18:30", SATURDAY, time(18, 30)),
        ("Nov 28, 2026 at 2pm", SATURDAY, TWO),
        ("Saturday 28th November 14:00", SATURDAY, TWO),
        ("next Friday 10", date(2026, 11, 27), time(10)),
        ("6pm", date(2026, 11, 23), time(18)),
        ("8am", date(2026, 11, 24), time(8)),
        ("12pm tomorrow", date(2026, 11, 24), time(12)),
        ("12am tomorrow", date(2026, 11, 24), time(0)),
        ("Sat noon", SATURDAY, time(12)),
        ("in 5 days 14:00", SATURDAY, TWO),
        ("Sa 18 Uhr", SATURDAY, time(18)),
        ("am Samstag um 18:30 Uhr", SATURDAY, time(18, 30)),
        ("nächsten Samstag 18 Uhr 30", SATURDAY, time(18, 30)),
        ("morgen 14:00", date(2026, 11, 24), TWO),
        ("übermorgen um 9", date(2026, 11, 25), time(9)),
        ("28. November 14 Uhr", SATURDAY, TWO),
        ("in 1 Woche 14:00", date(2026, 11, 30), TWO),
    ],
)
def test_a_time_is_understood_as_people_type_it(words: str, day: date, clock: time) -> None:
    assert read(words, HERE) == Typed(day, clock)


def test_a_command_carries_day_hour_length_and_title() -> None:
    assert read("2026-11-28 14:00 3h Evening of May 5", HERE) == Typed(
        SATURDAY, TWO, timedelta(hours=3), "Evening of May 5"
    )


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("3h", 180),
        ("90m", 90),
        ("90 min", 90),
        ("2h30", 150),
        ("2h 30m", 150),
        ("3 hours", 180),
        ("3 Std", 180),
        ("3 Stunden", 180),
        ("1,5h", 90),
        ("1 hour and 15 minutes", 75),
        ("3", 180),
        ("90", 90),
    ],
)
def test_a_length_is_understood_as_people_type_it(words: str, minutes: int) -> None:
    assert read_length(words) == timedelta(minutes=minutes)


def test_todays_weekday_is_today_until_its_hour_has_passed() -> None:
    assert read("Monday 10:00", HERE).day == HERE.date()
    assert read("Monday 9:00", HERE).day == HERE.date() + timedelta(days=7)
    assert read("next Monday 10:00", HERE).day == HERE.date() + timedelta(days=7)


def test_a_date_without_a_year_is_the_coming_one() -> None:
    assert read("22.11. 14:00", HERE).day == date(2027, 11, 22)
    assert read("29 Feb 14:00", HERE).day == date(2028, 2, 29)


def test_an_hour_belongs_to_the_day_that_is_known_already() -> None:
    assert read("10", HERE, day=SATURDAY) == Typed(SATURDAY, time(10))


def test_a_weekday_and_a_date_that_disagree_are_asked_about() -> None:
    with pytest.raises(DaysDisagree):
        read("Friday 28 November 14:00", HERE)


@pytest.mark.parametrize("words", ["2026-13-40 14:00", "25:00", "31.2.2026", "0000-01-01", "soon", "Nov 31"])
def test_what_is_no_time_is_left_as_it_was_typed(words: str) -> None:
    assert read(words, HERE) == Typed(rest=words)


@pytest.mark.parametrize("words", ["", "later", "24:00", "13pm", "14:00 or so"])
def test_an_hour_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(NotUnderstood):
        read_clock(words)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("Maple 2026-11-28 14:00", ("Maple", "2026-11-28 14:00")),
        ('"Old Maple" 14:00', ("Old Maple", "14:00")),
        ("„Alter Ahorn“ 14:00", ("Alter Ahorn", "14:00")),
        ("«Vieil érable» 14:00", ("Vieil érable", "14:00")),
        ("Maple", ("Maple", "")),
        ("", ("", "")),
    ],
)
def test_a_name_with_blanks_stands_in_quotes(words: str, parts: tuple[str, str]) -> None:
    assert split_name(words) == parts


days = st.dates(HERE.date() + timedelta(days=1), date(2028, 12, 31))
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
lengths = st.integers(10, 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


def _days_written(day: date) -> list[str]:
    return [
        day.isoformat(),
        f"{day:%d.%m.%Y}",
        f"{day.day}. {day.month}. {day.year}",
        f"{day.day} {MONTHS[day.month - 1]} {day.year}",
        f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}",
        f"{WEEKDAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1][:3]} {day.year}",
        f"{WOCHENTAGE[day.weekday()]}, {day.day}. {MONATE[day.month - 1]} {day.year}",
    ]


def _clocks_written(clock: time) -> list[str]:
    half = "am" if clock.hour < 12 else "pm"
    return [
        f"{clock:%H:%M}",
        f"{clock.hour}:{clock:%M}",
        f"{clock:%H.%M} Uhr",
        f"um {clock.hour} Uhr {clock:%M}",
        f"{(clock.hour - 1) % 12 + 1}:{clock:%M}{half}",
        f"at {(clock.hour - 1) % 12 + 1}:{clock:%M} {half.upper()}",
    ]


def _lengths_written(lasts: timedelta) -> list[str]:
    hours, minutes = divmod(lasts // timedelta(minutes=1), 60)
    written = [f"{hours}h{minutes:02}", f"{hours} hours {minutes} minutes", f"{hours} Std. {minutes} min"]
    return [*written, f"{hours}h"] if not minutes else written


@given(st.data(), days, clocks, lengths)
def test_whatever_way_it_is_written_it_is_read_back(
    data: st.DataObject, day: date, clock: time, lasts: timedelta
) -> None:
    words = " ".join(
        data.draw(st.sampled_from(ways))
        for ways in (_days_written(day), _clocks_written(clock), _lengths_written(lasts))
    )

    assert read(words, HERE) == Typed(day, clock, lasts)


@given(days, clocks)
def test_a_date_without_a_year_never_lies_behind(day: date, clock: time) -> None:
    typed = read(f"{day.day} {MONTHS[day.month - 1]} {clock:%H:%M}", HERE)

    assert typed.day >= HERE.date()
    assert (typed.day.month, typed.day.day) == (day.month, day.day)


@given(st.sampled_from(WEEKDAYS + WOCHENTAGE), st.integers(2, 9), clocks, st.integers(0, 30 * 24 * 60))
def test_a_weekday_is_one_of_the_next_seven_days_and_still_to_come(
    weekday: str, letters: int, clock: time, later: int
) -> None:
    here = HERE + timedelta(minutes=later)

    typed = read(f"{weekday[:letters]} {clock:%H:%M}", here)

    assert here < datetime.combine(typed.day, typed.clock) <= here + timedelta(days=7)
    assert typed.day.weekday() == (WEEKDAYS + WOCHENTAGE).index(weekday) % 7


_pieces = st.sampled_from(
    [
        "2026-11-28",
        "28.11.",
        "Sat",
        "morgen",
        "14:00",
        "6pm",
        "3h",
        "2h30",
        "90",
        ".",
        ":",
        "-",
        ",",
        "am",
        "um",
        "next",
        "99",
        "\x00",
        "½",
        "٣",
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(_pieces, max_size=8).map(" ".join)))
def test_anything_typed_is_understood_or_refused_and_never_breaks(words: str) -> None:
    for reading in (lambda: read(words, HERE), lambda: read_clock(words), lambda: read_length(words)):
        with suppress(NotUnderstood, DaysDisagree):
            reading()
