"""How much one person may say at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.intake.flood import Flood


def test_twenty_at_once_then_one_every_half_second():
    flood = Flood()

    at_once = [flood.lets_in("ann", 0.0) for _ in range(25)]

    assert at_once == [True] * 20 + [False] * 5
    assert flood.lets_in("ann", 0.4) is False
    assert flood.lets_in("ann", 0.5) is True
    assert flood.lets_in("ann", 0.5) is False


def test_everybody_has_their_own_room():
    flood = Flood()
    for _ in range(20):
        flood.lets_in("ann", 0.0)

    assert flood.lets_in("ann", 0.0) is False
    assert flood.lets_in("bob", 0.0) is True


def test_after_ten_seconds_of_silence_all_of_it_is_there_again():
    flood = Flood()
    for _ in range(50):
        flood.lets_in("ann", 0.0)

    assert [flood.lets_in("ann", 10.0) for _ in range(21)] == [True] * 20 + [False]


def test_an_update_that_telegram_brings_again_is_not_counted_again():
    flood = Flood()

    first = [flood.lets_in("ann", 0.0, update_id) for update_id in range(21) for _ in range(5)]

    assert first == [True] * 100 + [False] * 5


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_no_ten_seconds_ever_hold_more_than_twice_the_room(pauses):
    flood, now, let_in = Flood(), 0.0, []
    for pause in pauses:
        now += pause
        if flood.lets_in("ann", now):
            let_in.append(now)

    assert max((sum(1 for at in let_in if begin <= at < begin + 10) for begin in let_in), default=0) <= 40
