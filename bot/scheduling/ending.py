"""The end of a session, its release: asked for, recorded once, corrected later, or taken from the plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bot.delivery import outbox
from bot.delivery.moments import MomentAction, plan_moment, withdraw_moments
from bot.scheduling import news
from bot.scheduling.queries import locked, slot_of
from bot.scheduling.rules import (
    LONGEST,
    AlreadyEnded,
    EndsInFuture,
    LengthOutOfRange,
    NotPlanned,
    asks_at,
    check_end,
    check_planned,
    falls_back_at,
    minutes,
)
from bot.storage import audit
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting, Moment
from bot.window.actions import replan
from bot.window.reconcile import Impact
from bot.words import MeetingKind, MeetingState, ReleaseSource

GOES_ON_FOR = timedelta(minutes=30)

_KINDS = ("release-ask", "release-fallback")


async def plan_questions(tx: Transaction, meeting: Meeting) -> None:
    """Ask for the end of a session at its planned end and twice after it; then take the plan's word for it."""
    await withdraw_questions(tx, meeting, reason="moved")
    if meeting.kind is not MeetingKind.SESSION:
        return
    slot = slot_of(meeting)
    end = minutes(slot.ends_at)
    for n, due_at in enumerate(asks_at(slot)):
        await plan_moment(tx, _moment(meeting, "release-ask", f"{end}:{n}", due_at))
    await plan_moment(tx, _moment(meeting, "release-fallback", f"{end}", falls_back_at(slot)))


async def withdraw_questions(tx: Transaction, meeting: Meeting, *, reason: str) -> None:
    await withdraw_moments(tx, Moment.meeting_id == meeting.id, Moment.kind.in_(_KINDS), reason=reason)


def _moment(meeting: Meeting, kind: str, which: str, due_at: datetime) -> Moment:
    # The planned end is in the key: a session that moves after it was asked about is asked about again.
    key = f"{kind}:{meeting.id}:{which}"
    return Moment(key=key, kind=kind, due_at=due_at, cohort_id=meeting.cohort_id, meeting_id=meeting.id)


# ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def record_end(tx: Transaction, meeting_id: UUID, ended_at: datetime, *, by: UUID, now: datetime) -> Impact:
    """Record when a session really ended. Of two facilitators who do so at once, one does.

    Raises:
        AlreadyEnded, NotPlanned, EndsBeforeStart, EndsInFuture, EndedTooLongAgo
    """
    meeting = await locked(tx, meeting_id)
    if meeting.state is MeetingState.RELEASED:
        raise AlreadyEnded
    _check_session(meeting)
    check_planned(meeting.state)
    check_end(meeting.starts_at, ended_at, recorded=None, now=now)
    return await _release(tx, meeting, ended_at, ReleaseSource.RECORDED, by=by, now=now)


async def correct_end(tx: Transaction, meeting_id: UUID, ended_at: datetime, *, by: UUID, now: datetime) -> Impact:
    """Correct a recorded end; what was sent stays, what waits moves."""
    meeting = await set_end(tx, meeting_id, ended_at, by=by, now=now)
    return await _release(tx, meeting, ended_at, ReleaseSource.CORRECTED, by=by, now=now)


async def set_end(tx: Transaction, meeting_id: UUID, ended_at: datetime, *, by: UUID, now: datetime) -> Meeting:
    """The correction itself, without its window, for a preview.

    Raises:
        NotPlanned, EndsBeforeStart, EndsInFuture, EndedTooLongAgo
    """
    meeting = await locked(tx, meeting_id)
    _check_session(meeting)
    if meeting.state is not MeetingState.RELEASED:
        raise NotPlanned
    check_end(meeting.starts_at, ended_at, recorded=meeting.released_at, now=now)
    meeting.released_at, meeting.released_by = ended_at, by
    return meeting


async def goes_on(tx: Transaction, meeting_id: UUID, *, now: datetime) -> Meeting:
    """It has not ended yet: the planned end moves to half an hour from now, and we ask again then.

    Raises:
        AlreadyEnded, NotPlanned, LengthOutOfRange: it would last longer than a day.
    """
    meeting = await locked(tx, meeting_id)
    if meeting.state is MeetingState.RELEASED:
        raise AlreadyEnded
    _check_session(meeting)
    check_planned(meeting.state)
    if meeting.starts_at > now:
        raise EndsInFuture
    lasts = now + GOES_ON_FOR - meeting.starts_at
    if lasts > LONGEST:
        raise LengthOutOfRange
    meeting.lasts = lasts
    await plan_questions(tx, meeting)
    await replan(tx, meeting.cohort_id, now=now)
    return meeting


async def _release(
    tx: Transaction, meeting: Meeting, ended_at: datetime, source: ReleaseSource, *, by: UUID | None, now: datetime
) -> Impact:
    meeting.state = MeetingState.RELEASED
    meeting.released_at, meeting.released_by, meeting.release_source = ended_at, by, source
    await withdraw_questions(tx, meeting, reason="ended")
    await outbox.withdraw(tx, Delivery.meeting_id == meeting.id, Delivery.kind == "release-question", reason="ended")
    await audit.record(
        tx,
        actor_id=by,
        action=f"release {source}",
        now=now,
        cohort_id=meeting.cohort_id,
        subject_id=meeting.id,
        facts={"release": minutes(ended_at)},
    )
    return await replan(tx, meeting.cohort_id, now=now)


def _check_session(meeting: Meeting) -> None:
    if meeting.kind is not MeetingKind.SESSION:
        raise NotPlanned


# ── When it falls due ──────────────────────────────────────────────────────────────────────────────────────────────


async def ask_for_end(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """The planned end has come: ask who enrolled the cohort, later everybody who holds it."""
    meeting = await _still_planned(tx, moment)
    if meeting is None:
        return
    cohort = await tx.get_one(Cohort, meeting.cohort_id)
    first = moment.key.endswith(":0")
    rows = await news.to_facilitators(
        tx,
        meeting,
        "release-question",
        only=cohort.screened_by if first else None,
        once=moment.key.split(":", 2)[2],
        at_once=True,
        now=now,
    )
    for row in rows:
        row.expires_at = falls_back_at(slot_of(meeting))
    await outbox.plan(tx, rows)


async def fall_back(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """Nobody recorded the end: the planned one is used, and the facilitators read so."""
    meeting = await _still_planned(tx, moment)
    if meeting is None:
        return
    await _release(tx, meeting, meeting.starts_at + meeting.lasts, ReleaseSource.FALLBACK, by=None, now=now)
    await outbox.plan(tx, await news.to_facilitators(tx, meeting, "release-fallback", now=now))


async def _still_planned(tx: Transaction, moment: Moment) -> Meeting | None:
    assert moment.meeting_id is not None  # noqa: S101 - these moments name their meeting
    meeting = await locked(tx, moment.meeting_id)
    return meeting if meeting.state is MeetingState.PLANNED else None


MOMENTS: dict[str, MomentAction] = {"release-ask": ask_for_end, "release-fallback": fall_back}
