"""Maple, for the tests of safety and broadcasts: Ann and Bob in Berlin, held by Fay in São Paulo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.messages import Message, Withdrawn
from bot.programmes.shelf import library, pin
from bot.storage.database import Database, Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Facilitation, Meeting, Member, Moment, Person
from bot.texts import Texts
from bot.words import (
    CohortKind,
    DeliveryState,
    MeetingKind,
    MeetingState,
    MemberState,
    MomentState,
    Pace,
    SecretsPolicy,
)

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)  # 13:00 in Berlin, 09:00 in São Paulo
BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@dataclass
class Maple:
    """The rows of one couple; read them again in a later transaction before you change them."""

    cohort: Cohort
    meeting: Meeting
    ann: Member
    bob: Member
    fay: Person


async def add_person(
    tx: Transaction, name: str, telegram_id: int, zone: ZoneInfo = BERLIN, country: str | None = None
) -> Person:
    person = Person(telegram_id=telegram_id, language="en", zone=zone, country=country, met_at=NOON)
    tx.seal(person, "name", name)
    tx.add(person)
    await tx.flush()
    tx.add(Chat(telegram_id=telegram_id, person_id=person.id))
    await tx.flush()
    return person


async def add_facilitator(tx: Transaction, cohort: Cohort, name: str, telegram_id: int) -> Person:
    person = await add_person(tx, name, telegram_id, SAO_PAULO, "BR")
    tx.add(Facilitation(cohort_id=cohort.id, person_id=person.id, since=NOON - timedelta(days=10)))
    await tx.flush()
    return person


async def add_member(tx: Transaction, cohort: Cohort, person: Person, alias: str) -> Member:
    member = Member(
        cohort_id=cohort.id,
        person_id=person.id,
        state=MemberState.ENROLLED,
        pace=Pace.FULL,
        joined_at=NOON - timedelta(days=9),
        admitted_at=NOON - timedelta(days=8),
    )
    tx.seal(member, "alias", alias)
    tx.add(member)
    await tx.flush()
    return member


async def add_cohort(tx: Transaction, name: str, screened_by: UUID, created_at: datetime) -> Cohort:
    programme = await pin(tx, library()["couple-72h"].source, NOON)
    cohort = Cohort(
        kind=CohortKind.COUPLE,
        zone=SAO_PAULO,
        language="en",
        seats=2,
        programme=programme.digest,
        secrets_policy=SecretsPolicy.KEPT,
        screened_at=created_at,
        screened_by=screened_by,
        created_at=created_at,
        duty_begins=time(8, 0),
        duty_ends=time(21, 0),
    )
    tx.seal(cohort, "name", name)
    tx.add(cohort)
    await tx.flush()
    return cohort


async def add_maple(tx: Transaction) -> Maple:
    """A couple whose session ended two days ago."""
    fay = await add_person(tx, "Fay", 1001, SAO_PAULO, "BR")
    cohort = await add_cohort(tx, "Maple", fay.id, NOON - timedelta(days=10))
    tx.add(Facilitation(cohort_id=cohort.id, person_id=fay.id, since=NOON - timedelta(days=10)))
    ann = await add_member(tx, cohort, await add_person(tx, "Ann", 1002, country="US"), "Ann")
    bob = await add_member(tx, cohort, await add_person(tx, "Bob", 1003, country="DE"), "Bob")
    meeting = Meeting(
        cohort_id=cohort.id,
        number=1,
        kind=MeetingKind.SESSION,
        state=MeetingState.RELEASED,
        starts_at=NOON - timedelta(days=2, hours=3),
        lasts=timedelta(hours=3),
        made_by=fay.id,
        made_at=NOON - timedelta(days=5),
        released_at=NOON - timedelta(days=2),
    )
    tx.add(meeting)
    await tx.flush()
    return Maple(cohort, meeting, ann, bob, fay)


async def letters(tx: Transaction, ref: UUID, to: Person | Member | None = None) -> list[Delivery]:
    """The deliveries that speak of a row, perhaps only those to one person, in the order in which they were planned."""
    wanted = select(Delivery).where(Delivery.ref == ref).order_by(Delivery.due_at, Delivery.made_at, Delivery.key)
    rows = list(await tx.scalars(wanted.execution_options(populate_existing=True)))
    if to is None:
        return rows
    person_id = to.person_id if isinstance(to, Member) else to.id
    chat = (await tx.scalars(select(Chat).where(Chat.person_id == person_id))).one()
    return [row for row in rows if row.chat_id == chat.id]


async def kinds(tx: Transaction, ref: UUID, to: Person | Member | None = None) -> list[str]:
    return [row.kind for row in await letters(tx, ref, to)]


async def arrive(tx: Transaction, row: Delivery, message_id: int, at: datetime) -> None:
    """Let a delivery have been sent."""
    row.state, row.message_id, row.sent_at = DeliveryState.SENT, message_id, at
    await tx.flush()


async def said(
    tx: Transaction, row: Delivery, composers: dict[str, Any], now: datetime, texts: Texts | None = None
) -> Message | Withdrawn:
    """What a delivery says when it leaves now."""
    return await composers[row.kind](tx, row, texts or Texts("en", BERLIN), now=now)


async def fall_due(database: Database, actions: Any, kind: str, now: datetime) -> int:
    """Run the waiting moments of a kind that are due by now; returns how many there were."""
    async with database.transaction() as tx:
        due = select(Moment).where(Moment.kind == kind, Moment.state == MomentState.WAITING, Moment.due_at <= now)
        moments = list(await tx.scalars(due.order_by(Moment.due_at)))
        for moment in moments:
            moment.state, moment.done_at = MomentState.DONE, now
            await tx.flush()
            await actions[kind](tx, moment, now=now)
    return len(moments)
