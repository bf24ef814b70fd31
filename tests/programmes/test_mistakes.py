from __future__ import annotations

import time

import pytest
from pages import HEAD, STEP, page, problems, said, step

from bot.programmes.problems import MOST_PROBLEMS, Margin, ProgrammeProblems, describe
from bot.programmes.reading import read_programme
from bot.programmes.tree import read_tree

BEGINNER = """\
understory: 1
id: Our Days
version: 1
title: {en: Our days}
for: couple
phases: ketamin
steps:
  - id: home
    at: realease + 2h
    fresh_for: 6 hours
    kind: reminder
    text: {en: "Home, {partnr}?"}
    slient: true
"""


def test_a_beginner_reads_all_five_mistakes_at_once_with_lines_and_remedies():
    assert describe(problems(BEGINNER.replace("id: Our Days", "id: our-days"))).splitlines() == [
        '· line 6: "ketamin" is not a set of phases. Did you mean "ketamine"?',
        (
            '· line 9, step home: "realease + 2h" is not an hour.'
            ' Write "start - 3h", "release + 2h", "day 1 at 09:30" or "after some-step + 90m".'
        ),
        '· line 10, step home: "6 hours" is not a length of time. Write it like 45m, 2h, 1h 30m, 3d or 1w.',
        '· line 12, step home: {partnr} cannot be filled in here. Did you mean "partner"?',
        '· line 13: "slient" is not known here. Did you mean "silent"?',
    ]


def test_the_error_carries_every_problem_and_the_name_of_the_file():
    with pytest.raises(ProgrammeProblems) as wrong:
        read_programme(BEGINNER, "mine.yaml")

    assert len(wrong.value.found) == 6
    assert wrong.value.problems[0] == (
        'mine.yaml, line 2: "Our Days" cannot be an id. Use small letters, digits and hyphens: "first-evening".'
    )


@pytest.mark.parametrize(
    ("source", "remarks"),
    [
        ("", ["1: this is not a programme."]),
        ("- a\n- b\n", ["1: this is not a programme."]),
        ("a: b: c\n", ["1: there is a second colon on this line."]),
        ("steps:\n\t- a\n", ["2: this line begins with a tab."]),
        ("title: {en: 'Our days}\n", ["1: a quote is opened and never closed."]),
        ("a: 1\n---\nb: 2\n", ["2: a second document begins here."]),
        ("a: &x 1\n", ['1: the anchor "&x" is not allowed.']),
        ("a: 1\nb: *x\n", ['2: the alias "*x" is not allowed.']),
        ("a: !!python/object x\n", ["1: tags beginning with ! are not allowed."]),
        ("a: 1\na: 2\n", ['2: "a" is here twice, first on line 1.']),
        ("? [a]\n: 2\n", ["1: a key must be one word."]),
        (b"a: 1\nb: \xff\n", ["2: this line is not UTF-8 text."]),
        ("a: \x00\n", ["1: there are characters in this file that YAML does not allow."]),
        ('a: "\\UFFFFFFFF"\n', ["1: there are characters in this file that YAML does not allow."]),
    ],
)
def test_what_is_not_a_plain_file_is_said_plainly(source, remarks):
    margin = Margin()

    read_tree(source, margin)

    assert [f"{problem.line}: {problem.what}" for problem in margin.sorted()] == remarks


@pytest.mark.parametrize("source", ["[" * 3000, "{a: " * 3000, "- " * 3000, "? " * 3000, "a:\n" + " - " * 3000])
def test_a_file_that_nests_without_end_is_refused_at_once(source):
    began = time.perf_counter()

    found = said(source)

    assert time.perf_counter() - began < 0.1
    assert [remark.split(": ", 1)[1] for remark in found] == ["more than 20 levels inside each other."]


def test_a_yaml_bomb_never_grows():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{chr(ord(c) - 1)}, *{chr(ord(c) - 1)}]\n" for c in "bcdefghijklmnop"
    )
    began = time.perf_counter()

    found = said(bomb)

    assert time.perf_counter() - began < 0.1
    assert '1: the anchor "&a" is not allowed.' in found


def test_a_file_beyond_256_kilobytes_is_not_read():
    assert said("# " + "x" * 256 * 1024) == ["1: the file has 256 kB."]


