"""The loop that runs for ever, and everything that can happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from postbox import NOON, Maple, Office, Telegram, say_the_step, until
from sqlalchemy.exc import InterfaceError

from bot.delivery import claims, outbox
from bot.delivery.claims import Claimant
from bot.delivery.moments import plan_moment
from bot.delivery.outlook import outlook
from bot.delivery.post import PostOffice
from bot.delivery.sorting import Ties
from bot.storage.database import Database, Transaction
from bot.storage.tables import Delivery, Moment
from bot.words import DeliveryState, Lane

ME = Claimant("me", 1)

HOUR = timedelta(hours=1)
CLAIMED, PLANNED, SENT, UNKNOWN = (
    DeliveryState.CLAIMED,
    DeliveryState.PLANNED,
    DeliveryState.SENT,
    DeliveryState.UNKNOWN,
)


@asynccontextmanager
async def running(post: PostOffice) -> AsyncIterator[None]:
    loop = asyncio.create_task(post.run())
    try:
        yield
    finally:
        await post.stop()
        await loop


async def plan(maple: Maple, *rows: Delivery) -> None:
    async with maple.database.transaction() as tx:
        await outbox.plan(tx, rows)


async def test_the_bell_wakes_the_loop(maple: Maple, office: Office, telegram: Telegram) -> None:
    async with running(office.open()):
        await until(lambda: office.clock.rests)
        async with maple.database.transaction() as tx:
            await outbox.plan(tx, [maple.row("now")])
            tx.after_commit(office.bell.ring)

        await until(telegram.texts, seconds=0.9)

    assert telegram.texts() == ["now"]


async def test_the_loop_rests_until_the_next_thing_is_due(maple: Maple, office: Office) -> None:
    await plan(maple, maple.row("later", due_at=NOON + 2 * HOUR))
    async with maple.database.transaction() as tx:
        await plan_moment(tx, Moment(key="m", kind="m", due_at=NOON + HOUR))

    async with running(office.open()):
        await until(lambda: office.clock.rests)

    assert office.clock.rests[0] == NOON + HOUR


async def test_business_time_stands_still_while_something_due_is_held_back(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    telegram.delay = 0.3  # while the call lasts nothing else happens
    await plan(maple, maple.row("held"))
    async with maple.database.transaction() as tx:
        await claims.rest_chats(tx, {maple.ann: 0.5})

    async with running(office.open()):
        await until(lambda: telegram.calls)
        rested_before = list(office.clock.rests)

    assert rested_before == []


async def test_what_falls_due_while_others_wait_for_their_turn_is_not_kept_waiting(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    telegram.delay = 0.05
    await plan(maple, *(maple.row(f"{n}", lane=Lane.BROADCAST, cohort_id=None) for n in range(40)))

    async with running(office.open()):
        await until(lambda: len(telegram.accepted) > 3)
        await plan(maple, maple.row("alert", maple.bob, lane=Lane.SAFETY))
        office.bell.ring()
        await until(lambda: len(telegram.accepted) == 41)

    assert telegram.texts().index("alert") < 20


async def test_stopping_lets_calls_end_and_gives_back_what_has_not_left(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    telegram.delay = 0.3
    rows = [maple.row(f"{n}", due_at=NOON - (9 - n) * timedelta(minutes=1)) for n in range(9)]
    await plan(maple, *rows)

    async with running(office.open()):
        await until(lambda: telegram.calls)

    states = [(await maple.stored(row)).state for row in rows]
    assert states == [SENT] + [PLANNED] * 8
    assert telegram.texts() == ["0"]


async def test_a_call_that_does_not_end_in_time_is_unknown(
    maple: Maple, office: Office, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.post.DRAINS", 0.1)
    telegram.delay = 0.8
    row = maple.row("slow")
    await plan(maple, row)

    async with running(office.open()):
        await until(lambda: telegram.calls)

    assert await maple.state(row) == (UNKNOWN, "stopped")


async def test_a_stopped_post_office_can_be_opened_again(maple: Maple, office: Office, telegram: Telegram) -> None:
    post = office.open()
    async with running(post):
        await until(lambda: office.clock.rests)
    await plan(maple, maple.row("second term"))

    async with running(post):
        await until(telegram.texts)

    assert telegram.texts() == ["second term"]


async def test_whoever_is_not_trusted_sends_nothing(maple: Maple, office: Office, telegram: Telegram) -> None:
    row = maple.row("a")
    await plan(maple, row)

    async with running(office.open(trusted=lambda: False)):
        await asyncio.sleep(0.4)

    assert telegram.calls == []
    assert await maple.state(row) == (PLANNED, None)


async def test_trust_that_is_lost_at_the_last_moment_stops_the_call(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    trusted = True

    async def lose_trust(tx: Transaction, row: Delivery, *words: Any, now: datetime) -> Any:
        nonlocal trusted
        trusted = False
        return await say_the_step(tx, row, *words, now=now)

    row = maple.row("a")
    await plan(maple, row)

    await office.open(ties=Ties({"prompt": lose_trust}), trusted=lambda: trusted).tick(NOON)

    assert telegram.calls == []
    assert await maple.state(row) == (PLANNED, "superseded")


async def test_after_a_crash_a_prompt_in_flight_is_unknown_and_a_claimed_one_goes(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    in_flight, claimed = maple.row("in flight"), maple.row("claimed", maple.bob)
    await plan(maple, in_flight, claimed)
    former = Claimant("former", 0)
    async with maple.database.transaction() as tx:
        rows = await claims.claim_due(tx, NOON, {Lane.PROMPTS: 9}, former)
        await claims.mark_sending(tx, [row for row in rows if row.key == "in flight"], former, NOON)
        if not maple.database.is_sqlite:  # where others may live, a call is given its time to end
            await claims.bury_former_boots(tx, Claimant("new", 1))

    await office.open("new").tick(NOON)

    assert telegram.texts() == ["claimed"]
    assert await maple.state(in_flight) == (UNKNOWN, "no answer")


async def test_after_a_crash_an_alert_in_flight_goes_once_more(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    alert = maple.row("alert", lane=Lane.SAFETY)
    await plan(maple, alert)
    former = Claimant("former", 0)
    async with maple.database.transaction() as tx:
        rows = await claims.claim_due(tx, NOON, {Lane.SAFETY: 9}, former)
        await claims.mark_sending(tx, rows, former, NOON)
        await claims.bury_former_boots(tx, Claimant("new", 1))

    post = office.open("new")
    await post.tick(NOON)
    async with maple.database.transaction() as tx:
        (await tx.get_one(Delivery, alert.id)).lease_until = NOON.replace(year=2000)
    await post.tick(NOON)

    assert telegram.texts() == ["alert"]
    assert (await maple.stored(alert)).resends == 1


class Outage:
    """Makes transactions fail at their commit or before they begin, as long as it lasts."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: Callable[[], bool] = lambda: False
        self.after_commit = False
        whole = database.transaction

        @asynccontextmanager
        async def transaction() -> AsyncIterator[Transaction]:
            fails = self.fails()
            if fails and not self.after_commit:
                raise InterfaceError("BEGIN", None, Exception("away"))
            async with whole() as tx:
                yield tx
            if fails:
                raise InterfaceError("COMMIT", None, Exception("away"))

        monkeypatch.setattr(database, "transaction", transaction)


