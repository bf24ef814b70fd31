"""What every plan promises, whatever the programme, the people and their hours."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st
from people import (
    ANN,
    BOB,
    LONG_BEFORE,
    NEVER,
    NO_CHANGES,
    already_said,
    gathered,
    hours,
    instants,
    meetings,
    moved,
    party,
    programme,
    programmes,
    release,
    step,
)

from bot.programmes.schema import Programme
from bot.window.budget import COUNTED, GAP, MOST_A_DAY, MOST_A_WEEK, most_on, number_of
from bot.window.evening import GRACE
from bot.window.phases import Anchors, span_at, spans
from bot.window.plan import plan
from bot.window.quiet import is_quiet
from bot.window.values import Gathered, Plan, Sent, Wanted, Why
from bot.window.wishes import plain_wishes
from bot.words import Pace, Pacing, Role

some_now = st.integers(-100, 400).map(hours)


@st.composite
def planned(draw: st.DrawFn) -> tuple[Programme, Gathered, datetime, list[Sent], Plan]:
    made, meeting = draw(programmes()), draw(meetings())
    now = draw(st.one_of(st.just(LONG_BEFORE), some_now.map(lambda late: meeting.starts_at + late)))
    already = draw(already_said(meeting))
    return made, meeting, now, already, plan(made, meeting, now=now, already=already)


@given(planned())
def test_the_same_values_make_the_same_plan(case):
    made, meeting, now, already, first = case

    assert plan(made, meeting, now=now, already=already) == first


@given(planned())
def test_quiet_hours_hold_for_everything_but_safety(case):
    _, meeting, _, _, made = case
    people = {party.member_id: party for party in meeting.parties}

    disturbed = [
        wanted
        for wanted in made.deliveries
        if not wanted.safety and is_quiet(wanted.due_at, people[wanted.member_id].quiet, people[wanted.member_id].zone)
    ]

    assert disturbed == []


@given(planned())
def test_safety_speaks_into_quiet_hours_only_in_the_evening_and_silently(case):
    _, meeting, _, _, made = case
    people = {party.member_id: party for party in meeting.parties}
    for wanted in made.deliveries:
        reader = people[wanted.member_id]
        if wanted.safety and is_quiet(wanted.due_at, reader.quiet, reader.zone):
            clock = wanted.due_at.astimezone(reader.zone).time()
            assert wanted.silent
            assert time(12) <= clock <= time(23, 0)


@given(planned())
def test_nothing_but_safety_is_said_in_the_session_and_its_acute_phase(case):
    programme, meeting, _, _, made = case
    for wanted in made.deliveries:
        if wanted.safety:
            continue
        assert not meeting.starts_at < wanted.due_at < meeting.release
        for reader in meeting.parties:
            laid = spans(programme, Anchors(meeting.starts_at, meeting.release, reader.zone))
            span = span_at(laid, wanted.due_at)
            assert wanted.member_id != reader.member_id or not (span and span.phase.only_safety)


@given(planned())
def test_the_budget_holds(case):
    _, meeting, _, _, made = case
    for reader in meeting.parties:
        starts_on = meeting.starts_at.astimezone(reader.zone).date()
        released_on = meeting.release.astimezone(reader.zone).date()
        ours = [wanted for wanted in made.deliveries if wanted.member_id == reader.member_id and not wanted.safety]
        counted = [wanted for wanted in ours if wanted.kind == "prompt" and wanted.step_kind in COUNTED]
        days = Counter(wanted.due_at.astimezone(reader.zone).date() for wanted in counted)
        weeks: Counter[int] = Counter()
        for day, many in days.items():
            number = number_of(day, starts_on, released_on)
            assert many <= most_on(number)
            if number > 7:
                weeks[(number - 1) // 7] += many
        assert all(many <= MOST_A_WEEK for many in weeks.values())
        everything = Counter(wanted.due_at.astimezone(reader.zone).date() for wanted in ours)
        assert all(many <= MOST_A_DAY for many in everything.values())


@given(planned())
def test_prompts_are_ninety_minutes_apart_from_each_other_and_from_what_was_said_elsewhere(case):
    _, _, now, already, made = case
    by_reader = defaultdict(list)
    for wanted in made.deliveries:
        if not wanted.safety and wanted.kind == "prompt" and wanted.step_kind in COUNTED:
            by_reader[wanted.member_id].append(wanted.due_at)
    for member, instants_of_reader in by_reader.items():
        ordered = sorted(instants_of_reader)
        assert all(later - earlier >= GAP for earlier, later in pairwise(ordered))
        said = [sent.at for sent in already if sent.member_id == member and sent.kind in COUNTED and sent.at <= now]
        waits = [sent.at for sent in already if sent.member_id == member and sent.kind in COUNTED and sent.at > now]
        assert all(abs(instant - other) >= GAP for instant in ordered for other in said)
        assert not any(instant - GAP < other <= instant for instant in ordered for other in waits)


@given(planned())
def test_partners_receive_a_common_step_at_one_instant_or_the_facilitator_is_told(case):
    programme, _, _, _, made = case
    told = {cannot.step for cannot in made.cannot if cannot.why is Why.NO_SHARED_HOUR}
    for each in programme.steps:
        hours_of_step = {
            wanted.due_at for wanted in made.deliveries if wanted.step == each.id and wanted.kind == "prompt"
        }
        if each.pace is Pacing.TOGETHER and each.id not in told:
            assert len(hours_of_step) <= 1


@given(planned())
def test_a_common_step_reaches_all_or_none_of_those_whom_it_is_for(case):
    programme, meeting, _, _, made = case
    told = {cannot.step for cannot in made.cannot if cannot.why is Why.NO_SHARED_HOUR}
    for each in programme.steps:
        together = {w.member_id for w in made.deliveries if w.step == each.id and w.together and not w.safety}
        if together and each.id not in told:
            resting = {key.split(":")[3] for key in made.dropped if key.startswith("prompt:") and f":{each.id}:" in key}
            meant = {reader.member_id for reader in meeting.parties if reader.role in each.roles}
            assert together == {member for member in meant if str(member) not in resting}


@given(planned())
def test_nothing_is_planned_outside_the_programmes_span(case):
    programme, meeting, _, _, made = case
    for wanted in made.deliveries:
        reader = next(each for each in meeting.parties if each.member_id == wanted.member_id)
        bounds: list[datetime] = []
        for zone in (reader.zone, meeting.zone):
            anchors = Anchors(meeting.starts_at, meeting.release, zone)
            bounds += plain_wishes(programme, anchors).values()
            bounds += [span.ends_at for span in spans(programme, anchors)]
        tolerance = max(each.tolerance for each in programme.steps)
        if not wanted.safety:
            assert min(bounds) - tolerance <= wanted.due_at
        if not wanted.safety and wanted.step not in _followers(programme):
            assert wanted.due_at <= max(*bounds, meeting.release + programme.window) + timedelta(minutes=1)


def _followers(programme: Programme) -> set[str]:
    return {each.id for each in programme.steps if each.at.step}


def _first(programme: Programme, meeting: Gathered) -> datetime:
    return min(plain_wishes(programme, Anchors(meeting.starts_at, meeting.release, meeting.zone)).values())


@given(planned())
def test_every_message_is_planned_while_it_is_fresh_and_not_into_the_past(case):
    programme, _, now, _, made = case
    fresh = {each.id: each.fresh_for for each in programme.steps}
    for wanted in made.deliveries:
        assert now <= wanted.due_at < wanted.expires_at
        if wanted.kind == "prompt":
            assert wanted.expires_at <= wanted.wished_at + fresh[wanted.step] + GRACE


@given(planned())
def test_every_key_is_planned_once_and_a_reminder_only_beside_its_step(case):
    _, _, _, _, made = case
    keys = [wanted.key for wanted in made.deliveries]
    prompts = {(wanted.step, wanted.member_id): wanted.due_at for wanted in made.deliveries if wanted.kind == "prompt"}

    assert len(keys) == len(set(keys))
    for wanted in made.deliveries:
        if wanted.kind == "remind":
            assert prompts[wanted.step, wanted.member_id] < wanted.due_at


@given(planned())
def test_pair_steps_rest_when_a_partner_is_absent(case):
    programme, meeting, _, _, made = case
    pair = {each.id for each in programme.steps if each.visible_to == "pair"}
    if any(reader.role is Role.ABSENT for reader in meeting.parties):
        assert not pair & {wanted.step for wanted in made.deliveries}
        assert made.decisions == ()


@given(planned())
def test_an_opening_waits_until_nobody_is_quiet_and_never_comes_early(case):
    programme, meeting, _, _, made = case
    told = {cannot.step for cannot in made.cannot if cannot.why is Why.NO_SHARED_HOUR}
    for decision in made.decisions:
        readers = [each for each in meeting.parties if each.role in programme.step(decision.step).roles]
        assert decision.due_at >= decision.wished_at
        if decision.step not in told:
            assert not any(is_quiet(decision.due_at, each.quiet, each.zone) for each in readers)


@given(planned(), st.integers(-50, 300).map(hours))
def test_a_latecomer_receives_no_step_from_the_past(case, late):
    programme, meeting, _, already, _ = case
    since = meeting.starts_at + late
    newcomer = replace(meeting.parties[0], member_id=UUID(int=99), chat_id=UUID(int=99), since=since)
    joined = replace(meeting, parties=(*meeting.parties, newcomer))

    made = plan(programme, joined, now=since, already=already)

    theirs = [wanted for wanted in made.deliveries if wanted.member_id == newcomer.member_id]
    assert all(wanted.wished_at >= since and wanted.due_at >= since for wanted in theirs)


@given(programmes(), meetings(NO_CHANGES), st.integers(-30, 30))
def test_moving_a_session_by_days_moves_every_unsent_step_by_as_many(programme: Programme, meeting: Gathered, days):
    by = timedelta(days=days)

    before = plan(programme, meeting, now=LONG_BEFORE - timedelta(days=60))
    after = plan(programme, moved(meeting, by), now=LONG_BEFORE - timedelta(days=60))

    def when(made: Plan) -> dict[tuple[str, str, UUID], datetime]:
        return {(wanted.kind, wanted.step, wanted.member_id): wanted.due_at for wanted in made.deliveries}

    assert when(after) == {what: at + by for what, at in when(before).items()}
    assert [decision.due_at for decision in after.decisions] == [each.due_at + by for each in before.decisions]


@given(
    offsets=st.lists(st.integers(0, 300), min_size=1, max_size=6, unique=True),
    starts_at=instants,
    by=st.integers(-5000, 5000).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_moving_a_session_by_any_span_moves_offset_steps_by_exactly_that_span(offsets, starts_at, by):
    made = programme(*(step(f"s{n}", release(hours(n)), kind="reminder") for n in offsets), phases=())
    meeting = gathered(party(ANN, quiet=NEVER), party(BOB, quiet=NEVER), starts_at=starts_at)

    before = plan(made, meeting, now=LONG_BEFORE - timedelta(days=60))
    after = plan(made, moved(meeting, by), now=LONG_BEFORE - timedelta(days=60))

    crowded = {cannot.step for cannot in (*before.cannot, *after.cannot)}
    assume(not crowded)
    assert [wanted.due_at for wanted in before.deliveries] == [
        release_at for n in sorted(offsets) for release_at in [starts_at + hours(3) + hours(n)] * 2
    ]
    assert [wanted.due_at for wanted in after.deliveries] == [wanted.due_at + by for wanted in before.deliveries]


@given(instants, st.sampled_from(["Europe/Berlin", "Australia/Sydney", "America/Santiago", "Australia/Lord_Howe"]))
def test_seventy_two_hours_are_always_as_many_seconds(starts_at: datetime, zone: str):
    made = programme(step("last", release(hours(72))), phases=())
    meeting = gathered(party(ANN, ZoneInfo(zone), quiet=NEVER), starts_at=starts_at, zone=ZoneInfo(zone))

    (wanted,) = plan(made, meeting, now=LONG_BEFORE).deliveries

    assert (wanted.due_at - meeting.release).total_seconds() == 259_200


# ── Nobody's hours tell ────────────────────────────────────────────────────────────────────────────────────────────


@given(planned(), st.sampled_from(["paused", "lighter", "left", "light-touch"]), st.integers(-20, 200).map(hours))
def test_the_others_hours_do_not_change_when_somebody_rests_goes_lighter_or_leaves(case, how, late):
    programme, meeting, now, already, made = case
    one, *others = meeting.parties
    assume(others)
    since = max(now, meeting.starts_at + late)
    assume(how != "left" or _first(programme, meeting) < since)
    resting = {
        "paused": replace(one, paused=((since, None),)),
        "lighter": replace(one, pace=Pace.LIGHTER),
        "light-touch": replace(one, pace=Pace.LIGHT_TOUCH),
        "left": replace(one, left_at=since),
    }[how]

    after = plan(programme, replace(meeting, parties=(resting, *others)), now=now, already=already, lighter=programme)

    def theirs(some: Plan) -> list[Wanted]:
        return [wanted for wanted in some.deliveries if wanted.member_id != one.member_id]

    assert theirs(after) == theirs(made)
