from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from postbox import FAST, Maple, Office, StandingClock, Telegram, add_cohort, add_person, bot_at, say_the_step, serving

from bot.delivery.bell import Bell
from bot.delivery.governor import Governor
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.turnstile import Turnstile
from bot.storage.database import Database


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    server = Telegram()
    async with serving(server.handle) as url:
        server.url = url
        yield server


@pytest.fixture
async def carrier(telegram: Telegram) -> AsyncIterator[Carrier]:
    async with bot_at(telegram.url) as bot:
        yield Carrier(bot, Turnstile(Governor(FAST), in_flight=10))


@pytest.fixture
async def maple(database: Database) -> Maple:
    async with database.transaction() as tx:
        cohort = await add_cohort(tx)
        ann = await add_person(tx, 1001)
        bob = await add_person(tx, 1002, language="de")
    return Maple(database, cohort, ann, bob)


@pytest.fixture
def office(database: Database, carrier: Carrier) -> Office:
    return Office(database, carrier, StandingClock(), Bell(), Ties(composers={"prompt": say_the_step}))