def test_after_a_hundred_remarks_there_are_no_more():
    assert len(problems(HEAD + "  - {}\n" * 150)) == MOST_PROBLEMS


def _on_step(**lines):
    """The remarks on the lines of a step (its first line is 8), for a step otherwise right."""
    return said(page(step("a", **lines)))


ASK = "[{id: q, choice: {yes: {en: Yes}}}]"


@pytest.mark.parametrize(
    ("lines", "remarks"),
    [
        ({"kind": None}, ['8: "kind" is missing.']),
        ({"at": None}, ['8: "at" is missing.']),
        ({"after": "a + 1h"}, ['13: "at" and "after" both say when.', "13: this step waits for itself."]),
        ({"text": "Hello"}, ["12: a text says in which language it is."]),
        ({"text": "{}"}, ["12: there is no text here."]),
        ({"text": '{en: ""}'}, ["12: this text is empty."]),
        ({"text": "{en: Hello, you}"}, ['12: "you" is not a language.']),
        ({"text": "{en: [a]}"}, ["12: here one word or number is expected."]),
        ({"text": f"{{en: {'x' * 3001}}}"}, ["12: this text has 3001 characters."]),
        ({"text": '{en: "Hi {name}"}'}, ["12: {name} cannot be filled in here."]),
        ({"fresh_for": "0m"}, ["10: it would be stale before it is sent."]),
        ({"kind": "poem"}, ['11: "poem" is not known here.']),
        ({"ask": ASK}, ["13: nobody could read the answer."]),
        ({"visible_to": "me"}, ["13: nothing is asked here, so there is nothing to read."]),
        ({"ask": "[]", "visible_to": "me"}, ["13: nothing is asked here."]),
        ({"ask": ASK, "visible_to": "pair"}, ["14: nothing says when the answers open."]),
        ({"ask": ASK, "visible_to": "circle"}, ["14: only a group has a circle."]),
        ({"ask": ASK, "visible_to": "me", "opens": "when-both"}, ["15: only sealed answers of a pair open."]),
        (
            {"ask": ASK, "visible_to": "pair", "opens": "day 1 at 11:00"},
            ["15: this would open before anybody was asked."],
        ),
        ({"then": "{text: {en: x}}"}, ["13: only sealed answers of a pair open."]),
        ({"confirm": "both"}, ["13: only sealed answers of a pair open."]),
        ({"silence": "{after: 90m, alert: amber}"}, ["13: nothing is asked here, so nobody can be silent."]),
        ({"remind": "{after: 3h, text: {en: x}}"}, ["13: nothing is asked here, so nobody can be silent."]),
        ({"ask": ASK, "visible_to": "me", "remind": "{text: {en: x}}"}, ["15: a reminder comes at one hour."]),
        (
            {"ask": ASK, "visible_to": "me", "silence": "{after: 90m, alert: red}"},
            ["15: an alert would tell of a private answer."],
        ),
        (
            {"ask": "[{id: q, choice: {call: {en: Call, alert: red}}}]", "visible_to": "me"},
            ["13: an alert would tell of a private answer."],
        ),
        ({"tolerance": "30m"}, ["13: only a step for everybody together has a tolerance."]),
        ({"for_": "[]"}, ["13: nobody would receive this."]),
        ({"for_": "[watching]"}, ['13: "watching" is not known here.']),
        ({"merge_into": "b"}, ["13: nothing says when it is too early.", '13: there is no step called "b".']),
        ({"not_before": '"13:00"'}, ["13: the hour itself is earlier than not_before."]),
        ({"not_after": '"11:00"'}, ["13: the hour itself is later than not_after."]),
        ({"again_after_move": "true"}, ["13: only a step before the session is said again."]),
        ({"safety": "yes"}, ['13: "yes" is neither true nor false.']),
        ({"after": "b + 1h", "at": None}, ['12: there is no step called "b".']),
        ({"after": "a + 1h", "at": None}, ["12: this step waits for itself."]),
    ],
)
def test_a_step_that_cannot_be_meant_gets_its_remark(lines, remarks):
    assert _on_step(**lines) == remarks


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("{choice: {yes: {en: Yes}}}", '"id" is missing.'),
        ("{id: a-very-long-question, choice: {yes: {en: Yes}}}", 'the id "a-very-long-question" is too long.'),
        ("{id: q}", "a question needs exactly one kind of answer."),
        ("{id: q, text: {}, scale: {}}", "a question needs exactly one kind of answer."),
        ("{id: q, choice: {}}", "here answers are expected."),
        ("{id: q, choice: {yes: {}}}", "there is no text here."),
        ("{id: q, choice: {yes: {alert: red}}}", "there is no text here."),
        ("{id: q, choice: {yes: {en: Yes, alert: blue}}}", '"blue" is not known here.'),
        ("{id: q, choice: {YES: {en: Yes}}}", '"YES" cannot be an id.'),
        (f"{{id: q, choice: {{yes: {{en: {'x' * 41}}}}}}}", "this text has 41 characters."),
        ("{id: q, choice: {yes: {en: '{partner}'}}}", "{partner} cannot be filled in here."),
        ("{id: q, choice: {yes: {en: Yes}}, alert: {red: '>= 1'}}", "only a scale has a threshold."),
        ("{id: q, scale: {from: 5, to: 5}}", "a scale cannot go from 5 to 5."),
        ("{id: q, scale: {to: 11}}", "a scale cannot go from 0 to 11."),
        ("{id: q, scale: {ends: [{en: low}]}}", "a scale has two ends."),
        ("{id: q, scale: {to: 7}, alert: {red: '>= 8'}}", "8 is not on this scale."),
        ("{id: q, text: {longest: 0}}", "0 characters cannot be kept."),
        ("{id: q, text: {en: Hello}}", '"en" is not known here.'),
        ("{id: q, text: long}", "here keys and values are expected."),
    ],
)
def test_a_question_that_cannot_be_asked_gets_its_remark(question, remark):
    source = page(step("a", visible_to="facilitator", ask=f"[{question}]"))

    assert said(source) == [f"14: {remark}"]


