"""Who is in a cohort, where they stand, and what the planner has to know of them.

Standing (enrolled, consents, paused, held, reachable) is read here and nowhere else; other rooms write those columns
and call ``window.actions.replan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, bindparam, or_, select

from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import (
    Attendance,
    Chat,
    Cohort,
    ConsentGiven,
    Delivery,
    Facilitation,
    Meeting,
    Member,
    Person,
)
from bot.window.phases import Anchors, eve_of, phase_at, spans
from bot.window.values import RELEASE_FALLBACK, Gathered, Party, Sent
from bot.words import (
    Consent,
    DeliveryState,
    Lane,
    MeetingKind,
    MeetingState,
    MemberState,
    Origin,
    QuietHours,
    Role,
    StepKind,
    Verb,
)

_SPEAKING = ("prompt", "remind")
_FILLS_DAYS = (Origin.WINDOW, Origin.CHECKINS, Origin.SCHEDULING, Origin.BROADCASTS)
_ASKED_FOR = ("note-answer", "opening-reply")  # replies are no burden
_AS_IT_IS = {"populate_existing": True}  # what others have committed meanwhile counts, whatever we read before


# ── People ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def name_of(tx: Transaction, person: Person) -> str:
    return tx.open(person, "name")


async def facilitators_of(tx: Transaction, cohort_id: UUID) -> list[Person]:
    """Who holds this cohort now, the longest first."""
    return list(await tx.scalars(_HOLDERS, {"cohort": cohort_id}))


async def members_of(tx: Transaction, cohort_id: UUID) -> list[Member]:
    """Everybody who ever joined, in the order they did, as they are now."""
    return list(await tx.scalars(_EVERYBODY, {"cohort": cohort_id}, execution_options=_AS_IT_IS))


async def enrolled(tx: Transaction, cohort_id: UUID) -> list[Member]:
    return [member for member in await members_of(tx, cohort_id) if member.state is MemberState.ENROLLED]


async def partner_of(tx: Transaction, member: Member) -> Member | None:
    """The other of a couple, as long as they are one."""
    cohort = await tx.get_one(Cohort, member.cohort_id)
    if cohort.kind != "couple" or cohort.unpaired_at is not None:
        return None
    return next((other for other in await enrolled(tx, member.cohort_id) if other.id != member.id), None)


async def private_chat(tx: Transaction, person_id: UUID) -> Chat:
    return (await tx.scalars(select(Chat).where(Chat.person_id == person_id))).one()


async def consents_of(tx: Transaction, member_id: UUID) -> frozenset[Consent]:
    """The switches that are on: the latest row of each holds."""
    switches = {row.switch: row.granted for row in await tx.execute(_SWITCHES, {"member": member_id})}
    return frozenset(switch for switch, granted in switches.items() if granted)


async def rest_of(tx: Transaction, member: Member) -> tuple[QuietHours, ZoneInfo]:
    """When this member wants silence, and where."""
    person = await tx.get_one(Person, member.person_id)
    return QuietHours(person.quiet_begins, person.quiet_ends), person.zone


def is_paused(member: Member | Row[*tuple[Any, ...]], now: datetime) -> bool:
    return member.paused_at is not None and (member.paused_until is None or member.paused_until > now)


# ── Standing, at the moment of sending ─────────────────────────────────────────────────────────────────────────────


async def may_not_go(tx: Transaction, rows: Sequence[Delivery], now: datetime) -> dict[UUID, str]:
    """Which of these deliveries may not leave any more, and why, in a word the board can show.

    It looks at the person who would read it: an alert about a member still reaches the facilitator.
    """
    readers = await tx.execute(_READERS, {"rows": [row.id for row in rows]})
    standing = {reader.id: reader for reader in readers}
    refused: dict[UUID, str] = {}
    for row in rows:
        why = _why_not(row, standing[row.id], now)
        if why is not None:
            refused[row.id] = why
    return refused


def _why_not(row: Delivery, reader: Row[*tuple[Any, ...]], now: datetime) -> str | None:
    if reader.unreachable_since is not None:
        return "blocked"
    if reader.member_state is None:  # nobody's, or about somebody and not to them
        return None
    if reader.member_state is MemberState.LEFT and row.verb == "send" and row.origin is not Origin.RECORDS:
        return "left"
    if row.kind not in _SPEAKING:
        return None
    if reader.member_state is not MemberState.ENROLLED:
        return "not enrolled"
    if is_paused(reader, now) or reader.cohort_paused_at is not None:
        return "paused"
    if reader.held_at is not None:
        return "held"
    return "closed" if reader.closed_at is not None else None


# ── What the planner needs ─────────────────────────────────────────────────────────────────────────────────────────


async def sessions_of(tx: Transaction, cohort_id: UUID) -> list[Meeting]:
    """The sessions of a cohort in order of their start, as they are now; gatherings open no window."""
    sessions = (
        select(Meeting)
        .where(Meeting.cohort_id == cohort_id, Meeting.kind == MeetingKind.SESSION)
        .order_by(Meeting.starts_at)
    )
    return list(await tx.scalars(sessions, execution_options=_AS_IT_IS))


def held(sessions: Sequence[Meeting]) -> list[Meeting]:
    """Those that were not cancelled: a series counts by them."""
    return [meeting for meeting in sessions if meeting.state is not MeetingState.CANCELLED]


async def cohorts_beside(tx: Transaction, cohort_id: UUID) -> list[UUID]:
    """Other cohorts of the same people: the days they share are planned together."""
    here = select(Member.person_id).where(Member.cohort_id == cohort_id, Member.admitted_at.is_not(None))
    beside = select(Member.cohort_id).where(
        Member.person_id.in_(here),
        Member.cohort_id != cohort_id,
        Member.state == MemberState.ENROLLED,
    )
    return list(await tx.scalars(beside.distinct().order_by(Member.cohort_id)))


async def gather(
    tx: Transaction, cohort: Cohort, meeting: Meeting, following: Meeting | None, *, session: int = 1
) -> Gathered:
    """A session, the ``session``-th of its cohort, and its people as the planner sees them.

    Whoever leaves after it was planned stays in it, so that nobody's hours tell; of those who erased everything there
    is left that they were there.
    """
    attending = select(Attendance).where(Attendance.meeting_id == meeting.id)
    attendance = {row.member_id: row for row in await tx.scalars(attending, execution_options=_AS_IT_IS)}
    parties = [
        await _party(tx, member, attendance.get(member.id))
        for member in await members_of(tx, cohort.id)
        if member.admitted_at is not None and (member.left_at is None or member.left_at >= meeting.made_at)
    ]
    parties += [_nobody(cohort, meeting, number) for number in range(meeting.erased)]
    return Gathered(
        meeting_id=meeting.id,
        cohort_id=cohort.id,
        kind=meeting.kind,
        starts_at=meeting.starts_at,
        lasts=meeting.lasts,
        released_at=meeting.released_at,
        zone=cohort.zone,
        next_eve=eve_of(following.starts_at, cohort.zone) if following is not None else None,
        parties=tuple(parties),
        unpaired=cohort.unpaired_at is not None,
        minimal=cohort.minimal,
        session=session,
    )


async def _party(tx: Transaction, member: Member, attendance: Attendance | None) -> Party:
    person = await tx.get_one(Person, member.person_id, populate_existing=True)
    chat = await private_chat(tx, member.person_id)
    return Party(
        member_id=member.id,
        chat_id=chat.id,
        zone=person.zone,
        quiet=QuietHours(person.quiet_begins, person.quiet_ends),
        role=attendance.role if attendance else Role.RECEIVING,
        since=member.admitted_at or member.joined_at,
        paused=((member.paused_at, member.paused_until),) if member.paused_at is not None else (),
        pace=member.pace,
        released_at=attendance.released_at if attendance else None,
        left_at=member.left_at,
    )


def _nobody(cohort: Cohort, meeting: Meeting, number: int) -> Party:
    """In the place of somebody of whom nothing is known any more."""
    known = uuid5(meeting.id, str(number))
    quiet = QuietHours(cohort.quiet_begins, cohort.quiet_ends)
    return Party(known, known, cohort.zone, quiet, Role.RECEIVING, since=meeting.made_at, left_at=meeting.made_at)


async def already_said(tx: Transaction, meeting: Meeting, gathered: Gathered) -> list[Sent]:
    """What fills these people's days: all that no longer waits here, and all they read or will read elsewhere."""
    by_chat = {party.chat_id: party.member_id for party in gathered.parties}
    rows = await tx.scalars(
        select(Delivery).where(
            Delivery.chat_id.in_(by_chat),
            Delivery.verb == Verb.SEND,
            Delivery.state != DeliveryState.CANCELLED,
            or_(
                Delivery.meeting_id != meeting.id,
                Delivery.meeting_id.is_(None),
                Delivery.state != DeliveryState.PLANNED,
            ),
            Delivery.due_at > gathered.starts_at - timedelta(days=14),
            Delivery.origin.in_(_FILLS_DAYS),
            Delivery.kind.not_in(_ASKED_FOR),
        )
    )
    return [
        Sent(
            member_id=by_chat[row.chat_id],
            at=row.sent_at or row.due_at,
            kind=StepKind(row.facts["kind"]) if row.kind == "prompt" and row.facts and "kind" in row.facts else None,
            safety=row.lane == Lane.SAFETY,
            key=row.key if row.meeting_id == meeting.id else None,
            said=row.state not in {DeliveryState.SKIPPED, DeliveryState.FAILED},
        )
        for row in rows
    ]


