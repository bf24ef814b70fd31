"""Who should read what, and when: the rules of a window, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from time import process_time
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from people import (
    ANN,
    BERLIN,
    BOB,
    KETAMINE,
    KOLKATA,
    LONG_BEFORE,
    MEETING,
    NEVER,
    NEW_YORK,
    SAFE_HOME,
    SATURDAY,
    after,
    day,
    gathered,
    hours,
    local,
    party,
    phase,
    programme,
    release,
    start,
    step,
)

from bot.programmes.schema import WHEN_BOTH, Programme, Remind, Step
from bot.programmes.shelf import library
from bot.window.plan import plan
from bot.window.values import Gathered, Plan, Sent, Why
from bot.words import MeetingKind, Pace, Pacing, QuietHours, Role, StepKind, Visibility

TOGETHER = {"pace": Pacing.TOGETHER}
LETTER = step("letter", day(1, 18), visible_to=Visibility.PAIR, pace=Pacing.TOGETHER, opens=day(2, 18))


def planned(*steps: Step, meeting: Gathered | None = None, now: datetime = LONG_BEFORE, **more) -> Plan:
    return plan(programme(*steps), meeting or gathered(), now=now, **more)


def when(made: Plan, name: str, kind: str = "prompt") -> list[datetime]:
    """Every hour at which a step is said, in the order of its readers' ids."""
    rows = sorted(made.deliveries, key=lambda wanted: wanted.member_id)
    return [wanted.due_at for wanted in rows if wanted.step == name and wanted.kind == kind]


def whys(made: Plan) -> list[tuple[str, Why]]:
    return [(cannot.step, cannot.why) for cannot in made.cannot]


def evening(hour: int, minute: int = 0, *, of: int = 28) -> datetime:
    return local(BERLIN, 2026, 11, of, hour, minute)


# ── Anchors ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_steps_count_from_the_start_the_release_and_their_days():
    made = planned(
        step("eve", day(-1, 18)),
        step("before", start(hours(-3))),
        step("after", release(hours(20))),
        step("d1", day(1, 17)),
    )

    assert when(made, "eve") == [evening(18, of=27)] * 2
    assert when(made, "before") == [evening(11)] * 2
    assert when(made, "after") == [evening(13, of=29)] * 2
    assert when(made, "d1") == [evening(17, of=29)] * 2


def test_days_after_a_session_that_ends_past_midnight_count_from_the_day_of_its_release():
    late = gathered(starts_at=evening(22), lasts=hours(3), released_at=evening(1, of=29))

    made = planned(step("d0", day(0, 9)), step("d1", day(1, 11)), meeting=late)

    assert when(made, "d0") == [evening(9)] * 2
    assert when(made, "d1") == [local(BERLIN, 2026, 11, 30, 11)] * 2


def test_a_local_step_comes_at_everyones_own_hour_and_a_common_one_at_the_cohorts():
    apart = gathered(party(ANN, BERLIN), party(BOB, ZoneInfo("Europe/Lisbon")))

    made = planned(step("own", day(1, 11)), step("common", day(2, 11), **TOGETHER), meeting=apart)

    assert when(made, "own") == [evening(11, of=29), evening(12, of=29)]
    assert when(made, "common") == [local(BERLIN, 2026, 11, 30, 11)] * 2


def test_what_follows_a_step_comes_after_the_hour_that_step_really_has():
    early = gathered(party(ANN, quiet=QuietHours(time(21), time(10, 30))))

    made = planned(step("first", day(1, 10), fresh_for=hours(4)), step("then", after("first", hours(2))), meeting=early)

    assert when(made, "first") == [evening(10, 30, of=29)]
    assert when(made, "then") == [evening(12, 30, of=29)]


def test_what_follows_a_step_that_cannot_be_said_is_left_out_too():
    made = planned(step("first", day(1, 23), fresh_for=hours(1)), step("then", after("first", hours(12))))

    assert made.deliveries == ()
    assert set(made.dropped.values()) == {Why.QUIET, Why.FOLLOWS}


def test_somebody_who_left_the_session_early_counts_from_their_own_release():
    one_left = gathered(party(ANN), party(BOB, released_at=evening(15)))

    made = planned(SAFE_HOME, meeting=one_left)

    assert when(made, "safe-home") == [evening(19), evening(17)]


