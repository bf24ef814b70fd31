"""Which meetings a cohort has, who is in them, and what was written about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.scheduling.rules import NoSuchMeeting, Slot, read_number
from bot.storage.database import Transaction
from bot.storage.tables import Attendance, Cohort, Delivery, Meeting, Member, Person
from bot.window.queries import enrolled, private_chat
from bot.words import DeliveryState, MeetingKind, MeetingState, MemberState, QuietHours

INVITING = ("invitation", "moved")  # the kinds whose message carries the RSVP

_MAY_BE_READ = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)


@dataclass(frozen=True)
class Guest:
    """A member as somebody to be invited: what they are called here and how to reach them."""

    member: Member
    name: str
    chat_id: UUID
    zone: ZoneInfo
    quiet: QuietHours


async def guests(tx: Transaction, cohort_id: UUID) -> list[Guest]:
    """Everybody enrolled, in the order they joined."""
    return [await guest(tx, member) for member in await enrolled(tx, cohort_id)]


async def guest(tx: Transaction, member: Member) -> Guest:
    person = await tx.get_one(Person, member.person_id)
    chat = await private_chat(tx, person.id)
    quiet = QuietHours(person.quiet_begins, person.quiet_ends)
    return Guest(member, tx.open(member, "alias"), chat.id, person.zone, quiet)


# ── Meetings ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def meetings(tx: Transaction, cohort_id: UUID) -> list[Meeting]:
    """All of a cohort's sessions and gatherings, by their start."""
    return list(
        await tx.scalars(select(Meeting).where(Meeting.cohort_id == cohort_id).order_by(Meeting.starts_at, Meeting.id))
    )


async def next_meeting(tx: Transaction, cohort_id: UUID, now: datetime) -> Meeting | None:
    """The one that is going on or comes next."""
    planned = (m for m in await meetings(tx, cohort_id) if m.state is MeetingState.PLANNED)
    return next((meeting for meeting in planned if meeting.starts_at + meeting.lasts > now), None)


async def meeting_by_number(tx: Transaction, cohort_id: UUID, words: str) -> Meeting:
    """A meeting as a facilitator names it: "2" is the second session, "g2" the second gathering.

    Raises:
        NoSuchMeeting
    """
    kind, number = read_number(words)
    found = await tx.scalar(
        select(Meeting).where(Meeting.cohort_id == cohort_id, Meeting.kind == kind, Meeting.number == number)
    )
    if found is None:
        raise NoSuchMeeting(number=words)
    return found


async def locked(tx: Transaction, meeting_id: UUID) -> Meeting:
    """A meeting that nobody else changes until we have committed, as it is now."""
    await tx.alone()  # before the row: whoever plans a window holds this first, and then needs the row
    found = select(Meeting).where(Meeting.id == meeting_id).with_for_update()
    return (await tx.scalars(found.execution_options(populate_existing=True))).one()


async def session_to_end(tx: Transaction, cohort_id: UUID, now: datetime) -> Meeting | None:
    """The session whose end somebody wants to record: the earliest begun and not ended, else the last one ended."""
    begun = [
        meeting
        for meeting in await meetings(tx, cohort_id)
        if meeting.kind is MeetingKind.SESSION
        and meeting.state is not MeetingState.CANCELLED
        and meeting.starts_at <= now
    ]
    waiting = (meeting for meeting in begun if meeting.state is MeetingState.PLANNED)
    return next(waiting, begun[-1] if begun else None)


async def slots(tx: Transaction, cohort_id: UUID) -> list[Slot]:
    """The time that a cohort's meetings take; an ended session takes what it really took."""
    return [
        slot_of(meeting) for meeting in await meetings(tx, cohort_id) if meeting.state is not MeetingState.CANCELLED
    ]


def slot_of(meeting: Meeting) -> Slot:
    lasts = meeting.released_at - meeting.starts_at if meeting.released_at else meeting.lasts
    return Slot(meeting.starts_at, lasts, meeting.kind, meeting.number, meeting.id)


async def next_number(tx: Transaction, cohort_id: UUID, kind: MeetingKind) -> int:
    return 1 + max((m.number for m in await meetings(tx, cohort_id) if m.kind is kind), default=0)


# ── What was written about a meeting ───────────────────────────────────────────────────────────────────────────────


def title_of(tx: Transaction, meeting: Meeting) -> str:
    return tx.open(meeting, "title")


async def cohort_name(tx: Transaction, meeting: Meeting) -> str:
    return tx.open(await tx.get_one(Cohort, meeting.cohort_id), "name")


def details(tx: Transaction, meeting: Meeting) -> dict[str, str]:
    """Place, link, present, bring, music, instructions: only those that were written."""
    return tx.open_json(meeting, "details") or {}


# ── Who is in a meeting ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Present:
    """One member in one meeting."""

    attendance: Attendance
    member: Member
    name: str


async def attendance_of(tx: Transaction, meeting_id: UUID, member_id: UUID) -> Attendance | None:
    return await tx.scalar(
        select(Attendance).where(Attendance.meeting_id == meeting_id, Attendance.member_id == member_id)
    )


async def present(tx: Transaction, meeting_id: UUID) -> list[Present]:
    """Everybody enrolled who belongs to a meeting, absent or not, in the order they joined."""
    rows = await tx.execute(
        select(Attendance, Member)
        .join(Member, Member.id == Attendance.member_id)
        .where(Attendance.meeting_id == meeting_id, Member.state == MemberState.ENROLLED)
        .order_by(Member.joined_at, Member.id)
    )
    return [Present(attendance, member, tx.open(member, "alias")) for attendance, member in rows]


async def invitations_read(tx: Transaction, meeting_id: UUID) -> list[Delivery]:
    """The invitations that somebody may have in front of them, oldest first."""
    return list(
        await tx.scalars(
            select(Delivery)
            .where(Delivery.meeting_id == meeting_id, Delivery.kind.in_(INVITING), Delivery.state.in_(_MAY_BE_READ))
            .order_by(Delivery.made_at, Delivery.id)
        )
    )
