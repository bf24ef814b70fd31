"""How far apart the two of a couple get what is for both at one instant."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

from benchmarks import process
from benchmarks.databases import KEYS, copy_of, opened, sqlite_url, this_instant
from benchmarks.durable import RATE
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure, share
from benchmarks.people import FAY, FIRST_MEMBER, Couples
from benchmarks.telegram import Call

ON_THE_WIRE = RATE // 8  # so many are called at once; among them the order of arrival is the network's


def skew(ground: Ground) -> list[Figure]:
    """500 couples at one instant, alone and behind 5,000 messages that were due before them."""
    couples, backlog = ground.many(500, 20), ground.many(5000, 100)
    return [*_skew(ground, couples, 0), *_skew(ground, couples, backlog)]


def _skew(ground: Ground, couples: int, backlog: int) -> list[Figure]:
    full = sqlite_url(ground.place, f"skew-{backlog}")
    asyncio.run(_fill(full, couples, backlog))
    behind = f" behind {backlog:,}" if backlog else ""
    figures, late = [], []
    for delay in DELAYS:
        apart = []
        for run in range(ground.runs(3)):
            ground.tell(f"skew between partners{behind}, {answering(delay)}, run {run + 1}")
            ground.telegram.set(delay=delay)
            url = copy_of(full, ground.place, f"skew-{backlog}-{delay}-{run}")
            process.run("send", url, ground.telegram.url, RATE, 2 * couples + backlog)
            calls = ground.telegram.sends()
            apart.append(share(_apart(calls), 0.99))
            late.append(float(_behind_their_turn(calls, backlog)))
        name = f"skew between partners{behind}, p99, {answering(delay)}"
        figures.append(figure(name, apart, "s", at_most=1.0))
    name = f"skew{behind}: a first copy behind its turn, worst"
    return [*figures, figure(name, late, "places", at_most=ON_THE_WIRE)]


async def _fill(url: str, couples: int, backlog: int) -> None:
    now = this_instant()
    async with opened(url) as database:
        people = Couples(couples, now, KEYS)
        await people.move_in(database)
        others = Couples(
            max(1, backlog // 2), now, KEYS, name="others", first_member=FIRST_MEMBER + 2 * couples, facilitator=FAY + 1
        )
        await others.move_in(database)
        await others.owe(database, backlog, name="before", due_at=now - timedelta(minutes=1))
        await people.owe(database, 2 * couples, name="shared")


def _apart(calls: list[Call]) -> list[float]:
    """Seconds between the two copies of each couple."""
    arrivals: dict[int, list[float]] = defaultdict(list)
    for call in calls:
        if call.text.startswith("shared"):
            arrivals[(call.chat - FIRST_MEMBER) // 2].append(call.at)
    return [max(both) - min(both) for both in arrivals.values()]


def _behind_their_turn(calls: list[Call], backlog: int) -> int:
    """By how many places at most a couple's first copy came later than its turn: those due earlier, then 2 a couple."""
    places: dict[int, int] = {}
    for place, call in enumerate(calls):
        if call.text.startswith("shared"):
            places.setdefault((call.chat - FIRST_MEMBER) // 2, place)
    return max(place - backlog - 2 * couple for couple, place in places.items())