# ── Safe at home ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("released", "asked", "silent"),
    [(evening(17), evening(19), False), (evening(19, 30), evening(21, 30), True), (evening(21), evening(22, 45), True)],
)
def test_safe_home_goes_two_hours_after_the_release_or_at_a_quarter_to_eleven(released, asked, silent):
    made = planned(SAFE_HOME, meeting=gathered(released_at=released))

    assert [(wanted.due_at, wanted.silent, wanted.note) for wanted in made.deliveries] == [(asked, silent, None)] * 2
    assert made.cannot == ()


@pytest.mark.parametrize("released", [evening(22, 50), evening(2, of=29)])
def test_where_safe_home_cannot_be_said_in_time_the_facilitator_is_asked_instead(released):
    made = planned(SAFE_HOME, meeting=gathered(starts_at=released - hours(4), lasts=hours(4), released_at=released))

    assert made.deliveries == ()
    assert [(cannot.member_id, cannot.why) for cannot in made.cannot] == [
        (ANN, Why.NOT_TONIGHT),
        (BOB, Why.NOT_TONIGHT),
    ]


def test_a_release_recorded_late_still_asks_whether_everybody_is_home():
    made = planned(SAFE_HOME, now=evening(21, 15))

    assert [(wanted.due_at, wanted.silent) for wanted in made.deliveries] == [(evening(21, 15), True)] * 2


def test_nothing_is_asked_at_night_when_the_release_is_recorded_too_late():
    made = planned(SAFE_HOME, now=evening(23, 5))

    assert made.deliveries == ()
    assert whys(made) == [("safe-home", Why.NOT_TONIGHT)] * 2


def test_whoever_lives_where_it_is_night_is_not_woken():
    apart = gathered(party(ANN), party(BOB, KOLKATA), released_at=evening(20))

    made = planned(replace(SAFE_HOME, pace=Pacing.TOGETHER), meeting=apart)

    assert [(wanted.member_id, wanted.due_at) for wanted in made.deliveries] == [(ANN, evening(22))]
    assert set(whys(made)) == {("safe-home", Why.NOT_TONIGHT), ("safe-home", Why.NO_SHARED_HOUR)}


def test_the_evening_of_a_common_safety_step_is_the_readers_own():
    apart = gathered(party(ANN), party(BOB, KOLKATA))

    made = planned(replace(SAFE_HOME, pace=Pacing.TOGETHER), meeting=apart)

    assert when(made, "safe-home") == [evening(19), local(KOLKATA, 2026, 11, 28, 22, 45)]
    assert whys(made) == [("safe-home", Why.NO_SHARED_HOUR)]


def test_a_safety_step_without_a_latest_hour_waits_for_the_morning():
    made = planned(step("home", release(hours(2)), safety=True), meeting=gathered(released_at=evening(23)))

    assert when(made, "home") == [evening(8, of=29)] * 2


def test_nothing_but_safety_is_said_in_the_acute_phase():
    noon = gathered(starts_at=evening(9), released_at=evening(12))

    made = planned(SAFE_HOME, step("early", release(hours(1)), fresh_for=hours(6)), meeting=noon)

    assert when(made, "safe-home") == [evening(14)] * 2
    assert when(made, "early") == [evening(16)] * 2


def test_a_phase_lets_through_only_its_kinds():
    calm = (*KETAMINE[:1], phase("calm", release(hours(4)), release(hours(30)), kinds=frozenset({StepKind.PRACTICE})))
    steps = [step("talk", day(1, 11)), step("breathe", day(1, 11), StepKind.PRACTICE)]

    made = plan(programme(*steps, phases=calm), gathered(), now=LONG_BEFORE)

    assert when(made, "breathe") == [evening(11, of=29)] * 2
    assert whys(made) == [("talk", Why.PHASE)] * 2


# ── Quiet hours and freshness ──────────────────────────────────────────────────────────────────────────────────────


def test_a_step_in_quiet_hours_waits_for_the_morning_if_it_is_still_fresh():
    made = planned(step("late", day(1, 22), fresh_for=hours(12)))

    assert [(wanted.due_at, wanted.note) for wanted in made.deliveries] == [
        (local(BERLIN, 2026, 11, 30, 8), Why.QUIET)
    ] * 2


