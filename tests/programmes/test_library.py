"""What the programmes that come with the bot promise, whatever their words are."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest

from bot.programmes.shelf import library, programmes_of
from bot.window.lint import check, remarks
from bot.window.wording import said_by, said_by_all
from bot.words import Level, Role, Visibility

EVERY = pytest.mark.parametrize("shelved", [pytest.param(book, id=name) for name, book in library().items()])

EVERY_WINDOW = pytest.mark.parametrize(
    "shelved", [pytest.param(book, id=name) for name, book in library().items() if not book.programme.wraps]
)


def test_the_library_holds_its_programmes_by_id():
    assert {name: len(book.programme.steps) for name, book in library().items()} == {
        "couple-72h": 20,
        "group-72h": 20,
        "individual-72h": 19,
        "light-touch": 10,
        "prep-week": 11,
        "series-6": 22,
    }


@EVERY
def test_a_library_programme_leaves_nothing_to_say(shelved):
    report = check(shelved.source, "library", programmes_of(library()))

    assert (report.problems, report.warnings) == ((), ())


@EVERY
def test_every_text_is_there_in_every_language(shelved):
    texts = [*said_by_all(shelved.programme)]
    for step in shelved.programme.steps:
        texts += [words for words in said_by(step) if words]

    assert {frozenset(words) for words in texts} == {frozenset({"en", "de"})}


@EVERY
def test_every_language_fills_in_the_same_facts(shelved):
    for step in shelved.programme.steps:
        for words in said_by(step):
            assert len({frozenset(re.findall(r"\{\w+\}", text)) for text in words.values()}) <= 1


@EVERY
def test_nobody_is_shouted_at(shelved):
    said = [words for step in shelved.programme.steps for words in said_by(step)]

    assert [text for words in said for text in words.values() if "!" in text] == []


@EVERY_WINDOW
def test_safe_home_speaks_early_watches_silence_and_offers_a_call(shelved):
    step = shelved.programme.step("safe-home")

    assert step is not None
    assert (step.safety, step.not_after, step.at.offset) == (True, time(22, 45), timedelta(hours=2))
    assert (step.silence.after, step.silence.alert) == (timedelta(minutes=90), Level.AMBER)
    assert [option.alert for option in step.ask[0].options] == [None, None, Level.AMBER]


@EVERY_WINDOW
def test_only_safe_home_speaks_in_the_acute_phase(shelved):
    assert [step.id for step in shelved.programme.steps if step.safety] == ["safe-home"]


@EVERY
def test_every_check_in_takes_at_most_five_taps(shelved):
    assert max(len(step.ask) for step in shelved.programme.steps) == 5


@EVERY
def test_whoever_is_asked_how_much_is_too_much_can_ask_for_a_call(shelved):
    for step in shelved.programme.steps:
        questions = {question.id: question for question in step.ask}
        if "too-much" in questions:
            assert [(alert.level, alert.least) for alert in questions["too-much"].alerts] == [(Level.AMBER, 8)]
            assert [option.alert for option in questions["contact"].options] == [None, None, Level.AMBER]


def test_a_couple_goes_through_its_steps_in_this_order():
    steps = [step.id for step in library()["couple-72h"].programme.steps]

    assert steps == [
        *("logistics", "intention"),
        *("arriving", "container", "safe-home", "rest"),
        *("first-morning", "capture", "beside", "from-afar", "close-moment"),
        *("breath", "listening", "appreciation"),
        *("parts", "still-apart", "small-agreement", "evening-check"),
        *("body", "weekly-twenty"),
    ]


def test_every_opening_is_followed_by_a_small_way_to_respond():
    sealed = [step for step in library()["couple-72h"].programme.steps if step.visible_to is Visibility.PAIR]

    assert [step.id for step in sealed] == ["intention", "close-moment", "appreciation", "small-agreement"]
    assert [step.id for step in sealed if step.is_sealed and step.then and step.then.replies] == [s.id for s in sealed]
    assert [step.id for step in sealed if step.both_confirm] == ["small-agreement"]


def test_the_new_answer_is_rehearsed_on_the_third_day():
    parts = library()["couple-72h"].programme.step("parts")

    assert parts is not None
    assert (parts.at.day, [question.id for question in parts.ask]) == (3, ["protecting", "rehearsal"])


@EVERY_WINDOW
def test_whoever_supports_or_is_absent_has_steps_of_their_own(shelved):
    roles = {step.roles for step in shelved.programme.steps}

    assert {frozenset({Role.SUPPORTING}), frozenset({Role.ABSENT})} <= roles


def test_one_person_is_told_nothing_of_a_circle_or_a_group():
    said = [
        text
        for step in library()["individual-72h"].programme.steps
        for words in said_by(step)
        for text in words.values()
    ]

    assert [text for text in said if re.search(r"\b(circle|group|gruppe|kreis|runde)\b", text, re.IGNORECASE)] == []


def test_reminders_go_only_where_somebody_can_be_silent():
    for book in library().values():
        assert [step.id for step in book.programme.steps if step.remind and not step.ask] == []


def test_a_lighter_programme_is_for_anybody():
    assert library()["light-touch"].programme.kind is None
    assert remarks(library()["light-touch"].programme) == ()
