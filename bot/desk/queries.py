"""The state of a cohort as its facilitator may see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from bot.checkins.rules import Value
from bot.programmes.schema import Phase, Programme, Question, Step
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import (
    Alert,
    Answer,
    Attendance,
    Chat,
    Cohort,
    Delivery,
    Meeting,
    Member,
    Person,
    Response,
    Seat,
)
from bot.window.phases import phase_at
from bot.window.queries import consents_of, is_paused, members_of, private_chat
from bot.words import (
    AlertState,
    Consent,
    DeliveryState,
    MeetingKind,
    MeetingState,
    MemberState,
    Origin,
    Role,
    Rsvp,
    Visibility,
)

QUIET_AFTER = timedelta(hours=24)  # no answer for so long, although something was asked

_LAST = 6


@dataclass(frozen=True)
class Row:
    """One person on the board. ``dots``: the last six questions that reached them; true was answered or skipped."""

    member_id: UUID
    name: str
    state: MemberState
    paused: bool
    held: bool
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
    released = session.released_at if session else None
    members = [member for member in await members_of(tx, cohort.id) if member.state in _SHOWN]
    return Shown(
        cohort=cohort,
        name=tx.open(cohort, "name"),
        session=session,
        phase=phase_at(programme, released, cohort.zone, now) if released else None,
        next_send_at=await _next_send(tx, cohort, now),
        rows=tuple([await _row(tx, cohort, programme, member, session, now) for member in members]),
        open_seats=await _open_seats(tx, cohort),
        alerts=await _count(
            tx, select(func.count()).where(Alert.cohort_id == cohort.id, Alert.state != AlertState.RESOLVED)
        ),
        uncertain=await _count(
            tx,
            select(func.count()).where(
                Delivery.cohort_id == cohort.id,
                Delivery.state == DeliveryState.UNKNOWN,
                Delivery.due_at > now - timedelta(days=7),
            ),
        ),
    )


_SHOWN = (MemberState.JOINING, MemberState.WAITING, MemberState.ENROLLED)


async def _session_that_matters(tx: Transaction, cohort: Cohort, programme: Programme, now: datetime) -> Meeting | None:
    """The session whose window is open, else the next one, else the last."""
    sessions = list(
        await tx.scalars(
            select(Meeting)
            .where(
                Meeting.cohort_id == cohort.id,
                Meeting.kind == MeetingKind.SESSION,
                Meeting.state != MeetingState.CANCELLED,
            )
            .order_by(Meeting.starts_at)
        )
    )
    begun = [one for one in sessions if one.starts_at <= now]
    coming = [one for one in sessions if one.starts_at > now]
    if begun and (begun[-1].released_at is None or begun[-1].released_at + programme.window > now):
        return begun[-1]
    return coming[0] if coming else (begun[-1] if begun else None)


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


async def _open_seats(tx: Transaction, cohort: Cohort) -> int:
    return await _count(tx, select(func.count()).where(Seat.cohort_id == cohort.id, Seat.used_at.is_(None)))


async def _count(tx: Transaction, statement: object) -> int:
    return int(await tx.scalar(statement) or 0)  # type: ignore[call-overload]  # a select of one number


async def _row(
    tx: Transaction, cohort: Cohort, programme: Programme, member: Member, session: Meeting | None, now: datetime
) -> Row:
    chat = await private_chat(tx, member.person_id)
    attendance = (
        await tx.scalar(
            select(Attendance).where(Attendance.meeting_id == session.id, Attendance.member_id == member.id)
        )
        if session
        else None
    )
    dots, quiet_since = await _dots(tx, cohort, programme, member, chat, now)
    person_zone_known = chat.person_id is not None and await _zone_known(tx, member)
    return Row(
        member_id=member.id,
        name=tx.open(member, "alias"),
        state=member.state,
        paused=is_paused(member, now),
        held=member.held_at is not None,
        dots=dots,
        quiet_since=quiet_since,
        unreachable=chat.unreachable_since is not None,
        zone_missing=not person_zone_known,
        role=attendance.role if attendance else None,
        rsvp=attendance.rsvp if attendance else None,
    )


async def _zone_known(tx: Transaction, member: Member) -> bool:
    return (await tx.get_one(Person, member.person_id)).zone_confirmed


async def _dots(
    tx: Transaction, cohort: Cohort, programme: Programme, member: Member, chat: Chat, now: datetime
) -> tuple[tuple[bool, ...], datetime | None]:
    """The last six questions the facilitator may know of; pair steps and journals are not among them.

    Skipped counts as answered: a facilitator is not told who passed.
    """
    lighter = await pinned(tx, cohort.lighter_programme) if cohort.lighter_programme else None
    steps = {step.id: step for source in (lighter, programme) if source for step in source.steps}
    told = [name for name, step in steps.items() if step.asks and step.visible_to is Visibility.FACILITATOR]
    asked = list(
        await tx.scalars(
            select(Delivery)
            .where(
                Delivery.member_id == member.id,
                Delivery.chat_id == chat.id,
                Delivery.kind == "prompt",
                Delivery.step.in_(told),
                Delivery.state == DeliveryState.SENT,
                Delivery.sent_at <= now,
            )
            .order_by(Delivery.sent_at.desc())
            .limit(_LAST)
        )
    )
    answered = {
        (response.meeting_id, response.step)
        for response in await tx.scalars(select(Response).where(Response.member_id == member.id))
        if response.finished_at is not None or response.skipped_at is not None
    }
    dots = tuple((row.meeting_id, row.step) in answered for row in reversed(asked))
    silent = next((row.sent_at for row in asked if (row.meeting_id, row.step) not in answered), None)
    newest_answered = bool(asked) and (asked[0].meeting_id, asked[0].step) in answered
    quiet = silent if silent is not None and not newest_answered and now - silent >= QUIET_AFTER else None
    return dots, quiet


# ── The digest ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Told:
    """One member's answers to one check-in that its facilitator may read."""

    step: Step
    answers: tuple[tuple[Question, Value], ...]