def test_a_step_that_would_be_stale_by_the_morning_is_skipped_with_its_reason():
    made = planned(step("late", day(1, 22), fresh_for=hours(10)))

    assert made.deliveries == ()
    assert whys(made) == [("late", Why.QUIET)] * 2


def test_a_step_after_its_latest_hour_is_skipped():
    made = planned(step("rest", release(hours(4)), not_after=time(20, 30)), meeting=gathered(released_at=evening(22)))

    assert whys(made) == [("rest", Why.TOO_LATE)] * 2


def test_a_step_before_the_session_is_nothing_once_it_has_begun():
    made = planned(step("arrive", start(hours(-1)), fresh_for=hours(12)), now=SATURDAY + hours(1))

    assert whys(made) == [("arrive", Why.PAST)] * 2


def test_a_step_too_early_for_the_morning_travels_in_the_next_message():
    early = gathered(starts_at=evening(10))
    arriving = step("arriving", start(hours(-3)), not_before=time(8), merge_into="container")

    made = planned(arriving, step("container", start(hours(-1))), meeting=early)

    assert [(wanted.step, wanted.due_at, wanted.merged) for wanted in made.deliveries] == [
        ("container", evening(9), ("arriving",))
    ] * 2
    assert made.cannot == ()


def test_a_step_that_travels_in_none_waits_for_its_earliest_hour():
    early = gathered(starts_at=evening(10))

    made = planned(step("arriving", start(hours(-3)), not_before=time(8)), meeting=early)

    assert when(made, "arriving") == [evening(8)] * 2


# ── Together ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_common_step_moves_to_the_nearest_instant_at_which_nobody_is_quiet():
    owl_and_lark = gathered(party(ANN), party(BOB, quiet=QuietHours(time(23), time(11, 20))))

    made = planned(step("common", day(1, 11), **TOGETHER), meeting=owl_and_lark)

    assert when(made, "common") == [evening(11, 20, of=29)] * 2
    assert all(wanted.together for wanted in made.deliveries)


def test_a_common_step_may_come_a_little_earlier():
    made = planned(step("common", day(1, 21, 10), **TOGETHER))

    assert when(made, "common") == [evening(20, 59, of=29)] * 2


def test_a_common_step_is_not_moved_into_the_past():
    made = planned(step("common", day(1, 21, 10), **TOGETHER), now=evening(21, 5, of=29))

    assert when(made, "common") == [local(BERLIN, 2026, 11, 30, 8)] * 2


def test_without_a_common_waking_instant_the_facilitator_is_told_and_each_has_their_own_hour():
    apart = gathered(party(ANN, KOLKATA), party(BOB, NEW_YORK))

    made = planned(step("common", day(1, 18, 30), **TOGETHER), meeting=apart)

    assert when(made, "common") == [local(KOLKATA, 2026, 11, 29, 18, 30), local(NEW_YORK, 2026, 11, 29, 18, 30)]
    assert [(cannot.member_id, cannot.why) for cannot in made.cannot] == [(None, Why.NO_SHARED_HOUR)]
    assert not any(wanted.together for wanted in made.deliveries)


def test_a_common_step_makes_way_for_all_when_one_days_are_crowded():
    said = [Sent(BOB, evening(17, of=29), StepKind.PROMPT)]

    made = planned(step("common", day(1, 18), **TOGETHER), already=said, now=evening(17, 30, of=29))

    assert when(made, "common") == [evening(18, 30, of=29)] * 2


# ── Budget ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_eve_holds_two_prompts_and_the_later_one_is_left_out():
    made = planned(*(step(f"s{hour}", day(-1, hour), fresh_for=hours(3)) for hour in (10, 12, 14)))

    assert {wanted.step for wanted in made.deliveries} == {"s10", "s12"}
    assert whys(made) == [("s14", Why.CROWDED)] * 2


def test_prompts_that_wish_for_the_same_hour_keep_ninety_minutes():
    made = planned(step("one", day(1, 11)), step("two", day(1, 11)))

    assert when(made, "one") == [evening(11, of=29)] * 2
    assert when(made, "two") == [evening(12, 30, of=29)] * 2