# ── Phases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def acute_until(tx: Transaction, cohort_id: UUID, now: datetime) -> datetime | None:
    """Until when nothing but safety may reach this cohort: from a session's start through its acute phase."""
    cohort = await tx.get_one(Cohort, cohort_id)
    programme = await pinned(tx, cohort.programme)
    ends = [
        span.ends_at
        for meeting in await sessions_of(tx, cohort_id)
        if meeting.state is not MeetingState.CANCELLED and meeting.starts_at <= now
        for span in spans(programme, _anchors(meeting, cohort))
        if span.phase.only_safety and span.ends_at > now
    ]
    return max(ends, default=None)


async def widening_rests(tx: Transaction, cohort: Cohort, zone: ZoneInfo, now: datetime) -> bool:
    """Whether nothing may be shared more widely now: from a session's start until its landing is over."""
    programme = await pinned(tx, cohort.programme)
    for meeting in await sessions_of(tx, cohort.id):
        if meeting.state is MeetingState.CANCELLED or meeting.starts_at > now:
            continue
        if meeting.released_at is None:
            if now < meeting.starts_at + meeting.lasts + RELEASE_FALLBACK:
                return True
            continue
        phase = phase_at(programme, meeting.released_at, zone, now, starts_at=meeting.starts_at)
        if phase is not None and not phase.sharing_may_widen:
            return True
    return False


