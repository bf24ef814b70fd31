"""Dots, silence and pages: what a facilitator may make of answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.desk.rules import Asked, dots, pages, quiet_since, shortened

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def asked(*hours_ago: tuple[int, bool]) -> list[Asked]:
    return [Asked(NOON - timedelta(hours=hours), answered) for hours, answered in hours_ago]


def test_the_last_six_questions_are_shown_the_oldest_first() -> None:
    many = asked(*((hours, hours % 2 == 0) for hours in range(10, 0, -1)))

    assert dots(many) == (True, False, True, False, True, False)


def test_somebody_is_quiet_since_the_first_question_after_their_last_answer() -> None:
    assert quiet_since(asked((50, True), (30, False), (5, False)), NOON) == NOON - timedelta(hours=30)


def test_a_new_question_does_not_make_a_long_silence_young() -> None:
    assert quiet_since(asked((30, False), (1, False)), NOON) == NOON - timedelta(hours=30)


def test_nobody_is_quiet_within_a_day_or_after_an_answer() -> None:
    assert quiet_since(asked((23, False)), NOON) is None
    assert quiet_since(asked((30, False), (2, True)), NOON) is None
    assert quiet_since([], NOON) is None


lines = st.text(alphabet="ab <>", min_size=1, max_size=40)


@given(st.lists(st.lists(lines, min_size=1, max_size=6), max_size=8))
def test_pages_hold_every_line_once_in_order_and_none_is_too_long(blocks: list[list[str]]) -> None:
    sheets = pages(blocks, longest=60)

    shown = [line for sheet in sheets for line in sheet.split("\n") if line]
    assert shown == [line for block in blocks for line in block]
    assert all(len(sheet) <= 60 for sheet in sheets)


def test_a_block_that_fits_a_page_is_not_torn() -> None:
    assert pages([["a" * 30, "b"], ["c" * 30, "d"]], longest=50) == (f"{'a' * 30}\nb", f"{'c' * 30}\nd")


def test_words_are_cut_at_a_blank_and_on_one_line() -> None:
    assert shortened("How settled is\nyour body right now?", 24) == "How settled is your…"
    assert shortened("How settled?", 24) == "How settled?"
    assert shortened("a" * 30, 10) == "a" * 9 + "…"