def test_safety_is_never_counted_out():
    crowded = [Sent(ANN, evening(18, minute), None) for minute in range(6)]

    made = planned(SAFE_HOME, already=crowded, now=evening(18, 30))

    assert when(made, "safe-home") == [evening(19)] * 2


def test_five_messages_of_any_kind_fill_a_day():
    crowded = [Sent(ANN, evening(9, minute, of=29), None) for minute in range(5)]

    made = planned(step("note", day(1, 12), StepKind.REMINDER, hours(4)), already=crowded, now=evening(10, of=29))

    assert [wanted.member_id for wanted in made.deliveries] == [BOB]
    assert whys(made) == [("note", Why.CROWDED)]


def test_between_two_cohorts_the_older_goes_and_the_other_waits():
    elsewhere = [Sent(ANN, evening(11, of=29), StepKind.PROMPT)]

    earlier = planned(step("one", day(1, 10, 30)), already=elsewhere)
    later = planned(step("one", day(1, 11, 30)), already=elsewhere)

    assert when(earlier, "one") == [evening(10, 30, of=29)] * 2
    assert when(later, "one") == [evening(12, 30, of=29), evening(11, 30, of=29)]


# ── Couples ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_opening_falls_due_at_its_announced_hour_once_for_both():
    (decision,) = planned(LETTER).decisions

    assert (decision.key, decision.due_at) == (f"opening:{MEETING}:letter", local(BERLIN, 2026, 11, 30, 18))


def test_an_opening_waits_until_nobody_is_in_quiet_hours():
    apart = gathered(party(ANN), party(BOB, NEW_YORK))

    (decision,) = planned(replace(LETTER, opens=day(2, 12)), meeting=apart).decisions

    assert decision.wished_at == local(BERLIN, 2026, 11, 30, 12)
    assert decision.due_at == local(NEW_YORK, 2026, 11, 30, 8)


def test_an_opening_never_comes_into_the_acute_phase():
    (decision,) = planned(replace(LETTER, at=day(-1, 18), opens=release(hours(0.5)))).decisions

    assert decision.due_at == evening(8, of=29)


def test_answers_that_open_when_both_are_there_are_decided_while_the_step_is_fresh():
    (decision,) = planned(replace(LETTER, opens=WHEN_BOTH, fresh_for=hours(20))).decisions

    assert decision.due_at == local(BERLIN, 2026, 11, 30, 14)


def test_a_sealed_question_is_not_asked_after_its_opening():
    made = planned(replace(LETTER, opens=day(1, 17)))

    assert (made.deliveries, made.decisions) == ((), ())
    assert whys(made) == [("letter", Why.TOO_LATE)] * 2


def test_pair_steps_rest_when_a_partner_is_absent():
    made = planned(LETTER, meeting=gathered(party(ANN), party(BOB, role=Role.ABSENT)))

    assert (made.deliveries, made.decisions) == ((), ())
    assert whys(made) == [("letter", Why.PARTNER_ABSENT)]


def test_an_unpaired_couple_has_no_pair_steps_and_nothing_opens():
    made = planned(LETTER, step("own", day(1, 11)), meeting=replace(gathered(), unpaired=True))

    assert {wanted.step for wanted in made.deliveries} == {"own"}
    assert made.decisions == ()


def test_where_nothing_is_stored_nothing_opens_but_the_question_is_asked():
    made = planned(LETTER, meeting=replace(gathered(), minimal=True))

    assert len(made.deliveries) == 2
    assert made.decisions == ()


def test_roles_decide_who_reads_a_step():
    made = planned(SAFE_HOME, meeting=gathered(party(ANN), party(BOB, role=Role.SUPPORTING)))
    only = planned(
        replace(SAFE_HOME, roles=frozenset({Role.RECEIVING})),
        meeting=gathered(party(ANN), party(BOB, role=Role.SUPPORTING)),
    )

    assert [wanted.member_id for wanted in made.deliveries] == [ANN, BOB]
    assert [wanted.member_id for wanted in only.deliveries] == [ANN]


# ── Pausing, lighter, leaving ──────────────────────────────────────────────────────────────────────────────────────


