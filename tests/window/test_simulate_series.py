"""The library's programmes for many people in many zones, and six sessions one after the other."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.programmes.series import wrap
from bot.programmes.shelf import library, programmes_of
from bot.window.budget import COUNTED, GAP, MOST_A_DAY
from bot.window.quiet import is_quiet, local_instant
from bot.window.simulate import Guest, Simulation, simulate_series
from bot.words import CohortKind, QuietHours, Role

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("America/New_York"), ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Kolkata")]
SHELF = programmes_of(library())
COUPLE = [Guest("Ann", BERLIN), Guest("Bob", BERLIN)]


def of(name: str, kind: CohortKind):
    programme = SHELF[name]
    return wrap(programme, SHELF[programme.wraps[kind]], kind) if programme.wraps else programme


def played(name: str, kind: CohortKind, guests: list[Guest], times: int = 1, apart: int = 7) -> tuple[Simulation, ...]:
    first = datetime(2026, 10, 3, 14)  # noqa: DTZ001 - a local hour, made an instant below
    days = [first + timedelta(days=apart * number) for number in range(times)]
    starts = [local_instant(day.date(), day.time(), BERLIN) for day in days]
    return simulate_series(of(name, kind), starts=starts, lasts=timedelta(hours=3), zone=BERLIN, guests=guests)


def steps(simulation: Simulation, label: str = "Ann") -> set[str]:
    rows = [row for row in simulation.rows if row.label == label]
    return {row.step for row in rows} | {name for row in rows for name in row.merged}


@pytest.mark.parametrize("name", ["group-72h", "prep-week", "series-6"])
def test_forty_people_in_four_zones_are_never_told_too_much_and_never_at_night(name: str) -> None:
    guests = [Guest(f"p{number}", ZONES[number % 4]) for number in range(40)]

    made = played(name, CohortKind.GROUP, guests, times=2)

    for guest in guests:
        rows = [r for each in made for r in each.rows if r.label == guest.label]
        rows = sorted((r for r in rows if r.step != "safe-home"), key=lambda r: r.at)
        counted = [r for r in rows if r.kind in COUNTED and not r.is_reminder]
        assert max(Counter(r.at.date() for r in rows).values()) <= MOST_A_DAY
        assert all(later.at - earlier.at >= GAP for earlier, later in pairwise(counted))
        assert not any(is_quiet(r.at, QuietHours(), guest.zone) for r in rows)
    days = [Counter(r.at.date() for r in each.rows if r.label == "p0" and r.kind in COUNTED) for each in made]
    assert max(day for each in days for day in each.values()) <= 4


def test_six_weekly_sessions_have_six_themes_a_middle_and_company_for_three_months() -> None:
    made = played("series-6", CohortKind.COUPLE, COUPLE, times=6)

    own = {step.id for step in SHELF["series-6"].steps}
    eves = [
        [row.step for row in each.rows if row.step in own and row.at.hour == 16 and row.label == "Ann"] for each in made
    ]
    assert [len(eve) for eve in eves] == [1] * 6
    assert len({eve[0] for eve in eves}) == 6
    assert ["midway" in steps(each) for each in made] == [False, False, True, False, False, False]
    last = max(row.at for row in made[-1].rows)
    end = made[-1].plan.deliveries[-1].due_at
    assert (last.astimezone(BERLIN).date() - datetime(2026, 11, 7, tzinfo=BERLIN).date()).days == 91
    assert end == last


@pytest.mark.parametrize("apart", [3, 7, 14])
@pytest.mark.parametrize("kind", list(CohortKind))
def test_a_line_is_asked_for_after_every_session_however_dense_they_are(kind: CohortKind, apart: int) -> None:
    guests = COUPLE if kind is not CohortKind.INDIVIDUAL else COUPLE[:1]

    made = played("series-6", kind, guests, times=6, apart=apart)

    assert ["one-line" in steps(each) for each in made] == [True] * 6


@pytest.mark.parametrize("name", ["couple-72h", "group-72h", "individual-72h"])
def test_a_supporter_and_an_absentee_have_their_own_days(name: str) -> None:
    guests = [
        Guest("Ann", BERLIN),
        Guest("Bob", BERLIN, role=Role.SUPPORTING),
        Guest("Chidi", BERLIN, role=Role.ABSENT),
    ]

    (made,) = played(name, SHELF[name].kind or CohortKind.GROUP, guests)

    assert ("capture" in steps(made), "beside" in steps(made)) == (True, False)
    assert ("capture" in steps(made, "Bob"), "beside" in steps(made, "Bob")) == (False, True)
    assert steps(made, "Chidi") == {"from-afar", "still-apart"}


def test_the_week_before_belongs_to_the_first_session_only() -> None:
    first, second = played("prep-week", CohortKind.INDIVIDUAL, COUPLE[:1], times=2, apart=14)

    own = {
        step.id for step in SHELF["prep-week"].steps if step.cohorts is None or CohortKind.INDIVIDUAL in step.cohorts
    }
    assert own <= steps(first)
    assert not own & steps(second)
