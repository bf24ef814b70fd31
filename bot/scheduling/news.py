"""Who is told what about a meeting, as rows of the post office. They are made here and planned by ``actions``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bot.delivery import outbox
from bot.scheduling.queries import Guest, invitations_read
from bot.scheduling.rules import minutes, said_at
from bot.storage.database import Transaction
from bot.storage.tables import Attendance, Delivery, Meeting, Person
from bot.window.queries import facilitators_of, private_chat
from bot.words import Lane, Origin, QuietHours, Verb

_A_MOMENT_LATER = timedelta(seconds=1)  # the calendar file follows what it belongs to


def invitation(meeting: Meeting, one: Guest, *, now: datetime) -> Delivery:
    """One member is asked to come at the time the meeting has now."""
    return _to_guest("invitation", _invitation_key(meeting, one), meeting, one, before=meeting.starts_at, now=now)


def moved(meeting: Meeting, one: Guest, was: datetime, *, now: datetime) -> Delivery:
    """Somebody who knew the old time reads both, and is asked again."""
    before = min(was, meeting.starts_at)
    return _to_guest("moved", _invitation_key(meeting, one), meeting, one, before=before, now=now, was=was)


def cancelled(meeting: Meeting, one: Guest, *, now: datetime) -> Delivery:
    key = f"cancelled:{meeting.id}:{one.member.id}"
    return _to_guest("cancelled", key, meeting, one, before=meeting.starts_at, now=now)


def calendar_entry(meeting: Meeting, one: Guest, *, now: datetime) -> Delivery:
    """The file that makes, moves or cancels the entry in somebody's calendar."""
    key = f"calendar:{meeting.id}:{one.member.id}:{meeting.sequence}"
    row = _to_guest("calendar-file", key, meeting, one, before=meeting.starts_at, now=now)
    row.due_at += _A_MOMENT_LATER
    row.silent = True
    return row


async def close_copies(tx: Transaction, meeting: Meeting, *, now: datetime) -> set[UUID]:
    """Edit the invitations that people have in front of them to what has become of it; returns who has one."""
    copies = await invitations_read(tx, meeting.id)
    edits = [
        Delivery(
            key=f"invitation-closed:{copy.id}",
            origin=Origin.SCHEDULING,
            verb=Verb.EDIT,
            kind="invitation-closed",
            lane=Lane.PROMPTS,
            chat_id=copy.chat_id,
            cohort_id=meeting.cohort_id,
            member_id=copy.member_id,
            meeting_id=meeting.id,
            target=copy.id,
            due_at=now,
            made_at=now,
        )
        for copy in copies
    ]
    await outbox.plan(tx, edits)
    return {copy.member_id for copy in copies if copy.member_id is not None}


async def rsvp_changed(tx: Transaction, meeting: Meeting, attendance: Attendance, *, now: datetime) -> list[Delivery]:
    """The facilitators hear that somebody cannot come, will be late, or will be there after all."""
    assert attendance.rsvp is not None  # noqa: S101 - it was just said
    facts = {"rsvp": attendance.rsvp.value}
    rows = await to_facilitators(tx, meeting, "rsvp-notice", now=now, facts=facts, once=f"{now.timestamp()}")
    for row in rows:
        row.member_id, row.ref = attendance.member_id, attendance.id
    return rows


async def to_facilitators(
    tx: Transaction,
    meeting: Meeting,
    kind: str,
    *,
    now: datetime,
    but: UUID | None = None,
    only: UUID | None = None,
    was: datetime | None = None,
    facts: dict[str, Any] | None = None,
    once: str = "",
    at_once: bool = False,
) -> list[Delivery]:
    """The same for each facilitator, in their waking hours unless it is needed ``at_once``."""
    held = await facilitators_of(tx, meeting.cohort_id)
    if only is not None:
        held = [person for person in held if person.id == only] or held
    return [
        _row(
            kind,
            f"{kind}:{meeting.id}:{person.id}:{once or meeting.sequence}",
            meeting,
            (await private_chat(tx, person.id)).id,
            due=(now, False) if at_once else _waking(person, meeting, now),
            now=now,
            facts={**_facts(meeting, was), **(facts or {})},
        )
        for person in held
        if person.id != but
    ]


def _waking(person: Person, meeting: Meeting, now: datetime) -> tuple[datetime, bool]:
    return said_at(now, QuietHours(person.quiet_begins, person.quiet_ends), person.zone, meeting.starts_at)


def _invitation_key(meeting: Meeting, one: Guest) -> str:
    # The sequence too: a meeting that moves back to an earlier time is asked about anew.
    return f"invitation:{meeting.id}:{one.member.id}:{minutes(meeting.starts_at)}:{meeting.sequence}"


def _facts(meeting: Meeting, was: datetime | None) -> dict[str, Any]:
    facts = {"start": minutes(meeting.starts_at)}
    return facts | {"was": minutes(was)} if was is not None else facts


def _to_guest(
    kind: str,
    key: str,
    meeting: Meeting,
    one: Guest,
    *,
    before: datetime,
    now: datetime,
    was: datetime | None = None,
) -> Delivery:
    due = said_at(now, one.quiet, one.zone, before)
    row = _row(kind, key, meeting, one.chat_id, due=due, now=now, facts=_facts(meeting, was))
    row.member_id = one.member.id
    return row


def _row(
    kind: str,
    key: str,
    meeting: Meeting,
    chat_id: UUID,
    *,
    due: tuple[datetime, bool],
    now: datetime,
    facts: dict[str, Any],
) -> Delivery:
    due_at, silent = due
    return Delivery(
        key=key,
        origin=Origin.SCHEDULING,
        verb=Verb.SEND,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=chat_id,
        cohort_id=meeting.cohort_id,
        meeting_id=meeting.id,
        facts=facts,
        due_at=due_at,
        expires_at=max(meeting.starts_at + meeting.lasts, due_at + timedelta(hours=3)),
        silent=silent,
        made_at=now,
    )
