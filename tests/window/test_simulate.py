"""A programme tried on people who do not exist yet."""

from __future__ import annotations

from datetime import UTC, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from people import (
    BERLIN,
    KOLKATA,
    NEW_YORK,
    SAFE_HOME,
    SATURDAY,
    day,
    gathered,
    hours,
    local,
    meetings,
    party,
    programme,
    programmes,
    release,
    start,
    step,
)

from bot.programmes.schema import Programme
from bot.window.plan import plan
from bot.window.simulate import Guest, Simulation, simulate
from bot.window.values import Gathered, Why
from bot.words import Pacing, Visibility

TOKYO = ZoneInfo("Asia/Tokyo")
LETTER = step("letter", day(1, 18), visible_to=Visibility.PAIR, pace=Pacing.TOGETHER, opens=day(2, 18))


def simulated(*steps, guests: list[Guest]) -> Simulation:
    return simulate(programme(*steps), starts_at=SATURDAY, lasts=hours(3), zone=BERLIN, guests=guests)


def test_everybody_reads_their_own_local_time():
    rows = simulated(step("one", day(1, 11)), guests=[Guest("Chidi", KOLKATA), Guest("Dana", NEW_YORK)]).rows

    assert [(row.label, row.at.strftime("%H:%M"), row.at.tzinfo) for row in rows] == [
        ("Chidi", "11:00", KOLKATA),
        ("Dana", "11:00", NEW_YORK),
    ]


def test_a_row_says_when_sealed_answers_open():
    rows = simulated(LETTER, guests=[Guest("Ann", BERLIN), Guest("Bob", BERLIN)]).rows

    assert [row.opens_at for row in rows] == [local(BERLIN, 2026, 11, 30, 18)] * 2
    assert all(row.together for row in rows)


def test_what_cannot_be_kept_is_said_for_whom_and_when():
    guests = [Guest("Kei", TOKYO), Guest("Dana", NEW_YORK)]

    doubts = simulated(step("common", day(1, 18), pace=Pacing.TOGETHER), SAFE_HOME, guests=guests).doubts

    assert [(doubt.step, doubt.label, doubt.why) for doubt in doubts] == [
        ("safe-home", "Kei", Why.NOT_TONIGHT),
        ("common", None, Why.NO_SHARED_HOUR),
    ]
    assert [doubt.at and doubt.at.tzinfo for doubt in doubts] == [TOKYO, BERLIN]


def test_a_step_that_travels_in_another_message_is_named_in_its_row():
    arriving = step("arriving", start(hours(-9)), not_before=time(8), merge_into="container")

    rows = simulated(arriving, step("container", start(hours(-1))), guests=[Guest("Ann", BERLIN)]).rows

    assert [(row.step, row.merged) for row in rows] == [("container", ("arriving",))]


def test_local_hours_stay_across_a_clock_change_while_spans_are_counted_in_hours():
    starts_at = local(BERLIN, 2026, 10, 24, 14, 0)

    rows = simulate(
        programme(step("span", release(hours(24))), step("clock", day(1, 20)), phases=()),
        starts_at=starts_at,
        lasts=hours(3),
        zone=BERLIN,
        guests=[Guest("Ann", BERLIN)],
    ).rows

    assert [(row.step, row.at.strftime("%a %H:%M")) for row in rows] == [("span", "Sun 16:00"), ("clock", "Sun 20:00")]


@given(programmes(), meetings())
def test_a_simulation_is_the_real_plan(made: Programme, meeting: Gathered):
    guests = [
        Guest(str(number), each.zone, each.quiet, each.role, each.pace) for number, each in enumerate(meeting.parties)
    ]

    simulation = simulate(
        made,
        starts_at=meeting.starts_at,
        lasts=meeting.lasts,
        zone=meeting.zone,
        guests=guests,
        released_at=meeting.released_at,
        next_eve=meeting.next_eve,
    )

    long_before = meeting.starts_at - timedelta(days=365)
    people = [
        party(UUID(int=number), each.zone, quiet=each.quiet, role=each.role, pace=each.pace, since=long_before)
        for number, each in enumerate(meeting.parties, start=1)
    ]
    real = plan(
        made,
        gathered(
            *people,
            starts_at=meeting.starts_at,
            lasts=meeting.lasts,
            zone=meeting.zone,
            released_at=meeting.released_at,
            next_eve=meeting.next_eve,
        ),
        now=long_before,
    )
    told = [(row.step, row.label, row.at.astimezone(UTC), row.is_reminder) for row in simulation.rows]
    labels = {each.member_id: str(number) for number, each in enumerate(people)}
    wanted = [(each.step, labels[each.member_id], each.due_at, each.kind == "remind") for each in real.deliveries]
    assert sorted(told) == sorted(wanted)
