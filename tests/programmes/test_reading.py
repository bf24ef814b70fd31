from __future__ import annotations

from datetime import time, timedelta

import pytest
from pages import HEAD, page, step

from bot.programmes.reading import read_programme
from bot.programmes.schema import (
    WHEN_BOTH,
    Anchor,
    At,
    Option,
    Question,
    QuestionKind,
    Remind,
    Silence,
    Then,
    Threshold,
)
from bot.words import CohortKind, Level, Pacing, Role, StepKind, Visibility

WHOLE = """\
- id: safe-home
  at: release + 2h
  not_before: "08:00"
  not_after: "22:45"
  pace: together
  tolerance: 45m
  fresh_for: 6h
  for: [receiving, absent]
  kind: reminder
  safety: true
  silent: true
  visible_to: facilitator
  text: {en: Home and settled?, de: Gut angekommen?}
  ask:
    - {id: settled, choice: {yes: {en: Yes}, call: {en: Please call, alert: red}}}
    - {id: mood, says: {en: Your mood?}, scale: {from: 1, to: 7, ends: [{en: low}, {en: high}]}, alert: {amber: "<= 2"}}
    - {id: felt, says: {en: What do you feel?}, choices: {warm: {en: Warm}, cold: {en: Cold}}}
    - {id: words, says: {en: In words?}, text: {longest: 200}}
  silence: {after: 90m, alert: amber}
  remind: {at: "12:15", text: {en: Still time.}}
"""


def test_a_step_reads_as_it_is_written():
    programme = read_programme(page(WHOLE), "whole.yaml")

    safe_home = programme.step("safe-home")

    assert safe_home is not None
    assert safe_home.at == At(Anchor.RELEASE, timedelta(hours=2))
    assert (safe_home.not_before, safe_home.not_after) == (time(8), time(22, 45))
    assert (safe_home.pace, safe_home.tolerance) == (Pacing.TOGETHER, timedelta(minutes=45))
    assert safe_home.roles == {Role.RECEIVING, Role.ABSENT}
    assert (safe_home.kind, safe_home.visible_to) == (StepKind.REMINDER, Visibility.FACILITATOR)
    assert (safe_home.safety, safe_home.silent, safe_home.both_confirm) == (True, True, False)
    assert safe_home.text == {"en": "Home and settled?", "de": "Gut angekommen?"}
    assert safe_home.silence == Silence(timedelta(minutes=90), Level.AMBER)
    assert safe_home.remind == Remind({"en": "Still time."}, at=time(12, 15))
    assert safe_home.ask == (
        Question(
            "settled",
            QuestionKind.CHOICE,
            options=(Option("yes", {"en": "Yes"}), Option("call", {"en": "Please call"}, Level.RED)),
        ),
        Question(
            "mood",
            QuestionKind.SCALE,
            text={"en": "Your mood?"},
            least=1,
            most=7,
            ends=({"en": "low"}, {"en": "high"}),
            alerts=(Threshold(Level.AMBER, most=2),),
        ),
        Question(
            "felt",
            QuestionKind.CHOICES,
            text={"en": "What do you feel?"},
            options=(Option("warm", {"en": "Warm"}), Option("cold", {"en": "Cold"})),
        ),
        Question("words", QuestionKind.TEXT, text={"en": "In words?"}, longest=200),
    )


def test_a_sealed_step_says_when_it_opens_and_what_follows():
    source = page(
        step(
            "seen",
            visible_to="pair",
            ask="[{id: words, text: {}}]",
            opens="day 2 at 17:00",
            confirm="both",
            then="{text: {en: Read it twice.}, replies: {thanks: {en: Thank you}}}",
        ),
        step("line", visible_to="pair", ask="[{id: words, text: {}}]", opens="when-both"),
    )

    seen, line = read_programme(source, "sealed.yaml").steps

    assert seen.opens == At(Anchor.DAY, day=2, clock=time(17))
    assert seen.then == Then({"en": "Read it twice."}, (Option("thanks", {"en": "Thank you"}),))
    assert (seen.is_sealed, seen.both_confirm) == (True, True)
    assert line.opens == WHEN_BOTH


def test_the_top_of_a_file_reads_as_it_is_written():
    programme = read_programme(page(head=HEAD.replace("version: 1", "version: 12\nwindow: 48h")), "top.yaml")

    assert (programme.id, programme.version, programme.window) == ("our-days", 12, timedelta(hours=48))
    assert (programme.title, programme.kind) == ({"en": "Our days"}, CohortKind.COUPLE)
    assert [phase.key for phase in programme.phases] == ["acute", "landing", "open", "settling", "carry"]


@pytest.mark.parametrize("line", ["for: any\n", ""])
def test_a_programme_may_be_for_any_cohort(line):
    programme = read_programme(page(head=HEAD.replace("for: couple\n", line)), "any.yaml")

    assert programme.kind is None


def test_words_that_older_yaml_took_for_something_else_mean_themselves():
    source = page(
        step("a", at="day 1 at 18:30", visible_to="me", ask="[{id: no, choice: {yes: {en: On}, off: {no: Ja}}}]")
    )

    asked = read_programme(source, "plain.yaml").steps[0].ask[0]

    assert (asked.id, asked.options) == ("no", (Option("yes", {"en": "On"}), Option("off", {"no": "Ja"})))


def test_a_step_may_wait_for_another_that_is_written_below_it():
    source = page(step("second", at=None, after="first + 90m"), step("first"))

    second = read_programme(source, "order.yaml").steps[0]

    assert second.at == At(Anchor.AFTER, timedelta(minutes=90), step="first")


def test_an_early_step_may_travel_with_a_later_one():
    source = page(
        step("early", at="start - 3h", not_before='"08:00"', merge_into="late"), step("late", at="start - 1h")
    )

    assert read_programme(source, "merge.yaml").steps[0].merge_into == "late"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    programme = read_programme(b"\xef\xbb\xbf" + page().replace("\n", "\r\n").encode(), "windows.yaml")

    assert programme.steps[0].id == "first"
