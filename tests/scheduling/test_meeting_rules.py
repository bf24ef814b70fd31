"""What can be planned, moved and ended, and which instant an hour means."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.scheduling.rules import (
    EndedTooLongAgo,
    EndsBeforeStart,
    EndsInFuture,
    InThePast,
    LengthOutOfRange,
    NoSuchMeeting,
    NoSuchMember,
    NotALink,
    Overlaps,
    Shift,
    Slot,
    TooFarAhead,
    check_detail,
    check_end,
    check_slot,
    concerns_facilitator,
    end_at,
    from_minutes,
    minutes,
    number_name,
    proposed_role,
    read_number,
    read_role,
    said_at,
    take,
    the_one_called,
)
from bot.scheduling.typed import NotUnderstood
from bot.scheduling.wish import Asks, Wish, hear_command, hear_reply
from bot.words import MeetingKind, QuietHours, Role, Rsvp

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


# ── Which instant ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_hour_that_comes_twice_is_taken_the_first_time() -> None:
    taken = take(date(2026, 10, 25), time(2, 30), BERLIN)

    assert (taken.at, taken.shift) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), Shift.TWICE)


def test_an_hour_that_does_not_exist_moves_forward() -> None:
    taken = take(date(2027, 3, 28), time(2, 30), BERLIN)

    assert (taken.at.astimezone(BERLIN).time(), taken.shift) == (time(3, 30), Shift.MISSING)


@given(
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"]).map(ZoneInfo),
)
def test_an_hour_means_what_the_clocks_show_unless_it_is_said(day: date, clock: time, zone: ZoneInfo) -> None:
    taken = take(day, clock, zone)

    shows = taken.at.astimezone(zone).replace(tzinfo=None)
    assert (shows == datetime.combine(day, clock)) == (taken.shift is not Shift.MISSING)


# ── What is possible ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("starts_at", "lasts", "no"),
    [
        (NOW, 3 * HOUR, InThePast),
        (NOW - HOUR, 3 * HOUR, InThePast),
        (NOW + timedelta(days=800), 3 * HOUR, TooFarAhead),
        (START, timedelta(minutes=5), LengthOutOfRange),
        (START, 25 * HOUR, LengthOutOfRange),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(starts_at: datetime, lasts: timedelta, no: type) -> None:
    with pytest.raises(no):
        check_slot(Slot(starts_at, lasts), [], now=NOW)


@given(st.integers(-300, 300), st.integers(10, 300), st.integers(10, 300))
def test_two_meetings_overlap_exactly_if_they_share_a_moment(offset: int, one: int, other: int) -> None:
    first = Slot(START, timedelta(minutes=one), id=uuid4())
    second = Slot(START + timedelta(minutes=offset), timedelta(minutes=other))

    shares = any(0 <= minute < one for minute in range(offset, offset + other))

    try:
        check_slot(second, [first], now=NOW)
    except Overlaps:
        assert shares
    else:
        assert not shares


def test_a_meeting_does_not_stand_in_its_own_way() -> None:
    meeting = Slot(START, 3 * HOUR, id=uuid4())

    check_slot(Slot(START + HOUR, 3 * HOUR, id=meeting.id), [meeting], now=NOW)


# ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("clock", "now", "ended_at"),
    [
        (time(17, 40), START + 4 * HOUR, START + timedelta(hours=3, minutes=40)),
        (time(0, 30), START + 11 * HOUR, START + timedelta(hours=10, minutes=30)),  # after midnight
        (time(13, 0), START + 4 * HOUR, START - HOUR),  # before the start, to be refused
        (time(20, 0), START + 4 * HOUR, START + 6 * HOUR),  # still to come, to be refused
    ],
)
def test_a_typed_end_belongs_to_the_session(clock: time, now: datetime, ended_at: datetime) -> None:
    assert end_at(clock, START, BERLIN, now=now) == ended_at


@pytest.mark.parametrize(
    ("ended_at", "now", "no"),
    [
        (START, START + HOUR, EndsBeforeStart),
        (START - HOUR, START + HOUR, EndsBeforeStart),
        (START + 2 * HOUR, START + HOUR, EndsInFuture),
        (START + 3 * HOUR, START + timedelta(hours=15, minutes=1), EndedTooLongAgo),
    ],
)
def test_an_end_that_cannot_be_meant_is_refused(ended_at: datetime, now: datetime, no: type) -> None:
    with pytest.raises(no):
        check_end(START, ended_at, recorded=None, now=now)


def test_a_correction_is_measured_against_what_was_recorded() -> None:
    recorded, next_morning = START + 3 * HOUR, START + 20 * HOUR

    check_end(START, recorded + HOUR, recorded=recorded, now=next_morning)
    with pytest.raises(EndedTooLongAgo):
        check_end(START, recorded + 13 * HOUR, recorded=recorded, now=next_morning)


# ── When it is told ────────────────────────────────────────────────────────────────────────────────────────────────


def test_news_waits_for_the_morning_unless_the_morning_is_too_late() -> None:
    late = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)  # 22:00 in Berlin
    morning = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)

    assert said_at(late, QuietHours(), BERLIN, before=START) == (morning, False)
    assert said_at(late, QuietHours(), BERLIN, before=morning) == (late, True)
    assert said_at(NOW, QuietHours(), BERLIN, before=START) == (NOW, False)


# ── Coming, roles, names ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_proposes_a_role_and_decides_none() -> None:
    assert proposed_role(Rsvp.CANNOT, Role.RECEIVING) is Role.ABSENT
    assert proposed_role(Rsvp.COMING, Role.ABSENT) is Role.RECEIVING
    assert proposed_role(Rsvp.LATE, Role.SUPPORTING) is None
    assert proposed_role(Rsvp.CANNOT, Role.ABSENT) is None


@pytest.mark.parametrize(
    ("before", "after", "role", "news"),
    [
        (None, Rsvp.COMING, Role.RECEIVING, False),
        (None, Rsvp.CANNOT, Role.RECEIVING, True),
        (None, Rsvp.LATE, Role.RECEIVING, True),
        (Rsvp.CANNOT, Rsvp.COMING, Role.ABSENT, True),
        (Rsvp.CANNOT, Rsvp.CANNOT, Role.ABSENT, False),
        (None, Rsvp.COMING, Role.ABSENT, True),
    ],
)
def test_facilitators_hear_only_of_what_changes_something(
    before: Rsvp | None, after: Rsvp, role: Role, news: bool
) -> None:
    assert concerns_facilitator(before, after, role) is news


def test_a_name_may_be_shortened_as_long_as_it_stays_one() -> None:
    names = ["Ann", "Anna", "Bob", "Élodie"]

    assert the_one_called(names, "ann") == "Ann"
    assert the_one_called(names, "b") == "Bob"
    assert the_one_called(names, "e\u0301l") == "Élodie"
    for unclear in ("An", "Anna B", "", "Cy"):
        if unclear != "An":
            with pytest.raises(NoSuchMember):
                the_one_called(names, unclear)


def test_a_role_may_be_shortened() -> None:
    assert [read_role(word) for word in ("receiving", "Supp", "ABSENT")] == [
        Role.RECEIVING,
        Role.SUPPORTING,
        Role.ABSENT,
    ]


@given(st.sampled_from(MeetingKind), st.integers(1, 9999))
def test_a_meetings_number_reads_back(kind: MeetingKind, number: int) -> None:
    assert read_number(number_name(kind, number)) == (kind, number)


@pytest.mark.parametrize("words", ["", "first", "-1", "12345", "s1", "1a"])
def test_what_is_no_number_names_no_meeting(words: str) -> None:
    with pytest.raises(NoSuchMeeting):
        read_number(words)


@given(st.integers(0, 10**9))
def test_an_instant_travels_in_a_button_to_the_minute(seconds: int) -> None:
    instant = NOW + timedelta(seconds=seconds)

    assert from_minutes(minutes(instant)) == instant.replace(second=0)


def test_a_link_is_a_web_address_or_nothing() -> None:
    assert check_detail("link", "https://example.org/room?x=1") == "https://example.org/room?x=1"
    assert check_detail("link", "") == ""
    assert check_detail("place", "Room 3") == "Room 3"
    for wrong in ("room 3", "javascript:alert(1)", "https://", "http://a b.org"):
        with pytest.raises(NotALink):
            check_detail("link", wrong)


# ── A wish ─────────────────────────────────────────────────────────────────────────────────────────────────────────

HERE = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 - a wall clock has no zone
wishes = st.builds(
    Wish,
    kind=st.sampled_from(MeetingKind),
    cohort_id=st.none() | st.uuids(),
    meeting_id=st.none() | st.uuids(),
    sequence=st.integers(0, 99),
    day=st.none() | st.dates(),
    clock=st.none() | st.times().map(lambda clock: clock.replace(microsecond=0)),
    lasts=st.none() | st.integers(1, 1440).map(lambda n: timedelta(minutes=n)),
    title=st.text(max_size=80),
)


@given(wishes)
def test_a_wish_survives_lying_in_a_draft(wish: Wish) -> None:
    assert Wish.from_json(wish.as_json()) == wish


def test_a_command_leaves_only_the_open_questions() -> None:
    wish = Wish(MeetingKind.SESSION, uuid4())

    assert hear_command(wish, "", HERE).asks is Asks.DAY
    assert hear_command(wish, "Sat", HERE).asks is Asks.HOUR
    assert hear_command(wish, "Sat 6pm", HERE).asks is Asks.LENGTH
    assert hear_command(wish, "Sat 6pm 3h", HERE).asks is Asks.NOTHING
    assert hear_command(wish, "Sat 6pm 3h At the lake", HERE).title == "At the lake"


@pytest.mark.parametrize("words", ["soon", "Sat 25:00", "Sat 6pm quite long", "2026-13-01 14:00 3h"])
def test_a_time_that_is_not_understood_is_never_taken_for_a_title(words: str) -> None:
    with pytest.raises(NotUnderstood):
        hear_command(Wish(MeetingKind.SESSION, uuid4()), words, HERE)


def test_a_typed_reply_answers_the_open_question_and_any_later_one() -> None:
    day = Wish(MeetingKind.SESSION, uuid4())
    hour = Wish(MeetingKind.SESSION, uuid4(), day=date(2026, 11, 28))
    length = Wish(MeetingKind.SESSION, uuid4(), day=date(2026, 11, 28), clock=time(14))

    assert hear_reply(day, "Sat 6pm 3h", HERE).asks is Asks.NOTHING
    assert hear_reply(hour, "18", HERE).clock == time(18)
    assert hear_reply(hour, "Sun 6pm", HERE).day == date(2026, 11, 29)
    assert hear_reply(length, "3", HERE).lasts == 3 * HOUR


@pytest.mark.parametrize("words", ["", "whenever", "Sat 6pm with tea"])
def test_a_typed_reply_that_is_no_time_is_asked_again(words: str) -> None:
    with pytest.raises(NotUnderstood):
        hear_reply(Wish(MeetingKind.SESSION, uuid4()), words, HERE)


def test_a_meeting_that_moves_keeps_its_length() -> None:
    moving = Wish(MeetingKind.SESSION, uuid4(), uuid4(), lasts=3 * HOUR)

    assert hear_command(moving, "Sat 6pm 5h", HERE).lasts == 3 * HOUR
