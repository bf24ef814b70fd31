"""Time that passes at once, dice that fall the same way again, and a SQLite that keeps to both."""

from __future__ import annotations

import asyncio
import os
import random
import selectors
import sqlite3
import types
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import clock as clock_module
from bot.delivery import post as post_module
from bot.intake import inbox as inbox_module
from bot.storage import database as database_module
from bot.storage.sqlite import _Connection

BEGINS = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
_MOST_STEPS = 15_000  # of a loop in one seed; an endless circle ends here

Trip = Callable[..., Awaitable[Any]]


class _NobodyComes(selectors.SelectSelector):
    """Instead of waiting it moves the clock."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        self.loop.steps += 1
        if timeout is None:
            raise AssertionError("everybody waits for ever")
        if self.loop.steps > _MOST_STEPS:
            self.loop.steps = 0
            raise AssertionError("it goes round in circles")
        if timeout > 0:
            self.loop.at += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """When nothing is ready, the next timer is."""

    def __init__(self) -> None:
        selector = _NobodyComes()
        selector.loop = self
        self.at = 1000.0
        self.steps = 0
        super().__init__(selector)

    def time(self) -> float:
        return self.at


class WallClock:
    """The machine's clock: what the bot calls ``now`` and SQLite calls 'now'. Somebody may set it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._begun = loop.time()
        self._set_by = 0.0
        self.latest = BEGINS  # that it ever showed
        self._was_set = asyncio.Event()

    def read(self) -> datetime:
        now = BEGINS + timedelta(seconds=round(self._loop.time() - self._begun + self._set_by, 6))
        self.latest = max(self.latest, now)
        return now

    def step(self, seconds: float) -> None:
        self._set_by += seconds
        self._was_set.set()
        self._was_set.clear()

    async def now(self) -> datetime:
        return self.read()

    async def rest(self, until: datetime | None, handled: int | None, at_most: float) -> None:
        pause = 1e6 if until is None else max(0.0, (until - self.read()).total_seconds())
        try:
            async with asyncio.timeout(pause):
                await self._was_set.wait()
                await asyncio.sleep(at_most)
        except TimeoutError:
            pass

    async def close(self) -> None:
        pass


@contextmanager
def governed_by(loop: VirtualLoop, seed: int) -> Iterator[None]:
    """Inside, every clock of the bot is the loop's and every die is the seed's."""
    dice = random.Random(seed)
    mine = types.SimpleNamespace(monotonic=loop.time, time_ns=lambda: int((BEGINS.timestamp() + loop.time()) * 1e9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock_module, "time", mine)
        patch.setattr(clock_module.new_id.__self__, "_last", 0)
        patch.setattr(inbox_module, "_LOOK", 1e6)  # nobody else stores anything here
        patch.setattr(post_module, "LONGEST_REST", 4.0)  # four times as long as it is: each look costs real time
        patch.setattr(os, "urandom", dice.randbytes)
        patch.setattr(random, "_urandom", dice.randbytes)
        random.seed(seed)
        yield


class Killed(BaseException):
    """What every task of a bot that was killed meets at its next step."""


class InlineConnection(_Connection):
    """The bot's own connection without its thread: a trip is made at once, through whatever ``trip`` does to it."""

    def __init__(self, raw: sqlite3.Connection, trip: Trip) -> None:
        super().__init__(lambda: raw, 64)
        self._connection = raw
        self._trip = trip
        self._tx = types.SimpleNamespace(put_nowait=self._at_once)

    def __await__(self) -> Generator[Any, None, InlineConnection]:
        return self
        yield

    def __del__(self) -> None:
        pass

    def cursor(self) -> Any:
        if self._connection is None:
            raise Killed
        return super().cursor()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return await self._trip(fn, *args, **more)

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._running = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _at_once(order: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        future, function = order
        future.set_result(function())


def open_raw(file: Path, wall: WallClock) -> sqlite3.Connection:
    """A SQLite connection whose 'now' is the wall clock."""
    raw = sqlite3.connect(file, check_same_thread=False)

    def instant(text: str, *modifiers: str) -> datetime:
        at = wall.read() if text == "now" else datetime.fromisoformat(text).replace(tzinfo=UTC)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # SQLite counts in milliseconds
        for modifier in modifiers:
            at += timedelta(milliseconds=round(float(modifier.removesuffix(" seconds")) * 1000))
        return at

    def strftime(pattern: str, text: str | None, *modifiers: str | None) -> str | None:
        if text is None or None in modifiers:
            return None
        assert pattern == "%Y-%m-%d %H:%M:%f000"
        return instant(text, *modifiers).strftime("%Y-%m-%d %H:%M:%S.%f")

    def julianday(text: str | None) -> float | None:
        return None if text is None else instant(text).timestamp() / 86400.0 + 2440587.5

    raw.create_function("strftime", -1, strftime)
    raw.create_function("julianday", 1, julianday)
    return raw


def engine_for(connect: Callable[[], Awaitable[InlineConnection]]) -> Any:
    """The bot's own engine, whose every new connection is what ``connect`` gives."""

    async def creator(_file: str) -> InlineConnection:
        return await connect()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database_module, "connect", creator)
        return database_module.sqlite_engine(database_module.database_url("sqlite:///of-the-seed"))