def test_what_falls_into_a_pause_stays_in_it():
    resting = gathered(party(ANN, paused=((evening(9, of=29), evening(12, of=29)),)))
    steps = [step("one", day(1, 10, 30)), step("two", day(1, 14))]

    made = planned(*steps, meeting=resting, now=evening(12, of=29))

    assert {wanted.step for wanted in made.deliveries} == {"two"}
    assert list(made.dropped.values()) == [Why.RESTING]


def test_a_pause_over_a_safety_step_is_named():
    made = planned(SAFE_HOME, meeting=gathered(party(ANN, paused=((evening(9), None),)), party(BOB)))

    assert [wanted.member_id for wanted in made.deliveries] == [BOB]
    assert [(cannot.member_id, cannot.why) for cannot in made.cannot] == [(ANN, Why.RESTING)]


def test_a_lighter_pace_rests_every_second_prompt_and_practice_and_keeps_the_rest():
    steps = [
        step("p1", day(1, 10)),
        step("c1", day(1, 12), StepKind.CHECK_IN),
        step("p2", day(1, 14), StepKind.PRACTICE),
        step("p3", day(2, 14)),
        step("c2", day(2, 18), StepKind.CHECK_IN),
    ]

    made = planned(SAFE_HOME, *steps, meeting=gathered(party(ANN, pace=Pace.LIGHTER)))

    assert [wanted.step for wanted in made.deliveries] == ["safe-home", "p1", "c1", "p3", "c2"]


def test_light_touch_is_another_programme_for_that_member_alone():
    lighter = programme(step("one-line", day(1, 12)))
    both = gathered(party(ANN), party(BOB, pace=Pace.LIGHT_TOUCH))

    made = planned(SAFE_HOME, LETTER, meeting=both, lighter=lighter)

    told = {(wanted.step, wanted.member_id) for wanted in made.deliveries}
    assert told == {("safe-home", ANN), ("safe-home", BOB), ("letter", ANN), ("one-line", BOB)}
    assert [decision.step for decision in made.decisions] == ["letter"]


def test_a_lighter_programme_does_not_repeat_what_the_full_one_has_said():
    lighter = programme(step("logistics", day(-1, 18)), step("later", day(1, 12)))
    both = gathered(party(ANN), party(BOB, pace=Pace.LIGHT_TOUCH))
    said = [Sent(BOB, evening(18, 30, of=27), StepKind.PROMPT, key=f"prompt:{MEETING}:eve:{BOB}")]

    made = plan(programme(step("eve", day(-1, 18, 30))), both, lighter=lighter, now=evening(19, of=27), already=said)

    assert {wanted.step for wanted in made.deliveries if wanted.member_id == BOB} == {"later"}


def test_whoever_left_hears_nothing_more_and_the_other_still_receives_what_is_for_two():
    left = gathered(party(ANN), party(BOB, left_at=evening(12, of=29)))

    made = planned(step("first", day(1, 11)), LETTER, meeting=left)

    assert {(wanted.step, wanted.member_id) for wanted in made.deliveries} == {
        ("first", ANN),
        ("first", BOB),
        ("letter", ANN),
    }
    assert len(made.decisions) == 1


def test_whoever_left_before_anything_began_cannot_be_told_by_the_other():
    left = gathered(party(ANN), party(BOB, left_at=evening(12, of=20)))
    both = gathered(party(ANN), party(BOB))

    made, other = (planned(step("first", day(1, 11)), LETTER, meeting=meeting) for meeting in (left, both))

    assert [wanted for wanted in other.deliveries if wanted.member_id == ANN] == list(made.deliveries)
    assert whys(made) == []


def test_a_latecomer_receives_only_what_is_due_from_then_on():
    late = gathered(party(ANN), party(BOB, since=evening(12, of=29)))

    made = planned(step("one", day(1, 11)), step("two", day(1, 14)), meeting=late, now=evening(12, of=29))

    assert [(wanted.step, wanted.member_id) for wanted in made.deliveries if wanted.member_id == BOB] == [("two", BOB)]


# ── Other sessions, gatherings ─────────────────────────────────────────────────────────────────────────────────────


