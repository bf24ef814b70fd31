"""Erasing somebody: every row of theirs goes in one transaction; what Telegram still holds is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from bot.checkins.actions import fold_on_phones
from bot.records.queries import whose
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import (
    Chat,
    Delivery,
    Disclosure,
    InboxUpdate,
    Member,
    Note,
    Person,
)
from bot.window.actions import replan

TELEGRAM_DELETES_FOR = timedelta(hours=48)  # core.telegram.org/bots/api#deletemessage


@dataclass(frozen=True)
class Erased:
    """What is left to do on the phone: messages that Telegram still lets us delete."""

    chat: int
    message_ids: tuple[int, ...]
    older: bool  # some are too old; only the person can delete the chat


async def erase(tx: Transaction, person: Person, *, now: datetime) -> Erased:
    """Erase everything of this person; others keep what is their own, copies of opened words fold."""
    who = await whose(tx, person)
    chat = await tx.get_one(Chat, who.chat_id)
    sent = (
        await tx.execute(
            select(Delivery.message_id, Delivery.sent_at).where(
                Delivery.chat_id == who.chat_id, Delivery.message_id.is_not(None)
            )
        )
    ).all()
    recent = tuple(row.message_id for row in sent if row.sent_at and row.sent_at > now - TELEGRAM_DELETES_FOR)
    opened = list(await tx.scalars(select(Disclosure.opening_id).where(Disclosure.author_id.in_(who.member_ids))))
    if opened:
        await fold_on_phones(tx, opened, now=now)
    cohorts = set(await tx.scalars(select(Member.cohort_id).where(Member.person_id == person.id)))
    await tx.execute(update(InboxUpdate).where(InboxUpdate.person_key == who.telegram_id).values(payload=None))
    await tx.execute(delete(Note).where(or_(Note.member_id.in_(who.member_ids), Note.author_id == person.id)))
    await tx.execute(delete(Delivery).where(Delivery.member_id.in_(who.member_ids)))
    erased = Erased(chat.telegram_id, recent, older=len(recent) < len(sent))
    await tx.delete(person)
    await tx.flush()
    await record(tx, actor_id=None, action="erase", cohort_id=None, subject_id=None, facts=None, now=now)
    for cohort_id in cohorts:
        await replan(tx, cohort_id, now=now)
    return erased