def test_two_questions_cannot_share_an_id():
    source = page(step("a", visible_to="me", ask="[{id: q, text: {}}, {id: q, says: {en: x}, text: {}}]"))

    assert said(source) == ['14: two questions are called "q".']


def test_only_the_first_question_goes_without_a_sentence():
    source = page(step("a", visible_to="me", ask="[{id: q, text: {}}, {id: r, text: {}}]"))

    assert said(source) == ["14: only the first question may go without its own sentence."]


def test_two_steps_cannot_share_an_id():
    assert said(page(STEP, STEP)) == ["16: another step has this id, on line 8."]


def test_a_circle_of_steps_is_shown_once():
    source = page(step("a", at=None, after="b"), step("b", at=None, after="c"), step("c", at=None, after="a"))

    assert [problem.remedy for problem in problems(source)] == ["The circle: a → b → c → a."]


def test_a_step_merges_only_into_a_later_one_that_stays():
    early = {"at": "start - 3h", "not_before": '"08:00"'}
    source = page(
        step("a", **early, merge_into="b"),
        step("b", **early, merge_into="c"),
        step("c", at="start - 4h"),
    )

    assert said(source) == ['14: "b" merges into another step itself.', '21: "c" does not come later.']


@pytest.mark.parametrize("kind", ["group", "individual", "any"])
def test_only_a_couple_has_a_partner_and_a_pair(kind):
    source = page(
        step("a", text='{en: "Hi {partner}"}'),
        step("b", visible_to="pair", opens="when-both", ask=ASK),
        head=HEAD.replace("couple", kind),
    )

    assert said(source) == ["12: {partner} cannot be filled in here.", "18: only a couple has a pair."]


def test_a_wrong_kind_of_cohort_is_the_only_remark_about_it():
    source = page(step("a", text='{en: "Hi {partner}"}'), head=HEAD.replace("couple", "couples"))

    assert said(source) == ['5: "couples" is not known here.']


def test_an_opening_is_not_judged_when_its_hour_is_unreadable():
    source = page(step("a", at="soon", visible_to="pair", ask=ASK, opens="day 1 at 09:00"))

    assert [problem.line for problem in problems(source)] == [9]
