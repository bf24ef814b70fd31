"""A post office as ``bot/app.py`` puts it together, with letters of one line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from telegram.ext import ExtBot

from benchmarks.telegram import TOKEN
from bot.app import IN_FLIGHT, POLICIES
from bot.clock import SystemClock
from bot.delivery.bell import Bell
from bot.delivery.governor import Governor, Limits
from bot.delivery.post import PostOffice
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.transport import Transport
from bot.delivery.turnstile import Turnstile
from bot.messages import Message
from bot.storage.database import Database, Transaction
from bot.storage.tables import Delivery
from bot.texts import Texts
from bot.window.queries import may_not_go


@asynccontextmanager
async def office(database: Database, url: str, rate: int) -> AsyncIterator[PostOffice]:
    """A post office of this pace over a database, calling the server at ``url``."""
    calls, polls = Transport(), Transport()
    bot: ExtBot[None] = ExtBot(TOKEN, base_url=f"{url}/bot", request=calls, get_updates_request=polls)
    await bot.initialize()
    turnstile = Turnstile(Governor(Limits(whole=rate)), in_flight=max(IN_FLIGHT, min(rate, 1000) // 8))
    ties = Ties(composers={"prompt": _one_line}, recheck=may_not_go, policies=POLICIES)
    try:
        yield PostOffice(database, Carrier(bot, turnstile), SystemClock(), Bell(), ties, owner="benchmark")
    finally:
        await bot.shutdown()


async def _one_line(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Message:  # noqa: ARG001
    return Message(f"{row.step}")
