from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from postbox import NOON, Maple, add_cohort
from sqlalchemy import update

from bot.delivery import claims, outbox
from bot.delivery.claims import Claimant
from bot.delivery.outlook import outlook
from bot.storage.database import Database
from bot.storage.tables import Chat, Delivery
from bot.words import DeliveryState, Lane

ME = Claimant("me", 2)
FORMER = Claimant("former", 1)
PLENTY = dict.fromkeys(Lane, 100)
PLANNED, SENDING, UNKNOWN = DeliveryState.PLANNED, DeliveryState.SENDING, DeliveryState.UNKNOWN


async def plan(database: Database, *rows: Delivery) -> None:
    async with database.transaction() as tx:
        await outbox.plan(tx, rows)


async def claim(database: Database, room: dict[Lane, int] = PLENTY, by: Claimant = ME) -> list[Delivery]:
    async with database.transaction() as tx:
        return await claims.claim_due(tx, NOON, room, by)


async def mark(database: Database, rows: list[Delivery], by: Claimant = ME) -> None:
    async with database.transaction() as tx:
        await claims.mark_sending(tx, rows, by, NOON)


async def rescue(database: Database, by: Claimant = ME) -> list[UUID]:
    async with database.transaction() as tx:
        return [row.id for row in await claims.rescue(tx, by)]


async def leases_end(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=NOON.replace(year=2000))
        )


async def test_rows_leave_in_the_order_of_lane_hour_and_cohort(maple: Maple) -> None:
    database = maple.database
    async with database.transaction() as tx:
        oak = await add_cohort(tx, "Oak")
    first, second = sorted([maple.cohort, oak])
    early = maple.row("early", due_at=NOON - timedelta(hours=1))
    safety = maple.row("safety", lane=Lane.SAFETY)
    couples = [maple.row(f"{n}", cohort_id=cohort) for n, cohort in enumerate([second, first, second, first])]
    future = maple.row("future", due_at=NOON + timedelta(seconds=1))
    await plan(database, *couples, safety, future, early)

    claimed = await claim(database)

    assert [row.key for row in claimed[:2]] == ["safety", "early"]
    assert [row.cohort_id for row in claimed[2:]] == [first, first, second, second]
    assert await claim(database) == []


async def test_a_cohort_is_never_torn_apart_between_two_claims(maple: Maple) -> None:
    await plan(maple.database, *(maple.row(f"{n}") for n in range(7)))

    claimed = await claim(maple.database, {Lane.PROMPTS: 3})

    assert len(claimed) == 7


async def test_a_lane_without_room_is_left_alone(maple: Maple) -> None:
    await plan(maple.database, maple.row("a"), maple.row("b", lane=Lane.BROADCAST))

    claimed = await claim(maple.database, {Lane.BROADCAST: 5, Lane.PROMPTS: 0})

    assert [row.key for row in claimed] == ["b"]


async def test_what_cannot_go_keeps_nobody_waiting(maple: Maple) -> None:
    await plan(
        maple.database,
        *(maple.row(f"held {n}", due_at=NOON - timedelta(minutes=n), cohort_id=None) for n in range(5)),
        maple.row("free", maple.bob, cohort_id=None),
    )
    async with maple.database.transaction() as tx:
        await claims.rest_chats(tx, {maple.ann: 60})

    claimed = await claim(maple.database, {Lane.PROMPTS: 1})

    assert [row.key for row in claimed] == ["free"]


async def test_a_pause_of_a_chat_is_never_shortened(maple: Maple) -> None:
    for seconds in (60, 5, 30):
        async with maple.database.transaction() as tx:
            await claims.rest_chats(tx, {maple.ann: seconds})
    await plan(maple.database, maple.row("a"))

    async with maple.database.transaction() as tx:
        held = (await outlook(tx, NOON, ME)).held_for

    assert held is not None
    assert 55 < held <= 60


async def test_a_row_that_rests_is_claimed_when_its_time_has_come(maple: Maple) -> None:
    row = maple.row("a")
    await plan(maple.database, row)
    await claim(maple.database)
    async with maple.database.transaction() as tx:
        await claims.give_back(tx, {row.id: 0.3}, ME)

    before = await claim(maple.database)
    await asyncio.sleep(0.35)
    after = await claim(maple.database)

    assert (len(before), len(after)) == (0, 1)


