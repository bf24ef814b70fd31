"""What comes next for somebody: when, and never what it asks or what anybody else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from bot.programmes.schema import WHEN_BOTH
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting, Member, Moment
from bot.window.queries import is_paused, private_chat
from bot.words import DeliveryState, MeetingKind, MeetingState, MomentState, Verb

MOST = 8  # lines on a phone


class What(StrEnum):
    SESSION = "session"
    GATHERING = "gathering"
    OPENING = "opening"
    STEP = "step"


@dataclass(frozen=True)
class Coming:
    at: datetime
    what: What


async def coming(tx: Transaction, places: Sequence[Member], *, now: datetime) -> list[Coming]:
    """The next few things in all of one person's places, the earliest first."""
    found: list[Coming] = []
    for member in places:
        found += await _meetings(tx, member, now)
        if not is_paused(member, now) and member.held_at is None:
            found += await _steps(tx, member, now)
            found += await _openings(tx, member)
    return sorted(found, key=lambda one: one.at)[:MOST]


async def _meetings(tx: Transaction, member: Member, now: datetime) -> list[Coming]:
    rows = await tx.scalars(
        select(Meeting).where(
            Meeting.cohort_id == member.cohort_id, Meeting.state == MeetingState.PLANNED, Meeting.starts_at > now
        )
    )
    kinds = {MeetingKind.SESSION: What.SESSION, MeetingKind.GATHERING: What.GATHERING}
    return [Coming(meeting.starts_at, kinds[meeting.kind]) for meeting in rows]


async def _steps(tx: Transaction, member: Member, now: datetime) -> list[Coming]:
    chat = await private_chat(tx, member.person_id)
    rows = await tx.scalars(
        select(Delivery.due_at).where(
            Delivery.member_id == member.id,
            Delivery.chat_id == chat.id,
            Delivery.kind == "prompt",
            Delivery.verb == Verb.SEND,
            Delivery.state == DeliveryState.PLANNED,
            Delivery.due_at > now,
        )
    )
    return [Coming(at, What.STEP) for at in rows]


async def _openings(tx: Transaction, member: Member) -> list[Coming]:
    """The announced hours of what they are asked.

    One that opens as soon as both share has none to tell: it would say what the other did.
    """
    cohort = await tx.get_one(Cohort, member.cohort_id)
    programme = await pinned(tx, cohort.programme)
    rows = await tx.scalars(
        select(Moment).where(
            Moment.cohort_id == cohort.id, Moment.kind == "opening", Moment.state == MomentState.WAITING
        )
    )
    asked = await _asked(tx, member)
    steps = {moment: programme.step(moment.step or "") for moment in rows if (moment.meeting_id, moment.step) in asked}
    return [Coming(moment.due_at, What.OPENING) for moment, step in steps.items() if step and step.opens != WHEN_BOTH]


async def _asked(tx: Transaction, member: Member) -> set[tuple[UUID | None, str | None]]:
    """The steps that have reached a member or will."""
    rows = await tx.execute(
        select(Delivery.meeting_id, Delivery.step).where(
            Delivery.member_id == member.id,
            Delivery.kind == "prompt",
            Delivery.state.not_in((DeliveryState.CANCELLED, DeliveryState.SKIPPED, DeliveryState.FAILED)),
        )
    )
    return {(meeting_id, step) for meeting_id, step in rows}
