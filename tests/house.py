"""A running bot with a stage around it, and the words a test uses to play on the phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import psycopg
from oracle import check_request, check_update

from bot.app import Bot, Say, assembled, serve
from bot.rehearsal.clock import StageClock
from bot.rehearsal.message import Message
from bot.rehearsal.phone import Phone
from bot.rehearsal.server import Served
from bot.rehearsal.server import serve as serve_stage
from bot.rehearsal.stage import Stage
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.keys import new_key

KEY = new_key()
TOKEN = "700001:stage-token-of-the-understory-rehearsal"
FAY = 1001


@dataclass
class House:
    """Everything a story needs: the phones, the clock, the bot itself."""

    stage: Stage
    clock: StageClock
    served: Served
    settings: Settings
    bot: Bot
    printed: list[str]  # what the operator reads in the terminal
    _bot: AsyncExitStack

    def phone(self, name: str) -> Phone:
        return self.stage.phone(name, "understory_bot")

    async def settled(self) -> None:
        """Wait until the bot has done everything there is to do now."""
        await self.clock.settled()

    async def until(self, instant: datetime) -> None:
        """Let time pass, stopping wherever the bot has something to do."""
        await self.clock.advance_to(instant)

    async def say(self, name: str, words: str, reply_to: Message | None = None) -> Message:
        """Type on somebody's phone and return the newest message that the bot shows there."""
        phone = self.phone(name)
        phone.say(words, reply_to)
        await self.settled()
        return phone.received[-1]

    async def press(self, name: str, message: Message, label: str) -> Message:
        """Press a button and return the same message as it is now, or the newest if it is gone."""
        phone = self.phone(name)
        phone.press(message, label)
        await self.settled()
        return message if message.deleted_at is None else phone.received[-1]

    async def open(self, name: str, link: str) -> Message:
        """Open a link on somebody's phone."""
        phone = self.phone(name)
        phone.open_link(link)
        await self.settled()
        return phone.received[-1]

    def newest(self, name: str, label: str) -> Message:
        """The newest message on a phone with this button."""
        for message in reversed(self.phone(name).received):
            if label in message.labels:
                return message
        shown = [(message.words, message.labels) for message in self.phone(name).received[-5:]]
        raise AssertionError(f"{name}'s phone shows no button {label!r}; the last messages are {shown}")

    async def press_newest(self, name: str, *labels: str) -> Message:
        """Press buttons one after the other, each on the newest message that has it."""
        message = self.phone(name).received[-1]
        for label in labels:
            message = await self.press(name, self.newest(name, label), label)
        return message

    def shown(self, name: str) -> list[str]:
        """What can be read on a phone now, oldest first."""
        return [message.words for message in self.phone(name).received]

    def toast(self, name: str) -> str:
        """What flashed up over the button that was pressed last."""
        return self.phone(name).toasts[-1].text

    async def restart(self) -> None:
        """Stop the bot and start it again on the same database."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """Stop the bot as SIGTERM does."""
        await self._bot.aclose()

    async def start(self) -> None:
        self.bot = await self._bot.enter_async_context(running(self.settings, self.printed.append))

    async def crash(self) -> None:
        """End the bot as kill -9 does: from this instant it writes nothing into its database and says nothing."""
        asyncio.get_running_loop().set_exception_handler(_die_quietly)
        database, library = self.bot.runtime.database, self.bot.application.bot
        database.transaction = database.connection = _die
        for transport in library._request:
            await transport.shutdown()
        for task in asyncio.all_tasks():
            if task.get_name() == "inbox":
                task.cancel()
        with suppress(Killed):
            await self._bot.aclose()
        leases_run_out(self.settings.database_url)


class Killed(BaseException):
    """What every task of a bot that was killed meets at its next step."""


def _die() -> None:
    raise Killed


def _die_quietly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


def leases_run_out(database_url: str) -> None:
    """On PostgreSQL a dead bot's term and calls count until their leases end; that real minute passes here."""
    if database_url.startswith("postgresql"):
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE lease SET expires_on = now()")
            connection.execute("UPDATE delivery SET lease_until = now() WHERE lease_until IS NOT NULL")


@asynccontextmanager
async def run_house(
    database_url: str, *, start: datetime, owner_ids: str = str(FAY), past: int = 0, **more: str
) -> AsyncIterator[House]:
    """Start a stage and the bot; everything either of them says is held against an independent oracle.

    ``past`` is how many updates and messages the database may know of already.
    """
    clock = StageClock(start)
    stage = Stage(clock)
    stage.numbers = count(past + 1)
    telegram_bot = stage.bot("understory_bot", token=TOKEN, first_update_id=past + 1)
    stage.person("Fay", language="en", id=FAY)
    stage.person("Ann", language="en", id=1002)
    stage.person("Bob", language="en", id=1003)
    stage.update_watchers.append(lambda _, update: check_update(update))
    async with serve_stage(stage, clock) as served:
        settings = Settings.read(
            {
                "BOT_TOKEN": telegram_bot.token,
                "BOT_API_URL": served.url,
                "CLOCK_URL": served.clock_url,
                "DATABASE_URL": database_url,
                "ENCRYPTION_KEYS": KEY,
                "OWNER_IDS": owner_ids,
                **more,
            }
        )
        async with AsyncExitStack() as stack:
            printed: list[str] = []
            bot = await stack.enter_async_context(running(settings, printed.append))
            yield House(stage, clock, served, settings, bot, printed, stack)
    for call in stage.journal.calls:
        check_request(call.method, call.params)


@asynccontextmanager
async def running(settings: Settings, say: Say) -> AsyncIterator[Bot]:
    """The bot itself, until the block ends."""
    async with assembled(settings, say) as bot:
        await _without_waiting_for_the_disk(bot.runtime.database)
        stopping = asyncio.Event()
        task = asyncio.create_task(serve(bot, stopping))
        try:
            yield bot
        finally:
            stopping.set()
            await task


async def _without_waiting_for_the_disk(database: Database) -> None:
    """A story plays no power cut; what a killed process has written is there without it."""
    if database.is_sqlite:
        async with database.engine.connect() as connection:
            await connection.run_sync(lambda bare: bare.connection.cursor().execute("PRAGMA synchronous=OFF"))
