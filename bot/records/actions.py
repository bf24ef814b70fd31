"""Erasing somebody: every row of theirs goes in one transaction; what Telegram still holds is said.

Nobody is planned anew: what others were going to read, they read at the same hour as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update

from bot.checkins.actions import fold_on_phones
from bot.delivery import outbox
from bot.enrolment.letters import letter
from bot.enrolment.queries import cohorts_held_by, is_owner, people_in
from bot.records.inventory import Whose
from bot.records.queries import whose
from bot.records.rules import LastOwner, LastToHold
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import (
    Appointment,
    Broadcast,
    Cohort,
    Delivery,
    Disclosure,
    InboxUpdate,
    JournalEntry,
    Meeting,
    Member,
    Note,
    Person,
)
from bot.window.queries import facilitators_of
from bot.words import InboxState, Lane, Office, Origin, Verb

TELEGRAM_DELETES_FOR = timedelta(hours=48)  # core.telegram.org/bots/api#deletemessage

_ABOUT_SOMEBODY = ("alert", "note", "seat-opened")  # what facilitators read about a member


@dataclass(frozen=True)
class Erased:
    """What is left to do on the phone: messages that Telegram still lets us delete."""

    message_ids: tuple[int, ...]
    older: bool  # some are too old; only the person can delete the chat


async def erase(tx: Transaction, person: Person, *, now: datetime) -> Erased:
    """Erase everything of this person; others keep what is their own, copies of opened words fold.

    Raises:
        LastToHold: people sit in cohorts that nobody else holds.
        LastOwner: nobody else owns this bot.
    """
    await check_may_go(tx, person)
    who = await whose(tx, person)
    erased = await _on_their_phone(tx, who, now)
    await outbox.withdraw(tx, _written_by(person), reason="erased")
    await _fold_on_other_phones(tx, who, now=now)
    await _tell_facilitators(tx, who, now=now)
    await _keep_the_others_hours(tx, who)
    await _close_what_nobody_holds(tx, person, now=now)
    await _empty_inbox(tx, who, now=now)
    await tx.execute(delete(Delivery).where(Delivery.member_id.in_(who.member_ids)))
    await tx.execute(delete(Note).where(or_(Note.member_id.in_(who.member_ids), Note.author_id == person.id)))
    await record(tx, actor_id=None, action="erase", now=now)
    await tx.delete(person)  # everything else of theirs hangs on this row
    await tx.flush()
    return erased


async def keep_entry(tx: Transaction, person: Person, words: str, *, now: datetime) -> JournalEntry:
    """Put words into somebody's journal, where nobody else can read them."""
    entry = JournalEntry(person_id=person.id, written_at=now)
    tx.seal(entry, "words", words)
    tx.add(entry)
    return entry


# ── Before ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def check_may_go(tx: Transaction, person: Person) -> None:
    """Raises LastToHold or LastOwner if somebody would be left without anybody."""
    alone = [cohort for cohort in await _held_alone(tx, person) if await people_in(tx, cohort)]
    if alone:
        raise LastToHold(names=", ".join(tx.open(cohort, "name") for cohort in alone))
    if await is_owner(tx, person):
        others = select(Appointment.id).where(
            Appointment.office == Office.OWNER, Appointment.ended_at.is_(None), Appointment.person_id != person.id
        )
        if await tx.scalar(others.limit(1)) is None:
            raise LastOwner


async def _held_alone(tx: Transaction, person: Person) -> list[Cohort]:
    cohorts = await cohorts_held_by(tx, person)
    return [cohort for cohort in cohorts if len(await facilitators_of(tx, cohort.id)) == 1]


# ── On phones ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _on_their_phone(tx: Transaction, who: Whose, now: datetime) -> Erased:
    sent = await tx.execute(
        select(Delivery.message_id, Delivery.sent_at).where(
            Delivery.chat_id == who.chat_id, Delivery.verb == Verb.SEND, Delivery.message_id.is_not(None)
        )
    )
    rows = sent.all()
    recent = tuple(row.message_id for row in rows if row.sent_at and row.sent_at > now - TELEGRAM_DELETES_FOR)
    return Erased(recent, older=len(recent) < len(rows))


