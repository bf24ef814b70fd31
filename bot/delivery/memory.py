"""What a new process has to know of the rate: what left in the last minute, who asked for a pause that still lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, delete, insert, select

from bot.clock import monotonic
from bot.delivery.claims import ATTEMPT
from bot.delivery.outbox import DELIVERY
from bot.delivery.realtime import in_seconds, real_now, seconds_until
from bot.delivery.turnstile import Turnstile
from bot.storage.database import Transaction
from bot.storage.tables import Chat, RateBucket

BUCKET = cast("Table", RateBucket.__table__)
_LOOKS_BACK = timedelta(seconds=100)  # the longest window, a group's, and the longest call are shorter together
_PAUSE = "pause"
_A_STEP = 2.0  # seconds; clocks that are merely adjusted drift by less between two looks


class Watch:
    """Notices when the database's clock was set back, by the monotonic one."""

    def __init__(self) -> None:
        self._ahead: float | None = None  # how far the database's clock is ahead of ours

    def went_back(self, clock: float) -> bool:
        """Whether it did since the last look; ``clock`` is what it shows now, in seconds."""
        ahead = clock - monotonic()
        before, self._ahead = self._ahead, ahead
        return before is not None and ahead < before - _A_STEP


async def recall(tx: Transaction, turnstile: Turnstile, *, now: datetime) -> None:
    """Tell the governor what earlier processes did and heard."""
    at = monotonic()
    governor = turnstile.governor
    # A call is written down before it leaves, and nobody knows how long before: it counts at its latest.
    calls = (
        select(Chat.telegram_id, ATTEMPT.c.ended_at)
        .join(DELIVERY, DELIVERY.c.chat_id == Chat.id)
        .join(ATTEMPT, ATTEMPT.c.delivery_id == DELIVERY.c.id)
        .where(ATTEMPT.c.started_at > now - _LOOKS_BACK, ATTEMPT.c.started_at <= now)
    )
    left = [(min(ended_at or now, now), chat) for chat, ended_at in await tx.execute(calls)]
    for left_at, chat in sorted(left):
        governor.remember(chat, (now - left_at).total_seconds(), at)
    paused = select(Chat.telegram_id, seconds_until(Chat.not_before)).where(Chat.not_before > real_now())
    for chat, seconds in await tx.execute(paused):
        governor.pause_chat(chat, seconds, at)
    left = await tx.scalar(select(seconds_until(BUCKET.c.arrives_at)).where(BUCKET.c.name == _PAUSE))
    if left is not None and left > 0:
        turnstile.limited(None, left)


async def keep_pause(tx: Transaction, turnstile: Turnstile) -> None:
    """Write down a pause of the whole bot, so that a restart does not shorten it."""
    seconds = turnstile.governor.paused_for(monotonic())
    if seconds > 0:
        await tx.execute(delete(BUCKET).where(BUCKET.c.name == _PAUSE))
        values = {"name": _PAUSE, "rests": seconds}
        await tx.execute(insert(BUCKET).values(name=_PAUSE, arrives_at=in_seconds("rests")), values)