@dataclass(frozen=True)
class Person72:
    """One member's window: what they told the facilitator, and how much reached them."""

    name: str
    reached: int
    answered: int
    told: tuple[Told, ...]


@dataclass(frozen=True)
class Digest:
    name: str
    session: Meeting
    people: tuple[Person72, ...]
    undelivered: int


async def digest_of(tx: Transaction, meeting: Meeting) -> Digest:
    """One page about one window, from what its facilitator may read and nothing else."""
    cohort = await tx.get_one(Cohort, meeting.cohort_id)
    programme = await pinned(tx, cohort.programme)
    steps = {step.id: step for step in programme.steps if step.visible_to is Visibility.FACILITATOR and step.asks}
    if cohort.lighter_programme:
        for step in (await pinned(tx, cohort.lighter_programme)).steps:
            if step.visible_to is Visibility.FACILITATOR and step.asks:
                steps.setdefault(step.id, step)
    members = [member for member in await members_of(tx, cohort.id) if member.state is MemberState.ENROLLED]
    people = [await _person(tx, member, meeting, steps) for member in members]
    undelivered = await _count(
        tx,
        select(func.count()).where(
            Delivery.meeting_id == meeting.id,
            Delivery.state.in_([DeliveryState.FAILED, DeliveryState.UNKNOWN]),
        ),
    )
    return Digest(tx.open(cohort, "name"), meeting, tuple(people), undelivered)


async def _person(tx: Transaction, member: Member, meeting: Meeting, steps: dict[str, Step]) -> Person72:
    responses = [
        response
        for response in await tx.scalars(
            select(Response)
            .where(
                Response.member_id == member.id,
                Response.meeting_id == meeting.id,
                Response.visibility == Visibility.FACILITATOR,
                Response.finished_at.is_not(None),
            )
            .order_by(Response.begun_at)
        )
        if response.step in steps
    ]
    told = [Told(steps[response.step], await _answers(tx, response, steps[response.step])) for response in responses]
    reached = await _count(
        tx,
        select(func.count()).where(
            Delivery.meeting_id == meeting.id,
            Delivery.member_id == member.id,
            Delivery.kind == "prompt",
            Delivery.state == DeliveryState.SENT,
        ),
    )
    consents = Consent.FACILITATOR in await consents_of(tx, member.id)
    return Person72(tx.open(member, "alias"), reached, len(told) if consents else 0, tuple(told) if consents else ())


async def _answers(tx: Transaction, response: Response, step: Step) -> tuple[tuple[Question, Value], ...]:
    rows = {
        row.question: json.loads(tx.open(row, "value")) if row.value is not None else None
        for row in await tx.scalars(select(Answer).where(Answer.response_id == response.id))
    }
    return tuple((question, rows[question.id]) for question in step.ask if rows.get(question.id) is not None)
