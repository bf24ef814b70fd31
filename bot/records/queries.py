"""Reading out everything somebody has here."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import inspect, select

from bot.records.inventory import OWN, Own, Whose
from bot.storage.columns import Sealed
from bot.storage.database import Transaction
from bot.storage.tables import Base, JournalEntry, Member, Person
from bot.window.queries import private_chat


async def whose(tx: Transaction, person: Person) -> Whose:
    members = await tx.scalars(select(Member.id).where(Member.person_id == person.id))
    chat = await private_chat(tx, person.id)
    return Whose(person.id, person.telegram_id, chat.id, tuple(members))


async def everything_of(tx: Transaction, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row that is this person's, table by table, opened and readable."""
    who = await whose(tx, person)
    return {
        own.table.__tablename__: [_readable(tx, own, row) for row in await tx.scalars(_rows(own, who))] for own in OWN
    }


async def journal_of(tx: Transaction, person: Person) -> list[tuple[datetime, str]]:
    """One's own entries, the newest first; nobody else has a query for them."""
    rows = await tx.scalars(
        select(JournalEntry).where(JournalEntry.person_id == person.id).order_by(JournalEntry.written_at.desc())
    )
    return [(row.written_at, tx.open(row, "words")) for row in rows]


def _rows(own: Own, who: Whose) -> Any:
    return select(own.table).where(own.mine(who))


def _readable(tx: Transaction, own: Own, row: Base) -> dict[str, Any]:
    withheld = {name for name, _ in own.withheld}
    return {
        column.key: _value(tx, row, column.key, sealed=isinstance(column.type, Sealed))
        for column in inspect(type(row)).columns
        if column.key not in withheld
    }


def _value(tx: Transaction, row: Base, name: str, *, sealed: bool) -> Any:
    value = getattr(row, name)
    if value is None:
        return None
    if sealed:
        return tx.open(row, name)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return value.hex() if isinstance(value, bytes) else value
