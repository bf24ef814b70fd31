"""Local hours, and the silence people ask for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import BERLIN, KOLKATA, NEVER, NEW_YORK, NIGHT, SANTIAGO, SYDNEY, ZONES, hours, instants, local, quiets

from bot.window.quiet import is_quiet, local_instant, next_waking, previous_waking, shared_waking
from bot.words import QuietHours


@pytest.mark.parametrize(
    ("zone", "day", "becomes"),
    [
        (BERLIN, date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (NEW_YORK, date(2026, 3, 8), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        (SYDNEY, date(2026, 10, 4), datetime(2026, 10, 3, 16, 30, tzinfo=UTC)),
    ],
)
def test_the_hour_that_does_not_exist_moves_forward(zone: ZoneInfo, day: date, becomes: datetime):
    instant = local_instant(day, time(2, 30), zone)

    assert instant == becomes
    assert instant.astimezone(zone).time() == time(3, 30)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "first"),
    [
        (BERLIN, date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (NEW_YORK, date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (SYDNEY, date(2026, 4, 5), time(2, 30), datetime(2026, 4, 4, 15, 30, tzinfo=UTC)),
    ],
)
def test_the_hour_that_comes_twice_is_taken_the_first_time(zone: ZoneInfo, day: date, clock: time, first: datetime):
    instant = local_instant(day, clock, zone)

    assert instant == first
    assert (instant + timedelta(hours=1)).astimezone(zone).time() == clock


def test_local_times_keep_their_hour_across_a_clock_change():
    before = local_instant(date(2026, 10, 24), time(9, 30), BERLIN)
    after = local_instant(date(2026, 10, 25), time(9, 30), BERLIN)

    assert after - before == hours(25)


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [(time(20, 59), False), (time(21, 0), True), (time(3, 0), True), (time(7, 59), True), (time(8, 0), False)],
)
def test_quiet_hours_hold_from_their_first_minute_up_to_their_last(clock: time, quiet: bool):
    instant = local_instant(date(2026, 6, 1), clock, KOLKATA)

    assert is_quiet(instant, NIGHT, KOLKATA) == quiet


def test_equal_ends_mean_never_quiet():
    instant = local(SANTIAGO, 2026, 6, 1, 3, 0)

    assert not is_quiet(instant, NEVER, SANTIAGO)


def test_quiet_hours_may_lie_inside_one_day():
    day_sleep = QuietHours(time(9), time(17))

    assert is_quiet(local(BERLIN, 2026, 6, 1, 12, 0), day_sleep, BERLIN)
    assert next_waking(local(BERLIN, 2026, 6, 1, 12, 0), day_sleep, BERLIN) == local(BERLIN, 2026, 6, 1, 17, 0)


@given(instant=instants, quiet=quiets, zone=st.sampled_from(ZONES))
def test_the_next_waking_instant_is_awake_and_nothing_before_it_was(
    instant: datetime, quiet: QuietHours, zone: ZoneInfo
):
    woken = next_waking(instant, quiet, zone)

    assert woken >= instant
    assert not is_quiet(woken, quiet, zone)
    quarters = int((woken - instant) / timedelta(minutes=15))
    assert all(is_quiet(instant + timedelta(minutes=15 * n), quiet, zone) for n in range(quarters))


@given(instant=instants, quiet=quiets, zone=st.sampled_from(ZONES))
def test_the_previous_waking_instant_is_awake_and_everything_since_was_quiet(
    instant: datetime, quiet: QuietHours, zone: ZoneInfo
):
    last = previous_waking(instant, quiet, zone)

    assert last <= instant
    assert not is_quiet(last, quiet, zone)
    minutes = int((instant - last) / timedelta(minutes=1))
    assert all(is_quiet(last + timedelta(minutes=n), quiet, zone) for n in range(1, minutes, 7))


@given(
    wish=instants,
    rests=st.lists(st.tuples(quiets, st.sampled_from(ZONES)), min_size=1, max_size=4),
    reach=st.sampled_from([timedelta(0), timedelta(minutes=30), hours(3), hours(14)]),
)
def test_a_shared_waking_instant_is_the_nearest_at_which_nobody_is_quiet(
    wish: datetime, rests: list[tuple[QuietHours, ZoneInfo]], reach: timedelta
):
    found = shared_waking(wish, rests, earliest=wish - reach, latest=wish + reach)

    everybody_up = [
        wish + timedelta(minutes=n)
        for n in range(-int(reach.total_seconds() // 60), int(reach.total_seconds() // 60) + 1)
        if not any(is_quiet(wish + timedelta(minutes=n), *rest) for rest in rests)
    ]
    nearest = min((abs(instant - wish) for instant in everybody_up), default=None)
    assert (abs(found - wish) if found else None) == nearest
    assert found is None or not any(is_quiet(found, *rest) for rest in rests)


def test_two_people_on_opposite_sides_of_the_earth_may_share_no_waking_hour():
    long_nights = QuietHours(time(19), time(9))

    found = shared_waking(
        local(BERLIN, 2026, 6, 1, 12, 0),
        [(long_nights, ZoneInfo("Asia/Tokyo")), (long_nights, ZoneInfo("America/Sao_Paulo"))],
        earliest=local(BERLIN, 2026, 6, 1, 0, 0),
        latest=local(BERLIN, 2026, 6, 3, 0, 0),
    )

    assert found is None