async def _fold_on_other_phones(tx: Transaction, who: Whose, *, now: datetime) -> None:
    """Opened words fold on the partner's phone; facilitators' copies of what came from this person go too."""
    opened = await tx.scalars(
        select(Disclosure).where(
            or_(Disclosure.author_id.in_(who.member_ids), Disclosure.reader_id.in_(who.member_ids))
        )
    )
    await fold_on_phones(tx, opened.all(), now=now)
    cohorts = select(Member.cohort_id).where(Member.id.in_(who.member_ids))
    copies = await tx.scalars(
        select(Delivery).where(
            Delivery.chat_id != who.chat_id,
            Delivery.verb == Verb.SEND,
            Delivery.message_id.is_not(None),
            or_(
                and_(Delivery.member_id.in_(who.member_ids), Delivery.kind.in_(_ABOUT_SOMEBODY)),
                and_(Delivery.cohort_id.in_(cohorts), Delivery.kind == "digest"),
            ),
        )
    )
    await outbox.plan(tx, [_edit_of(copy, now) for copy in copies.all()])


def _edit_of(copy: Delivery, now: datetime) -> Delivery:
    """An open digest folds again, everything else says that it is gone; the row of the copy itself may be gone too."""
    return Delivery(
        key=f"erased:{copy.id}",
        origin=Origin.RECORDS,
        verb=Verb.EDIT,
        kind="digest" if copy.kind == "digest" else "erased-copy",
        lane=Lane.SAFETY,
        chat_id=copy.chat_id,
        cohort_id=copy.cohort_id,
        ref=copy.ref,
        facts={"message_id": copy.message_id},
        due_at=now,
        silent=True,
        made_at=now,
    )


async def _tell_facilitators(tx: Transaction, who: Whose, *, now: datetime) -> None:
    """A place is free again; which one is said by what the facilitator calls it."""
    members = await tx.scalars(
        select(Member).where(Member.id.in_(who.member_ids), Member.left_at.is_(None), Member.seat_id.is_not(None))
    )
    for member in members.all():
        rows = [
            await letter(
                tx,
                holder,
                "seat-erased",
                f"seat-erased:{member.id}:{holder.id}",
                cohort_id=member.cohort_id,
                ref=member.seat_id,
                now=now,
            )
            for holder in await facilitators_of(tx, member.cohort_id)
        ]
        await outbox.plan(tx, rows)


# ── Rows that do not hang on the person ────────────────────────────────────────────────────────────────────────────


async def _keep_the_others_hours(tx: Transaction, who: Whose) -> None:
    """Sessions they were planned for remember that somebody was, or the partner could tell by what stays away."""
    in_it = exists().where(
        Member.id.in_(who.member_ids),
        Member.cohort_id == Meeting.cohort_id,
        Member.admitted_at.is_not(None),
        or_(Member.left_at.is_(None), Member.left_at >= Meeting.made_at),
    )
    await tx.execute(update(Meeting).where(in_it).values(erased=Meeting.erased + 1))


async def _close_what_nobody_holds(tx: Transaction, person: Person, *, now: datetime) -> None:
    for cohort in await _held_alone(tx, person):
        cohort.closed_at = now
    for column in (Cohort.responder_id, Cohort.backup_id):
        await tx.execute(update(Cohort).where(column == person.id).values({column: None}))
    await tx.flush()


async def _empty_inbox(tx: Transaction, who: Whose, *, now: datetime) -> None:
    """What they sent is gone, and that it was theirs; what still waited needs no answer any more."""
    theirs = InboxUpdate.person_key == who.telegram_id
    waiting = (theirs, InboxUpdate.state == InboxState.WAITING)
    await tx.execute(update(InboxUpdate).where(*waiting).values(state=InboxState.HANDLED, handled_at=now))
    await tx.execute(update(InboxUpdate).where(theirs).values(payload=None, person_key=None, chat_key=None))


def _written_by(person: Person) -> ColumnElement[bool]:
    """What a facilitator wrote and has not left yet."""
    broadcasts = select(Broadcast.id).where(Broadcast.author_id == person.id)
    notes = select(Note.id).where(Note.author_id == person.id)
    return or_(Delivery.ref.in_(broadcasts), Delivery.ref.in_(notes))
