"""In a process of its own: the same messages as somebody else would send them."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.process import say
from benchmarks.telegram import TOKEN

FIRST_CHAT = 10_000
IN_FLIGHT = 64
_bot: Any = None  # stored jobs name a function of a module, which has to find its bot
_room = asyncio.Semaphore(IN_FLIGHT)
_done = 0


async def gather(url: str, number: int, _store: str) -> float:
    """python-telegram-bot as it comes: its own requests, ``asyncio.gather``."""
    import telegram

    async with telegram.Bot(TOKEN, base_url=f"{url}/bot") as bot:
        return await _all(number, lambda n: bot.send_message(FIRST_CHAT + n, f"m:{n}"))


async def aiogram(url: str, number: int, _store: str) -> float:
    """The same with aiogram, over aiohttp as we are."""
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
        await bot.get_me()
        return await _all(number, lambda n: bot.send_message(FIRST_CHAT + n, f"m:{n}"))


async def _all(number: int, send: Callable[[int], Awaitable[object]]) -> float:
    async def one(n: int) -> None:
        async with _room:
            await send(n)

    began = time.monotonic()
    await asyncio.gather(*(one(n) for n in range(number)))
    return time.monotonic() - began


async def scheduled(url: str, number: int, store: str) -> float:
    """The plain design: every message a job of its own in a database, all due at one instant."""
    global _bot
    import telegram
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    async with telegram.Bot(TOKEN, base_url=f"{url}/bot") as _bot:
        scheduler = AsyncIOScheduler(timezone=UTC, jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{store}")})
        scheduler.start(paused=True)
        due = datetime.now(UTC) - timedelta(seconds=1)  # noqa: TID251 - the machine's time is what is measured here
        for n in range(number):
            scheduler.add_job(
                "benchmarks.other:send_one", "date", run_date=due, args=[n], id=f"{n}", misfire_grace_time=None
            )
        began = time.monotonic()
        scheduler.resume()
        while _done < number:  # noqa: ASYNC110 - a job of the scheduler can only count
            await asyncio.sleep(0.01)
        seconds = time.monotonic() - began
        scheduler.shutdown(wait=False)
        return seconds


async def send_one(n: int) -> None:
    """What a stored job does; without the semaphore most of them fail, because all are begun at once."""
    global _done  # noqa: PLW0603 - as above
    try:
        async with _room:
            await _bot.send_message(FIRST_CHAT + n, f"m:{n}")
    finally:
        _done += 1


async def bare(url: str, number: int, _store: str) -> float:
    """Ten bare connections that ask as fast as they are answered."""
    host, port = url.removeprefix("http://").split(":")
    body = b'{"chat_id":1,"text":"m"}'
    asked = b"POST /bot1/sendMessage HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def ask(times: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(times):
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.rsplit(b" ", 1)[1]))
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(ask(number // 10) for _ in range(10)))
    return time.monotonic() - began


def main() -> None:
    which, url, number, *store = sys.argv[1:]
    ways = {"gather": gather, "aiogram": aiogram, "scheduled": scheduled, "bare": bare}
    say({"seconds": asyncio.run(ways[which](url, int(number), store[0] if store else ""))})


if __name__ == "__main__":
    # Stored jobs look for their function under the module's own name and have to find the same one.
    importlib.import_module("benchmarks.other").main()
