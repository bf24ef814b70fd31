"""Beside it: how far others get with the same messages, and what the server itself can bear."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import process
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure

GATHER = "python-telegram-bot, asyncio.gather, 64 in flight"
SCHEDULED = "APScheduler, one stored job a message"
AIOGRAM = "aiogram, 64 in flight"
_OTHERS = (("gather", GATHER, 2000), ("scheduled", SCHEDULED, 500), ("aiogram", AIOGRAM, 5000))
_OURS = "durable sending, SQLite without a cap"
_GOALS = ((GATHER, 3.0), (SCHEDULED, 8.0), (AIOGRAM, 0.4))


def ceiling(ground: Ground) -> list[Figure]:
    """The server alone, asked over ten bare connections."""
    ground.telegram.set()
    number = ground.many(50_000, 2000)
    told = [process.run("other", "bare", ground.telegram.url, number) for _ in range(ground.runs(3))]
    rates = [number / each["seconds"] for each in told]
    return [figure("ceiling of the server", rates, "calls/s", at_least=3000)]


def others(ground: Ground) -> list[Figure]:
    """None but the scheduler keeps anything: what is on its way when they stop is lost."""
    return [
        _other(ground, which, name, ground.many(number, 200), delay)
        for which, name, number in _OTHERS
        for delay in DELAYS
    ]


def _other(ground: Ground, which: str, name: str, number: int, delay: float) -> Figure:
    rates = []
    for run in range(ground.runs(3)):
        ground.tell(f"{name}, {answering(delay)}, run {run + 1}")
        ground.telegram.set(delay=delay)
        store = ground.place / f"{which}-{delay}-{run}.db"
        told = process.run("other", which, ground.telegram.url, number, store)
        arrived = len({call.text for call in ground.telegram.sends()})
        rates.append(arrived / told["seconds"])
    return figure(f"{name}, {answering(delay)}", rates, "messages/s")


def ratios(figures: Sequence[Figure]) -> list[Figure]:
    """How many times as fast durable sending is, median against median, for each way the server answers."""
    measured = {one.name: one.value for one in figures}
    found = []
    for name, goal in _GOALS:
        for how in map(answering, DELAYS):
            ours, theirs = measured.get(f"{_OURS}, {how}"), measured.get(f"{name}, {how}")
            if ours and theirs:
                found.append(figure(f"ratio to {name}, {how}", [ours / theirs], "times", at_least=goal))
    return found
