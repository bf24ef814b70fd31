"""Planning, moving and cancelling a meeting, and who says what about coming.

Each change of a cohort's plan exists twice: the change itself (``put_meeting``, ``shift``, ``call_off``), which a
preview can try out, and the same with its window replanned, for real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from bot.delivery import outbox
from bot.scheduling import ending, news
from bot.scheduling.queries import (
    Guest,
    attendance_of,
    details,
    guest,
    guests,
    locked,
    meetings,
    next_number,
    slots,
)
from bot.scheduling.rules import (
    HasBegun,
    Slot,
    StaleInvitation,
    check_detail,
    check_planned,
    check_slot,
    check_title,
    concerns_facilitator,
    from_minutes,
    minutes,
)
from bot.storage import audit
from bot.storage.database import Transaction
from bot.storage.tables import Attendance, Delivery, Meeting, Member
from bot.window.actions import Change, preview, replan
from bot.window.reconcile import Impact
from bot.words import LeftHow, MeetingKind, MeetingState, Origin, Role, Rsvp


@dataclass(frozen=True)
class Proposal:
    """A meeting as it was asked for, before it is one."""

    kind: MeetingKind
    starts_at: datetime
    lasts: timedelta
    title: str = ""


# ── Plan ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def schedule(
    tx: Transaction, cohort_id: UUID, proposal: Proposal, *, by: UUID, now: datetime
) -> tuple[Meeting, Impact]:
    """Plan a meeting: everybody is invited, and the window of a session is planned with it."""
    meeting = await put_meeting(tx, cohort_id, proposal, by=by, now=now)
    await _note(tx, meeting, "meeting planned", by=by, now=now)
    return meeting, await replan(tx, cohort_id, now=now)


async def put_meeting(tx: Transaction, cohort_id: UUID, proposal: Proposal, *, by: UUID, now: datetime) -> Meeting:
    """The meeting with its places, invitations and the questions after its end.

    Raises:
        InThePast, TooFarAhead, LengthOutOfRange, Overlaps, TitleTooLong
    """
    await tx.alone()  # of two facilitators who plan at once, the second counts and collides with what the first planned
    wanted = Slot(proposal.starts_at, proposal.lasts, proposal.kind)
    check_slot(wanted, await slots(tx, cohort_id), now=now)
    meeting = Meeting(
        cohort_id=cohort_id,
        number=await next_number(tx, cohort_id, proposal.kind),
        kind=proposal.kind,
        state=MeetingState.PLANNED,
        starts_at=proposal.starts_at,
        lasts=proposal.lasts,
        sequence=0,
        made_by=by,
        made_at=now,
    )
    if proposal.title:
        tx.seal(meeting, "title", check_title(proposal.title))
    tx.add(meeting)
    await tx.flush()
    for one in await guests(tx, cohort_id):
        await _seat(tx, meeting, one, now=now)
    await ending.plan_questions(tx, meeting)
    return meeting


async def invite(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Somebody was admitted: they are invited to what is still to come."""
    one = await guest(tx, member)
    for meeting in await meetings(tx, member.cohort_id):
        if meeting.state is MeetingState.PLANNED and meeting.starts_at > now:
            await _seat(tx, meeting, one, now=now)


async def _seat(tx: Transaction, meeting: Meeting, one: Guest, *, now: datetime) -> None:
    if await attendance_of(tx, meeting.id, one.member.id) is None:
        tx.add(Attendance(meeting_id=meeting.id, member_id=one.member.id, role=Role.RECEIVING))
        await tx.flush()
    await outbox.plan(tx, [news.invitation(meeting, one, now=now), news.calendar_entry(meeting, one, now=now)])


# ── Move ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def move(tx: Transaction, meeting_id: UUID, starts_at: datetime, *, by: UUID, now: datetime) -> Impact:
    """Move a meeting: old and new time are said to everybody, and everybody is asked again."""
    meeting = await shift(tx, meeting_id, starts_at, by=by, now=now)
    await _note(tx, meeting, "meeting moved", by=by, now=now)
    return await replan(tx, meeting.cohort_id, now=now)


