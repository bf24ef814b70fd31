"""The metronome: housekeeping in real time (retention, backups, health). Nothing that people wait for hangs on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.storage.outage import away

log = logging.getLogger(__name__)

# Late is better than never, once is enough for what was missed, and nothing overlaps with itself.
_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


@dataclass(frozen=True)
class Beat:
    """Something to do again and again."""

    name: str
    every: timedelta
    call: Callable[[], Awaitable[object]]


@asynccontextmanager
async def metronome(beats: Iterable[Beat]) -> AsyncIterator[None]:
    """Do these in their turns, the first time after one turn, for as long as the block lasts."""
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=_DEFAULTS)
    for beat in beats:
        scheduler.add_job(once, "interval", args=[beat], id=beat.name, seconds=beat.every.total_seconds())
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # it stops in the loop's next round


async def once(beat: Beat) -> None:
    """One turn; whatever happens in it, the next comes."""
    try:
        await beat.call()
    except Exception as error:
        if not away(error):  # that it says itself
            log.exception("%s failed; it is tried again in its turn", beat.name)
