"""An inbox on the real database, whose handler is whatever the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bot.intake import inbox as inbox_module
from bot.intake.inbox import Inbox
from bot.storage.tables import InboxUpdate

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class StoppedClock:
    async def now(self) -> datetime:
        return NOON


class CountingBell:
    def __init__(self) -> None:
        self.rung = 0
        self.again = asyncio.Event()

    def ring(self) -> None:
        self.rung += 1
        self.again.set()

    async def has_rung(self, times: int) -> None:
        while self.rung < times:
            self.again.clear()
            await self.again.wait()


class Desk:
    """Everything a test of the inbox looks at."""

    def __init__(self, database):
        self.database = database
        self.bell = CountingBell()

    def inbox(self, process, **more) -> Inbox:
        return Inbox(self.database, StoppedClock(), self.bell, process, **more)

    @asynccontextmanager
    async def working(self, inbox: Inbox) -> AsyncIterator[None]:
        """The inbox works inside this block and has finished what it began at its end."""
        work = asyncio.create_task(inbox.run())
        try:
            yield
        finally:
            inbox.stop()
            await work

    async def settled(self, inbox: Inbox) -> None:
        """Wait until nothing waits any more."""
        async with asyncio.timeout(20):
            while True:
                self.bell.again.clear()
                if not inbox._queue and all(row.state != "waiting" for row in await self.rows()):
                    return
                await self.bell.again.wait()

    async def rows(self) -> list[InboxUpdate]:
        async with self.database.transaction() as tx:
            return list(await tx.scalars(select(InboxUpdate).order_by(InboxUpdate.update_id)))


@pytest.fixture
def desk(database) -> Desk:
    return Desk(database)


@pytest.fixture
def _impatient(monkeypatch):
    """Tries follow each other at once."""
    monkeypatch.setattr(inbox_module, "_PAUSES", (0.01, 0.01))
