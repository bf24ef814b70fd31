"""Two hundred presses a second for a minute, each a stored answer, through the real polling and the real inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.databases import opened, sqlite_url
from benchmarks.figures import DELAYS, Figure, Ground, answering, figure, share
from benchmarks.hands import press_evenly, presses, wait_for_answers
from benchmarks.people import OPTION, QUESTION
from benchmarks.running import bot_running, first_poll, inbox_running
from benchmarks.tapping import couples_with_a_step
from bot.storage.tables import Answer

_EACH_SECOND = 200
_WHOLE_BOT = 2000  # presses, all at once: how fast it works them off
_PATIENCE = 120.0  # seconds after the last press

Program = Callable[[str], AbstractContextManager[int]]


def inbound(ground: Ground) -> list[Figure]:
    """The inbox with one small action; beside it the whole bot with all its screens, as fast as it can."""
    number = _EACH_SECOND * ground.many(60, 1)
    waits, lost, paces = [], [], []
    for delay in DELAYS:
        ground.tell(f"{_EACH_SECOND} answers a second, {answering(delay)}")
        waited, missing, _ = _pressed(ground, delay, number, _EACH_SECOND, lambda url: inbox_running(ground, url))
        lost.append(missing)
        waits.append(figure(_named("p95", delay), [share(waited, 0.95) * 1000], "ms", at_most=500))
        ground.tell(f"the whole bot, {answering(delay)}")
        many = ground.many(_WHOLE_BOT, 50)
        _, missing, pace = _pressed(ground, delay, many, many, lambda url: _whole_bot(ground, url))
        lost.append(missing)
        paces.append(figure(f"the whole bot, every screen, {answering(delay)}", [pace], "answers/s"))
    return [*waits, figure(f"{_EACH_SECOND} answers a second: lost", lost, "answers", at_most=0), *paces]


def _named(what: str, delay: float) -> str:
    return f"{_EACH_SECOND} answers a second, {what}, {answering(delay)}"


def _whole_bot(ground: Ground, url: str) -> AbstractContextManager[int]:
    return bot_running(ground, url, SEND_RATE="1000", PAID_BROADCAST="yes")


def _pressed(
    ground: Ground, delay: float, number: int, each_second: float, program: Program
) -> tuple[list[float], float, float]:
    """What each press waited for, in seconds; how many answers are missing; how many were kept a second."""
    url = sqlite_url(ground.place, f"inbound-{number}-{delay}")
    steps = asyncio.run(_fill(url, number))
    ground.telegram.set(delay=delay)
    with program(url):
        began = first_poll(ground.telegram)
        updates = presses(steps, "answer", f"{QUESTION}.{OPTION}")
        pressed = press_evenly(ground.telegram, updates, each_second)
        waited = wait_for_answers(ground.telegram, pressed, _PATIENCE)
        answered = [call.at for call in ground.telegram.calls() if call.method == "answerCallbackQuery"]
    pace = len(answered) / (max(answered) - max(began, min(pressed.values())))
    return waited, float(number - asyncio.run(_kept(url))), pace


async def _fill(url: str, number: int) -> list[UUID]:
    async with opened(url) as database:
        _, steps = await couples_with_a_step(database, number)
        return steps


async def _kept(url: str) -> int:
    async with opened(url) as database, database.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(Answer)) or 0
