from __future__ import annotations

from uuid import UUID, uuid4

from postbox import NOON, Maple
from sqlalchemy import select

from bot.delivery import claims, outbox
from bot.delivery.claims import Claimant
from bot.delivery.moving import chat_of, move_chat
from bot.delivery.outcomes import NEVER, TWICE, Outcome, Policy
from bot.delivery.outlook import outlook
from bot.delivery.settling import Result, settle
from bot.storage.tables import Attempt, Chat, Cohort, Delivery
from bot.words import DeliveryState, Lane, OutcomeKind, Verb

ME = Claimant("me", 1)
SENT, PLANNED, UNKNOWN = DeliveryState.SENT, DeliveryState.PLANNED, DeliveryState.UNKNOWN
LOST = Outcome(OutcomeKind.UNKNOWN, "reset")


def arrived(message_id: int) -> Outcome:
    return Outcome(OutcomeKind.DONE, message_id=message_id)


async def sending(maple: Maple, *rows: Delivery) -> list[Delivery]:
    """Rows whose calls are on their way."""
    async with maple.database.transaction() as tx:
        await outbox.plan(tx, rows)
        claimed = await claims.claim_due(tx, NOON, dict.fromkeys(Lane, 50), ME)
    async with maple.database.transaction() as tx:
        await claims.mark_sending(tx, claimed, ME, NOON)
    by_id = {row.id: row for row in claimed}
    return [by_id[row.id] for row in rows]


async def end(
    maple: Maple, row: Delivery, outcome: Outcome, policy: Policy = NEVER, attempt: UUID | None = None
) -> list[Delivery]:
    async with maple.database.transaction() as tx:
        return await settle(tx, [Result(row, attempt or row.attempt_id, outcome, policy)], now=NOON)


async def attempts(maple: Maple, row: Delivery) -> list[tuple[int, OutcomeKind | None, int | None]]:
    async with maple.database.transaction() as tx:
        found = select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.number)
        return [(a.number, a.outcome, a.message_id) for a in await tx.scalars(found)]


async def test_an_arrived_message_is_sent_and_its_attempt_closed(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))

    changed = await end(maple, row, arrived(55))

    stored = await maple.stored(row)
    assert (stored.state, stored.message_id, stored.sent_at, stored.lease_until) == (SENT, 55, NOON, None)
    assert [each.state for each in changed] == [SENT]
    assert await attempts(maple, row) == [(1, OutcomeKind.DONE, 55)]


async def test_a_result_of_somebody_elses_attempt_changes_nothing(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))

    changed = await end(maple, row, Outcome(OutcomeKind.REFUSED, "refused"), attempt=uuid4())

    assert changed == []
    assert await maple.state(row) == (DeliveryState.SENDING, None)


async def test_a_late_arrival_turns_unknown_into_sent(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))
    await end(maple, row, LOST)

    await end(maple, row, arrived(55))

    assert (await maple.stored(row)).state is SENT


async def test_a_late_failure_leaves_unknown_as_it_is(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))
    await end(maple, row, LOST)

    await end(maple, row, Outcome(OutcomeKind.REFUSED, "refused"))

    assert await maple.state(row) == (UNKNOWN, "reset")


async def test_a_lost_alert_waits_for_its_next_copy(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a", lane=Lane.SAFETY))

    await end(maple, row, LOST, TWICE)

    async with maple.database.transaction() as tx:
        held = (await outlook(tx, NOON, ME)).held_for
    assert held is not None
    assert 19 < held <= 20


async def test_a_late_arrival_calls_off_the_next_copy(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))
    first = row.attempt_id
    await end(maple, row, LOST, Policy(2, resend_after=0))
    async with maple.database.transaction() as tx:
        await claims.rescue(tx, ME)

    await end(maple, row, arrived(55), attempt=first)

    assert (await maple.stored(row)).state is SENT


async def test_of_two_arrived_copies_the_older_will_be_deleted(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))
    first = row.attempt_id
    await end(maple, row, LOST, Policy(2, resend_after=0))
    async with maple.database.transaction() as tx:
        await claims.rescue(tx, ME)
        [again] = await claims.claim_due(tx, NOON, {Lane.PROMPTS: 1}, ME)
        await claims.mark_sending(tx, [again], ME, NOON)

    await end(maple, row, arrived(55), attempt=first)
    await end(maple, again, arrived(56))

    async with maple.database.transaction() as tx:
        surplus = (await tx.scalars(select(Delivery).where(Delivery.verb == Verb.DELETE))).one()
    assert surplus.facts == {"message_id": 55}
    assert (await maple.stored(row)).message_id == 56


async def test_a_refused_message_has_failed_for_a_reason(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))

    await end(maple, row, Outcome(OutcomeKind.REFUSED, "too long"))

    assert await maple.state(row) == (DeliveryState.FAILED, "too long")


async def test_a_chat_that_blocked_the_bot_is_known_to_be_unreachable(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))

    await end(maple, row, Outcome(OutcomeKind.UNREACHABLE, "blocked"))

    async with maple.database.transaction() as tx:
        ann, bob = await tx.get_one(Chat, maple.ann), await tx.get_one(Chat, maple.bob)
    assert (ann.unreachable_since, ann.unreachable_why) == (NOON, "blocked")
    assert bob.unreachable_since is None


async def test_a_group_that_moved_is_the_same_chat(maple: Maple) -> None:
    async with maple.database.transaction() as tx:
        group = Chat(telegram_id=-50)
        tx.add(group)
        await tx.flush()
        (await tx.get_one(Cohort, maple.cohort)).chat_id = group.id
    [row] = await sending(maple, maple.row("a", group.id))

    await end(maple, row, Outcome(OutcomeKind.MOVED, "moved", new_chat_id=-10050))

    assert await maple.state(row) == (PLANNED, "moved")
    async with maple.database.transaction() as tx:
        found = [await chat_of(tx, telegram_id) for telegram_id in (-50, -10050, -99)]
    assert [chat and (chat.id, chat.telegram_id) for chat in found] == [(group.id, -10050), (group.id, -10050), None]


async def test_a_moved_group_that_has_already_spoken_is_still_one_chat(maple: Maple) -> None:
    async with maple.database.transaction() as tx:
        old, new = Chat(telegram_id=-50), Chat(telegram_id=-10050)
        tx.add_all([old, new])
        await tx.flush()
        await outbox.plan(tx, [maple.row("a", old.id), maple.row("b", new.id)])

    for _ in range(2):
        async with maple.database.transaction() as tx:
            await move_chat(tx, old.id, -10050)

    async with maple.database.transaction() as tx:
        rows = list(await tx.scalars(select(Delivery.chat_id)))
        chat = await chat_of(tx, -50)
    assert chat is not None
    assert (rows, chat.telegram_id) == ([old.id, old.id], -10050)


async def test_a_result_for_erased_rows_is_forgotten(maple: Maple) -> None:
    [row] = await sending(maple, maple.row("a"))
    async with maple.database.transaction() as tx:
        await tx.delete(await tx.get_one(Cohort, maple.cohort))

    assert await end(maple, row, arrived(55)) == []
