"""What counts as an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.checkins.rules import (
    AnswerTooLong,
    Later,
    NotAnAnswer,
    NotOnTheScale,
    alert_of,
    later_at,
    next_question,
    pressed,
    previous_question,
    readers,
    toggled,
    typed,
)
from bot.programmes.schema import Anchor, At, Option, Question, QuestionKind, Step, Threshold
from bot.window.quiet import is_quiet
from bot.words import Consent, Level, QuietHours, StepKind, Visibility

SCALE = Question("mood", QuestionKind.SCALE, alerts=(Threshold(Level.AMBER, least=8), Threshold(Level.RED, least=10)))
CALL = Question(
    "settled",
    QuestionKind.CHOICE,
    options=(Option("yes", {"en": "Yes"}), Option("call", {"en": "Please call me"}, alert=Level.AMBER)),
)
SEVERAL = Question(
    "body", QuestionKind.CHOICES, options=(Option("warm", {"en": "Warm"}), Option("cold", {"en": "Cold"}))
)
WORDS = Question("words", QuestionKind.TEXT, longest=10)
STEP = Step(
    id="evening",
    at=At(Anchor.RELEASE),
    kind=StepKind.CHECK_IN,
    text={"en": "How is it?"},
    fresh_for=timedelta(hours=4),
    ask=(SCALE, CALL, WORDS),
)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def test_questions_follow_one_another_and_lead_back() -> None:
    assert next_question(STEP, None) == SCALE
    assert next_question(STEP, "mood") == CALL
    assert next_question(STEP, "words") is None
    assert previous_question(STEP, "settled") == SCALE
    assert previous_question(STEP, "mood") is None


@given(st.text())
def test_a_pressed_scale_is_a_number_on_it_or_refused(pick: str) -> None:
    try:
        value = pressed(SCALE, pick)
    except NotAnAnswer:
        assert pick not in {str(n) for n in range(11)}
    else:
        assert isinstance(value, int)
        assert 0 <= value <= 10


def test_a_number_typed_where_buttons_were_expected_counts() -> None:
    assert typed(SCALE, "7") == 7
    with pytest.raises(NotOnTheScale):
        typed(SCALE, "11")
    with pytest.raises(NotOnTheScale):
        typed(SCALE, "quite good")


def test_a_label_typed_where_buttons_were_expected_counts() -> None:
    assert typed(CALL, "please CALL me") == "call"
    with pytest.raises(NotAnAnswer):
        typed(CALL, "perhaps")


def test_a_text_that_is_too_long_says_by_how_much() -> None:
    with pytest.raises(AnswerTooLong) as refused:
        typed(WORDS, "12345678901")

    assert refused.value.facts == {"longest": 10, "length": 11}


def test_a_second_press_takes_a_choice_back() -> None:
    assert toggled(None, "warm") == ["warm"]
    assert toggled(["warm"], "cold") == ["warm", "cold"]
    assert toggled(["warm", "cold"], "warm") == ["cold"]


def test_an_answer_raises_the_more_urgent_of_its_alerts() -> None:
    assert alert_of(SCALE, 7) is None
    assert alert_of(SCALE, 8) is Level.AMBER
    assert alert_of(SCALE, 10) is Level.RED
    assert alert_of(CALL, "call") is Level.AMBER
    assert alert_of(CALL, "yes") is None
    assert alert_of(WORDS, "call") is None


@pytest.mark.parametrize("authored", list(Visibility))
def test_without_a_consent_an_answer_stays_with_its_author(authored: Visibility) -> None:
    expected = Visibility.NONE if authored is Visibility.NONE else Visibility.ME

    assert readers(authored, frozenset()) is expected
    assert readers(authored, frozenset(Consent)) is authored


@given(
    st.sampled_from(Later),
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]),
)
def test_later_is_later_and_never_in_the_silence(wish: Later, at: datetime, zone: str) -> None:
    now, quiet = at.replace(tzinfo=UTC), QuietHours()

    comes = later_at(wish, zone=ZoneInfo(zone), quiet=quiet, now=now)

    assert comes > now
    assert not is_quiet(comes, quiet, ZoneInfo(zone))