async def shift(tx: Transaction, meeting_id: UUID, starts_at: datetime, *, by: UUID, now: datetime) -> Meeting:
    """The move itself, without its window.

    Raises:
        NotPlanned, InThePast, TooFarAhead, Overlaps
    """
    meeting = await locked(tx, meeting_id)
    check_planned(meeting.state)
    wanted = Slot(starts_at, meeting.lasts, meeting.kind, meeting.number, meeting.id)
    check_slot(wanted, await slots(tx, meeting.cohort_id), now=now)
    was = meeting.starts_at
    meeting.starts_at = starts_at
    meeting.sequence += 1
    for attendance in await tx.scalars(select(Attendance).where(Attendance.meeting_id == meeting.id)):
        attendance.rsvp = attendance.rsvp_at = None
    await _withdraw(tx, meeting, reason="moved")
    everybody = await guests(tx, meeting.cohort_id)
    know = await news.close_copies(tx, meeting, now=now)
    rows = [
        row
        for one in everybody
        for row in (
            news.moved(meeting, one, was, now=now) if one.member.id in know else news.invitation(meeting, one, now=now),
            news.calendar_entry(meeting, one, now=now),
        )
    ]
    rows += await news.to_facilitators(tx, meeting, "moved", but=by, was=was, now=now)
    await outbox.plan(tx, rows)
    await ending.plan_questions(tx, meeting)
    return meeting


# ── Cancel ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def cancel(tx: Transaction, meeting_id: UUID, *, by: UUID, now: datetime) -> Impact:
    """Cancel a meeting: whoever was told of it hears that it will not be."""
    meeting = await call_off(tx, meeting_id, by=by, now=now)
    await _note(tx, meeting, "meeting cancelled", by=by, now=now)
    return await replan(tx, meeting.cohort_id, now=now)


async def call_off(tx: Transaction, meeting_id: UUID, *, by: UUID, now: datetime) -> Meeting:
    """The cancelling itself, without its window.

    Raises:
        NotPlanned
    """
    meeting = await locked(tx, meeting_id)
    check_planned(meeting.state)
    meeting.state = MeetingState.CANCELLED
    meeting.cancelled_at = now
    meeting.sequence += 1
    await _withdraw(tx, meeting, reason="cancelled")
    know = await news.close_copies(tx, meeting, now=now)
    rows = [
        row
        for one in await guests(tx, meeting.cohort_id)
        if one.member.id in know
        for row in (news.cancelled(meeting, one, now=now), news.calendar_entry(meeting, one, now=now))
    ]
    rows += await news.to_facilitators(tx, meeting, "cancelled", but=by, now=now)
    await outbox.plan(tx, rows)
    await ending.withdraw_questions(tx, meeting, reason="cancelled")
    return meeting


async def _withdraw(tx: Transaction, meeting: Meeting, *, reason: str) -> None:
    """What has not left and speaks of the old time need not be said."""
    await outbox.withdraw(tx, Delivery.meeting_id == meeting.id, Delivery.origin == Origin.SCHEDULING, reason=reason)


# ── What it would do ───────────────────────────────────────────────────────────────────────────────────────────────


async def if_planned(tx: Transaction, cohort_id: UUID, proposal: Proposal, *, by: UUID, now: datetime) -> Impact:
    """What planning this meeting would do; it raises what planning it raises."""
    return await _if(tx, cohort_id, lambda tx: put_meeting(tx, cohort_id, proposal, by=by, now=now), now=now)


async def if_moved(tx: Transaction, meeting: Meeting, starts_at: datetime, *, by: UUID, now: datetime) -> Impact:
    return await _if(tx, meeting.cohort_id, lambda tx: shift(tx, meeting.id, starts_at, by=by, now=now), now=now)


