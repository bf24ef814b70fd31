"""A series: what it wraps, what belongs to which session, and what is said when the two do not go together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pages import HEAD, page, step

from bot.programmes.grammar import Unreadable, recall, sessions
from bot.programmes.reading import read, read_programme
from bot.programmes.schema import Recall
from bot.programmes.series import in_session, wrap
from bot.programmes.shelf import library, pin_for, pinned, programmes_of
from bot.words import CohortKind

NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)
ASK = "[{id: words, text: {longest: 300}}]"
SERIES = HEAD.replace("phases: ketamine", "wraps: couple-72h")
WRAPPABLE = programmes_of(library())


def said(*steps: str, head: str = SERIES) -> list[str]:
    problems = read(page(*steps, head=head), "series.yaml", WRAPPABLE).problems
    assert all(problem.remedy for problem in problems)
    return [f"{problem.line}: {problem.what}" for problem in problems]


@pytest.mark.parametrize(
    ("words", "numbers"), [("3", {3}), ("2..4", {2, 3, 4}), ("1..2, 5", {1, 2, 5}), ("1 .. 2,4", {1, 2, 4})]
)
def test_sessions_are_numbers_and_stretches(words, numbers):
    assert sessions(words) == numbers


@pytest.mark.parametrize("words", ["", "0", "3..2", "first", "1,", "53", "1...2", "-1", "٣"])
def test_what_numbers_no_session_is_said_with_a_remedy(words):
    with pytest.raises(Unreadable) as no:
        sessions(words)

    assert no.value.remedy


def test_what_comes_back_is_one_answer_or_every_one():
    assert (recall("line"), recall("every line")) == (Recall("line"), Recall("line", every=True))
    with pytest.raises(Unreadable):
        recall("Every Line")


@pytest.mark.parametrize(
    ("lines", "remarks"),
    [
        ({"recalls": "own"}, ["13: nothing shows what comes back."]),
        ({"text": '{en: "{thread}"}'}, ["12: {thread} cannot be filled in here."]),
        ({"recalls": "nobody", "text": '{en: "{thread}"}'}, ['13: there is no step called "nobody".']),
        ({"recalls": "listening", "text": '{en: "{thread}"}'}, ['13: "listening" asks for no words.']),
        ({"recalls": "intention", "text": '{en: "{thread}"}'}, ['13: "intention" is not answered for oneself alone.']),
        (
            {"recalls": "capture", "text": '{en: "{thread}"}'},
            ["13: what is written there may be too long to come back."],
        ),
        ({"cohorts": "[couple]"}, ["13: this programme is for one kind of cohort anyway: couple."]),
        ({"session": "0"}, ['13: there are no sessions "0".']),
        ({"id": "capture"}, ['8: "couple-72h" has a step of this id too.']),
    ],
)
def test_a_step_of_a_series_that_cannot_be_meant_gets_its_remark(lines, remarks):
    own = step("own", visible_to="me", ask=ASK)
    assert said(step("a", **lines), own) == remarks


@pytest.mark.parametrize(
    ("more", "remarks"),
    [
        ({"with": "[nobody]"}, ['9: there is no step called "nobody".']),
        ({"with": "[first-morning]"}, ['9: the answers to "first-morning" have other readers.']),
        ({"with": "[capture]", "fresh_for": "6h"}, ["13: a step that rides with another has no message of its own."]),
    ],
)
def test_a_step_rides_only_where_it_can(more, remarks):
    riding = {"at": None, "fresh_for": None, "kind": None, "visible_to": "me", "ask": ASK}
    written = step("a", **(riding | {key: value for key, value in more.items() if key != "with"}))
    written = written.replace("- id: a\n", f"- id: a\n  with: {more['with']}\n")

    assert [remark.split(": ", 1)[1] for remark in said(written)] == [remark.split(": ", 1)[1] for remark in remarks]


@pytest.mark.parametrize(
    ("head", "remark"),
    [
        (SERIES.replace("couple-72h", "couple-73h"), '6: there is no programme called "couple-73h".'),
        (SERIES.replace("couple-72h", "series-6"), '6: "series-6" is a series itself.'),
        (SERIES.replace("couple-72h", "group-72h"), '6: "group-72h" is not for this kind of cohort: couple.'),
        (SERIES.replace("for: couple", "for: any"), "6: a series for any cohort wraps one programme for each kind."),
        (SERIES.replace("wraps: couple-72h", "wraps: couple-72h\nphases: none"), "7: a series has those of the programme that it wraps."),
    ],
)  # fmt: skip
def test_what_cannot_be_wrapped_gets_its_remark(head, remark):
    assert said(step("a"), head=head) == [remark]


def test_only_a_series_has_steps_for_one_kind_of_cohort():
    assert said(step("a", cohorts="[couple]"), head=HEAD.replace("for: couple", "for: any")) == [
        "13: only a series has steps for one kind of cohort."
    ]


def test_each_session_has_its_own_steps_and_all_of_what_is_wrapped():
    inner = WRAPPABLE["couple-72h"]
    outer = read_programme(page(step("all"), step("third", session="3"), head=SERIES), "s.yaml", WRAPPABLE)
    whole = wrap(outer, inner, CohortKind.COUPLE)

    own = [[each.id for each in in_session(whole, n).steps if not inner.step(each.id)] for n in (1, 3)]

    assert own == [["all"], ["all", "third"]]
    assert in_session(whole, 3).steps[2:] == inner.steps
    assert (whole.phases, whole.window) == (inner.phases, inner.window)


@pytest.mark.parametrize("kind", list(CohortKind))
async def test_a_series_is_kept_with_what_it_wraps_for_each_kind_of_cohort(database, kind):
    async with database.transaction() as tx:
        row = await pin_for(tx, library(), "series-6", kind, NOW)
        again = await pin_for(tx, library(), "series-6", kind, NOW)

        programme = await pinned(tx, row.digest)

    assert again.digest == row.digest
    assert programme.kind is kind
    assert {each.id for each in WRAPPABLE[f"{kind.value}-72h"].steps} < {each.id for each in programme.steps}
    assert all(each.cohorts is None or kind in each.cohorts for each in programme.steps)
