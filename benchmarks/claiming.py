"""Claiming what is due, in tables of very different sizes."""

from __future__ import annotations

import asyncio
import gc
import time
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import text

from benchmarks.databases import KEYS, opened, sqlite_url, this_instant
from benchmarks.figures import Figure, Ground, figure
from benchmarks.people import Couples
from bot.delivery.claims import Claimant, claim_due
from bot.storage.database import Database
from bot.storage.tables import Delivery
from bot.words import DeliveryState, Lane

_DUE = 250
_GROWN_FROM = 2000  # rows that are copied until there are enough
_COPIED = [column.name for column in Delivery.__table__.columns if column.name not in {"id", "key"}]


def claims(ground: Ground) -> list[Figure]:
    """250 due rows among 10 thousand, 100 thousand and a million: half of the others sent, half of them to come."""
    sizes = (10_000, 100_000, ground.many(1_000_000, 100_000))
    if ground.quick:
        sizes = sizes[:2]
    figures = [_claim(ground, size) for size in sizes]
    ratios = [value / figures[0].value for value in figures[-1].values]
    return [*figures, figure(f"claiming, {sizes[-1]:,} rows against {sizes[0]:,}", ratios, "times", at_most=1.5)]


def _claim(ground: Ground, rows: int) -> Figure:
    ground.tell(f"claiming among {rows:,} rows")
    milliseconds = asyncio.run(_measured(sqlite_url(ground.place, f"claims-{rows}"), rows, ground.runs(7)))
    return figure(f"claiming {_DUE} due rows among {rows:,}", milliseconds, "ms")


async def _measured(url: str, rows: int, runs: int) -> list[float]:
    now = this_instant()
    async with opened(url) as database:
        couples = Couples(_GROWN_FROM // 2, now, KEYS)
        await couples.move_in(database)
        await couples.owe(database, _GROWN_FROM // 2, name="sent", state=DeliveryState.SENT, sent_at=now, attempts=1)
        await couples.owe(database, _GROWN_FROM // 2, name="later", due_at=now + timedelta(days=1))
        await _grow(database, rows - _GROWN_FROM)
        await couples.owe(database, _DUE, name="due")
        await _timed(database, now)  # the first one warms everything
        return [median([await _timed(database, now) for _ in range(5)]) for _ in range(runs)]


async def _grow(database: Database, more: int) -> None:
    """Copy what is there under new ids and keys, in the database itself."""
    columns = ", ".join(_COPIED)
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :times)"
    copied = (
        f"INSERT INTO delivery (id, key, {columns}) {counted} "
        f"SELECT lower(hex(randomblob(16))), key || ':' || n.i, {columns} FROM delivery, n"
    )
    async with database.transaction() as tx:
        if more >= _GROWN_FROM:
            await tx.execute(text(copied), {"times": more // _GROWN_FROM})


async def _timed(database: Database, now: datetime) -> float:
    """Milliseconds that one claim of everything due takes; it is undone afterwards."""
    gc.collect()
    async with database.transaction() as tx:
        undone = await tx.begin_nested()
        began = time.perf_counter()
        rows = await claim_due(tx, now, dict.fromkeys(Lane, 500), Claimant("benchmark", 1))
        took = (time.perf_counter() - began) * 1000
        assert len(rows) == _DUE
        await undone.rollback()
    return took
