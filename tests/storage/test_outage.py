"""An outage is said once when it begins, at most once a minute while it lasts, and once when it is over."""

from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from bot.storage import outage as outage_module
from bot.storage.database import Database
from bot.storage.outage import CALM, REMINDS, Outage, away
from bot.storage.tables import Fact


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def outage(seconds: Seconds, caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.INFO, outage_module.__name__)
    return Outage("the database", seconds)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == outage_module.__name__]


LOST = OperationalError("INSERT …", None, Exception("what Ann wrote"))


def test_half_a_minute_of_failures_is_two_lines(
    outage: Outage, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(60):
        outage.failed(LOST)
        seconds.now += 0.5
    for _ in range(20):
        outage.succeeded()
        seconds.now += 0.5

    assert told(caplog) == [
        "the database cannot be used (Exception); what was begun is kept and tried again",
        "the database can be used again, after 30 s and 60 tries",
    ]
    assert outage.lasts == 0


def test_a_long_one_is_said_once_a_minute(outage: Outage, seconds: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(int(10 * REMINDS)):
        outage.failed(LOST)
        seconds.now += 1

    assert len(told(caplog)) == 10
    assert told(caplog)[1] == "the database cannot be used for 60 s, 61 tries (Exception)"


def test_reads_that_succeed_between_writes_that_fail_do_not_end_it(
    outage: Outage, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        outage.failed(LOST)
        seconds.now += CALM / 2
        outage.succeeded()

    assert len(told(caplog)) == 1


def test_its_words_never_quote_what_was_asked(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.failed(LOST)

    assert "Ann" not in caplog.text
    assert "INSERT" not in caplog.text


def test_what_never_was_away_is_not_said_to_be_back(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.succeeded()

    assert told(caplog) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_is_named_and_everything_goes_on_when_there_is_room(
    database: Database, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    database.outage = Outage("the database", seconds)

    async def write() -> None:
        async with database.transaction() as tx:
            tx.add(Fact(name=uuid4().hex, value="x" * 100_000))

    async def most(pages: int) -> None:
        async with database.engine.connect() as connection:
            await connection.run_sync(lambda bare: bare.connection.cursor().execute(f"PRAGMA max_page_count={pages}"))

    await most(1)  # as many as there are
    for _ in range(10):
        with pytest.raises(DBAPIError) as full:
            await write()
        assert away(full.value)
    await most(1_000_000)
    await write()
    seconds.now += CALM
    await write()

    assert told(caplog) == [
        "the database cannot be used (SQLITE_FULL, the disk is full); what was begun is kept and tried again",
        "the database can be used again, after 0 s and 10 tries",
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_sessions_that_are_cut_are_one_outage(
    database: Database, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    database.outage = Outage("the database", seconds)

    async def be_cut() -> None:
        async with database.transaction() as tx:
            await tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    for _ in range(5):
        with pytest.raises(DBAPIError):
            await be_cut()

    assert told(caplog) == ["the database cannot be used (57P01); what was begun is kept and tried again"]


async def test_a_mistake_of_ours_is_no_outage(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    async def stumble() -> None:
        async with database.transaction() as tx:
            await tx.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(DBAPIError):
        await stumble()

    assert database.outage.lasts == 0
    assert told(caplog) == []


def test_a_pool_without_a_free_connection_counts_as_away() -> None:
    assert away(NoConnection())
    assert away(InterfaceError("BEGIN", None, Exception()))
    assert not away(asyncio.CancelledError())
