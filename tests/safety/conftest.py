"""Maple on the phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from couple import NOON, add_maple
from house import House, run_house


@pytest.fixture
async def maple(database_url: str) -> AsyncIterator[House]:
    """Maple's session was two days ago, and everybody has started the bot."""
    async with run_house(database_url, start=NOON) as house:
        async with house.bot.runtime.database.transaction() as tx:
            await add_maple(tx)
        for name in ("Fay", "Ann", "Bob"):
            await house.say(name, "/start")
        yield house
