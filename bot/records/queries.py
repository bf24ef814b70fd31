"""Reading out everything somebody has here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.checkins.telling import Told, told_by
from bot.records.inventory import OWN, Own, Whose
from bot.storage.columns import Sealed
from bot.storage.database import Transaction
from bot.storage.tables import Base, Cohort, ConsentGiven, Disclosure, JournalEntry, Member, Note, Person
from bot.window.queries import name_of, private_chat


async def whose(tx: Transaction, person: Person) -> Whose:
    members = await tx.scalars(select(Member.id).where(Member.person_id == person.id))
    chat = await private_chat(tx, person.id)
    return Whose(person.id, person.telegram_id, chat.id, tuple(members))


# ── For machines ───────────────────────────────────────────────────────────────────────────────────────────────────


async def everything_of(tx: Transaction, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row that is this person's, table by table, with what is sealed opened."""
    who = await whose(tx, person)
    return {
        own.name: [_told(tx, own, row) for row in await tx.scalars(select(own.table).where(own.mine(who)))]
        for own in OWN
    }


def _told(tx: Transaction, own: Own, row: Base) -> dict[str, Any]:
    columns = own.table.__table__.columns
    return {name: _value(tx, row, name, own, is_sealed=isinstance(columns[name].type, Sealed)) for name in own.told}


def _value(tx: Transaction, row: Base, name: str, own: Own, *, is_sealed: bool) -> Any:
    value = getattr(row, name)
    if value is None:
        return None
    if is_sealed:
        return tx.open_json(row, name) if name in own.json else tx.open(row, name)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, Enum) else value


# ── To read ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Letter:
    """Words between a member and a facilitator; ``author`` is empty for one's own."""

    written_at: datetime
    author: str
    words: str


@dataclass(frozen=True)
class Seen:
    """One answer that was opened to somebody."""

    opened_at: datetime
    reader: str
    folded: bool


@dataclass(frozen=True)
class Place:
    """One's own part in one cohort."""

    cohort: str
    alias: str
    member: Member
    told: tuple[Told, ...]
    letters: tuple[Letter, ...]
    consents: tuple[ConsentGiven, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Portrait:
    """What somebody would want to read of all that is stored of them."""

    name: str
    journal: tuple[tuple[datetime, str], ...]
    places: tuple[Place, ...]
    sent: tuple[Letter, ...]  # written as a facilitator


async def portrait_of(tx: Transaction, person: Person) -> Portrait:
    members = await tx.scalars(
        select(Member).where(Member.person_id == person.id).order_by(Member.joined_at, Member.id)
    )
    places = [await _place(tx, member) for member in members.all()]
    own = {place.member.id for place in places}
    sent = await tx.scalars(select(Note).where(Note.author_id == person.id).order_by(Note.written_at))
    return Portrait(
        name=name_of(tx, person),
        journal=tuple(reversed(await journal_of(tx, person))),
        places=tuple(places),
        sent=tuple(Letter(n.written_at, "", tx.open(n, "words")) for n in sent.all() if n.member_id not in own),
    )


async def _place(tx: Transaction, member: Member) -> Place:
    cohort = await tx.get_one(Cohort, member.cohort_id)
    notes = await tx.scalars(select(Note).where(Note.member_id == member.id).order_by(Note.written_at))
    consents = await tx.scalars(
        select(ConsentGiven).where(ConsentGiven.member_id == member.id).order_by(ConsentGiven.given_at)
    )
    seen = await tx.scalars(select(Disclosure).where(Disclosure.author_id == member.id).order_by(Disclosure.opened_at))
    return Place(
        cohort=tx.open(cohort, "name"),
        alias=tx.open(member, "alias"),
        member=member,
        told=tuple(await told_by(tx, member)),
        letters=tuple([await _letter(tx, note, member) for note in notes.all()]),
        consents=tuple(consents.all()),
        seen=tuple([await _seen(tx, one) for one in seen.all()]),
    )


async def _letter(tx: Transaction, note: Note, member: Member) -> Letter:
    author = "" if note.author_id == member.person_id else name_of(tx, await tx.get_one(Person, note.author_id))
    return Letter(note.written_at, author, tx.open(note, "words"))


async def _seen(tx: Transaction, disclosure: Disclosure) -> Seen:
    reader = await tx.get_one(Member, disclosure.reader_id)
    return Seen(disclosure.opened_at, tx.open(reader, "alias"), folded=disclosure.folded_at is not None)


async def journal_of(tx: Transaction, person: Person) -> list[tuple[datetime, str]]:
    """One's own entries, the newest first; nobody else has a query for them."""
    rows = await tx.scalars(
        select(JournalEntry)
        .where(JournalEntry.person_id == person.id)
        .order_by(JournalEntry.written_at.desc(), JournalEntry.id.desc())
    )
    return [(row.written_at, tx.open(row, "words")) for row in rows]
