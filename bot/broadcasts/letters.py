"""Letters: words between a member and their facilitators, sealed, and never in a notification."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from bot.broadcasts.queries import holds, waits_for_words
from bot.broadcasts.rules import NobodyToWriteTo, NotYourLetter, arrives_at
from bot.delivery.outbox import plan
from bot.messages import Attachment
from bot.storage.database import Transaction
from bot.storage.drafts import drop_draft
from bot.storage.tables import Delivery, Draft, JournalEntry, Member, Note, Person
from bot.window.queries import acute_until, facilitators_of, private_chat
from bot.window.quiet import is_quiet
from bot.words import Lane, MemberState, Origin, QuietHours, Verb


async def send_words(tx: Transaction, draft: Draft, me: Person, member_id: UUID, *, now: datetime) -> Note:
    """Send what a member wrote to the facilitators of one of their cohorts; it reaches each of them at once.

    Raises:
        NobodyToWriteTo: this is not a place of theirs, or nobody holds it any more.
    """
    member = await tx.get(Member, member_id)
    if member is None or member.person_id != me.id or member.left_at is not None:
        raise NobodyToWriteTo
    readers = await facilitators_of(tx, member.cohort_id)
    if not readers:
        raise NobodyToWriteTo
    note = await _write(tx, member, me, draft, now=now)
    rows = []
    for person in readers:
        quiet = is_quiet(now, QuietHours(person.quiet_begins, person.quiet_ends), person.zone)
        rows.append(await _row(tx, note, person, "note", now, silent=quiet, now=now))
    await plan(tx, rows)
    return note


async def send_letter(tx: Transaction, draft: Draft, me: Person, member_id: UUID, *, now: datetime) -> datetime:
    """Send a facilitator's words to one member; returns when they arrive.

    Somebody who has just written or asked for help hears at once; for anybody else quiet hours and acute phase hold.

    Raises:
        NobodyToWriteTo: the member has left, or is somebody else's.
    """
    member = await tx.get(Member, member_id)
    if member is None or member.state is MemberState.LEFT or not await holds(tx, me, member.cohort_id):
        raise NobodyToWriteTo
    note = await _write(tx, member, me, draft, now=now)
    reader = await tx.get_one(Person, member.person_id)
    due_at = now
    if not await waits_for_words(tx, member, now=now):
        quiet = QuietHours(reader.quiet_begins, reader.quiet_ends)
        acute = await acute_until(tx, member.cohort_id, now)
        due_at = arrives_at(now, quiet, reader.zone, acute_until=acute)
    await plan(tx, [await _row(tx, note, reader, "note-answer", due_at, now=now)])
    return due_at


async def keep_words(tx: Transaction, draft: Draft, me: Person, *, now: datetime) -> JournalEntry:
    """Put what a member wrote into their journal, where nobody else can read it."""
    entry = JournalEntry(person_id=me.id, written_at=now)
    tx.seal(entry, "words", tx.open_json(draft, "content")["text"])
    tx.add(entry)
    await drop_draft(tx, draft)
    return entry


async def read_letter(tx: Transaction, note_id: UUID, me: Person, *, now: datetime) -> Note:
    """A letter for its reader: the member's for their facilitators, a facilitator's for the member.

    Raises:
        NotYourLetter: it is not there, or between other people.
    """
    note = await tx.get(Note, note_id)
    if note is None:
        raise NotYourLetter
    member = await tx.get_one(Member, note.member_id)
    if note.author_id != member.person_id:
        if member.person_id != me.id:
            raise NotYourLetter
    elif not await holds(tx, me, note.cohort_id):
        raise NotYourLetter
    note.read_at = note.read_at or now
    return note


def attachment_in(content: Any) -> Attachment | None:
    """The picture, voice note or file that a draft or a note speaks of."""
    return Attachment(content["kind"], name=content.get("name", ""), file_id=content["file_id"]) if content else None


def as_content(attachment: Attachment | None) -> dict[str, Any] | None:
    if attachment is None:
        return None
    return {"kind": attachment.kind, "name": attachment.name, "file_id": attachment.file_id}


async def _write(tx: Transaction, member: Member, author: Person, draft: Draft, *, now: datetime) -> Note:
    """Make a letter of a draft, which is gone then: a second press finds nothing to send."""
    content = tx.open_json(draft, "content")
    note = Note(cohort_id=member.cohort_id, member_id=member.id, author_id=author.id, written_at=now)
    tx.seal(note, "words", content["text"])
    if content["attachment"]:
        tx.seal_json(note, "attachment", content["attachment"])
    tx.add(note)
    await drop_draft(tx, draft)
    await tx.flush()
    return note


async def _row(
    tx: Transaction, note: Note, reader: Person, kind: str, due_at: datetime, *, now: datetime, silent: bool = False
) -> Delivery:
    return Delivery(
        key=f"{kind}:{note.id}:{reader.id}",
        origin=Origin.BROADCASTS,
        verb=Verb.SEND,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=(await private_chat(tx, reader.id)).id,
        cohort_id=note.cohort_id,
        member_id=note.member_id,
        ref=note.id,
        due_at=due_at,
        silent=silent,
        made_at=now,
    )
