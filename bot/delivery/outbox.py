"""What every room says to the post office: plan, move, withdraw, prove.

A delivery is one planned call to one chat. Rooms make ``Delivery`` rows and hand them to ``plan``; what happens to them
from then on is in ``bot.delivery.claims`` and ``bot.delivery.post``. Everything here works inside the caller's
transaction; ring the bell after its commit if something is due now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Table, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.delivery.states import PERHAPS_THERE, WAITING
from bot.storage.database import Transaction
from bot.storage.tables import Chat, Delivery
from bot.words import DeliveryState, Lane, Origin, Verb

DELIVERY = cast("Table", Delivery.__table__)

_WRITTEN_BY_ROOMS = (
    *("id", "key", "origin", "verb", "kind", "lane", "due_at", "expires_at", "made_at"),
    *("chat_id", "cohort_id", "member_id", "meeting_id", "step", "ref", "facts", "target"),
)
_AT_ONCE = 500  # rows in one statement: databases bound the number of parameters


async def plan(tx: Transaction, rows: Sequence[Delivery]) -> int:
    """Plan deliveries, each key once; returns how many are new.

    A key that was planned before and not cancelled is left as it is, whatever became of it. An edit may be planned
    again under its key: one that still waits will say the newest anyway, one that has left makes room.
    """
    await _make_room_for_edits(tx, [row for row in rows if row.verb is Verb.EDIT])
    dialect = insert_sqlite if tx.get_bind().dialect.name == "sqlite" else insert_postgresql
    statement = (
        dialect(DELIVERY)
        .on_conflict_do_nothing(index_elements=["key"], index_where=text("state <> 'cancelled'"))
        .returning(DELIVERY.c.id)
    )
    new = 0
    for start in range(0, len(rows), _AT_ONCE):
        values = [_values(row) for row in rows[start : start + _AT_ONCE]]
        new += len((await tx.execute(statement, values)).all())
    return new


def _values(row: Delivery) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _WRITTEN_BY_ROOMS}
    return values | {"silent": bool(row.silent), "state": DeliveryState.PLANNED, "attempts": 0, "resends": 0}


async def _make_room_for_edits(tx: Transaction, edits: Sequence[Delivery]) -> None:
    if not edits:
        return
    same = (DELIVERY.c.key.in_({row.key for row in edits}), DELIVERY.c.verb == Verb.EDIT)
    # One that is claimed may already be composed: it goes back and will be composed again.
    await tx.execute(update(DELIVERY).where(*same, DELIVERY.c.state == DeliveryState.CLAIMED).values(**_UNCLAIMED))
    left = DELIVERY.c.state.not_in([*WAITING, DeliveryState.CANCELLED])
    freed = select(DELIVERY.c.id, DELIVERY.c.key).where(*same, left)
    for earlier in (await tx.execute(freed)).all():
        await tx.execute(
            update(DELIVERY).where(DELIVERY.c.id == earlier.id).values(key=f"{earlier.key[:160]}#{earlier.id.hex}")
        )


async def move(tx: Transaction, row_id: UUID, *, due_at: datetime, expires_at: datetime | None) -> bool:
    """Move a delivery that has not left; says whether it could still be moved."""
    statement = (
        update(DELIVERY)
        .where(DELIVERY.c.id == row_id, DELIVERY.c.state.in_(WAITING))
        .values(due_at=due_at, expires_at=expires_at, **_UNCLAIMED)
    )
    return _count(await tx.execute(statement)) == 1


async def withdraw(tx: Transaction, *criteria: ColumnElement[bool], reason: str) -> int:
    """Cancel what has not left yet and matches, so that its keys may be planned again; returns how many.

    ``await withdraw(tx, Delivery.member_id == member.id, reason="left")``
    """
    if not criteria:
        raise ValueError("say which deliveries")
    statement = (
        update(DELIVERY)
        .where(DELIVERY.c.state.in_(WAITING), *criteria)
        .values({**_UNCLAIMED, "state": DeliveryState.CANCELLED, "reason": reason})
    )
    return _count(await tx.execute(statement.execution_options(synchronize_session=False)))


async def prove(tx: Transaction, delivery_id: UUID, message_id: int, *, chat: int, now: datetime) -> bool:
    """A button of this delivery was pressed on that message of that chat (Telegram's ids): it has arrived.

    Says whether that was news. If another copy is known, the older of the two is deleted. What is pressed in another
    chat proves nothing: a button's content is chosen by whoever sends it.
    """
    row = (await tx.execute(_ITS_OWN, {"delivery": delivery_id, "chat": chat})).one_or_none()
    if row is None or not row.attempts:
        return False
    if row.state is DeliveryState.SENT:
        if row.message_id in {None, message_id}:
            return False
        await keep_newest_copy(tx, row, message_id, now=now)
        return True
    if row.state not in PERHAPS_THERE | WAITING:
        return False
    await tx.execute(
        update(DELIVERY)
        .where(DELIVERY.c.id == delivery_id)
        .values({**_UNCLAIMED, "state": DeliveryState.SENT, "message_id": message_id, "sent_at": now, "reason": None})
    )
    return True


async def keep_newest_copy(tx: Transaction, row: Any, other: int, *, now: datetime) -> None:
    """Two messages of one delivery are known: the newer stays, the older will be deleted."""
    older, newer = sorted((row.message_id, other))
    await tx.execute(update(DELIVERY).where(DELIVERY.c.id == row.id).values(message_id=newer))
    surplus = Delivery(
        key=f"surplus:{row.id.hex}:{older}",
        origin=Origin(row.origin),
        verb=Verb.DELETE,
        kind="surplus",
        lane=Lane.PROMPTS,
        chat_id=row.chat_id,
        cohort_id=row.cohort_id,
        member_id=row.member_id,
        facts={"message_id": older},
        due_at=now,
        made_at=now,
    )
    await plan(tx, [surplus])


@dataclass(frozen=True)
class SentCopy:
    """Where the copy of a delivery lies: Telegram's chat id and message id."""

    chat: int
    message_id: int


async def sent_copy(tx: Transaction, delivery_id: UUID) -> SentCopy | None:
    """Where this delivery's message is, if it is known to have arrived."""
    statement = (
        select(Chat.telegram_id, Delivery.message_id)
        .join(Chat, Chat.id == Delivery.chat_id)
        .where(Delivery.id == delivery_id, Delivery.message_id.is_not(None))
    )
    found = (await tx.execute(statement)).one_or_none()
    return SentCopy(found.telegram_id, found.message_id) if found else None


_UNCLAIMED: dict[str, Any] = {
    "state": DeliveryState.PLANNED,
    "claimed_by": None,
    "term": None,
    "lease_until": None,
    "not_before": None,
}


_ITS_OWN = (  # built once: every press asks for it
    select(DELIVERY)
    .join(Chat, Chat.id == DELIVERY.c.chat_id)
    .where(DELIVERY.c.id == bindparam("delivery"), Chat.telegram_id == bindparam("chat"))
    .with_for_update(of=DELIVERY)
)


def _count(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
