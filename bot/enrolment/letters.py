"""How this room writes to one person: a row for the post office, silent at their night."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from bot.storage.database import Transaction
from bot.storage.tables import Delivery, Person
from bot.window.queries import private_chat
from bot.window.quiet import is_quiet
from bot.words import Lane, Origin, QuietHours, Verb


async def letter(
    tx: Transaction, reader: Person, kind: str, key: str, *, cohort_id: UUID, now: datetime, **more: Any
) -> Delivery:
    """A message of this ``kind`` to one person, due now; ``more`` are other columns of the row."""
    chat = await private_chat(tx, reader.id)
    columns: dict[str, Any] = {
        "lane": Lane.PROMPTS,
        "silent": is_quiet(now, QuietHours(reader.quiet_begins, reader.quiet_ends), reader.zone),
        **more,
    }
    return Delivery(
        key=key,
        origin=Origin.ENROLMENT,
        verb=Verb.SEND,
        kind=kind,
        chat_id=chat.id,
        cohort_id=cohort_id,
        due_at=now,
        made_at=now,
        **columns,
    )
