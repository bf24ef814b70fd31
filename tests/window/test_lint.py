from __future__ import annotations

from textwrap import indent

import pytest

from bot.window.lint import check

HEAD = """\
understory: 1
id: our-days
version: 1
title: {en: Our days}
for: couple
phases: ketamine
steps:
"""
ASK = "[{id: q, text: {}}]"


def step(name, **lines):
    written = {
        "id": name,
        "at": "day 2 at 12:00",
        "fresh_for": "6h",
        "kind": "prompt",
        "text": "{en: Something}",
        **lines,
    }
    body = "".join(f"  {key}: {value}\n" for key, value in written.items() if value is not None)
    return indent("- " + body.removeprefix("  "), "  ")


def warned(*steps, head=HEAD):
    """What is doubtful, in short: line, place and remark. The first step stands on line 8."""
    report = check(head + "".join(steps), "our-days.yaml")
    assert report.problems == ()
    return [f"{warning.line} {warning.where}: {warning.what}" for warning in report.warnings]


def test_a_calm_programme_leaves_nothing_to_say():
    assert warned(step("a"), step("b", at="day 2 at 18:00")) == []


def test_a_file_with_problems_has_no_warnings_yet():
    report = check("understory: 1\n", "short.yaml")

    assert (report.programme, report.warnings, len(report.problems)) == (None, (), 5)


@pytest.mark.parametrize("clock", ["21:00", "23:30", "07:59"])
def test_an_hour_in_the_night_is_named(clock):
    assert warned(step("a", at=f"day 2 at {clock}")) == [f"8 step a: {clock} is in the quiet hours."]


@pytest.mark.parametrize("clock", ["08:00", "20:59"])
def test_the_edges_of_the_night_are_day(clock):
    assert warned(step("a", at=f"day 2 at {clock}")) == []


def test_an_hour_that_is_night_for_some_sessions_says_for_which():
    assert warned(step("a", at="start - 3h")) == ["8 step a: with a session at 09:00, 06:00 is in the quiet hours."]


def test_an_early_hour_that_waits_or_merges_is_no_night():
    assert warned(step("a", at="start - 3h", not_before='"08:00"')) == []
    assert warned(step("a", at="start - 3h", not_before='"08:00"', merge_into="b"), step("b", at="start - 1h")) == []


def test_a_safety_step_may_speak_late():
    assert warned(step("a", at="release + 2h", safety="true", not_after='"22:45"')) == []


def test_nothing_but_safety_belongs_into_the_first_hours():
    assert warned(step("a", at="release + 1h")) == [
        "8 step a: it falls into the first hours, when only safety speaks.",
        "8 step a: with a session at 18:00, 22:00 is in the quiet hours.",
    ]


def test_nobody_can_choose_to_share_while_landing():
    sealed = {"visible_to": "pair", "ask": ASK, "opens": "day 2 at 12:00"}

    assert warned(step("a", at="day 1 at 09:00", **sealed)) == [
        '8 step a: in the phase "landing" nobody can choose to share.'
    ]


def test_a_phase_that_has_no_place_for_a_kind_is_named():
    own = "phases: [{key: calm, from: release, to: release + 9d, label: {en: Calm}, kinds: [practice]}]"

    assert warned(step("a"), head=HEAD.replace("phases: ketamine", own)) == [
        '8 step a: the phase "calm" has no place for a prompt.'
    ]


def test_answers_never_open_at_night():
    sealed = step("a", visible_to="pair", ask=ASK, opens="day 2 at 22:00")

    assert warned(sealed) == ["8 step a: the answers would open at 22:00."]


def test_answers_that_open_before_the_question_for_some_sessions_are_named():
    sealed = step("a", at="start - 1h", visible_to="pair", ask=ASK, opens="day 0 at 14:00")

    assert warned(sealed) == ["8 step a: with a session at 18:00, the answers would open before the question."]


@pytest.mark.parametrize(
    ("remind", "remark"),
    [
        ('{at: "22:00", text: {en: x}}', "22:00 is in the quiet hours."),
        ("{after: 10h, text: {en: x}}", "22:00 is in the quiet hours."),
        ("{after: 7h, text: {en: x}}", "by then the step is stale."),
        ('{at: "09:00", text: {en: x}}', "by then the step is stale."),
    ],
)
def test_a_reminder_that_cannot_be_sent_is_named(remind, remark):
    asked = step("a", visible_to="me", ask=ASK, remind=remind)

    assert warned(asked) == [f"8 step a: its reminder cannot be sent: {remark}"]


