"""Many small writes as few transactions: whoever comes while a crossing is under way takes the next one together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from bot.storage.outage import away

T = TypeVar("T")
R = TypeVar("R")


class Ferry(Generic[T, R]):
    """Carries items to ``cross``, all that wait at once, and their results back."""

    def __init__(self, cross: Callable[[Sequence[T]], Awaitable[Sequence[R]]], seats: int = 200) -> None:
        self._cross = cross
        self._seats = seats
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._sailing: asyncio.Task[None] | None = None

    async def board(self, item: T) -> R:
        """The item's own result; an error of the crossing reaches everybody aboard.

        Somebody who is cancelled crosses all the same.
        """
        arrival: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, arrival))
        if self._sailing is None:
            self._sailing = asyncio.create_task(self._sail())
        return await arrival

    async def _sail(self) -> None:
        try:
            while self._waiting:
                aboard = [self._waiting.popleft() for _ in range(min(self._seats, len(self._waiting)))]
                try:
                    results = await self._cross([item for item, _ in aboard])
                except asyncio.CancelledError:  # the process ends: nobody crosses any more
                    for _, arrival in [*aboard, *self._waiting]:
                        arrival.cancel()
                    self._waiting.clear()
                    raise
                except BaseException as error:  # noqa: BLE001 - it belongs to those who wait
                    for _, arrival in aboard:
                        if not arrival.done():
                            arrival.set_exception(error)
                else:
                    for (_, arrival), result in zip(aboard, results, strict=True):
                        if not arrival.done():
                            arrival.set_result(result)
        finally:
            self._sailing = None


async def persist(write: Callable[[], Awaitable[Any]]) -> None:
    """Write what must not be lost: while the database is away, which it says itself, it is kept and tried again."""
    pause = 0.1
    while True:
        try:
            await write()
        except Exception as error:
            if not away(error):
                raise
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)
        else:
            return
