"""Something begun on a phone and not yet confirmed: it waits for a button, or for words typed next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from bot.errors import Refused
from bot.storage.database import Transaction
from bot.storage.tables import Draft


class DraftGone(Refused):
    """It was confirmed, replaced or left lying for too long."""


async def keep_draft(
    tx: Transaction,
    person_id: UUID,
    kind: str,
    content: Any,
    *,
    now: datetime,
    awaits: str | None = None,
    lasts: timedelta = timedelta(hours=24),
) -> Draft:
    """Keep what was begun. If it ``awaits`` typed words, nothing else of this person does any longer."""
    if awaits is not None:
        await tx.execute(update(Draft).where(Draft.person_id == person_id).values(awaits=None))
    draft = Draft(person_id=person_id, kind=kind, awaits=awaits, made_at=now, expires_at=now + lasts)
    tx.seal_json(draft, "content", content)
    tx.add(draft)
    await tx.flush()
    return draft


async def change_draft(tx: Transaction, draft: Draft, content: Any, *, awaits: str | None = None) -> None:
    """Go on with a draft: other content, and what it waits for next."""
    if awaits is not None:
        await tx.execute(update(Draft).where(Draft.person_id == draft.person_id).values(awaits=None))
    tx.seal_json(draft, "content", content)
    draft.awaits = awaits
    await tx.flush()


async def read_draft(tx: Transaction, draft_id: UUID, person_id: UUID, kind: str, *, now: datetime) -> Draft:
    """The draft behind a button, if it is this person's and still waits.

    Raises:
        DraftGone: it is not there any more, or was never theirs.
    """
    draft = await tx.scalar(select(Draft).where(Draft.id == draft_id, Draft.person_id == person_id, Draft.kind == kind))
    if draft is None or draft.expires_at <= now:
        raise DraftGone
    return draft


async def awaiting_draft(tx: Transaction, person_id: UUID, *, now: datetime) -> Draft | None:
    """What of this person waits for typed words."""
    return await tx.scalar(
        select(Draft)
        .where(Draft.person_id == person_id, Draft.awaits.is_not(None), Draft.expires_at > now)
        .order_by(Draft.made_at.desc())
        .limit(1)
    )


async def drop_draft(tx: Transaction, draft: Draft) -> None:
    """It is done; a second press finds it gone."""
    await tx.execute(delete(Draft).where(Draft.id == draft.id))
