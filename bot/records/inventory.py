"""Which rows are somebody's own, table by table, and which columns stay behind, with the reason.

The export walks this list and so does its test: a table that is not here, or a column nobody decided about, fails it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select

from bot.storage import tables
from bot.storage.tables import Base


@dataclass(frozen=True)
class Whose:
    """Somebody, by the ids their rows are found by."""

    person_id: UUID
    telegram_id: int
    chat_id: UUID
    member_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class Own:
    """The rows of one table that are this person's, and what of them is withheld and why."""

    table: type[Base]
    mine: Callable[[Whose], ColumnElement[bool]]
    withheld: tuple[tuple[str, str], ...] = ()


_INTERNAL = "an internal mark that says nothing about you"


def _of_members(table: type[Base]) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda who: table.member_id.in_(who.member_ids)  # type: ignore[attr-defined]  # chosen below: they have it


OWN: tuple[Own, ...] = (
    Own(tables.Person, lambda who: tables.Person.id == who.person_id),
    Own(tables.Chat, lambda who: tables.Chat.person_id == who.person_id, (("not_before", _INTERNAL),)),
    Own(tables.ChatAlias, lambda who: tables.ChatAlias.chat_id == who.chat_id),
    Own(tables.Appointment, lambda who: tables.Appointment.person_id == who.person_id),
    Own(
        tables.Invitation,
        lambda who: or_(tables.Invitation.made_by == who.person_id, tables.Invitation.used_by == who.person_id),
        (("fingerprint", "it would let somebody test links"),),
    ),
    Own(tables.Facilitation, lambda who: tables.Facilitation.person_id == who.person_id),
    Own(tables.Member, lambda who: tables.Member.person_id == who.person_id),
    Own(tables.ConsentGiven, _of_members(tables.ConsentGiven)),
    Own(tables.Attendance, _of_members(tables.Attendance)),
    Own(tables.Response, _of_members(tables.Response)),
    Own(
        tables.Answer,
        lambda who: tables.Answer.response_id.in_(
            select(tables.Response.id).where(tables.Response.member_id.in_(who.member_ids))
        ),
    ),
    Own(
        tables.Disclosure,
        lambda who: tables.Disclosure.author_id.in_(who.member_ids),
        (("reply", "it is the other's words"),),
    ),
    Own(tables.Turn, _of_members(tables.Turn)),
    Own(tables.Candle, _of_members(tables.Candle)),
    Own(tables.JournalEntry, lambda who: tables.JournalEntry.person_id == who.person_id),
    Own(
        tables.Note,
        lambda who: or_(tables.Note.member_id.in_(who.member_ids), tables.Note.author_id == who.person_id),
    ),
    Own(tables.Broadcast, lambda who: tables.Broadcast.author_id == who.person_id),
    Own(tables.Alert, _of_members(tables.Alert)),
    Own(tables.Draft, lambda who: tables.Draft.person_id == who.person_id),
    Own(
        tables.Delivery,
        lambda who: tables.Delivery.chat_id == who.chat_id,
        tuple((name, _INTERNAL) for name in ("not_before", "claimed_by", "term", "lease_until", "attempt_id")),
    ),
    Own(
        tables.Moment,
        lambda who: tables.Moment.member_id.in_(who.member_ids) if who.member_ids else false(),
        (("reason", _INTERNAL),),
    ),
    Own(
        tables.AuditEntry,
        lambda who: or_(
            tables.AuditEntry.actor_id == who.person_id,
            tables.AuditEntry.subject_id.in_((who.person_id, *who.member_ids)),
        ),
        (("before", _INTERNAL), ("hash", _INTERNAL)),
    ),
    Own(
        tables.InboxUpdate,
        lambda who: tables.InboxUpdate.person_key == who.telegram_id,
        (("payload", "emptied when handled; until then it is what you just sent"), ("row", _INTERNAL)),
    ),
)

NOT_PERSONAL: dict[str, str] = {
    "programme": "texts of programmes",
    "cohort": "the facilitator's; your place in it is your member row",
    "seat": "a link and a label the facilitator gave it",
    "series": "the cohort's",
    "meeting": "the cohort's; your part is in attendance",
    "attempt": "calls to Telegram, by delivery",
    "opening": "the couple's; your part is in disclosures and answers",
    "round": "the group's; your part is in turns",
    "broadcast_cohort": "which cohorts a broadcast went to",
    "lease": "who runs the bot",
    "rate_bucket": "how fast the bot sends",
    "fact": "what the bot knows of itself",
}
