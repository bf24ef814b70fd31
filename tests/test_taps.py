"""What a button carries comes back as it was, or not at all."""

from __future__ import annotations

import string
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.buttons import LONGEST_DATA, Tap, UnknownButton, button, decode, encode, grid

ACTIONS = st.from_regex(r"[a-z][a-z-]{0,19}", fullmatch=True)
ARGUMENTS = st.text(alphabet=string.ascii_letters + string.digits + "_.,+-", max_size=40)
TAPS = st.builds(Tap, ACTIONS, st.none() | st.uuids(), ARGUMENTS)


@given(TAPS)
def test_a_button_comes_back_as_it_was_in_at_most_64_bytes(tap: Tap) -> None:
    try:
        data = encode(tap)
    except ValueError:
        assume(False)

    assert decode(data) == tap
    assert len(data.encode()) <= LONGEST_DATA


@given(st.builds(Tap, st.just("a" * 20), st.uuids(), st.just("x" * 20)))
def test_the_longest_action_leaves_room_for_an_id_and_twenty_characters(tap: Tap) -> None:
    assert len(encode(tap)) == LONGEST_DATA


@given(st.text(max_size=80))
def test_anything_else_is_refused_politely(data: str) -> None:
    try:
        tap = decode(data)
    except UnknownButton:
        return

    assert encode(tap) == data


@given(TAPS, st.integers(min_value=0, max_value=63), st.characters(codec="ascii"))
def test_a_changed_button_is_another_button_or_none(tap: Tap, place: int, letter: str) -> None:
    try:
        data = encode(tap)
    except ValueError:
        return
    forged = data[:place] + letter + data[place + 1 :]

    try:
        found = decode(forged)
    except UnknownButton:
        return

    assert encode(found) == forged


@pytest.mark.parametrize("action", ["", "Open", "open:", "ö", "a" * 21])
def test_an_action_that_would_not_come_back_is_never_written(action: str) -> None:
    with pytest.raises(ValueError, match="not a button"):
        encode(Tap(action))


@pytest.mark.parametrize("argument", ["a b", "a:b", "ä", "x" * 41])
def test_an_argument_that_would_not_come_back_is_never_written(argument: str) -> None:
    with pytest.raises(ValueError, match="not a button"):
        encode(Tap("open", None, argument))


def test_buttons_stand_in_rows_of_the_wished_width() -> None:
    five = [button(str(n), "answer", UUID(int=n)) for n in range(5)]

    assert [len(row) for row in grid(five, 2)] == [2, 2, 1]
