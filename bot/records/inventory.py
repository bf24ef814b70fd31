"""Which rows are somebody's own, table by table, column by column, and what stays behind, with the reason.

The export walks this list, so that nothing leaves of which nobody has decided that it may; its test walks every table
there is, so that nothing of somebody's own is forgotten: a new table or column fails it until it stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

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
    """The rows of one table that are this person's: what of them is told, and what is withheld and why."""

    table: type[Base]
    mine: Callable[[Whose], ColumnElement[bool]]
    told: tuple[str, ...]
    withheld: Mapping[str, str] = field(default_factory=dict)
    json: tuple[str, ...] = ()  # sealed columns that hold JSON
    heading: str = ""

    @property
    def name(self) -> str:
        return self.heading or self.table.__tablename__


_INTERNAL = "an internal mark that says nothing about you"
_OTHERS = "it is the other's"
_LINK = "it would let somebody test links"


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _of_members(table: type[Base]) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda who: table.member_id.in_(who.member_ids)  # type: ignore[attr-defined]  # chosen below: they have it


def _answers(who: Whose) -> ColumnElement[bool]:
    responses = select(tables.Response.id).where(tables.Response.member_id.in_(who.member_ids))
    return tables.Answer.response_id.in_(responses)


OWN: tuple[Own, ...] = (
    Own(
        tables.Person,
        lambda who: tables.Person.id == who.person_id,
        _columns(
            "id telegram_id name language zone zone_confirmed country quiet_begins quiet_ends discreet digest_at met_at"
        ),
    ),
    Own(
        tables.Chat,
        lambda who: tables.Chat.person_id == who.person_id,
        _columns("id telegram_id person_id zone language quiet_begins quiet_ends unreachable_since unreachable_why"),
        {"not_before": _INTERNAL},
    ),
    Own(tables.ChatAlias, lambda who: tables.ChatAlias.chat_id == who.chat_id, _columns("telegram_id chat_id")),
    Own(
        tables.Appointment,
        lambda who: tables.Appointment.person_id == who.person_id,
        _columns("id person_id office appointed_by appointed_at ended_at"),
    ),
    Own(
        tables.Invitation,
        lambda who: or_(tables.Invitation.made_by == who.person_id, tables.Invitation.used_by == who.person_id),
        _columns("id office cohort_id made_by made_at expires_at used_at used_by"),
        {"fingerprint": _LINK},
    ),
    Own(
        tables.Facilitation,
        lambda who: tables.Facilitation.person_id == who.person_id,
        _columns("id cohort_id person_id since ended_at"),
    ),
    Own(
        tables.Member,
        lambda who: tables.Member.person_id == who.person_id,
        _columns(
            "id cohort_id person_id seat_id alias state screen pace misses joined_at admitted_at left_at paused_at "
            "paused_until held_at unpaired_at"
        ),
    ),
    Own(
        tables.ConsentGiven,
        _of_members(tables.ConsentGiven),
        _columns("id member_id switch granted version language given_at"),
    ),
    Own(
        tables.Attendance,
        _of_members(tables.Attendance),
        _columns("id meeting_id member_id role rsvp rsvp_at left_how released_at"),
    ),
    Own(
        tables.Response,
        _of_members(tables.Response),
        _columns(
            "id member_id meeting_id step programme delivery_id visibility question choice begun_at touched_at "
            "finished_at skipped_at withdrawn_at"
        ),
    ),
    Own(tables.Answer, _answers, _columns("id response_id question value given_at changed_at"), json=("value",)),
    Own(
        tables.Disclosure,
        lambda who: tables.Disclosure.author_id.in_(who.member_ids),
        _columns("id opening_id response_id author_id reader_id opened_at folded_at"),
        {"reply": _OTHERS, "replied_at": _OTHERS, "agreed_at": _OTHERS},
    ),
    Own(
        tables.Disclosure,
        lambda who: tables.Disclosure.reader_id.in_(who.member_ids),
        _columns("id opening_id author_id reader_id opened_at folded_at reply replied_at agreed_at"),
        {"response_id": _OTHERS},
        json=("reply",),
        heading="disclosure_to_you",
    ),
    Own(
        tables.Turn,
        _of_members(tables.Turn),
        _columns("id round_id member_id response_id passed taken_at withdrawn_at folded_at"),
    ),
    Own(tables.Candle, _of_members(tables.Candle), _columns("id turn_id member_id lit_at")),
    Own(
        tables.JournalEntry,
        lambda who: tables.JournalEntry.person_id == who.person_id,
        _columns("id person_id member_id words written_at"),
    ),
    Own(
        tables.Note,
        lambda who: or_(tables.Note.member_id.in_(who.member_ids), tables.Note.author_id == who.person_id),
        _columns("id cohort_id member_id author_id words attachment written_at read_at"),
        json=("attachment",),
    ),
    Own(
        tables.Broadcast,
        lambda who: tables.Broadcast.author_id == who.person_id,
        _columns("id author_id words attachment state made_at leaves_at"),
        json=("attachment",),
    ),
    Own(
        tables.Alert,
        _of_members(tables.Alert),
        _columns(
            "id cohort_id member_id meeting_id step level cause state raised_at repeats acknowledged_at "
            "acknowledged_by resolved_at resolved_by outcome told_at"
        ),
    ),
    Own(
        tables.Draft,
        lambda who: tables.Draft.person_id == who.person_id,
        _columns("id person_id kind awaits content made_at expires_at"),
        json=("content",),
    ),
    Own(
        tables.Delivery,
        lambda who: tables.Delivery.chat_id == who.chat_id,
        _columns(
            "id key origin verb kind lane chat_id cohort_id member_id meeting_id step ref facts target due_at "
            "expires_at silent state reason attempts resends message_id sent_at made_at"
        ),
        dict.fromkeys(_columns("not_before claimed_by term lease_until attempt_id"), _INTERNAL),
    ),
    Own(
        tables.Moment,
        _of_members(tables.Moment),
        _columns("id key kind due_at cohort_id member_id meeting_id step ref state tries done_at"),
        {"reason": _INTERNAL},
    ),
    Own(
        tables.AuditEntry,
        lambda who: or_(
            tables.AuditEntry.actor_id == who.person_id,
            tables.AuditEntry.subject_id.in_((who.person_id, *who.member_ids)),
        ),
        _columns("number at actor_id action cohort_id subject_id facts"),
        {"before": _INTERNAL, "hash": _INTERNAL},
    ),
    Own(
        tables.InboxUpdate,
        lambda who: tables.InboxUpdate.person_key == who.telegram_id,
        _columns("update_id received_at person_key chat_key state tries handled_at reference"),
        {"payload": "emptied when handled; until then it is what you just sent", "row": _INTERNAL},
    ),
)

