from __future__ import annotations

from contextlib import suppress
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.programmes.grammar import Unreadable, after, clock, identifier, number, span, threshold, when, yes
from bot.programmes.schema import Anchor, At, Threshold
from bot.words import Level

READERS = (
    *(span, clock, when, after, number, yes),
    lambda words: identifier(words, 16),
    lambda words: threshold(Level.RED, words),
)


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("45m", timedelta(minutes=45)),
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1h 30m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("0m", timedelta()),
    ],
)
def test_a_span_is_a_number_and_a_unit(words, length):
    assert span(words) == length


@pytest.mark.parametrize(
    "words", ["", "2", "h", "2 hours", "2h 3h", "-2h", "1.5h", "2H", "367d", "99999w", "2h\n", "٢h", "1h  30m"]
)
def test_what_is_not_a_span_is_said_with_a_remedy(words):
    with pytest.raises(Unreadable) as no:
        span(words)

    assert no.value.remedy


@given(st.integers(0, 366), st.integers(0, 23), st.integers(0, 59))
def test_every_span_reads_back_as_it_was_meant(days, hours, minutes):
    meant = timedelta(days=days, hours=hours, minutes=minutes)

    if meant <= timedelta(days=366):
        assert span(f"{days}d {hours}h {minutes}m") == meant


@pytest.mark.parametrize(("words", "read"), [("00:00", time(0)), ("09:30", time(9, 30)), ("23:59", time(23, 59))])
def test_a_clock_time_has_four_digits(words, read):
    assert clock(words) == read


@pytest.mark.parametrize("words", ["9:30", "24:00", "09:60", "0930", "09.30", "9", "noon", "", "09:30 "])
def test_other_clock_times_are_refused(words):
    with pytest.raises(Unreadable):
        clock(words)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("start", At(Anchor.START)),
        ("start - 3h", At(Anchor.START, -timedelta(hours=3))),
        ("start+30m", At(Anchor.START, timedelta(minutes=30))),
        ("release + 2h", At(Anchor.RELEASE, timedelta(hours=2))),
        ("day 1 at 09:30", At(Anchor.DAY, day=1, clock=time(9, 30))),
        ("day -1 at 18:00", At(Anchor.DAY, day=-1, clock=time(18))),
        ("day 0 at 12:00", At(Anchor.DAY, day=0, clock=time(12))),
        ("after listening + 90m", At(Anchor.AFTER, timedelta(minutes=90), step="listening")),
        ("after: listening + 90m", At(Anchor.AFTER, timedelta(minutes=90), step="listening")),
        ("after listening", At(Anchor.AFTER, step="listening")),
    ],
)
def test_an_hour_is_said_as_people_say_it(words, meant):
    assert when(words) == meant


@pytest.mark.parametrize(
    "words",
    [
        "",
        "soon",
        "release - 1h",
        "start 3h",
        "day at 09:30",
        "day 1",
        "day 400 at 09:30",
        "day 1 at 9:30",
        "after",
        "after + 3h",
        "start - 3 hours",
        "afternoon",
        "after Big Step + 1h",
        "day 1 at 09:30 + 1h",
        "start - -3h",
    ],
)
def test_an_hour_nobody_could_mean_is_refused(words):
    with pytest.raises(Unreadable) as no:
        when(words)

    assert no.value.remedy


def test_the_release_cannot_be_counted_backwards_from():
    with pytest.raises(Unreadable) as no:
        when("release - 1h")

    assert no.value.what == "nobody knows the release before it happens."


def test_after_may_leave_the_span_out():
    assert after("listening") == At(Anchor.AFTER, step="listening")


@pytest.mark.parametrize("words", ["", "A", "1st", "big step", "-x", "ä", "a_b", "x" * 33])
def test_ids_are_short_and_plain(words):
    with pytest.raises(Unreadable):
        identifier(words, 32)


def test_yes_and_no_are_true_and_false():
    assert (yes("true"), yes("false")) == (True, False)
    with pytest.raises(Unreadable):
        yes("yes")


def test_a_threshold_says_its_side():
    assert threshold(Level.AMBER, ">= 8") == Threshold(Level.AMBER, least=8)
    assert threshold(Level.RED, "<=1") == Threshold(Level.RED, most=1)
    with pytest.raises(Unreadable):
        threshold(Level.RED, "8")


@pytest.mark.parametrize("words", ["", "1.0", "one", "0x1", "1e3", "9" * 400])
def test_a_number_is_digits(words):
    with pytest.raises(Unreadable):
        number(words)


@given(st.text())
def test_no_word_breaks_the_grammar(words):
    for read in READERS:
        with suppress(Unreadable):
            read(words)