def _anchors(meeting: Meeting, cohort: Cohort) -> Anchors:
    return Anchors(meeting.starts_at, meeting.released_at or meeting.starts_at + meeting.lasts, cohort.zone)


# ── Statements of every letter and every press, built once ─────────────────────────────────────────────────────────

_HOLDERS = (
    select(Person)
    .join(Facilitation, Facilitation.person_id == Person.id)
    .where(Facilitation.cohort_id == bindparam("cohort"), Facilitation.ended_at.is_(None))
    .order_by(Facilitation.since, Facilitation.id)
)
_EVERYBODY = select(Member).where(Member.cohort_id == bindparam("cohort")).order_by(Member.joined_at, Member.id)
_SWITCHES = (
    select(ConsentGiven.switch, ConsentGiven.granted)
    .where(ConsentGiven.member_id == bindparam("member"))
    .order_by(ConsentGiven.given_at, ConsentGiven.id)
)
_READERS = (
    select(
        Delivery.id,
        Chat.unreachable_since,
        Member.state.label("member_state"),
        Member.paused_at,
        Member.paused_until,
        Member.held_at,
        Cohort.paused_at.label("cohort_paused_at"),
        Cohort.closed_at,
    )
    .join(Chat, Chat.id == Delivery.chat_id)
    .outerjoin(Member, and_(Member.id == Delivery.member_id, Member.person_id == Chat.person_id))
    .outerjoin(Cohort, Cohort.id == Delivery.cohort_id)
    .where(Delivery.id.in_(bindparam("rows", expanding=True)))
)
