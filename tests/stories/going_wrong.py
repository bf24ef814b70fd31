"""What stories about things that go wrong have in common: waiting for them, and counting what came of them."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any

from house import House
from sqlalchemy import func, select, update

from bot.delivery.realtime import real_now
from bot.storage.tables import Base, Chat, Delivery

ANN = 1002


async def come_true(claim: Callable[[], Any]) -> None:
    """Wait, in real time, until something is so; for what happens while the bot is in the middle of something."""
    async with asyncio.timeout(20):
        while True:
            is_so = claim()
            if await is_so if inspect.isawaitable(is_so) else is_so:
                return
            await asyncio.sleep(0.005)


def copies(house: House, name: str) -> Counter[str]:
    """How often each delivery with buttons was accepted for a phone, by the first thing its buttons carry."""
    chat = house.stage.named(name).id
    return Counter(
        call.result["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        for call in house.stage.journal.accepted("sendMessage", chat)
        if "reply_markup" in call.result and "callback_data" in call.result["reply_markup"]["inline_keyboard"][0][0]
    )


async def number_of(house: House, table: type[Base], **having: Any) -> int:
    """How many rows there are like this."""
    async with house.bot.runtime.database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(table).filter_by(**having))


async def rows_of(house: House, table: type[Base]) -> list[Any]:
    async with house.bot.runtime.database.transaction() as tx:
        return list(await tx.scalars(select(table)))


async def states(house: House, name: str, **having: Any) -> list[str]:
    """What became of the deliveries like this to somebody, in the order in which they were planned."""
    theirs = select(Delivery.state).filter_by(**having).join(Chat, Chat.id == Delivery.chat_id)
    theirs = theirs.where(Chat.telegram_id == house.stage.named(name).id).order_by(Delivery.id)
    async with house.bot.runtime.database.transaction() as tx:
        return [str(state) for state in await tx.scalars(theirs)]


async def real_time_passes(house: House) -> None:
    """Whatever the post office has put off for some real seconds may happen now."""
    async with house.bot.runtime.database.transaction() as tx:
        await tx.execute(update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=real_now()))
        await tx.execute(update(Delivery).where(Delivery.not_before.is_not(None)).values(not_before=None))
    house.bot.runtime.bell.ring()