async def if_cancelled(tx: Transaction, meeting: Meeting, *, by: UUID, now: datetime) -> Impact:
    return await _if(tx, meeting.cohort_id, lambda tx: call_off(tx, meeting.id, by=by, now=now), now=now)


async def if_corrected(tx: Transaction, meeting: Meeting, ended_at: datetime, *, by: UUID, now: datetime) -> Impact:
    change = partial(ending.set_end, meeting_id=meeting.id, ended_at=ended_at, by=by, now=now)
    return await _if(tx, meeting.cohort_id, change, now=now)


async def _if(tx: Transaction, cohort_id: UUID, change: Change, *, now: datetime) -> Impact:
    """The impact of a change; what cannot be kept without it either is not its doing."""
    before = await preview(tx, cohort_id, _nothing, now=now)
    after = await preview(tx, cohort_id, change, now=now)
    return replace(
        after,
        cannot=tuple(one for one in after.cannot if one not in before.cannot),
        skipped=tuple(one for one in after.skipped if one not in before.skipped),
    )


async def _nothing(tx: Transaction) -> None:
    pass


# ── Coming, roles, details ─────────────────────────────────────────────────────────────────────────────────────────


async def answer(tx: Transaction, invitation: Delivery, rsvp: Rsvp, *, now: datetime) -> Attendance:
    """A member says whether they come; the facilitators hear of it if it changes anything for them.

    Raises:
        NotPlanned, HasBegun, StaleInvitation: the invitation speaks of another time.
    """
    assert invitation.meeting_id is not None  # noqa: S101 - every invitation names its meeting
    assert invitation.member_id is not None  # noqa: S101 - and whom it invites
    meeting = await locked(tx, invitation.meeting_id)
    check_planned(meeting.state)
    if starts_at(invitation) != meeting.starts_at:
        raise StaleInvitation
    if meeting.starts_at <= now:
        raise HasBegun
    attendance = await attendance_of(tx, meeting.id, invitation.member_id)
    if attendance is None:
        raise StaleInvitation
    before = attendance.rsvp
    attendance.rsvp, attendance.rsvp_at = rsvp, now
    if concerns_facilitator(before, rsvp, attendance.role):
        await outbox.plan(tx, await news.rsvp_changed(tx, meeting, attendance, now=now))
    return attendance


def starts_at(invitation: Delivery) -> datetime:
    """The start that an invitation speaks of."""
    return from_minutes((invitation.facts or {}).get("start", 0))


async def set_role(tx: Transaction, attendance: Attendance, role: Role, *, by: UUID, now: datetime) -> Impact:
    """The facilitator decides what a member is in one meeting."""
    meeting = await locked(tx, attendance.meeting_id)
    attendance.role = role
    await _note(tx, meeting, "role set", by=by, now=now, facts={"role": role.value})
    return await replan(tx, meeting.cohort_id, now=now)


def note_leaving(attendance: Attendance, how: LeftHow) -> None:
    """How somebody went home after a session."""
    attendance.left_how = how


async def forget_leaving(tx: Transaction, meeting: Meeting) -> None:
    """Nobody has been asked yet how they went home."""
    for attendance in await tx.scalars(select(Attendance).where(Attendance.meeting_id == meeting.id)):
        attendance.left_how = None


async def describe(tx: Transaction, meeting: Meeting, field: str, words: str) -> None:
    """Write one detail of a meeting, or clear it.

    Raises:
        DetailTooLong, NotALink
    """
    written = {**details(tx, meeting), field: check_detail(field, words.strip())}
    tx.seal_json(meeting, "details", {name: said for name, said in written.items() if said})


async def _note(
    tx: Transaction,
    meeting: Meeting,
    action: str,
    *,
    by: UUID,
    now: datetime,
    facts: dict[str, str | int] | None = None,
) -> None:
    known = facts or {"start": minutes(meeting.starts_at)}
    await audit.record(
        tx, actor_id=by, action=action, now=now, cohort_id=meeting.cohort_id, subject_id=meeting.id, facts=known
    )


MOMENTS = ending.MOMENTS
