"""Pausing, coming back, going lighter, unpairing and leaving: at once, without a reason, and unseen by the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bot.delivery import outbox
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member
from bot.window.actions import replan
from bot.window.queries import enrolled, facilitators_of, private_chat
from bot.words import CohortKind, Lane, MemberState, Origin, Pace, Verb


async def pause(tx: Transaction, member: Member, lasts: timedelta | None, *, now: datetime) -> None:
    """Silence for this member from this instant on; the others' plan runs unchanged."""
    member.paused_at = now
    member.paused_until = now + lasts if lasts is not None else None
    await replan(tx, member.cohort_id, now=now)


async def resume(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Back from a pause; nothing of it is caught up."""
    member.paused_at = member.paused_until = None
    await replan(tx, member.cohort_id, now=now)


async def change_pace(tx: Transaction, member: Member, pace: Pace, *, now: datetime) -> None:
    """More or fewer messages, for this member alone."""
    member.pace = pace
    await replan(tx, member.cohort_id, now=now)


async def unpair(tx: Transaction, cohort: Cohort, by: UUID, *, now: datetime) -> bool:
    """No pair steps any more; both read the same neutral line, whoever asked for it. False if it was done before."""
    if cohort.kind is not CohortKind.COUPLE or cohort.unpaired_at is not None:
        return False
    cohort.unpaired_at = now
    await record(tx, actor_id=by, action="unpair", cohort_id=cohort.id, subject_id=cohort.id, facts=None, now=now)
    for member in await enrolled(tx, cohort.id):
        await outbox.plan(tx, [await _to_member(tx, member, "unpaired", f"unpaired:{member.id}", now=now)])
    await replan(tx, cohort.id, now=now)
    return True


async def leave(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Gone from the cohort, silent at once; the facilitators learn it, the others do not."""
    member.state = MemberState.LEFT
    member.left_at = now
    await outbox.withdraw(
        tx,
        Delivery.member_id == member.id,
        Delivery.chat_id == (await private_chat(tx, member.person_id)).id,
        reason="left",
    )
    await record(
        tx,
        actor_id=member.person_id,
        action="leave",
        cohort_id=member.cohort_id,
        subject_id=member.id,
        facts=None,
        now=now,
    )
    rows = []
    for facilitator in await facilitators_of(tx, member.cohort_id):
        chat = await private_chat(tx, facilitator.id)
        rows.append(
            Delivery(
                key=f"left:{member.id}:{chat.id}",
                origin=Origin.ENROLMENT,
                verb=Verb.SEND,
                kind="left",
                lane=Lane.PROMPTS,
                chat_id=chat.id,
                cohort_id=member.cohort_id,
                ref=member.id,
                due_at=now,
                made_at=now,
            )
        )
    await outbox.plan(tx, rows)
    await replan(tx, member.cohort_id, now=now)


async def _to_member(tx: Transaction, member: Member, kind: str, key: str, *, now: datetime) -> Delivery:
    chat = await private_chat(tx, member.person_id)
    return Delivery(
        key=key,
        origin=Origin.ENROLMENT,
        verb=Verb.SEND,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=chat.id,
        cohort_id=member.cohort_id,
        member_id=member.id,
        ref=member.id,
        due_at=now,
        silent=True,
        made_at=now,
    )
