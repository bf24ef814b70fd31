"""One page about one window, from what its facilitator may read now and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from bot.checkins.telling import Told, told_by
from bot.desk.queries import uncertain_sends
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting, Member, Response
from bot.window.queries import consents_of, enrolled
from bot.words import Consent, DeliveryState, Origin, Visibility


@dataclass(frozen=True)
class Window:
    """One member's window: how much reached them, and what they told the facilitator, if it may be read."""

    name: str
    reached: int
    reads: bool
    told: tuple[Told, ...]


@dataclass(frozen=True)
class Digest:
    cohort: Cohort
    name: str
    session: Meeting
    people: tuple[Window, ...]
    uncertain: int


async def digest_of(tx: Transaction, meeting: Meeting) -> Digest:
    cohort = await tx.get_one(Cohort, meeting.cohort_id)
    return Digest(
        cohort=cohort,
        name=tx.open(cohort, "name"),
        session=meeting,
        people=tuple([await _window(tx, member, meeting) for member in await enrolled(tx, cohort.id)]),
        uncertain=await uncertain_sends(tx, Delivery.meeting_id == meeting.id),
    )


async def _window(tx: Transaction, member: Member, meeting: Meeting) -> Window:
    reads = Consent.FACILITATOR in await consents_of(tx, member.id)
    which = (
        Response.meeting_id == meeting.id,
        Response.visibility == Visibility.FACILITATOR,
        Response.finished_at.is_not(None),
    )
    reached = await tx.scalar(
        select(func.count()).where(
            Delivery.meeting_id == meeting.id,
            Delivery.member_id == member.id,
            Delivery.origin == Origin.WINDOW,
            Delivery.kind == "prompt",
            Delivery.state == DeliveryState.SENT,
        )
    )
    told = await told_by(tx, member, *which) if reads else []
    return Window(tx.open(member, "alias"), reached or 0, reads, tuple(told))