async def test_a_result_outlives_an_outage_of_the_database(
    maple: Maple, office: Office, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(maple.database, monkeypatch)
    lasts = iter(range(3))
    outage.fails = lambda: bool(telegram.accepted) and next(lasts, None) is not None
    row = maple.row("a")
    await plan(maple, row)

    await office.open().tick(NOON)

    assert telegram.texts() == ["a"]
    assert await maple.state(row) == (SENT, None)


@pytest.mark.parametrize("after_commit", [False, True], ids=["before it was marked", "after it was marked"])
async def test_a_mark_that_nobody_can_be_sure_of_is_never_called(
    after_commit: bool, maple: Maple, office: Office, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(maple.database, monkeypatch)
    outage.after_commit = after_commit
    row = maple.row("a")
    await plan(maple, row)
    post = office.open()
    broken: list[str] = []

    def fails() -> bool:
        if post.counts.claimed and not broken:  # the first transaction after the claim is the mark
            broken.append("mark")
            return True
        return False

    outage.fails = fails
    await post.tick(NOON)
    states = await maple.state(row)
    called = len(telegram.calls)
    await asyncio.sleep(1.1)
    await post.tick(NOON)

    assert broken == ["mark"]
    assert states[0] is (PLANNED if after_commit else SENT)
    assert called == (0 if after_commit else 1)
    assert telegram.texts() == ["a"]
    assert await maple.state(row) == (SENT, None)


async def test_a_clock_that_is_set_back_holds_nothing_up(maple: Maple, office: Office, telegram: Telegram) -> None:
    row, alert = maple.row("a"), maple.row("b", maple.bob, lane=Lane.SAFETY)
    await plan(maple, row, alert)
    post = office.open()
    await post.tick(NOON - HOUR)
    async with maple.database.transaction() as tx:  # as if an hour had been taken back
        await claims.rest_chats(tx, {maple.ann: 3605})
        stored = await tx.get_one(Delivery, alert.id)
        stored.state, stored.lease_until, stored.attempts = UNKNOWN, NOON.replace(year=2999), 1
    assert post._watch._ahead is not None
    post._watch._ahead += 3600

    await post.tick(NOON)

    async with maple.database.transaction() as tx:
        held = (await outlook(tx, NOON, ME)).held_for
    assert telegram.texts() == ["a"]
    assert held is not None
    assert 30 < held <= claims.CALL_ENDS


async def test_a_row_whose_lease_ends_in_our_hands_leaves_once(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    office.carrier.turnstile.limited(None, 1.0)
    row = maple.row("a")
    await plan(maple, row)
    async with running(office.open()):
        await until(lambda: office.carrier.turnstile._lines[Lane.PROMPTS])
        async with maple.database.transaction() as tx:
            (await tx.get_one(Delivery, row.id)).lease_until = NOON.replace(year=2000)
        office.bell.ring()
        await until(telegram.texts)
        await asyncio.sleep(0.2)

    assert telegram.texts() == ["a"]
    assert (await maple.stored(row)).attempts == 1


async def test_the_loop_goes_on_after_the_database_was_away(
    maple: Maple, office: Office, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(maple.database, monkeypatch)
    await plan(maple, maple.row("a"))
    lasts = iter(range(2))
    outage.fails = lambda: next(lasts, None) is not None

    async with running(office.open()):
        await until(telegram.texts)

    assert telegram.texts() == ["a"]
