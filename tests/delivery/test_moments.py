from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from postbox import NOON, Maple

from bot.delivery import outbox
from bot.delivery.claims import Claimant
from bot.delivery.moments import MOST_TRIES, plan_moment, run_due, withdraw_moments
from bot.delivery.outlook import outlook
from bot.storage.database import Database, Transaction
from bot.storage.tables import Moment
from bot.words import MomentState

ME = Claimant("me", 1)

HOUR = timedelta(hours=1)


class Diary:
    """An action that writes down what it was asked to do."""

    def __init__(self, failures: int = 0) -> None:
        self.ran: list[str] = []
        self.failures = failures

    async def __call__(self, tx: Transaction, moment: Moment, *, now: datetime) -> None:
        self.ran.append(moment.key)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("words that somebody wrote")


async def plan(database: Database, key: str, due_at: datetime = NOON, **values: Any) -> Moment:
    moment = Moment(key=key, kind="decide", due_at=due_at, **values)
    async with database.transaction() as tx:
        await plan_moment(tx, moment)
    return moment


async def stored(database: Database, moment: Moment) -> Moment:
    async with database.transaction() as tx:
        return await tx.get_one(Moment, moment.id)


async def test_a_moment_runs_once_when_it_has_come(database: Database) -> None:
    diary = Diary()
    await plan(database, "later", NOON + HOUR)
    moment = await plan(database, "now")

    ran = [await run_due(database, {"decide": diary}, NOON) for _ in range(2)]

    assert (ran, diary.ran) == ([1, 0], ["now"])
    assert ((await stored(database, moment)).state, (await stored(database, moment)).done_at) == (
        MomentState.DONE,
        NOON,
    )


async def test_due_moments_run_in_the_order_of_their_hours(database: Database) -> None:
    diary = Diary()
    for hours in (1, 3, 2):
        await plan(database, f"{hours} h ago", NOON - hours * HOUR)

    await run_due(database, {"decide": diary}, NOON)

    assert diary.ran == ["3 h ago", "2 h ago", "1 h ago"]


async def test_two_processes_run_a_moment_once(database: Database) -> None:
    diary = Diary()
    await plan(database, "now")

    await asyncio.gather(*(run_due(database, {"decide": diary}, NOON) for _ in range(4)))

    assert diary.ran == ["now"]


async def test_planning_again_moves_a_moment_that_waits(database: Database) -> None:
    await plan(database, "opening")
    await plan(database, "opening", NOON + HOUR)

    async with database.transaction() as tx:
        ahead = await outlook(tx, NOON, ME)

    assert ahead.moment_at == NOON + HOUR


async def test_what_was_decided_is_not_decided_again(database: Database) -> None:
    diary = Diary()
    await plan(database, "opening")
    await run_due(database, {"decide": diary}, NOON)

    await plan(database, "opening", NOON + HOUR)

    assert await run_due(database, {"decide": diary}, NOON + 2 * HOUR) == 0


async def test_a_withdrawn_moment_does_not_run_but_may_be_planned_again(database: Database) -> None:
    diary = Diary()
    await plan(database, "silence")
    async with database.transaction() as tx:
        withdrawn = await withdraw_moments(tx, Moment.key == "silence", reason="answered")

    before = await run_due(database, {"decide": diary}, NOON)
    await plan(database, "silence")
    after = await run_due(database, {"decide": diary}, NOON)

    assert (withdrawn, before, after) == (1, 0, 1)


async def test_an_action_may_plan_deliveries_in_its_own_transaction(maple: Maple) -> None:
    row = maple.row("opening")

    async def decide(tx: Transaction, moment: Moment, *, now: datetime) -> None:
        await outbox.plan(tx, [row])

    await plan(maple.database, "opening")
    await run_due(maple.database, {"decide": decide}, NOON)

    assert (await maple.stored(row)).key == "opening"


async def test_a_moment_that_fails_undoes_what_it_did_and_rests(maple: Maple, caplog: pytest.LogCaptureFixture) -> None:
    row = maple.row("opening")

    async def stumble(tx: Transaction, moment: Moment, *, now: datetime) -> None:
        await outbox.plan(tx, [row])
        raise RuntimeError("words that somebody wrote")

    moment = await plan(maple.database, "opening")
    ran = [await run_due(maple.database, {"decide": stumble}, NOON) for _ in range(2)]

    again = await stored(maple.database, moment)
    async with maple.database.transaction() as tx:
        assert await tx.get(type(row), row.id) is None
    assert ran == [1, 0]
    assert (again.state, again.tries, again.due_at) == (MomentState.WAITING, 1, NOON + timedelta(seconds=30))
    assert again.reason is not None
    assert again.reason.removeprefix("failed, reference ") in caplog.text


async def test_one_that_fails_does_not_keep_the_others(database: Database) -> None:
    diary = Diary(failures=1)
    await plan(database, "first", NOON - HOUR)
    await plan(database, "second")

    await run_due(database, {"decide": diary}, NOON)

    assert diary.ran == ["first", "second"]


async def test_a_moment_is_given_up_after_five_tries(database: Database) -> None:
    diary = Diary(failures=99)
    moment = await plan(database, "stumbles")
    for n in range(10):
        await run_due(database, {"decide": diary}, NOON + n * HOUR)

    assert len(diary.ran) == MOST_TRIES
    assert (await stored(database, moment)).state is MomentState.FAILED


async def test_a_moment_of_an_unknown_kind_is_given_up_too(database: Database) -> None:
    moment = await plan(database, "whatever")

    for n in range(MOST_TRIES):
        await run_due(database, {}, NOON + n * HOUR)

    assert (await stored(database, moment)).state is MomentState.FAILED


async def test_which_rows_must_be_said(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(ValueError, match="which"):
            await withdraw_moments(tx, reason="everything")
        with pytest.raises(ValueError, match="which"):
            await outbox.withdraw(tx, reason="everything")