# Tables of which nothing is anybody's own: why, and the columns this was said of.
NOT_PERSONAL: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "programme": ("texts of programmes", _columns("digest name version source wraps kind pinned_at")),
    "cohort": (
        "the facilitator's; your place in it is your member row",
        _columns(
            "id kind name zone language quiet_begins quiet_ends seats programme lighter_programme secrets_policy "
            "minimal screened_at screened_by responder_id backup_id duty_begins duty_ends chat_id topic_id posts_dates "
            "created_at paused_at unpaired_at closed_at"
        ),
    ),
    "seat": (
        "a link and what the facilitator calls it",
        _columns("id cohort_id number label issue fingerprint issued_at expires_at used_at burnt_at"),
    ),
    "shared_link": (
        "a group's, for all its seats",
        _columns("id cohort_id issue fingerprint issued_at expires_at burnt_at"),
    ),
    "series": ("the cohort's", _columns("id cohort_id rhythm made_at")),
    "meeting": (
        "the cohort's; your part is in attendance",
        _columns(
            "id cohort_id series_id number kind state starts_at lasts title details sequence made_by made_at "
            "erased released_at released_by release_source cancelled_at"
        ),
    ),
    "attempt": (
        "calls to Telegram; what became of each is in its delivery",
        _columns("id delivery_id number owner term started_at ended_at outcome detail message_id"),
    ),
    "opening": (
        "the couple's; your part is in disclosures and answers",
        _columns("id cohort_id meeting_id step due_at state decided_at"),
    ),
    "round": (
        "the group's; your part is in turns",
        _columns("id cohort_id meeting_id step closes_at anonymous state closed_at"),
    ),
    "broadcast_cohort": ("which cohorts a broadcast went to", _columns("broadcast_id cohort_id")),
    "lease": ("who runs the bot", _columns("name holder term expires_on")),
    "rate_bucket": ("how fast the bot sends", _columns("name arrives_at")),
    "fact": ("what the bot knows of itself", _columns("name value")),
}