def test_a_reminder_after_the_opening_is_named():
    asked = step("a", visible_to="pair", ask=ASK, opens="day 2 at 18:00", remind='{at: "19:00", text: {en: x}}')

    assert warned(asked) == ["8 step a: its reminder cannot be sent: the answers open before it."]


def test_a_reminder_that_can_be_sent_is_no_matter():
    assert warned(step("a", visible_to="me", ask=ASK, remind="{after: 3h, text: {en: x}}")) == []


def test_a_crowded_day_is_counted():
    steps = [
        step(name, at=f"day 2 at {clock}")
        for name, clock in zip("abcd", ("09:00", "11:00", "13:00", "15:00"), strict=True)
    ]

    assert warned(*steps) == ["23 step d: day 2 holds 3 prompts, practices and check-ins; this is number 4."]


def test_two_steps_need_ninety_minutes_between_them():
    assert warned(step("a"), step("b", at=None, after="a + 89m")) == ['13 step b: it comes 89 minutes after "a".']
    assert warned(step("a"), step("b", at=None, after="a + 90m")) == []


def test_reminders_ask_for_no_room_and_still_fill_a_day():
    steps = [step(name, at=f"day 2 at 1{index}:00", kind="reminder") for index, name in enumerate("abcdef")]

    assert warned(*steps[:5]) == []
    assert warned(*steps) == ["1 : day 2 may have 6 messages, with reminders and openings."]


def test_after_a_week_two_a_week_are_enough():
    steps = [step(name, at=f"day {day} at 12:00") for name, day in (("a", 8), ("b", 10), ("c", 12))]

    assert warned(*steps) == [
        "18 step c: the week of day 12 holds 2 prompts, practices and check-ins; this is number 3."
    ]


def test_everybody_together_needs_some_room():
    assert warned(step("a", pace="together", tolerance="0m")) == [
        "8 step a: everybody together, to the minute: somebody who sleeps then undoes it for all."
    ]


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("This will heal you.", '"heal" sounds like a promise.'),
        ("Your brain is rewiring.", '"rewir" sounds like a promise.'),
        ("Das heilt.", '"heilt" sounds like a promise.'),
        ("After the ketamine", '"ketamin" says what this is about.'),
        ("Ask your therapist.", '"therap" says what this is about.'),
        ("Nach der Behandlung", '"Behandlung" says what this is about.'),
        ("Don't forget.", '"Don\'t forget" may feel like pressure.'),
        ("Du musst schreiben.", '"Du musst" may feel like pressure.'),
        ("<b>Now</b>", '"<b>" is shown as it is written.'),
    ],
)
def test_a_doubtful_word_is_named(text, remark):
    assert warned(step("a", text=f'{{en: "{text}"}}')) == [f"8 step a: {remark}"]


@pytest.mark.parametrize("text", ["Be patient with it.", "Ein Teil von dir", "Du musst noch nichts erklären."])
def test_an_innocent_word_is_not_named(text):
    assert warned(step("a", text=f'{{en: "{text}"}}')) == []


@pytest.mark.parametrize(
    "lines",
    [
        {"visible_to": "me", "ask": "[{id: q, choice: {yes: {en: heal}}}]"},
        {"visible_to": "me", "ask": "[{id: q, says: {en: heal}, text: {}}]"},
        {"visible_to": "me", "ask": "[{id: q, scale: {ends: [{en: heal}, {en: b}]}}]"},
        {"visible_to": "me", "ask": ASK, "remind": "{after: 3h, text: {en: heal}}"},
        {"visible_to": "pair", "ask": ASK, "opens": "when-both", "then": "{text: {en: heal}}"},
        {"visible_to": "pair", "ask": ASK, "opens": "when-both", "then": "{text: {en: b}, replies: {a: {en: heal}}}"},
    ],
)
def test_doubtful_words_are_found_wherever_people_read_them(lines):
    assert warned(step("a", **lines)) == ['8 step a: "heal" sounds like a promise.']


def test_a_title_is_read_too():
    assert warned(step("a"), head=HEAD.replace("Our days", "Ketamine days")) == [
        '1 : "Ketamin" says what this is about.'
    ]


def test_a_language_that_some_texts_lack_is_named_where_it_is_missing():
    source = [step("a", text="{en: One, de: Eins}"), step("b", at="day 2 at 15:00")]

    assert warned(
        *source, head=HEAD.replace("ketamine", "[{key: a, from: release, to: release + 9d, label: {en: A, de: A}}]")
    ) == [
        "1 : some texts are missing in de.",
        "13 step b: some texts are missing in de.",
    ]