def test_from_the_next_sessions_eve_only_safety_is_left_of_the_older_window():
    next_eve = evening(12, of=29)
    steps = [step("one", day(1, 11)), step("two", day(1, 14)), step("safe", day(1, 15), safety=True)]

    made = planned(*steps, meeting=replace(gathered(party(ANN)), next_eve=next_eve))

    assert [wanted.step for wanted in made.deliveries] == ["one", "safe"]
    assert whys(made) == [("two", Why.NEXT_SESSION)]


def test_a_gathering_opens_no_window_and_has_only_its_logistics():
    logistics = step("logistics", day(-1, 18), StepKind.REMINDER, again_after_move=True)
    circle = replace(gathered(), kind=MeetingKind.GATHERING, released_at=None)

    made = planned(logistics, step("eve", day(-1, 19)), SAFE_HOME, LETTER, meeting=circle)

    assert {wanted.step for wanted in made.deliveries} == {"logistics"}
    assert made.decisions == ()


def test_logistics_are_named_by_the_start_they_speak_of():
    logistics = step("logistics", start(hours(-20)), StepKind.REMINDER, again_after_move=True)

    (wanted,) = planned(logistics, meeting=gathered(party(ANN))).deliveries

    assert wanted.key == f"prompt:{MEETING}:logistics:{ANN}:{int(SATURDAY.timestamp()) // 60}"


# ── Reminders ──────────────────────────────────────────────────────────────────────────────────────────────────────


def a_reminded(**how) -> Step:
    return replace(LETTER, remind=Remind({"en": "Still time."}, **how))


def test_a_reminder_comes_at_its_hour_of_the_next_fitting_day():
    made = planned(a_reminded(at=time(12, 15)))

    assert when(made, "letter", "remind") == [local(BERLIN, 2026, 11, 30, 12, 15)] * 2


def test_a_reminder_comes_after_its_span_but_never_in_quiet_hours():
    made = planned(a_reminded(after=hours(4)))

    assert when(made, "letter", "remind") == [local(BERLIN, 2026, 11, 30, 8)] * 2


def test_a_reminder_that_would_come_after_the_opening_is_dropped():
    made = planned(replace(a_reminded(after=hours(4)), opens=day(1, 21)))

    assert when(made, "letter", "remind") == []


def test_there_is_one_reminder_and_none_beside_a_step_that_is_not_said():
    key = f"remind:{MEETING}:letter:{ANN}"
    said = [
        Sent(ANN, evening(18, of=29), StepKind.PROMPT, key=f"prompt:{MEETING}:letter:{ANN}"),
        Sent(ANN, evening(22, of=29), None, key=key),
        Sent(BOB, evening(18, of=29), StepKind.PROMPT, key=f"prompt:{MEETING}:letter:{BOB}", said=False),
    ]

    made = planned(a_reminded(after=hours(3)), already=said, now=evening(22, of=29))

    assert made.deliveries == ()


# ── As a whole ─────────────────────────────────────────────────────────────────────────────────────────────────────


def the_couples_programme() -> Programme:
    return library()["couple-72h"].programme


def test_the_couples_programme_finds_room_for_everything_but_the_late_rest():
    made = plan(the_couples_programme(), gathered(starts_at=evening(11), released_at=evening(14)), now=LONG_BEFORE)

    assert made.cannot == ()
    spoken = {wanted.step for wanted in made.deliveries} | {name for each in made.deliveries for name in each.merged}
    assert spoken == {each.id for each in the_couples_programme().steps if Role.RECEIVING in each.roles}
    assert len(made.decisions) == sum(each.is_sealed for each in the_couples_programme().steps)


def test_a_group_of_forty_is_planned_in_a_blink():
    crowd = gathered(*(party(UUID(int=number), quiet=NEVER if number % 2 else QuietHours()) for number in range(1, 41)))
    steps = [step(f"s{n}", day(n // 3, 9 + 3 * (n % 3)), pace=list(Pacing)[n % 2]) for n in range(20)]

    begun = process_time()
    made = plan(programme(*steps), crowd, now=LONG_BEFORE)
    spent = process_time() - begun

    assert len(made.deliveries) > 400
    assert timedelta(seconds=spent) < timedelta(milliseconds=500)
