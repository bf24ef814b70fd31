"""What one line says of a cohort."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.enrolment.rules import good_name, labels_typed, words_of
from bot.enrolment.wish import Wish, begin, check_complete, chosen_programme, fitting, missing, wish_from
from bot.errors import Refused
from bot.messages import LONGEST_NAME
from bot.words import CohortKind, SecretsPolicy

COUPLE, GROUP, INDIVIDUAL = CohortKind.COUPLE, CohortKind.GROUP, CohortKind.INDIVIDUAL
SHELF = {"couple-72h": COUPLE, "couple-long": COUPLE, "group-72h": GROUP, "light-touch": None}


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("couple Maple Ann Bob", Wish(COUPLE, "Maple", ("Ann", "Bob"))),
        ("COUPLE “Red Maple” Ann Bob", Wish(COUPLE, "Red Maple", ("Ann", "Bob"))),
        ("couple Maple", Wish(COUPLE, "Maple", ("1", "2"))),
        ("couple Maple Ann Bob couple-long Asia/Kolkata", Wish(COUPLE, "Maple", ("Ann", "Bob"), "Asia/Kolkata", "couple-long")),
        ("group Oak", Wish(GROUP, "Oak")),
        ("group Oak 4 UTC", Wish(GROUP, "Oak", ("1", "2", "3", "4"), "UTC")),
        ("individual Fern O'Neil", Wish(INDIVIDUAL, "Fern", ("O'Neil",), policy=SecretsPolicy.KEPT)),
    ],
)  # fmt: skip
def test_one_line_says_everything(line: str, wish: Wish) -> None:
    assert wish_from(line, SHELF) == wish


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused_by_name(line: str) -> None:
    for written in (line, f"couple {line}", f"group {line}"):
        try:
            wish = wish_from(written, SHELF)
        except Refused:
            continue
        assert 0 < len(wish.name) <= LONGEST_NAME
        assert Wish.from_json(wish.as_json()) == wish


@given(st.text(max_size=100))
def test_a_name_is_kept_as_it_was_typed_or_refused(typed: str) -> None:
    try:
        name = good_name(typed)
    except Refused:
        return
    assert good_name(name) == name


def test_a_quote_without_its_partner_is_a_letter() -> None:
    assert words_of('couple Ma"ple Ann') == ["couple", 'Ma"ple', "Ann"]


@pytest.mark.parametrize("typed", ["Ann, Bob", "Ann\nBob", "Ann Bob", " Ann ;Bob, "])
def test_names_are_read_however_they_are_separated(typed: str) -> None:
    assert labels_typed(typed) == ["Ann", "Bob"]


def test_a_cohort_gets_the_programme_written_for_it_unless_another_is_chosen() -> None:
    assert [chosen_programme(Wish(kind), SHELF) for kind in CohortKind] == ["couple-72h", "group-72h", "light-touch"]
    assert chosen_programme(Wish(COUPLE, programme="light-touch"), SHELF) == "light-touch"
    assert fitting(COUPLE, SHELF) == ["couple-72h", "couple-long", "light-touch"]


def test_questions_come_in_order_until_nothing_is_missing() -> None:
    asked = [
        begin(COUPLE),
        Wish(COUPLE, "Maple"),
        Wish(COUPLE, "Maple", ("1", "2")),
        Wish(COUPLE, "Maple", ("1", "2"), "UTC"),
    ]

    assert [missing(wish) for wish in asked] == ["name", "labels", "zone", None]


@pytest.mark.parametrize("lacking", ["name", "labels", "zone", "policy", "screened"])
def test_nothing_required_can_be_left_out(lacking: str) -> None:
    whole = {"name": "Maple", "labels": ("1", "2"), "zone": "UTC", "policy": SecretsPolicy.KEPT, "screened": True}
    check_complete(Wish(COUPLE, **whole))
    nothing = {"name": "", "labels": ("1",), "zone": None, "policy": None, "screened": False}

    with pytest.raises(Refused):
        check_complete(Wish(COUPLE, **(whole | {lacking: nothing[lacking]})))
