"""The state of a cohort as its facilitator may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from bot.desk.rules import Asked, dots, quiet_since
from bot.enrolment.queries import people_in
from bot.programmes.schema import Phase, Programme
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Attendance, Chat, Cohort, Delivery, Meeting, Member, Person, Response, Seat
from bot.window.phases import phase_at
from bot.window.queries import consents_of, is_paused, private_chat, sessions_of
from bot.words import (
    AlertState,
    Consent,
    DeliveryState,
    MeetingState,
    MemberState,
    Origin,
    Role,
    Rsvp,
    Verb,
    Visibility,
)

RECENT = timedelta(days=7)

# Whether these exist at all depends on what somebody did with a sealed answer; nothing on a board may.
_TELLING = ("remind", "opening", "opening-reply", "opening-folded")


@dataclass(frozen=True)
class Row:
    """One person on the board. ``dots``: the last questions that reached them; true was answered or passed."""

    member_id: UUID
    name: str
    state: MemberState
    needs_you: bool
    paused: bool
    held: bool
    reads: bool  # whether the facilitator may read their check-ins
    dots: tuple[bool, ...]
    quiet_since: datetime | None
    unreachable: bool
    zone_missing: bool
    role: Role | None
    rsvp: Rsvp | None


@dataclass(frozen=True)
class Shown:
    """One cohort on the board."""

    cohort: Cohort
    name: str
    session: Meeting | None  # the one that matters now: its window is open, or it comes next
    phase: Phase | None
    next_send_at: datetime | None
    rows: tuple[Row, ...]
    open_seats: int
    alerts: int
    uncertain: int


async def board_of(tx: Transaction, cohort: Cohort, *, now: datetime) -> Shown:
    programme = await pinned(tx, cohort.programme)
    session = await _session_that_matters(tx, cohort, programme, now)
    members = await people_in(tx, cohort)
    return Shown(
        cohort=cohort,
        name=tx.open(cohort, "name"),
        session=session,
        phase=_phase(programme, session, cohort, now),
        next_send_at=await _next_send(tx, cohort, now),
        rows=tuple([await _row(tx, cohort, member, session, now) for member in members]),
        open_seats=await _open_seats(tx, cohort, members),
        alerts=await _count(tx, Alert, Alert.cohort_id == cohort.id, Alert.state != AlertState.RESOLVED),
        uncertain=await uncertain_sends(tx, Delivery.cohort_id == cohort.id, Delivery.due_at > now - RECENT),
    )


async def uncertain_sends(tx: Transaction, *which: ColumnElement[bool]) -> int:
    """How many messages may or may not have arrived."""
    return await _count(
        tx,
        Delivery,
        Delivery.state == DeliveryState.UNKNOWN,
        Delivery.verb == Verb.SEND,
        Delivery.kind.not_in(_TELLING),
        *which,
    )


async def _session_that_matters(tx: Transaction, cohort: Cohort, programme: Programme, now: datetime) -> Meeting | None:
    """The session whose window is open, else the next one, else the last."""
    sessions = [one for one in await sessions_of(tx, cohort.id) if one.state is not MeetingState.CANCELLED]
    begun = [one for one in sessions if one.starts_at <= now]
    coming = [one for one in sessions if one.starts_at > now]
    if begun and (begun[-1].released_at is None or begun[-1].released_at + programme.window > now):
        return begun[-1]
    return coming[0] if coming else (begun[-1] if begun else None)


def _phase(programme: Programme, session: Meeting | None, cohort: Cohort, now: datetime) -> Phase | None:
    if session is None or session.released_at is None:
        return None
    return phase_at(programme, session.released_at, cohort.zone, now, starts_at=session.starts_at)


async def _next_send(tx: Transaction, cohort: Cohort, now: datetime) -> datetime | None:
    return await tx.scalar(
        select(func.min(Delivery.due_at)).where(
            Delivery.cohort_id == cohort.id,
            Delivery.origin == Origin.WINDOW,
            Delivery.kind == "prompt",
            Delivery.state == DeliveryState.PLANNED,
            Delivery.due_at > now,
        )
    )


async def _open_seats(tx: Transaction, cohort: Cohort, members: list[Member]) -> int:
    taken = {member.seat_id for member in members}
    seats = await tx.scalars(select(Seat.id).where(Seat.cohort_id == cohort.id))
    return len([seat for seat in seats if seat not in taken])


async def _count(tx: Transaction, table: type[Alert | Delivery], *which: ColumnElement[bool]) -> int:
    return await tx.scalar(select(func.count()).select_from(table).where(*which)) or 0


# ── One person ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _row(tx: Transaction, cohort: Cohort, member: Member, session: Meeting | None, now: datetime) -> Row:
    chat = await private_chat(tx, member.person_id)
    person = await tx.get_one(Person, member.person_id)
    attendance = await _attendance(tx, session, member)
    reads = Consent.FACILITATOR in await consents_of(tx, member.id)
    asked = await _asked(tx, cohort, member, chat) if reads else []
    unresolved = (Alert.member_id == member.id, Alert.state != AlertState.RESOLVED)
    return Row(
        member_id=member.id,
        name=tx.open(member, "alias"),
        state=member.state,
        needs_you=await _count(tx, Alert, *unresolved) > 0,
        paused=is_paused(member, now),
        held=member.held_at is not None,
        reads=reads or cohort.minimal,
        dots=dots(asked),
        quiet_since=None if is_paused(member, now) else quiet_since(asked, now),
        unreachable=chat.unreachable_since is not None,
        zone_missing=not person.zone_confirmed,
        role=attendance.role if attendance else None,
        rsvp=attendance.rsvp if attendance else None,
    )


async def _attendance(tx: Transaction, session: Meeting | None, member: Member) -> Attendance | None:
    if session is None:
        return None
    return await tx.scalar(
        select(Attendance).where(Attendance.meeting_id == session.id, Attendance.member_id == member.id)
    )


async def _asked(tx: Transaction, cohort: Cohort, member: Member, chat: Chat) -> list[Asked]:
    """The questions that reached somebody and that their facilitator may know of, the oldest first.

    Pair steps and journals are not among them, nor what was answered while the facilitator might not read it.
    """
    rows = await tx.scalars(
        select(Delivery)
        .where(
            Delivery.member_id == member.id,
            Delivery.chat_id == chat.id,
            Delivery.origin == Origin.WINDOW,
            Delivery.kind == "prompt",
            Delivery.state == DeliveryState.SENT,
        )
        .order_by(Delivery.sent_at, Delivery.id)
    )
    told = await _told_steps(tx, cohort)
    asked = [row for row in rows if row.step in told or told & set((row.facts or {}).get("merged", []))]
    responses: dict[tuple[UUID | None, str | None], Response] = {
        (response.meeting_id, response.step): response
        for response in await tx.scalars(select(Response).where(Response.member_id == member.id))
    }
    found = []
    for row in asked:
        response = responses.get((row.meeting_id, row.step))
        if response is not None and response.visibility is Visibility.ME:
            continue
        done = response is not None and (response.finished_at is not None or response.skipped_at is not None)
        found.append(Asked(row.sent_at or row.due_at, done))
    return found


async def _told_steps(tx: Transaction, cohort: Cohort) -> set[str]:
    """The steps that ask something for the facilitator to read."""
    found = set()
    for digest in (cohort.programme, cohort.lighter_programme):
        if digest is not None:
            programme = await pinned(tx, digest)
            found |= {one.id for one in programme.steps if one.asks and one.visible_to is Visibility.FACILITATOR}
    return found
