"""Who somebody is to us: their offices, the cohorts they hold, the places they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from bot.enrolment.rules import NotYours, the_one_that_begins
from bot.messages import clean_name
from bot.storage.database import Transaction
from bot.storage.tables import (
    Appointment,
    Chat,
    Cohort,
    Facilitation,
    Member,
    Person,
    Seat,
    SharedLink,
)
from bot.window.queries import consents_of, facilitators_of, name_of
from bot.words import Consent, MemberState, Office

NAMELESS = "Somebody"
_WITH_ID = select(Person).where(Person.telegram_id == bindparam("telegram_id"))  # every update asks for it
_HERE = (MemberState.JOINING, MemberState.WAITING, MemberState.ENROLLED)
_KNOWN = (*_HERE, MemberState.LISTED)


# ── People ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def meet_person(tx: Transaction, telegram_id: int, name: str, language: str, *, now: datetime) -> Person:
    """The person with this numeric id; a stranger is written down with a private chat, and UTC until they say more."""
    person = await tx.scalar(_WITH_ID, {"telegram_id": telegram_id})
    if person is not None:
        return person
    person = Person(telegram_id=telegram_id, language=language, zone=ZoneInfo("UTC"), met_at=now)
    tx.seal(person, "name", clean_name(name) or NAMELESS)
    tx.add(person)
    await tx.flush()
    tx.add(Chat(telegram_id=telegram_id, person_id=person.id))
    await tx.flush()
    return person


async def known_person(tx: Transaction, telegram_id: int) -> Person | None:
    """Somebody we have met in private; a stranger in a group is not written down."""
    return await tx.scalar(select(Person).where(Person.telegram_id == telegram_id))


async def offices(tx: Transaction, person: Person) -> frozenset[Office]:
    """What this person may do for the whole bot today."""
    held = await tx.scalars(
        select(Appointment.office).where(Appointment.person_id == person.id, Appointment.ended_at.is_(None))
    )
    return frozenset(held)


async def is_owner(tx: Transaction, person: Person) -> bool:
    return Office.OWNER in await offices(tx, person)


async def is_facilitator(tx: Transaction, person: Person) -> bool:
    """Whether they may hold cohorts; an owner may."""
    return bool(await offices(tx, person))


async def roles(tx: Transaction, person: Person) -> frozenset[str]:
    """Which menus somebody needs: "owner", "facilitator", "member"."""
    found = {office.value for office in await offices(tx, person)}
    if Office.OWNER in found:
        found.add(Office.FACILITATOR.value)
    if await memberships(tx, person):
        found.add("member")
    return frozenset(found)


async def has_owner(tx: Transaction) -> bool:
    """Whether anybody owns this bot yet."""
    found = select(Appointment.id).where(Appointment.office == Office.OWNER, Appointment.ended_at.is_(None))
    return await tx.scalar(found.limit(1)) is not None


# ── Cohorts they hold ──────────────────────────────────────────────────────────────────────────────────────────────


async def cohorts_held_by(tx: Transaction, person: Person) -> list[Cohort]:
    """The open cohorts of a facilitator, oldest first."""
    found = await tx.scalars(
        select(Cohort)
        .join(Facilitation, Facilitation.cohort_id == Cohort.id)
        .where(Facilitation.person_id == person.id, Facilitation.ended_at.is_(None), Cohort.closed_at.is_(None))
        .order_by(Cohort.created_at, Cohort.id)
    )
    return list(found)


async def holds(tx: Transaction, person: Person, cohort_id: UUID) -> bool:
    """Whether they facilitate this cohort now."""
    found = select(Facilitation.id).where(
        Facilitation.cohort_id == cohort_id, Facilitation.person_id == person.id, Facilitation.ended_at.is_(None)
    )
    return await tx.scalar(found.limit(1)) is not None


async def held_cohort(tx: Transaction, person: Person, cohort_id: UUID) -> Cohort:
    """A cohort by the id in a button.

    Raises:
        NotYours: there is none, or somebody else holds it; both sound the same.
    """
    cohort = await tx.get(Cohort, cohort_id)
    if cohort is None or not await holds(tx, person, cohort_id):
        raise NotYours
    return cohort


async def find_cohort(tx: Transaction, person: Person, beginning: str) -> Cohort:
    """The cohort of this facilitator with this name, or the only one that begins like this.

    Raises:
        NotYours: they hold none; UnknownCohort, AmbiguousCohort
    """
    named = {tx.open(cohort, "name"): cohort for cohort in await cohorts_held_by(tx, person)}
    if not named:
        raise NotYours
    return named[the_one_that_begins(named, beginning)]


# ── Seats and members ──────────────────────────────────────────────────────────────────────────────────────────────


async def memberships(tx: Transaction, person: Person) -> list[Member]:
    """The places somebody has or waits for now, in the order in which they came."""
    found = await tx.scalars(
        select(Member)
        .where(Member.person_id == person.id, Member.left_at.is_(None), Member.state.in_(_KNOWN))
        .order_by(Member.joined_at, Member.id)
    )
    return list(found)


async def own_place(tx: Transaction, person: Person, member_id: UUID) -> Member:
    """A member's own place by the id in a button.

    Raises:
        NotYours
    """
    member = await tx.get(Member, member_id)
    if member is None or member.person_id != person.id or member.left_at is not None:
        raise NotYours
    return member


async def has_left(tx: Transaction, person: Person, member_id: UUID) -> bool:
    """Whether this was a place of theirs which they have left."""
    member = await tx.get(Member, member_id)
    return member is not None and member.person_id == person.id and member.state is MemberState.LEFT


async def waiting_members(tx: Transaction, cohort: Cohort) -> list[Member]:
    """Who has finished joining and is not admitted yet."""
    return await _members(tx, cohort.id, MemberState.WAITING)


async def people_in(tx: Transaction, cohort: Cohort) -> list[Member]:
    """Everybody who has a place, joining or waiting or enrolled."""
    return await _members(tx, cohort.id, *_HERE)


async def listed_members(tx: Transaction, cohort: Cohort) -> list[Member]:
    """Who waits for a seat to come free, the longest first."""
    return await _members(tx, cohort.id, MemberState.LISTED)


async def free_seats(tx: Transaction, cohort: Cohort) -> list[Seat]:
    """The seats in which nobody sits, those that nobody ever had first."""
    taken = {member.seat_id for member in await people_in(tx, cohort)}
    return sorted(
        (seat for seat in await seats_of(tx, cohort) if seat.id not in taken), key=lambda seat: seat.used_at is not None
    )


async def names_in(tx: Transaction, cohort_id: UUID, *, but: UUID | None = None) -> list[str]:
    """What everybody in a cohort is called, its facilitators too."""
    members = await _members(tx, cohort_id, *_KNOWN)
    aliases = [tx.open(member, "alias") for member in members if member.id != but]
    return aliases + [name_of(tx, person) for person in await facilitators_of(tx, cohort_id)]


async def _members(tx: Transaction, cohort_id: UUID, *states: MemberState) -> list[Member]:
    found = await tx.scalars(
        select(Member)
        .where(Member.cohort_id == cohort_id, Member.left_at.is_(None), Member.state.in_(states))
        .order_by(Member.joined_at, Member.id)
    )
    return list(found)


async def seats_of(tx: Transaction, cohort: Cohort) -> list[Seat]:
    return list(await tx.scalars(select(Seat).where(Seat.cohort_id == cohort.id).order_by(Seat.number)))


async def shared_link_of(tx: Transaction, cohort_id: UUID) -> SharedLink | None:
    """The one link for all seats, if this cohort has one; locked, so that a seat is given once."""
    found = select(SharedLink).where(SharedLink.cohort_id == cohort_id)
    return await tx.scalar(found.with_for_update().execution_options(populate_existing=True))


async def held_seat(tx: Transaction, person: Person, seat_id: UUID) -> tuple[Seat, Cohort]:
    """A seat in one of a facilitator's cohorts.

    Raises:
        NotYours
    """
    seat = await tx.get(Seat, seat_id)
    if seat is None:
        raise NotYours
    return seat, await held_cohort(tx, person, seat.cohort_id)


@dataclass(frozen=True)
class Joining:
    """What the joining screens of one member speak of."""

    member: Member
    person: Person
    cohort: Cohort
    cohort_name: str
    alias: str
    holders: str  # names of the facilitators
    consents: frozenset[Consent]

    @property
    def zone(self) -> ZoneInfo:
        """Their own zone if they told us one, else the cohort's as a guess."""
        return self.person.zone if self.person.zone_confirmed else self.cohort.zone


async def joining(tx: Transaction, member: Member) -> Joining:
    cohort = await tx.get_one(Cohort, member.cohort_id)
    return Joining(
        member=member,
        person=await tx.get_one(Person, member.person_id),
        cohort=cohort,
        cohort_name=tx.open(cohort, "name"),
        alias=tx.open(member, "alias"),
        holders=await holders(tx, cohort.id),
        consents=await consents_of(tx, member.id),
    )


async def holders(tx: Transaction, cohort_id: UUID) -> str:
    """The names of the facilitators of a cohort, on one line."""
    return ", ".join(name_of(tx, person) for person in await facilitators_of(tx, cohort_id))
