"""Pausing, going lighter, unpairing, leaving: at once for oneself, and nothing the other could notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from couple import NOON, Maple, add_facilitator, add_maple
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.checkins.actions import destroy_openings
from bot.enrolment import leaving
from bot.enrolment.place import COMPOSERS
from bot.enrolment.rules import AlreadyUnpaired, NotASpan, NotPaused, span_of_pause
from bot.messages import Message
from bot.storage.audit import first_break
from bot.storage.database import Database, Transaction
from bot.storage.tables import Answer, AuditEntry, Chat, Cohort, Delivery, Member, Moment, Opening, Response
from bot.texts import Texts
from bot.window.actions import replan
from bot.window.queries import is_paused, widening_rests
from bot.words import Choice, DeliveryState, MemberState, MomentState, OpeningState, Origin, Pace, Verb, Visibility

MORNING = NOON - timedelta(hours=4)  # 09:00 in Berlin, on the second day after the session
LATER = MORNING + timedelta(hours=1)
BACK = LATER + timedelta(hours=10)

Plan = list[tuple[str, datetime, bool]]


async def carried(tx: Transaction) -> Maple:
    """Maple two days after a session, with everything planned that is still to come."""
    maple = await add_maple(tx)
    await replan(tx, maple.cohort.id, now=MORNING)
    return maple


async def plan_of(tx: Transaction, member: Member, *states: DeliveryState) -> Plan:
    """What is still to be sent to somebody, or what is in these states."""
    rows = await tx.scalars(
        select(Delivery)
        .where(
            Delivery.member_id == member.id,
            Delivery.state.in_(states or (DeliveryState.PLANNED,)),
            Delivery.kind == "prompt",
        )
        .order_by(Delivery.due_at, Delivery.key)
        .execution_options(populate_existing=True)
    )
    return [(row.key, row.due_at, row.silent) for row in rows]


async def let_pass(tx: Transaction, until: datetime) -> None:
    """Time goes by: what fell due was sent."""
    due = await tx.scalars(select(Delivery).where(Delivery.state == DeliveryState.PLANNED, Delivery.due_at <= until))
    for row in due.all():
        row.state, row.sent_at = DeliveryState.SENT, row.due_at
    await tx.flush()


async def openings_of(tx: Transaction) -> list[tuple[str, datetime]]:
    rows = await tx.scalars(select(Moment).where(Moment.kind == "opening", Moment.state == MomentState.WAITING))
    return sorted((row.key, row.due_at) for row in rows)


# ── What the other could notice ────────────────────────────────────────────────────────────────────────────────────


async def _pause(tx: Transaction, ann: Member) -> None:
    await leaving.pause(tx, ann, None, now=LATER)


async def _pause_for_days(tx: Transaction, ann: Member) -> None:
    await leaving.pause(tx, ann, timedelta(days=1), now=LATER)


async def _pause_and_come_back(tx: Transaction, ann: Member) -> None:
    await leaving.pause(tx, ann, None, now=LATER)
    await let_pass(tx, BACK)
    await leaving.resume(tx, ann, now=BACK)


async def _go_lighter(tx: Transaction, ann: Member) -> None:
    await leaving.change_pace(tx, ann, Pace.LIGHTER, now=LATER)


async def _go_lightest(tx: Transaction, ann: Member) -> None:
    await leaving.change_pace(tx, ann, Pace.LIGHT_TOUCH, now=LATER)


async def _leave(tx: Transaction, ann: Member) -> None:
    await leaving.leave(tx, ann, now=LATER)


@pytest.mark.parametrize(
    "change",
    [_pause, _pause_for_days, _pause_and_come_back, _go_lighter, _go_lightest, _leave],
    ids=lambda it: it.__name__,
)
async def test_the_other_gets_the_same_at_the_same_hours(
    database: Database, change: Callable[[Transaction, Member], Awaitable[None]]
) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        before, opens = await plan_of(tx, maple.bob), await openings_of(tx)

        await change(tx, maple.ann)

        assert len(before) >= 6
        assert await plan_of(tx, maple.bob, DeliveryState.PLANNED, DeliveryState.SENT) == before
        assert await openings_of(tx) == opens


# ── Pausing ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pause_is_silent_at_once_until_they_return(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)

        await leaving.pause(tx, maple.ann, None, now=LATER)

        assert await plan_of(tx, maple.ann) == []
        assert is_paused(maple.ann, LATER + timedelta(days=400))


async def test_a_pause_of_a_day_ends_by_itself_and_what_comes_after_it_is_planned(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        before = await plan_of(tx, maple.ann)
        ends_at = LATER + timedelta(days=1)

        await leaving.pause(tx, maple.ann, timedelta(days=1), now=LATER)

        after = await plan_of(tx, maple.ann)
        assert {key for key, _, _ in after} == {key for key, at, _ in before if at >= ends_at}
        assert not is_paused(maple.ann, ends_at)


async def test_nothing_of_a_pause_is_caught_up(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        before = await plan_of(tx, maple.ann)
        await leaving.pause(tx, maple.ann, None, now=LATER)
        await let_pass(tx, BACK)

        await leaving.resume(tx, maple.ann, now=BACK)

        rested = [key for key, at, _ in before if at < BACK]
        assert len(rested) >= 1
        after = await plan_of(tx, maple.ann)
        assert len(after) >= 4
        assert set(after) <= {one for one in before if one[1] >= BACK}  # less what follows a step that has rested


async def test_pausing_twice_only_changes_how_long(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        await leaving.pause(tx, maple.ann, None, now=LATER)

        await leaving.pause(tx, maple.ann, timedelta(days=3), now=LATER + timedelta(hours=2))

        assert (maple.ann.paused_at, maple.ann.paused_until) == (LATER, LATER + timedelta(days=3, hours=2))


async def test_there_is_no_way_back_without_a_pause(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        before = await plan_of(tx, maple.ann)

        with pytest.raises(NotPaused):
            await leaving.resume(tx, maple.ann, now=LATER)

        assert await plan_of(tx, maple.ann) == before


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("3d", timedelta(days=3)), ("12h", timedelta(hours=12)), ("2 W", timedelta(weeks=2)), ("", None)],
)
def test_how_long_a_pause_lasts_is_read_from_a_few_letters(typed: str, meant: timedelta | None) -> None:
    assert span_of_pause(typed) == meant


@given(st.text(min_size=1).filter(lambda it: not any(c.isdigit() for c in it)) | st.sampled_from(["0d", "-1d", "3m"]))
def test_anything_else_is_no_span(typed: str) -> None:
    with pytest.raises(NotASpan):
        span_of_pause(typed)


# ── Leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_leaves_gets_nothing_more_and_every_facilitator_reads_it_once(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        await add_facilitator(tx, maple.cohort, "Gil", 1009)
        chat = (await tx.scalars(select(Chat).where(Chat.person_id == maple.ann.person_id))).one()

        await leaving.leave(tx, maple.ann, now=LATER)

        waiting = select(Delivery.key).where(Delivery.chat_id == chat.id, Delivery.state == DeliveryState.PLANNED)
        told = list(await tx.scalars(select(Delivery).where(Delivery.kind == "left")))
        said = [await COMPOSERS["left"](tx, row, Texts("en"), LATER) for row in told]
        assert list(await tx.scalars(waiting)) == []
        assert (maple.ann.state, maple.ann.left_at) == (MemberState.LEFT, LATER)
        assert [one.text for one in said if isinstance(one, Message)] == [
            "Ann has left Maple. Nothing more goes to them, and the others are not told."
        ] * 2
        assert await first_break(tx) is None


# ── Unpairing ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def sealed_by(tx: Transaction, maple: Maple, member: Member, step: str) -> Response:
    """An answer that waits in its envelope."""
    response = Response(
        member_id=member.id,
        meeting_id=maple.meeting.id,
        step=step,
        programme=maple.cohort.programme,
        visibility=Visibility.PAIR,
        choice=Choice.SHARE,
        begun_at=MORNING,
        touched_at=MORNING,
        finished_at=MORNING,
    )
    tx.add(response)
    await tx.flush()
    answer = Answer(response_id=response.id, question="moment", given_at=MORNING)
    tx.seal_json(answer, "value", "sealed")
    tx.add(answer)
    await tx.flush()
    return response


async def unpair(tx: Transaction, maple: Maple) -> None:
    await destroy_openings(tx, maple.cohort.id, now=LATER)
    await leaving.unpair(tx, maple.cohort, maple.ann.person_id, now=LATER)


async def test_both_read_the_same_line_at_the_same_instant_whoever_asked(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)

        await unpair(tx, maple)

        rows = list(await tx.scalars(select(Delivery).where(Delivery.kind == "unpaired")))
        said = [await COMPOSERS["unpaired"](tx, row, Texts("en"), LATER) for row in rows]
        assert {row.member_id for row in rows} == {maple.ann.id, maple.bob.id}
        assert {(row.due_at, row.silent, row.lane) for row in rows} == {(LATER, True, rows[0].lane)}
        assert len({one.text for one in said if isinstance(one, Message)}) == 1


async def test_what_was_sealed_is_destroyed_and_never_opens(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        step = (await tx.scalars(select(Moment.step).where(Moment.kind == "opening"))).first()
        assert step is not None
        for member in (maple.ann, maple.bob):
            await sealed_by(tx, maple, member, step)

        await unpair(tx, maple)

        states = set(await tx.scalars(select(Opening.state)))
        assert list(await tx.scalars(select(Answer))) == []
        assert states == {OpeningState.DESTROYED}
        assert await openings_of(tx) == []


async def test_no_pair_step_waits_any_more_not_even_one_that_was_put_off(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        opening = (await tx.scalars(select(Moment).where(Moment.kind == "opening"))).first()
        assert opening is not None
        chat = (await tx.scalars(select(Chat).where(Chat.person_id == maple.bob.person_id))).one()
        tx.add(put_off(maple, chat, str(opening.step)))
        await tx.flush()
        pair = set(await tx.scalars(select(Moment.step).where(Moment.kind == "opening")))

        await unpair(tx, maple)

        waiting = await tx.scalars(select(Delivery.step).where(Delivery.state == DeliveryState.PLANNED))
        assert set(waiting) & pair == set()


def put_off(maple: Maple, chat: Chat, step: str) -> Delivery:
    return Delivery(
        key="later",
        origin=Origin.CHECKINS,
        verb=Verb.SEND,
        kind="prompt",
        lane=2,
        chat_id=chat.id,
        cohort_id=maple.cohort.id,
        member_id=maple.bob.id,
        meeting_id=maple.meeting.id,
        step=step,
        due_at=LATER + timedelta(hours=1),
        state=DeliveryState.PLANNED,
        made_at=MORNING,
    )


async def test_what_is_for_each_alone_goes_on(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        pair = set(await tx.scalars(select(Moment.step).where(Moment.kind == "opening")))
        before = await plan_of(tx, maple.bob)

        await unpair(tx, maple)

        after = {key for key, _, _ in await plan_of(tx, maple.bob)}
        alone = {key for key, _, _ in before if key.split(":")[2] not in pair}
        assert len(alone) >= 3
        assert after >= alone  # and perhaps what the paired ones had crowded out


async def test_unpairing_happens_once(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await carried(tx)
        await unpair(tx, maple)

        with pytest.raises(AlreadyUnpaired):
            await leaving.unpair(tx, maple.cohort, maple.bob.person_id, now=LATER)

        done = await tx.scalars(select(AuditEntry).where(AuditEntry.action == "unpair"))
        assert [entry.actor_id for entry in done] == [maple.ann.person_id]


# ── Widening ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("hours", "rests"), [(-1, False), (1, True), (3.5, True), (4, True), (20, True), (29, False), (80, False)]
)
async def test_sharing_rests_from_the_sessions_start_until_its_landing_is_over(
    database: Database, hours: float, rests: bool
) -> None:
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        now = maple.meeting.starts_at + timedelta(hours=hours)
        if hours < 3:
            maple.meeting.released_at = None
            await tx.flush()

        assert await widening_rests(tx, await tx.get_one(Cohort, maple.cohort.id), maple.cohort.zone, now) == rests
