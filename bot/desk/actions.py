"""The digest leaves: one row to each facilitator when the window ends."""

from __future__ import annotations

from datetime import datetime

from bot.delivery import outbox
from bot.storage.database import Transaction
from bot.storage.tables import Delivery, Moment
from bot.window.queries import facilitators_of, private_chat
from bot.words import Lane, Origin, Verb


async def send_digest(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """The window has ended: everybody who holds the cohort gets its page."""
    assert moment.cohort_id is not None  # noqa: S101 - planned so
    rows = [
        Delivery(
            key=f"digest:{moment.meeting_id}:{holder.id}",
            origin=Origin.DESK,
            verb=Verb.SEND,
            kind="digest",
            lane=Lane.PROMPTS,
            chat_id=(await private_chat(tx, holder.id)).id,
            cohort_id=moment.cohort_id,
            meeting_id=moment.meeting_id,
            ref=moment.meeting_id,
            due_at=now,
            made_at=now,
        )
        for holder in await facilitators_of(tx, moment.cohort_id)
    ]
    await outbox.plan(tx, rows)


MOMENTS = {"digest": send_digest}
