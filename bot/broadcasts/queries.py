"""Who may write to whom, whom a broadcast reaches, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from bot.broadcasts.rules import AWAITED_FOR, Reader, Tally, Why, arrives_at, once_each, tally
from bot.storage.database import Transaction
from bot.storage.tables import (
    Alert,
    Broadcast,
    BroadcastCohort,
    Chat,
    Cohort,
    Delivery,
    Facilitation,
    Member,
    Note,
    Person,
)
from bot.window.queries import acute_until, enrolled, facilitators_of, is_paused, name_of
from bot.words import MemberState, QuietHours


@dataclass(frozen=True)
class Place:
    """A member's place and who reads what they send from there."""

    member_id: UUID
    cohort_name: str
    facilitators: tuple[str, ...]


async def places_of(tx: Transaction, person: Person) -> list[Place]:
    """Where somebody may write to a facilitator, from the first joining screen on."""
    members = await tx.scalars(
        select(Member)
        .where(Member.person_id == person.id, Member.left_at.is_(None), Member.state != MemberState.DECLINED)
        .order_by(Member.joined_at, Member.id)
    )
    found = []
    for member in members.all():
        cohort = await tx.get_one(Cohort, member.cohort_id)
        names = tuple(name_of(tx, one) for one in await facilitators_of(tx, cohort.id))
        if names:
            found.append(Place(member.id, tx.open(cohort, "name"), names))
    return found


async def holds(tx: Transaction, person: Person, cohort_id: UUID) -> bool:
    """Whether somebody facilitates this cohort now."""
    held = select(Facilitation.id).where(
        Facilitation.person_id == person.id, Facilitation.cohort_id == cohort_id, Facilitation.ended_at.is_(None)
    )
    return await tx.scalar(held.limit(1)) is not None


async def cohorts_held_by(tx: Transaction, person: Person) -> list[Cohort]:
    """The open cohorts of a facilitator, oldest first."""
    held = (
        select(Cohort)
        .join(Facilitation, Facilitation.cohort_id == Cohort.id)
        .where(Facilitation.person_id == person.id, Facilitation.ended_at.is_(None), Cohort.closed_at.is_(None))
        .order_by(Cohort.created_at, Cohort.id)
    )
    return list(await tx.scalars(held))


async def waits_for_words(tx: Transaction, member: Member, *, now: datetime) -> bool:
    """Whether a member wrote or asked for help so recently that an answer is no disturbance."""
    since = now - AWAITED_FOR
    wrote = select(Note.id).where(
        Note.member_id == member.id, Note.author_id == member.person_id, Note.written_at >= since
    )
    asked = select(Alert.id).where(Alert.member_id == member.id, Alert.raised_at >= since)
    return await tx.scalar(wrote.limit(1)) is not None or await tx.scalar(asked.limit(1)) is not None


# ── Broadcasts ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def lock_broadcast(tx: Transaction, broadcast_id: UUID) -> Broadcast | None:
    """A broadcast under its own row: of two presses the second finds it decided."""
    return await tx.scalar(
        select(Broadcast)
        .where(Broadcast.id == broadcast_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def cohorts_of(tx: Transaction, broadcast: Broadcast) -> list[Cohort]:
    rows = (
        select(Cohort)
        .join(BroadcastCohort, BroadcastCohort.cohort_id == Cohort.id)
        .where(BroadcastCohort.broadcast_id == broadcast.id)
        .order_by(Cohort.created_at, Cohort.id)
    )
    return list(await tx.scalars(rows))


async def readers_of(tx: Transaction, cohorts: Sequence[Cohort], now: datetime) -> list[Reader]:
    """Everybody enrolled in these cohorts, once each, with the reason why they cannot be reached, if any."""
    found = []
    for cohort in cohorts:
        for member in await enrolled(tx, cohort.id):
            person = await tx.get_one(Person, member.person_id)
            chat = (await tx.scalars(select(Chat).where(Chat.person_id == person.id))).one()
            found.append(
                Reader(
                    person_id=person.id,
                    member_id=member.id,
                    cohort_id=cohort.id,
                    chat_id=chat.id,
                    name=tx.open(member, "alias"),
                    zone=person.zone,
                    quiet=QuietHours(person.quiet_begins, person.quiet_ends),
                    why_not=why_not(member, chat, now),
                )
            )
    return once_each(found)


async def arrivals(tx: Transaction, readers: Sequence[Reader], now: datetime) -> list[tuple[Reader, datetime]]:
    """When a broadcast that leaves now arrives at everybody who can be reached."""
    cohorts = dict.fromkeys(reader.cohort_id for reader in readers)
    acute = {cohort_id: await acute_until(tx, cohort_id, now) for cohort_id in cohorts}
    return [
        (reader, arrives_at(now, reader.quiet, reader.zone, acute_until=acute[reader.cohort_id]))
        for reader in readers
        if reader.why_not is None
    ]


def why_not(member: Member, chat: Chat, now: datetime) -> Why | None:
    """Why somebody does not receive a broadcast now."""
    if member.state is not MemberState.ENROLLED:
        return Why.LEFT
    if chat.unreachable_since is not None:
        return Why.BLOCKED
    if member.held_at is not None:
        return Why.HELD
    return Why.PAUSED if is_paused(member, now) else None


async def tally_of(tx: Transaction, broadcast: Broadcast, now: datetime) -> Tally:
    """Who got it, who could not and why, and where nobody knows."""
    rows = await tx.execute(
        select(Delivery.state, Delivery.reason, Member)
        .join(Member, Member.id == Delivery.member_id)
        .where(Delivery.ref == broadcast.id, Delivery.kind == "broadcast")
        .order_by(Member.joined_at, Member.id)
    )
    known = [(tx.open(member, "alias"), state, reason, member.person_id) for state, reason, member in rows]
    planned = {person_id for *_, person_id in known}
    unreached = [
        (reader.name, reader.why_not)
        for reader in await readers_of(tx, await cohorts_of(tx, broadcast), now)
        if reader.person_id not in planned and reader.why_not is not None
    ]
    return tally([(name, state, reason) for name, state, reason, _ in known], unreached)
