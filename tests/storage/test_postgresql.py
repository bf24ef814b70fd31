"""PostgreSQL through a pooler and over a dead line: nothing leans on a session, nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from storage.pooler import Line, Pooler, over_a_line, pooled

from bot.delivery.leadership import Leadership
from bot.storage.database import Database, Transaction, open_database
from bot.storage.keys import Keyring
from bot.storage.outage import away
from bot.storage.postgresql import ANSWERS_WITHIN
from bot.storage.schema import bring_up_to_date
from bot.storage.tables import Person

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
async def behind(database_url: str, keys: Keyring) -> AsyncIterator[tuple[Pooler, Database]]:
    async with pooled(database_url) as (pooler, url):
        database = open_database(url, keys)
        yield pooler, database
        await database.close()


@pytest.fixture
async def far(database_url: str, keys: Keyring) -> AsyncIterator[tuple[Line, Database]]:
    """A database at the end of a line; who waits for it loses patience within a moment."""
    async with over_a_line(database_url) as (line, url):
        database = open_database(url, keys)
        database._patience.seconds = 0.3
        yield line, database
        await database.close()


async def driver_of(tx: Transaction) -> Any:
    return (await (await tx.connection()).get_raw_connection()).driver_connection


async def meet(database: Database, number: int) -> None:
    async with database.transaction() as tx:
        person = Person(telegram_id=number, language="en", zone=ZoneInfo("Europe/Berlin"), met_at=NOON)
        tx.seal(person, "name", f"Person {number}")
        tx.add(person)


async def test_the_house_stands_behind_a_pooler_that_gives_each_transaction_another_session(
    behind: tuple[Pooler, Database],
) -> None:
    pooler, database = behind

    await bring_up_to_date(database)
    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(meet(database, number))
    leader = Leadership(database)
    await leader.win()
    renewed = await leader._renew()
    async with database.transaction() as tx:
        await tx.alone()
        met = await tx.scalar(select(func.count()).select_from(Person))

    assert pooler.refused == []
    assert (met, renewed) == (40, True)
    assert pooler.transactions > 40


async def test_a_transaction_that_fails_behind_a_pooler_leaves_no_mark_on_the_next(
    behind: tuple[Pooler, Database],
) -> None:
    _, database = behind

    for _ in range(6):  # every session has its turn
        with pytest.raises(DBAPIError):
            async with database.transaction() as tx:
                await tx.execute(text("SELECT 1/0"))
        async with database.transaction() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1


async def test_every_transaction_brings_its_own_limits_and_leaves_none_behind(database: Database) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
    async with database.transaction() as tx:
        inside = [await tx.scalar(text(f"SHOW {name}")) for name in names]
        driver = await driver_of(tx)
    after = [(await (await driver.execute(f"SHOW {name}".encode())).fetchone())[0] for name in names[:3]]

    assert inside == ["15s", "5s", "30s", "read committed"]
    assert after == ["0", "0", "0"]


async def test_a_server_that_never_answers_counts_as_away(far: tuple[Line, Database]) -> None:
    line, database = far
    await meet(database, 1)
    line.alive.clear()

    with pytest.raises(OperationalError) as lost:
        await meet(database, 2)

    assert away(lost.value)


async def test_a_commit_that_is_never_answered_counts_as_away(far: tuple[Line, Database]) -> None:
    line, database = far

    async def commit_into_nothing() -> None:
        async with database.transaction() as tx:
            await tx.execute(text("SELECT 1"))
            line.alive.clear()

    with pytest.raises(OperationalError) as lost:
        await commit_into_nothing()

    assert away(lost.value)


async def test_when_the_line_is_back_the_next_transaction_succeeds(far: tuple[Line, Database]) -> None:
    line, database = far
    await meet(database, 1)
    line.alive.clear()
    with pytest.raises(OperationalError):
        await meet(database, 2)

    line.alive.set()
    await meet(database, 3)

    async with database.transaction() as tx:
        assert 3 in set(await tx.scalars(select(Person.telegram_id)))


async def test_a_migration_may_take_longer_than_an_ordinary_answer(
    far: tuple[Line, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(connection: object, _revision: str) -> None:
        connection.execute(text("SELECT pg_sleep(0.6)"))  # type: ignore[attr-defined]

    monkeypatch.setattr(
        "bot.storage.schema.command.upgrade", lambda config, to: slowly(config.attributes["connection"], to)
    )
    _, database = far

    await bring_up_to_date(database)

    with pytest.raises(OperationalError):
        async with database.transaction() as tx:
            await tx.execute(text("SELECT pg_sleep(0.6)"))


async def test_a_gone_peer_is_noticed_by_the_kernel_too(database: Database) -> None:
    async with database.transaction() as tx:
        told = psycopg.conninfo.conninfo_to_dict((await driver_of(tx)).info.dsn)

    silent = int(told["keepalives_idle"]) + int(told["keepalives_interval"]) * int(told["keepalives_count"])
    assert silent <= 20
    assert int(told["tcp_user_timeout"]) <= 20_000
    assert ANSWERS_WITHIN <= 20