async def test_the_outlook_is_the_next_hour_that_is_not_yet_due(maple: Maple) -> None:
    later = NOON + timedelta(hours=2)
    await plan(
        maple.database, maple.row("a"), maple.row("b", due_at=later), maple.row("c", due_at=later + timedelta(hours=1))
    )

    async with maple.database.transaction() as tx:
        ahead = await outlook(tx, NOON, ME)

    assert ahead.next_at == later


async def test_only_what_is_still_ours_is_marked(maple: Maple) -> None:
    rows = [maple.row(name) for name in ("kept", "withdrawn", "moved")]
    await plan(maple.database, *rows)
    await claim(maple.database)
    async with maple.database.transaction() as tx:
        await outbox.withdraw(tx, Delivery.key == "withdrawn", reason="left")
        await outbox.move(tx, rows[2].id, due_at=NOON + timedelta(hours=1), expires_at=None)

    async with maple.database.transaction() as tx:
        ours = await claims.still_claimed(tx, [row.id for row in rows], ME)
        others = await claims.still_claimed(tx, [row.id for row in rows], FORMER)

    assert (ours, others) == ({rows[0].id}, set())


async def test_what_the_dead_had_claimed_waits_again(maple: Maple) -> None:
    row = maple.row("a")
    await plan(maple.database, row)
    await claim(maple.database, by=FORMER)

    orphans = await rescue(maple.database)

    assert orphans == []
    assert await maple.state(row) == (PLANNED, None)


async def test_our_own_claims_stay_ours(maple: Maple) -> None:
    row = maple.row("a")
    await plan(maple.database, row)
    await claim(maple.database)

    await rescue(maple.database)

    assert await maple.state(row) == (DeliveryState.CLAIMED, None)


async def test_what_a_superseded_sender_was_sending_is_left_until_its_calls_have_ended(maple: Maple) -> None:
    row = maple.row("a")
    await plan(maple.database, row)
    await mark(maple.database, await claim(maple.database, by=FORMER), FORMER)

    early = await rescue(maple.database)
    await leases_end(maple.database)
    late = await rescue(maple.database)

    assert (early, late) == ([], [row.id])


async def test_in_one_file_the_calls_of_a_former_boot_have_ended(maple: Maple) -> None:
    row = maple.row("a")
    await plan(maple.database, row)
    await mark(maple.database, await claim(maple.database, by=FORMER), FORMER)

    async with maple.database.transaction() as tx:
        await claims.bury_former_boots(tx, ME)

    assert await rescue(maple.database) == [row.id]


async def test_an_unknown_row_whose_policy_allows_it_goes_once_more(maple: Maple) -> None:
    again, final = maple.row("a"), maple.row("b")
    await plan(maple.database, again, final)
    async with maple.database.transaction() as tx:
        await tx.execute(update(Delivery).values(state=UNKNOWN))
        await tx.execute(update(Delivery).where(Delivery.id == again.id).values(lease_until=NOON.replace(year=2000)))

    await rescue(maple.database)

    stored = await maple.stored(again)
    assert (stored.state, stored.resends) == (PLANNED, 1)
    assert await maple.state(final) == (UNKNOWN, None)


async def test_two_senders_never_claim_the_same_row(maple: Maple) -> None:
    await plan(maple.database, *(maple.row(f"{n}", cohort_id=None) for n in range(40)))

    both = await asyncio.gather(*(claim(maple.database, {Lane.PROMPTS: 5}, Claimant(f"{n}", 1)) for n in range(8)))

    ids = [row.id for rows in both for row in rows]
    assert len(ids) == len(set(ids)) == 40


async def test_an_unreachable_chat_is_claimed_so_that_its_rows_can_end(maple: Maple) -> None:
    await plan(maple.database, maple.row("a"))
    async with maple.database.transaction() as tx:
        await tx.execute(update(Chat).values(unreachable_since=NOON, unreachable_why="blocked"))

    assert len(await claim(maple.database)) == 1
