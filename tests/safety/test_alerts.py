from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from couple import (
    NOON,
    SAO_PAULO,
    add_cohort,
    add_facilitator,
    add_maple,
    add_member,
    add_person,
    arrive,
    fall_due,
    kinds,
    letters,
    said,
)
from sqlalchemy import func, select

from bot.delivery.moments import plan_moment
from bot.safety import actions, handling
from bot.safety.compose import COMPOSERS
from bot.safety.queries import unresolved
from bot.safety.rules import AlertClosed, NobodyElse, NotYourAlert
from bot.storage.tables import Alert, Appointment, Chat, Member, Moment, Person, Response
from bot.words import (
    AlertCause,
    AlertOutcome,
    AlertState,
    Choice,
    Lane,
    Level,
    Office,
    Verb,
    Visibility,
)

FIVE = timedelta(minutes=5)
HEARD: list[dict[str, object]] = []
MOMENTS = actions.moments(HEARD.append)


async def call(tx, maple, now=NOON):
    return await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.CALL, now=now)


async def help_now(tx, maple, now=NOON):
    return await actions.raise_alert(tx, maple.ann, Level.RED, AlertCause.UNSAFE, now=now)


# ── Raising ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_tells_fay_at_once_in_the_safety_lane_and_gives_ann_a_receipt(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        alert = await call(tx, maple)

        to_fay = await letters(tx, alert.id, maple.fay)
        assert [(row.kind, row.lane, row.due_at, row.expires_at) for row in to_fay] == [
            ("alert", Lane.SAFETY, NOON, None)
        ]
        assert await kinds(tx, alert.id, maple.ann) == ["alert-receipt"]
        assert await kinds(tx, alert.id, maple.bob) == []


