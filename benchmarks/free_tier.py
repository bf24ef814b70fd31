"""The free tier: as close to thirty messages a second as one can come without ever being refused."""

from __future__ import annotations

import asyncio

from benchmarks import process
from benchmarks.databases import copy_of, sqlite_url
from benchmarks.durable import fill
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure

RATE = 30  # SEND_RATE, and what the server lets through in any second


def free_tier(ground: Ground) -> list[Figure]:
    number = ground.many(2000, 60)
    full = sqlite_url(ground.place, "free-tier")
    asyncio.run(fill(full, number))
    figures, refused = [], []
    for delay in DELAYS:
        rates = []
        for run in range(ground.runs(1)):
            ground.tell(f"free tier, {answering(delay)}, run {run + 1}")
            ground.telegram.set(delay=delay, most=RATE)
            url = copy_of(full, ground.place, f"free-tier-{delay}-{run}")
            told = process.run("send", url, ground.telegram.url, RATE, number)
            rates.append(number / told["seconds"])
            refused.append(float(sum(call.status == 429 for call in ground.telegram.sends())))
        figures.append(figure(f"free tier, {answering(delay)}", rates, "messages/s", at_least=29))
    return [*figures, figure("free tier: refused with 429", refused, "calls", at_most=0)]
