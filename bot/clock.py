"""The one place where business time is read.

Business time (when something is due, when it expires) comes from a ``Clock`` once per update and once per tick, and is
passed on as ``now``. Lease and back-off time is real time: ``monotonic()``.

With ``CLOCK_URL`` a rehearsal owns the time: the bot asks it for ``now`` and tells it when there is nothing left to
do; ``docs/rehearsal.md`` documents the protocol.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import aiohttp


def monotonic() -> float:
    """Seconds of real time that never run backwards; only differences mean anything."""
    return time.monotonic()


class _Ids:
    """Ids that sort in the order in which this process made them (UUID version 7, RFC 9562)."""

    def __init__(self) -> None:
        self._last = 0  # milliseconds since 1970 and a count within them, 60 bits

    def next(self) -> UUID:
        self._last = max(self._last + 1, (time.time_ns() // 1_000_000) << 12)
        moment, count = self._last >> 12, self._last & 0xFFF
        return UUID(int=(moment << 80) | (0x7 << 76) | (count << 64) | (0b10 << 62) | secrets.randbits(62))


new_id = _Ids().next  # 62 random bits: it cannot be guessed, and what was planned first is sent first


class Clock(Protocol):
    """Business time, always as an aware UTC datetime."""

    async def now(self) -> datetime: ...

    async def rest(self, until: datetime | None, handled: int | None, at_most: float) -> None:
        """Return when ``until`` may have come, at the latest after ``at_most`` real seconds; may return early."""

    async def close(self) -> None: ...


class SystemClock:
    """The machine's clock."""

    async def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the one place

    async def rest(self, until: datetime | None, handled: int | None, at_most: float) -> None:  # noqa: ARG002 - the machine's time needs no report
        pause = at_most
        if until is not None:
            pause = min(pause, max(0.0, (until - await self.now()).total_seconds()))
        await asyncio.sleep(pause)

    async def close(self) -> None:
        pass


class RehearsalClock:
    """A clock kept by a rehearsal: it stands still while anything is pending, then jumps."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http: aiohttp.ClientSession | None = None

    async def now(self) -> datetime:
        async with self._session().get(self._url) as answer:
            return datetime.fromisoformat((await answer.json())["now"]).astimezone(UTC)

    async def rest(self, until: datetime | None, handled: int | None, at_most: float) -> None:
        report = {"until": until.isoformat() if until else None, "handled": handled}
        limit = aiohttp.ClientTimeout(total=at_most)
        try:
            async with self._session().post(f"{self._url}/idle", json=report, timeout=limit) as answer:
                await answer.read()
        except TimeoutError:
            pass

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http
