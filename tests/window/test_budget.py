"""How much one person is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import BERLIN, local

from bot.window.budget import GAP, Ledger, most_on, number_of
from bot.words import StepKind

SESSION = date(2026, 11, 28)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return local(BERLIN, 2026, 11, 28, hour, minute) + timedelta(days=day)


def day(number: int) -> date:
    return SESSION + timedelta(days=number)


def a_ledger(*said: tuple[int, int], kind: StepKind | None = StepKind.PROMPT) -> Ledger:
    """A ledger with messages at these days and hours."""
    ledger = Ledger(SESSION, SESSION)
    for number, hour in said:
        ledger.add(at(number, hour), day(number), kind)
    return ledger


@pytest.mark.parametrize(
    ("number", "most"), [(-7, 2), (-1, 2), (0, 4), (1, 3), (2, 3), (3, 3), (4, 1), (7, 1), (8, 1), (30, 1)]
)
def test_each_day_of_a_window_holds_its_number_of_prompts(number: int, most: int):
    assert most_on(number) == most


def test_days_count_from_the_start_before_it_and_from_the_release_after_it():
    starts_on, released_on = SESSION, SESSION + timedelta(days=1)

    numbers = [number_of(day(n), starts_on, released_on) for n in (-1, 0, 1, 2)]

    assert numbers == [-1, 0, 0, 1]


def test_a_full_day_takes_no_further_prompt():
    ledger = a_ledger((1, 9), (1, 12), (1, 15))

    assert ledger.is_full(at(1, 18), day(1), StepKind.PROMPT)
    assert not ledger.is_full(at(2, 9), day(2), StepKind.PROMPT)


def test_reminders_do_not_fill_the_prompts_of_a_day_but_its_five_messages():
    ledger = a_ledger((1, 9), (1, 10), (1, 11), (1, 12), kind=StepKind.REMINDER)

    assert not ledger.is_full(at(1, 18), day(1), StepKind.PROMPT)
    ledger.add(at(1, 13), day(1), None)
    assert ledger.is_full(at(1, 18), day(1), StepKind.PROMPT)
    assert ledger.is_full(at(1, 18), day(1), StepKind.REMINDER)


def test_reminders_never_push_a_step_but_wait_for_room_themselves():
    ledger = a_ledger((1, 9), (1, 12))
    for _ in range(3):
        ledger.add_nudge(day(1))

    assert not ledger.is_full(at(1, 18), day(1), StepKind.PROMPT)
    assert ledger.is_full_for_nudge(at(1, 18), day(1))
    assert not ledger.is_full_for_nudge(at(2, 18), day(2))


def test_after_a_week_two_messages_fill_the_next():
    ledger = a_ledger((8, 9), (10, 9))

    assert ledger.is_full(at(14, 9), day(14), StepKind.PRACTICE)
    assert not ledger.is_full(at(15, 9), day(15), StepKind.PRACTICE)


def test_a_phase_may_hold_less_than_the_budget():
    ledger = a_ledger((1, 9))

    assert ledger.is_full(at(1, 18), day(1), StepKind.PROMPT, 1)
    assert not ledger.is_full(at(1, 18), day(1), StepKind.PROMPT, 2)


def test_prompts_keep_ninety_minutes_from_each_other():
    ledger = a_ledger((1, 9), (1, 11))

    assert ledger.clear_of_others(at(1, 9, 30), StepKind.PROMPT) == at(1, 12, 30)
    assert ledger.clear_of_others(at(1, 7, 30), StepKind.PROMPT) == at(1, 7, 30)
    assert ledger.clear_of_others(at(1, 9, 30), StepKind.REMINDER) == at(1, 9, 30)


def test_what_waits_elsewhere_makes_way_for_what_leaves_before_it():
    ledger = a_ledger()
    ledger.add_waiting(at(1, 12), day(1), StepKind.PROMPT)

    assert ledger.clear_of_others(at(1, 11), StepKind.PROMPT) == at(1, 11)
    assert ledger.clear_of_others(at(1, 12), StepKind.PROMPT) == at(1, 13, 30)
    assert ledger.clear_of_others(at(1, 13), StepKind.PROMPT) == at(1, 13, 30)


@given(
    said=st.lists(st.integers(0, 7 * 96), max_size=20),
    waiting=st.lists(st.integers(0, 7 * 96), max_size=5),
    wish=st.integers(0, 7 * 96),
)
def test_a_clear_instant_is_the_first_that_keeps_its_distance(said: list[int], waiting: list[int], wish: int):
    instants = [at(0, 0) + timedelta(minutes=15 * n) for n in said]
    others = [at(0, 0) + timedelta(minutes=15 * n) for n in waiting]
    ledger = Ledger(SESSION, SESSION)
    for instant in instants:
        ledger.add(instant, instant.astimezone(BERLIN).date(), StepKind.PROMPT)
    for instant in others:
        ledger.add_waiting(instant, instant.astimezone(BERLIN).date(), StepKind.PROMPT)
    wished = at(0, 0) + timedelta(minutes=15 * wish)

    clear = ledger.clear_of_others(wished, StepKind.PROMPT)

    def keeps_distance(instant: datetime) -> bool:
        near = any(abs(other - instant) < GAP for other in instants)
        return not near and not any(instant - GAP < other <= instant for other in others)

    quarters = int((clear - wished) / timedelta(minutes=15))
    assert keeps_distance(clear)
    assert not any(keeps_distance(wished + timedelta(minutes=15 * n)) for n in range(quarters))