async def test_the_notification_says_neither_who_nor_what(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await help_now(tx, maple)
        (row,) = await letters(tx, alert.id, maple.fay)

        message = await said(tx, row, COMPOSERS, NOON)

        assert message.text == "Somebody needs you."
        assert [[one.label for one in buttons] for buttons in message.buttons] == [["Open"]]


async def test_raising_the_same_again_before_anybody_read_it_changes_nothing(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        first = await call(tx, maple)

        second = await call(tx, maple, NOON + FIVE)

        assert second.id == first.id
        assert len(await letters(tx, first.id)) == 2
        assert await tx.scalar(select(func.count()).select_from(Alert)) == 1


async def test_the_same_raised_twice_at_the_same_instant_becomes_one_alert(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

    async def press():
        async with database.transaction() as tx:
            ann = await tx.get_one(Member, maple.ann.id)
            return (await actions.raise_alert(tx, ann, Level.RED, AlertCause.UNSAFE, now=NOON)).id

    raised = await asyncio.gather(*(press() for _ in range(4)))

    assert len(set(raised)) == 1
    async with database.transaction() as tx:
        assert await kinds(tx, raised[0], maple.fay) == ["alert"]


async def test_two_causes_and_two_steps_are_alerts_of_their_own(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        ask = {"now": NOON, "meeting_id": maple.meeting.id}

        raised = [
            await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.SILENCE, step="safe-home", **ask),
            await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.ANSWER, step="safe-home", **ask),
            await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.ANSWER, step="morning", **ask),
            await actions.raise_alert(tx, maple.bob, Level.AMBER, AlertCause.ANSWER, step="morning", **ask),
        ]

        assert len({alert.id for alert in raised}) == 4


async def test_an_amber_alert_that_turns_red_is_said_again_to_everybody(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        ask = {"meeting_id": maple.meeting.id, "step": "morning"}
        amber = await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.ANSWER, now=NOON, **ask)
        assert await kinds(tx, amber.id, gil) == []

        red = await actions.raise_alert(tx, maple.ann, Level.RED, AlertCause.ANSWER, now=NOON + FIVE, **ask)

        assert (red.id, red.level) == (amber.id, Level.RED)
        assert await kinds(tx, red.id, maple.fay) == ["alert", "alert"]
        assert await kinds(tx, red.id, gil) == ["alert"]
        assert await kinds(tx, red.id, maple.ann) == ["alert-receipt", "alert-receipt"]


async def test_asking_again_after_it_was_read_is_a_new_alert(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        first = await call(tx, maple)
        await handling.acknowledge(tx, first.id, maple.fay, now=NOON, tapped=None)

        second = await call(tx, maple, NOON + FIVE)

        assert second.id != first.id


async def test_a_red_alert_holds_the_member_and_nobody_else(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        await help_now(tx, maple)

        assert (maple.ann.held_at, maple.bob.held_at) == (NOON, None)


async def test_an_amber_alert_holds_nobody(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        await call(tx, maple)

        assert maple.ann.held_at is None


async def test_the_programme_goes_on_when_a_facilitator_resumes_it(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await help_now(tx, maple)
        await handling.resolve(tx, alert.id, maple.fay, AlertOutcome.CONTACTED, now=NOON, tapped=None)
        assert maple.ann.held_at == NOON

        await handling.resume(tx, alert.id, maple.fay, now=NOON + FIVE)

        assert maple.ann.held_at is None


async def test_the_named_responder_is_asked_before_whoever_enrolled_the_cohort(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        maple.cohort.responder_id = gil.id

        alert = await call(tx, maple)

        assert await kinds(tx, alert.id, gil) == ["alert"]
        assert await kinds(tx, alert.id, maple.fay) == []


async def test_a_responder_who_blocked_the_bot_is_replaced_by_a_colleague(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        (await tx.scalars(select(Chat).where(Chat.person_id == maple.fay.id))).one().unreachable_since = NOON

        alert = await call(tx, maple)

        assert await kinds(tx, alert.id, gil) == ["alert"]


# ── Repeating ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_red_alert_repeats_every_five_minutes_until_it_is_read(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await help_now(tx, maple)
    for turn in (1, 2):
        assert await fall_due(database, MOMENTS, "alert-repeat", NOON + turn * FIVE) == 1

    async with database.transaction() as tx:
        fay = await tx.get_one(Person, maple.fay.id)
        await handling.acknowledge(tx, alert.id, fay, now=NOON + 2 * FIVE, tapped=None)
    await fall_due(database, MOMENTS, "alert-repeat", NOON + 3 * FIVE)
    later = await fall_due(database, MOMENTS, "alert-repeat", NOON + 4 * FIVE)

    assert later == 0
    async with database.transaction() as tx:
        assert [row.due_at for row in await letters(tx, alert.id, fay)] == [NOON, NOON + FIVE, NOON + 2 * FIVE]


async def test_an_amber_alert_is_said_once(database):
    async with database.transaction() as tx:
        await call(tx, await add_maple(tx))

    assert await fall_due(database, MOMENTS, "alert-repeat", NOON + 9 * FIVE) == 0


async def test_after_three_repeats_backup_owners_and_the_webhook_hear_of_it_and_the_webhook_learns_nothing(database):
    HEARD.clear()
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        owen = await add_person(tx, "Owen", 40, SAO_PAULO)
        hope = await add_person(tx, "Hope", 41, SAO_PAULO)
        tx.add(Appointment(person_id=owen.id, office=Office.OWNER, appointed_at=NOON))
        maple.cohort.backup_id = hope.id
        alert = await help_now(tx, maple)
    for turn in (1, 2):
        await fall_due(database, MOMENTS, "alert-repeat", NOON + turn * FIVE)
    async with database.transaction() as tx:
        assert await kinds(tx, alert.id, owen) == await kinds(tx, alert.id, hope) == []
        with pytest.raises(NotYourAlert):
            await handling.acknowledge(tx, alert.id, owen, now=NOON, tapped=None)
    assert HEARD == []

    await fall_due(database, MOMENTS, "alert-repeat", NOON + 3 * FIVE)

    async with database.transaction() as tx:
        assert await kinds(tx, alert.id, owen) == await kinds(tx, alert.id, hope) == ["alert"]
        (row,) = await letters(tx, alert.id, owen)
        assert (await said(tx, row, COMPOSERS, NOON)).text == "Somebody needs you. Nobody has read it yet."
    assert [
        {
            "event": "alert-unread",
            "alert": str(alert.id),
            "level": "red",
            "raised_at": "2026-11-30T12:00:00+00:00",
            "repeats": 3,
        }
    ] == HEARD


async def test_an_alert_that_was_read_meanwhile_is_not_sent_any_more(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)
        (row,) = await letters(tx, alert.id, maple.fay)
        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON, tapped=None)

        assert (await said(tx, row, COMPOSERS, NOON)).why == "read"


# ── What Ann reads ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_receipt_promises_nothing(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)
        (row,) = await letters(tx, alert.id, maple.ann)

        assert (await said(tx, row, COMPOSERS, NOON)).text == "Fay has been told. I can't know when it is read."


async def test_outside_duty_hours_this_is_said_before_anything_else_in_the_readers_own_hours(database):
    night = NOON + timedelta(hours=15)  # midnight in São Paulo
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple, night)
        (row,) = await letters(tx, alert.id, maple.ann)

        message = await said(tx, row, COMPOSERS, night)

        assert message.text.splitlines()[0] == (
            "It is outside the hours in which Fay looks here (12:00 to 01:00, your time)."
        )


async def test_the_receipt_of_a_red_alert_carries_the_lines_of_her_country(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await help_now(tx, maple)
        (row,) = await letters(tx, alert.id, maple.ann)

        message = await said(tx, row, COMPOSERS, NOON)

        assert (
            "If you or somebody else is in danger, call 911. "
            "To talk to somebody now: 988 Lifeline: call 988 or text 988." in message.text
        )


async def test_ann_reads_when_fay_has_read_it(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)

        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON + timedelta(hours=10, minutes=52), tapped=None)

        row = (await letters(tx, alert.id, maple.ann))[-1]
        assert (await said(tx, row, COMPOSERS, NOON)).text == "Fay read it at 23:52."


async def test_after_half_an_hour_unread_ann_is_told_once_not_to_wait(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)
    half_past = NOON + timedelta(minutes=30)
    assert await fall_due(database, MOMENTS, "alert-untold", half_past - timedelta(seconds=1)) == 0

    assert await fall_due(database, MOMENTS, "alert-untold", half_past) == 1

    async with database.transaction() as tx:
        row = (await letters(tx, alert.id, maple.ann))[-1]
        message = await said(tx, row, COMPOSERS, half_past)
        assert message.text.splitlines()[0] == "Nobody has confirmed yet; please don't wait."
        assert "911" in message.text
        assert (await tx.get_one(Alert, alert.id)).told_at == half_past
    assert await fall_due(database, MOMENTS, "alert-untold", half_past + timedelta(hours=3)) == 0


async def test_what_was_read_within_half_an_hour_says_nothing_more(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)
        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON + FIVE, tapped=None)

    await fall_due(database, MOMENTS, "alert-untold", NOON + timedelta(minutes=30))

    async with database.transaction() as tx:
        assert await kinds(tx, alert.id, maple.ann) == ["alert-receipt", "alert-read"]


async def test_somebody_silent_is_not_told_about_the_alert_they_did_not_ask_for(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await actions.raise_alert(tx, maple.ann, Level.AMBER, AlertCause.SILENCE, now=NOON)
        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON, tapped=None)

        assert await kinds(tx, alert.id, maple.ann) == []


# ── Handling ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_other_copies_fold_when_one_facilitator_has_read_it(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        alert = await help_now(tx, maple)
        (mine,) = await letters(tx, alert.id, maple.fay)
        (theirs,) = await letters(tx, alert.id, gil)
        await arrive(tx, mine, 7, NOON)
        await arrive(tx, theirs, 7, NOON)

        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON + FIVE, tapped=7)

        edits = [row for row in await letters(tx, alert.id) if row.verb is Verb.EDIT]
        assert [row.target for row in edits] == [theirs.id]
        assert (await said(tx, edits[0], COMPOSERS, NOON)).text == "Somebody needs you. One of you has read it."


async def test_resolving_needs_an_outcome_and_closes_it_for_good(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)

        await handling.resolve(tx, alert.id, maple.fay, AlertOutcome.CONTACTED, now=NOON + FIVE, tapped=None)

        assert (alert.state, alert.outcome, alert.acknowledged_by) == (
            AlertState.RESOLVED,
            AlertOutcome.CONTACTED,
            maple.fay.id,
        )
        assert await kinds(tx, alert.id, maple.ann) == ["alert-receipt", "alert-read"]
        with pytest.raises(AlertClosed):
            await handling.resolve(tx, alert.id, maple.fay, AlertOutcome.NOT_NEEDED, now=NOON + FIVE, tapped=None)


async def test_handing_over_makes_it_unread_again_and_tells_the_other_alone(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        alert = await call(tx, maple)
        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON, tapped=None)

        await handling.hand_over(tx, alert.id, maple.fay, gil.id, now=NOON + FIVE)

        assert alert.state is AlertState.OPEN
        assert await kinds(tx, alert.id, gil) == ["alert"]
        await handling.acknowledge(tx, alert.id, gil, now=NOON + 2 * FIVE, tapped=None)
        last = (await letters(tx, alert.id, maple.ann))[-1]
        assert (await said(tx, last, COMPOSERS, NOON)).text == "Gil read it at 13:10."


async def test_a_red_alert_that_is_handed_over_repeats_once_every_five_minutes_and_no_more(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        alert = await help_now(tx, maple)
        await handling.acknowledge(tx, alert.id, maple.fay, now=NOON + timedelta(minutes=1), tapped=None)
        await handling.hand_over(tx, alert.id, maple.fay, gil.id, now=NOON + timedelta(minutes=2))

    due = [
        await fall_due(database, MOMENTS, "alert-repeat", NOON + timedelta(minutes=minute)) for minute in range(3, 13)
    ]

    assert due == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]  # at 12:07 and 12:12


async def test_an_alert_is_handed_only_to_somebody_who_holds_the_cohort(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        stranger = await add_person(tx, "Sam", 50)
        alert = await call(tx, maple)

        with pytest.raises(NobodyElse):
            await handling.hand_over(tx, alert.id, maple.fay, stranger.id, now=NOON)


async def test_a_stranger_and_a_member_learn_nothing_from_an_alert(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await call(tx, maple)
        stranger = await add_person(tx, "Sam", 50)
        bob = await tx.get_one(Person, maple.bob.person_id)

        for person in (stranger, bob):
            with pytest.raises(NotYourAlert):
                await handling.acknowledge(tx, alert.id, person, now=NOON, tapped=None)
            with pytest.raises(NotYourAlert):
                await handling.resume(tx, alert.id, person, now=NOON)
        assert alert.state is AlertState.OPEN


async def test_the_list_shows_what_waits_in_ones_own_cohorts_red_first(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        oak_keeper = await add_person(tx, "Hal", 60, SAO_PAULO)
        oak = await add_cohort(tx, "Oak", oak_keeper.id, NOON - timedelta(days=3))
        cleo = await add_member(tx, oak, await add_person(tx, "Cleo", 61), "Cleo")
        await actions.raise_alert(tx, cleo, Level.RED, AlertCause.UNSAFE, now=NOON)
        amber = await call(tx, maple)
        red = await actions.raise_alert(tx, maple.bob, Level.RED, AlertCause.UNSAFE, now=NOON + FIVE)

        waiting = await unresolved(tx, maple.fay)

        assert [(seen.alert.id, seen.who, seen.cohort_name) for seen in waiting] == [
            (red.id, "Bob", "Maple"),
            (amber.id, "Ann", "Maple"),
        ]


async def test_the_list_of_an_owner_shows_what_went_beyond_to_them_and_nothing_else(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        owen = await add_person(tx, "Owen", 40, SAO_PAULO)
        tx.add(Appointment(person_id=owen.id, office=Office.OWNER, appointed_at=NOON))
        await call(tx, maple)
        red = await help_now(tx, maple)
        assert await unresolved(tx, owen) == []
        red.repeats = 3

        assert [seen.alert.id for seen in await unresolved(tx, owen)] == [red.id]


# ── Silence and absence ────────────────────────────────────────────────────────────────────────────────────────────


async def silent(tx, maple, step="safe-home"):
    await plan_moment(
        tx,
        Moment(
            key="silence:1",
            kind="silence",
            due_at=NOON,
            cohort_id=maple.cohort.id,
            member_id=maple.ann.id,
            meeting_id=maple.meeting.id,
            step=step,
        ),
    )


def answered(maple, **how):
    return Response(
        member_id=maple.ann.id,
        meeting_id=maple.meeting.id,
        step="safe-home",
        programme=maple.cohort.programme,
        visibility=Visibility.FACILITATOR,
        choice=Choice.UNDECIDED,
        begun_at=NOON,
        touched_at=NOON,
        **how,
    )


async def test_a_step_that_stays_silent_reaches_fay(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await silent(tx, maple)

    await fall_due(database, MOMENTS, "silence", NOON)

    async with database.transaction() as tx:
        alert = (await tx.scalars(select(Alert))).one()
        assert (alert.cause, alert.level, alert.step) == (AlertCause.SILENCE, Level.AMBER, "safe-home")
        assert await kinds(tx, alert.id, maple.fay) == ["alert"]


@pytest.mark.parametrize("how", [{"finished_at": NOON}, {"skipped_at": NOON}])
async def test_an_answer_or_a_pass_is_no_silence(database, how):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await silent(tx, maple)
        tx.add(answered(maple, **how))

    await fall_due(database, MOMENTS, "silence", NOON)

    async with database.transaction() as tx:
        assert await tx.scalar(select(func.count()).select_from(Alert)) == 0


async def test_somebody_who_left_is_not_missed(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        maple.ann.left_at = NOON
        await silent(tx, maple)

    await fall_due(database, MOMENTS, "silence", NOON)

    async with database.transaction() as tx:
        assert await tx.scalar(select(func.count()).select_from(Alert)) == 0


async def test_a_member_who_blocks_the_bot_is_shown_to_fay_once_and_can_come_back(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        chat = (await tx.scalars(select(Chat).where(Chat.person_id == maple.ann.person_id))).one()

        await actions.lose(tx, chat, now=NOON)
        await actions.lose(tx, chat, now=NOON + FIVE)

        alert = (await tx.scalars(select(Alert))).one()
        assert (alert.cause, chat.unreachable_since) == (AlertCause.UNREACHABLE, NOON)
        assert await kinds(tx, alert.id) == ["alert"]
        actions.regain(chat)
        assert (chat.unreachable_since, chat.unreachable_why) == (None, None)


async def test_everything_about_an_alert_goes_with_its_member(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        alert = await help_now(tx, maple)

    async with database.transaction() as tx:
        await tx.delete(await tx.get_one(Member, maple.ann.id))

    async with database.transaction() as tx:
        assert await letters(tx, alert.id) == []
        assert await tx.get(Alert, alert.id) is None
