"""Pausing, coming back, going lighter, unpairing and leaving: at once, without a reason, and unseen by the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bot.delivery import outbox
from bot.enrolment.letters import letter
from bot.enrolment.rules import AlreadyUnpaired, NotPaused
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member, Person
from bot.window.actions import replan
from bot.window.queries import enrolled, facilitators_of, is_paused, private_chat
from bot.words import CohortKind, MemberState, Pace


async def pause(tx: Transaction, member: Member, lasts: timedelta | None, *, now: datetime) -> None:
    """Silence for this member from this instant on; the others' plan runs unchanged.

    Pausing again only changes how long: what has rested so far is not caught up.
    """
    if not is_paused(member, now):
        member.paused_at = now
    member.paused_until = now + lasts if lasts is not None else None
    await replan(tx, member.cohort_id, now=now)


async def resume(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Back from a pause, which ends now; nothing of it is caught up.

    Raises:
        NotPaused
    """
    if not is_paused(member, now):
        raise NotPaused
    member.paused_until = now
    await replan(tx, member.cohort_id, now=now)


async def change_pace(tx: Transaction, member: Member, pace: Pace, *, now: datetime) -> None:
    """More or fewer messages, for this member alone."""
    member.pace = pace
    await replan(tx, member.cohort_id, now=now)


def check_paired(cohort: Cohort) -> None:
    """Raises AlreadyUnpaired if there is nothing between two people here (any more)."""
    if cohort.kind is not CohortKind.COUPLE or cohort.unpaired_at is not None:
        raise AlreadyUnpaired


async def unpair(tx: Transaction, cohort: Cohort, by: UUID, *, now: datetime) -> None:
    """No pair steps any more; both read the same neutral line, whoever asked for it.

    Raises:
        AlreadyUnpaired
    """
    check_paired(cohort)
    cohort.unpaired_at = now
    await record(tx, actor_id=by, action="unpair", cohort_id=cohort.id, subject_id=cohort.id, now=now)
    rows = []
    for member in await enrolled(tx, cohort.id):
        reader = await tx.get_one(Person, member.person_id)
        more = {"member_id": member.id, "ref": member.id, "silent": True}
        rows.append(await letter(tx, reader, "unpaired", f"unpaired:{member.id}", cohort_id=cohort.id, now=now, **more))
    await outbox.plan(tx, rows)
    await replan(tx, cohort.id, now=now)


async def leave(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Gone from the cohort, silent at once; the facilitators learn it, the others do not."""
    member.state = MemberState.LEFT
    member.screen = ""
    member.left_at = now
    chat = await private_chat(tx, member.person_id)
    await outbox.withdraw(tx, Delivery.member_id == member.id, Delivery.chat_id == chat.id, reason="left")
    await record(
        tx, actor_id=member.person_id, action="leave", cohort_id=member.cohort_id, subject_id=member.id, now=now
    )
    rows = [
        await letter(
            tx, holder, "left", f"left:{member.id}:{holder.id}", cohort_id=member.cohort_id, ref=member.id, now=now
        )
        for holder in await facilitators_of(tx, member.cohort_id)
    ]
    await outbox.plan(tx, rows)
    await replan(tx, member.cohort_id, now=now)
