"""What the plan wants against what stands already."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from office import Office
from people import (
    ANN,
    BERLIN,
    BOB,
    SATURDAY,
    ZONES,
    day,
    gathered,
    hours,
    local,
    meetings,
    moved,
    party,
    programme,
    programmes,
    quiets,
    release,
    start,
    step,
)

from bot.programmes.schema import Programme
from bot.window.phases import Anchors
from bot.window.reconcile import SAID, impact
from bot.window.values import RELEASE_FALLBACK, Gathered, Why
from bot.window.wishes import plain_wishes
from bot.words import DeliveryState, MomentState, Pace, Pacing, Role, StepKind, Visibility

EVE = SATURDAY - timedelta(days=2)


def an_office(*steps, **more) -> Office:
    return Office(programme(*steps, phases=()), gathered(**more), EVE)


def test_an_empty_table_takes_the_whole_plan():
    office = an_office(step("one", release(hours(20))))

    changes = office.replan()

    assert changes.plan == office.plan().deliveries
    assert (changes.move, changes.withdraw, changes.keep) == ((), (), ())


def test_a_waiting_row_is_moved_in_its_place():
    office = an_office(step("one", release(hours(20))))
    office.replan()
    rows = dict(office.rows)

    office.gathered = moved(office.gathered, timedelta(days=1))
    changes = office.replan()

    assert [move.existing for move in changes.move] == list(rows.values())
    assert [move.wanted.due_at for move in changes.move] == [row.due_at + timedelta(days=1) for row in rows.values()]
    assert changes.plan == ()


@pytest.mark.parametrize(
    "state",
    [state for state in DeliveryState if state not in {DeliveryState.PLANNED, DeliveryState.CANCELLED}],
)
def test_what_has_begun_to_leave_or_ended_is_never_planned_again(state: DeliveryState):
    office = an_office(step("one", release(hours(20))))
    office.replan()
    office.rows = {name: replace(row, state=state) for name, row in office.rows.items()}

    office.gathered = moved(office.gathered, timedelta(days=1))
    changes = office.changes()

    assert changes.is_empty


def test_a_row_that_was_withdrawn_before_it_left_may_be_planned_again():
    office = an_office(step("one", release(hours(20)), roles=frozenset({Role.RECEIVING})))
    office.replan()
    both = office.gathered.parties
    office.gathered = replace(office.gathered, parties=tuple(replace(each, role=Role.ABSENT) for each in both))
    withdrawn = office.replan()
    office.gathered = replace(office.gathered, parties=both)

    again = office.replan()

    assert [gone.why for gone in withdrawn.withdraw] == [Why.NOT_WANTED] * 2
    assert len(again.plan) == 2


def test_a_withdrawn_row_says_why():
    office = an_office(step("eve", start(hours(-50))), step("one", release(hours(20))))
    office.replan()
    ann, bob = office.gathered.parties
    office.gathered = replace(office.gathered, parties=(replace(ann, paused=((EVE, None),)), replace(bob, left_at=EVE)))

    changes = office.replan()

    assert {(gone.existing.member_id, gone.why) for gone in changes.withdraw} == {(ANN, Why.RESTING), (BOB, Why.LEFT)}


def test_logistics_are_said_again_after_a_move_and_nothing_else_is():
    office = an_office(
        step("ride", start(hours(-20)), StepKind.REMINDER, again_after_move=True), step("once", start(hours(-22)))
    )
    office.replan()
    office.wait_until(SATURDAY - hours(12))

    office.gathered = moved(office.gathered, timedelta(days=2))
    changes = office.replan()

    assert {wanted.step for wanted in changes.plan} == {"ride"}


def test_an_old_copy_of_logistics_that_still_waits_gives_way_to_the_new_one():
    office = an_office(step("ride", start(hours(-20)), StepKind.REMINDER, again_after_move=True))
    office.replan()

    office.gathered = moved(office.gathered, timedelta(days=2))
    changes = office.replan()

    assert len(changes.withdraw) == len(changes.plan) == 2


def test_nothing_that_is_no_longer_fresh_is_created():
    office = an_office(step("eve", start(hours(-20)), fresh_for=hours(2)))
    office.now = SATURDAY - hours(3)

    changes = office.replan()

    assert changes.is_empty
    assert {cannot.why for cannot in office.plan().cannot} == {Why.PAST}


def test_a_row_that_expired_by_itself_is_left_for_the_post_to_record():
    office = an_office(step("one", release(hours(20)), fresh_for=hours(1)))
    office.replan()
    office.now = SATURDAY + hours(30)

    changes = office.replan()

    assert changes.withdraw == ()


def test_a_row_about_to_leave_is_not_moved_by_a_later_look():
    office = an_office(step("one", release(hours(20)), fresh_for=hours(6)))
    office.replan()
    office.now = SATURDAY + hours(23.5)

    assert office.changes().is_empty


def test_what_counts_from_a_release_waits_until_there_is_one_or_its_fallback():
    office = an_office(step("safe", release(hours(2)), StepKind.REMINDER, safety=True), released_at=None)
    planned_end = office.gathered.planned_end

    office.replan()

    assert {row.due_at for row in office.rows.values()} == {planned_end + RELEASE_FALLBACK}
    assert {wanted.due_at for wanted in office.wanted.values()} == {planned_end + hours(2)}

    office.now = planned_end + hours(0.5)
    office.gathered = replace(office.gathered, released_at=planned_end + hours(0.25))
    office.replan()

    assert {row.due_at for row in office.rows.values()} == {planned_end + hours(2.25)}


def test_a_corrected_release_moves_only_what_is_unsent():
    office = an_office(step("two", release(hours(2))), step("twenty", release(hours(20))))
    office.replan()
    office.wait_until(SATURDAY + hours(6))

    office.gathered = replace(office.gathered, released_at=SATURDAY + hours(4))
    changes = office.replan()

    assert {move.existing.step for move in changes.move} == {"twenty"}
    assert {row.step for row in changes.keep} == {"two"}


# ── Moments ────────────────────────────────────────────────────────────────────────────────────────────────────────


def a_pair_office() -> Office:
    return an_office(step("letter", day(1, 18), visible_to=Visibility.PAIR, pace=Pacing.TOGETHER, opens=day(2, 18)))


def test_an_opening_is_decided_once_and_moves_with_its_session():
    office = a_pair_office()
    office.replan()
    (before,) = office.moments.values()

    office.gathered = moved(office.gathered, timedelta(days=1))
    changes = office.replan()

    assert [moved_.existing for moved_ in changes.move_moments] == [before]
    assert changes.move_moments[0].decision.due_at == local(BERLIN, 2026, 12, 1, 18, 0)


def test_an_opening_that_was_decided_stays_decided():
    office = a_pair_office()
    office.replan()
    office.wait_until(SATURDAY + hours(80))

    office.gathered = moved(office.gathered, timedelta(days=1))
    changes = office.replan()

    assert [moment.state for moment in office.moments.values()] == [MomentState.DONE]
    assert changes.is_empty


def test_unpairing_withdraws_the_opening_and_what_waits_for_two():
    office = a_pair_office()
    office.replan()

    office.gathered = replace(office.gathered, unpaired=True)
    changes = office.replan()

    assert len(changes.withdraw) == 2
    assert [moment.key for moment in changes.withdraw_moments] == [moment.key for moment in office.moments.values()]


def test_an_opening_that_was_withdrawn_waits_again_when_it_is_wanted_again():
    office = a_pair_office()
    office.replan()
    office.gathered = replace(office.gathered, unpaired=True)
    office.replan()

    office.gathered = replace(office.gathered, unpaired=False)
    office.replan()

    assert [moment.state for moment in office.moments.values()] == [MomentState.WAITING]


def test_an_opening_stays_when_one_of_the_two_rests_or_leaves_after_the_question_was_asked():
    office = a_pair_office()
    office.replan()
    office.wait_until(SATURDAY + hours(32))
    ann, bob = office.gathered.parties

    office.gathered = replace(office.gathered, parties=(ann, replace(bob, left_at=office.now)))
    changes = office.replan()

    assert changes.is_empty
    assert [moment.state for moment in office.moments.values()] == [MomentState.WAITING]


# ── The preview ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_preview_counts_what_stays_moves_waits_and_is_too_old():
    office = an_office(
        step("eve", day(-1, 18)),
        step("morning", start(hours(-5)), fresh_for=hours(1)),
        step("evening", release(hours(1)), fresh_for=hours(20)),
        step("next", day(1, 11)),
    )
    office.replan()
    office.wait_until(SATURDAY - hours(6))

    office.gathered = moved(office.gathered, hours(6))
    office.now = SATURDAY + hours(2.5)
    seen = impact(office.changes(), office.plan())

    assert len(seen.stay) == 2
    assert {move.wanted.step for move in seen.move} == {"evening"}
    assert {wanted.step for wanted in seen.waits} == {"evening"}
    assert (seen.new, seen.withdrawn) == ((), ())


def test_the_preview_names_what_is_too_old_after_a_move():
    office = an_office(step("eve", start(hours(-20)), fresh_for=hours(2)), step("next", day(1, 11)))
    office.replan()

    office.gathered = moved(office.gathered, -timedelta(days=2))
    office.now = SATURDAY - timedelta(days=2) - hours(3)
    seen = impact(office.changes(), office.plan())

    assert [(cannot.step, cannot.member_id) for cannot in seen.skipped] == [("eve", ANN), ("eve", BOB)]
    assert {move.wanted.step for move in seen.move} == {"next"}
    assert seen.withdrawn == ()


def test_the_first_preview_names_what_is_too_old_and_later_ones_do_not_repeat_it():
    office = an_office(step("eve", day(-1, 18), fresh_for=hours(2)), step("next", day(1, 11)))
    office.now = SATURDAY - hours(2)

    first = impact(office.changes(), office.plan())
    office.replan()
    office.gathered = replace(office.gathered, released_at=SATURDAY + hours(4))
    second = impact(office.changes(), office.plan())

    assert {cannot.step for cannot in first.skipped} == {"eve"}
    assert second.skipped == ()


# ── Whatever happens ───────────────────────────────────────────────────────────────────────────────────────────────

quarters = st.integers(-8 * 24, 8 * 24).map(lambda n: timedelta(minutes=15 * n))
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(st.just("move"), quarters),
        st.tuples(st.just("release"), quarters),
        st.tuples(st.just("take back the release"), st.none()),
        st.tuples(st.just("join"), st.none()),
        st.tuples(st.just("leave"), st.integers(0, 3)),
        st.tuples(st.just("pause"), st.integers(0, 3)),
        st.tuples(st.just("resume"), st.integers(0, 3)),
        st.tuples(st.just("role"), st.tuples(st.integers(0, 3), st.sampled_from(Role))),
        st.tuples(st.just("pace"), st.tuples(st.integers(0, 3), st.sampled_from(Pace))),
        st.tuples(st.just("quiet"), st.tuples(st.integers(0, 3), quiets)),
        st.tuples(st.just("zone"), st.tuples(st.integers(0, 3), st.sampled_from(ZONES))),
        st.tuples(st.just("unpair"), st.none()),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(st.just("next session"), quarters),
    ),
    max_size=12,
)


def happen(office: Office, what: str, how: object) -> None:
    meeting, people = office.gathered, office.gathered.parties
    match what, how:
        case "wait", int(n):
            office.wait_until(office.now + hours(n), DeliveryState.UNKNOWN if n % 7 == 0 else DeliveryState.SENT)
        case "move", timedelta() as by:
            office.gathered = replace(meeting, starts_at=meeting.starts_at + by, released_at=None)
        case "release", timedelta() as late:
            office.gathered = replace(meeting, released_at=meeting.planned_end + late / 20)
        case "take back the release", _:
            office.gathered = replace(meeting, released_at=None)
        case "join", _:
            member = UUID(int=1000 + len(people))
            office.gathered = replace(meeting, parties=(*people, party(member, since=office.now)))
        case "unpair", _:
            office.gathered = replace(meeting, unpaired=True)
        case "cancel", _:
            office.gathered = replace(meeting, parties=())
        case "next session", timedelta() as late:
            office.gathered = replace(meeting, next_eve=office.now + late)
        case _, (int(n), value):
            _change(office, n, **{what: value})
        case "leave", int(n):
            _change(office, n, left_at=office.now)
        case "pause", int(n):
            _change(office, n, paused=((office.now, None),))
        case "resume", int(n):
            paused = people[n % len(people)].paused if people else ()
            _change(office, n, paused=tuple((begun, ends or office.now) for begun, ends in paused))


def _change(office: Office, number: int, **how: object) -> None:
    people = list(office.gathered.parties)
    if people:
        people[number % len(people)] = replace(people[number % len(people)], **how)
        office.gathered = replace(office.gathered, parties=tuple(people))


@given(programmes(), programmes(most=3), meetings(), happenings)
def test_what_was_sent_is_never_planned_again_whatever_happens(
    made: Programme, lighter: Programme, meeting: Gathered, story: list[tuple[str, object]]
):
    office = Office(made, meeting, meeting.starts_at - timedelta(days=4), lighter)
    office.replan()
    for what, how in story:
        happen(office, what, how)
        gone = {name: row for name, row in office.rows.items() if row.state in SAID}

        office.replan()

        assert office.changes().is_empty  # reconciling twice changes nothing
        assert {name: office.rows[name] for name in gone} == gone
        standing = Counter(row.key for row in office.rows.values() if row.state is not DeliveryState.CANCELLED)
        assert set(standing.values()) <= {1}
    office.wait_until(office.now + timedelta(days=30))
    said = Counter(wanted.key for _, wanted in office.said)
    assert set(said.values()) <= {1}


@given(
    programmes(),
    meetings(),
    st.sampled_from(["pause", "leave", "lighter", "light-touch", "silence"]),
    st.integers(-20, 200).map(hours),
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
)
def test_nobody_can_tell_from_their_hours_that_the_other_rests_went_lighter_or_left(
    made: Programme, meeting: Gathered, conduct: str, when: timedelta, looks: list[int]
):
    one, *others = meeting.parties
    assume(others)
    begun = min(plain_wishes(made, Anchors(meeting.starts_at, meeting.release, meeting.zone)).values())
    assume(conduct != "leave" or begun <= meeting.starts_at + when)

    def told_to_the_others(*, conducts: bool) -> list[tuple[datetime, str]]:
        office = Office(made, meeting, meeting.starts_at - timedelta(days=8), programme(step("x", day(2, 12))))
        office.replan()
        office.wait_until(meeting.starts_at + when)
        if conducts:
            _conduct(office, conduct)
        for look in looks:
            office.replan()
            office.wait_until(office.now + hours(look))
        office.replan()
        office.wait_until(office.now + timedelta(days=30))
        openings = [(moment.due_at, moment.key) for moment in office.moments.values()]
        return [(at, wanted.key) for at, wanted in office.said if wanted.member_id != one.member_id] + openings

    assert told_to_the_others(conducts=True) == told_to_the_others(conducts=False)


def _conduct(office: Office, conduct: str) -> None:
    how = {
        "pause": {"paused": ((office.now, None),)},
        "leave": {"left_at": office.now},
        "lighter": {"pace": Pace.LIGHTER},
        "light-touch": {"pace": Pace.LIGHT_TOUCH},
        "silence": {},
    }
    _change(office, 0, **how[conduct])
