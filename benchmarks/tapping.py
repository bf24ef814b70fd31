"""How soon a press is answered while a broadcast leaves for 2,000 people."""

from __future__ import annotations

import asyncio
from uuid import UUID

from benchmarks.databases import KEYS, copy_of, opened, sqlite_url, this_instant
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure, share
from benchmarks.hands import press_evenly, presses, wait_for_answers
from benchmarks.people import STEP, Couples
from benchmarks.running import bot_running, first_poll
from bot.clock import new_id
from bot.programmes.shelf import library
from bot.storage.database import Database
from bot.storage.tables import Broadcast
from bot.words import BroadcastState, DeliveryState, Lane, Origin


def taps(ground: Ground) -> list[Figure]:
    """The whole bot at its usual pace of 25 a second; four presses of [Open] a second."""
    readers = ground.many(2000, 100)
    full = sqlite_url(ground.place, "taps")
    opened_steps = asyncio.run(_fill(full, readers))[: readers // 10]
    figures = []
    for delay in DELAYS:
        ninety_fifth = []
        for run in range(ground.runs(1)):
            ground.tell(f"presses during a broadcast, {answering(delay)}, run {run + 1}")
            ground.telegram.set(delay=delay)
            url = copy_of(full, ground.place, f"taps-{delay}-{run}")
            with bot_running(ground, url):
                first_poll(ground.telegram)
                pressed = press_evenly(ground.telegram, presses(opened_steps, "open"), 4)
                waited = wait_for_answers(ground.telegram, pressed, 20)
            assert len(waited) == len(pressed), f"{len(pressed) - len(waited)} presses were not answered"
            ninety_fifth.append(share(waited, 0.95) * 1000)
        name = f"answer to a press during a broadcast, p95, {answering(delay)}"
        figures.append(figure(name, ninety_fifth, "ms", at_most=300))
    return figures


async def _fill(url: str, readers: int) -> list[UUID]:
    """Everybody has been sent a step, and a broadcast is on its way to all of them; the steps."""
    async with opened(url) as database:
        couples, steps = await couples_with_a_step(database, readers)
        await couples.owe(
            database,
            readers,
            name="broadcast",
            kind="broadcast",
            origin=Origin.BROADCASTS,
            lane=Lane.BROADCAST,
            step=None,
            meeting_id=None,
            ref=await _leaving(database, couples),
        )
        return steps


async def couples_with_a_step(database: Database, members: int) -> tuple[Couples, list[UUID]]:
    """So many people in couples of the real programme, each with the same step in their chat."""
    now = this_instant()
    couples = Couples(members // 2, now, KEYS, source=library()["couple-72h"].source, name="couple-72h")
    await couples.move_in(database)
    sent = {"step": STEP, "state": DeliveryState.SENT, "sent_at": now, "attempts": 1}
    steps = await couples.owe(database, members, name="step", **sent)
    return couples, steps


async def _leaving(database: Database, couples: Couples) -> UUID:
    async with database.transaction() as tx:
        now = this_instant()
        broadcast = Broadcast(
            id=new_id(), author_id=couples.facilitator, state=BroadcastState.LEAVING, made_at=now, leaves_at=now
        )
        tx.seal(broadcast, "words", "See you on Sunday.")
        tx.add(broadcast)
    return broadcast.id
