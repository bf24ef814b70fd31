"""The audit: who did what to which row, when. Append-only, and each entry carries the hash of the one before.

It holds ids, words of the house and numbers, never anybody's names or words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bot.storage.database import Transaction
from bot.storage.tables import AuditEntry

_BEGINNING = bytes(32)


async def record(
    tx: Transaction,
    *,
    actor_id: UUID | None,
    action: str,
    now: datetime,
    cohort_id: UUID | None = None,
    subject_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write down that somebody did something; ``facts`` are small JSON and never anybody's words."""
    await tx.alone()
    last = await tx.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
    entry = AuditEntry(
        number=last.number + 1 if last else 1,
        at=now,
        actor_id=actor_id,
        action=action,
        cohort_id=cohort_id,
        subject_id=subject_id,
        facts=dict(facts) if facts else None,
        before=last.hash if last else _BEGINNING,
    )
    entry.hash = _hash(entry)
    tx.add(entry)
    await tx.flush()
    return entry


async def first_break(tx: Transaction) -> int | None:
    """The number of the first entry that was changed, or follows one that was taken away; none if all are whole."""
    before = _BEGINNING
    for number, entry in enumerate(await tx.scalars(select(AuditEntry).order_by(AuditEntry.number)), start=1):
        if entry.number != number or entry.before != before or entry.hash != _hash(entry):
            return entry.number
        before = entry.hash
    return None


def _hash(entry: AuditEntry) -> bytes:
    said = [
        entry.number,
        entry.at.astimezone(UTC).isoformat(),
        *(str(one) if one else None for one in (entry.actor_id, entry.cohort_id, entry.subject_id)),
        entry.action,
        entry.facts,
    ]
    written = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(entry.before + written.encode()).digest()
