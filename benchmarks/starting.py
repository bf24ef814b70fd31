"""From the start of the process to its first long poll, with a full diary."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from benchmarks.databases import KEYS, copy_of, opened, sqlite_url, this_instant
from benchmarks.figures import Figure, Ground, figure
from benchmarks.people import Couples
from benchmarks.process import peak_megabytes
from benchmarks.running import bot_running, first_poll


def start(ground: Ground) -> list[Figure]:
    rows = ground.many(100_000, 2000)
    full = sqlite_url(ground.place, "start")
    asyncio.run(_fill(full, rows))
    seconds, megabytes = [], []
    for run in range(ground.runs(5)):
        ground.tell(f"start with {rows:,} planned rows, run {run + 1}")
        ground.telegram.set()
        url = copy_of(full, ground.place, f"start-{run}")
        began = time.monotonic()
        with bot_running(ground, url) as pid:
            seconds.append(first_poll(ground.telegram) - began)
            megabytes.append(peak_megabytes(pid))
    name = f"start to first poll with {rows:,} planned rows"
    return [
        figure(name, seconds, "s", at_most=2.0),
        figure(f"{name}: memory", megabytes, "MB", at_most=150),
    ]


async def _fill(url: str, rows: int) -> None:
    now = this_instant()
    async with opened(url) as database:
        couples = Couples(1000, now, KEYS)
        await couples.move_in(database)
        await couples.owe(database, rows, due_at=now + timedelta(days=1), expires_at=now + timedelta(days=2))
