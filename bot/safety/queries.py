"""Alerts as they stand, and who answers for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from bot.programmes.shelf import pinned
from bot.safety.rules import DutyHours, Roster, may_handle
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Appointment, Chat, Cohort, Member, Person, Response
from bot.window.queries import facilitators_of, name_of
from bot.words import AlertCause, AlertState, Level, MemberState, Office


@dataclass(frozen=True)
class Helpers:
    """Who holds a member, for their help card and receipts."""

    member: Member
    cohort: Cohort
    names: tuple[str, ...]  # the responder first
    cohort_name: str

    @property
    def duty(self) -> DutyHours:
        return duty_of(self.cohort)


@dataclass(frozen=True)
class Seen:
    """An alert with everything its facilitator reads about it."""

    alert: Alert
    member: Member
    cohort_name: str
    who: str
    read_by: str  # empty while nobody has
    resolved_by: str


def duty_of(cohort: Cohort) -> DutyHours:
    return DutyHours(cohort.duty_begins, cohort.duty_ends, cohort.zone)


async def memberships(tx: Transaction, person_id: UUID) -> list[Member]:
    """Where somebody is a member now, from the first joining screen on; the newest first."""
    rows = select(Member).where(
        Member.person_id == person_id, Member.left_at.is_(None), Member.state != MemberState.DECLINED
    )
    return list(await tx.scalars(rows.order_by(Member.joined_at.desc(), Member.id)))


async def helpers_of(tx: Transaction, member: Member) -> Helpers:
    cohort = await tx.get_one(Cohort, member.cohort_id)
    roster = await roster_of(tx, cohort)
    people = await facilitators_of(tx, cohort.id)
    people.sort(key=lambda person: person.id != roster.responder)
    return Helpers(member, cohort, tuple(name_of(tx, person) for person in people), tx.open(cohort, "name"))


async def helpers_of_person(tx: Transaction, person_id: UUID) -> list[Helpers]:
    """Who holds this person, cohort by cohort; nobody for a stranger."""
    return [await helpers_of(tx, member) for member in await memberships(tx, person_id)]


async def roster_of(tx: Transaction, cohort: Cohort) -> Roster:
    """Who answers: the named responder, else who enrolled the cohort, else whoever holds it and can be written to."""
    people = tuple(person.id for person in await facilitators_of(tx, cohort.id))
    owners = await tx.scalars(
        select(Appointment.person_id).where(Appointment.office == Office.OWNER, Appointment.ended_at.is_(None))
    )
    reachable = {chat.person_id for chat in await chats_of(tx, people) if chat.unreachable_since is None}
    candidates = (cohort.responder_id, cohort.screened_by, *people)
    responder = next((person for person in candidates if person in people and person in reachable), None)
    return Roster(people, responder, cohort.backup_id, tuple(dict.fromkeys(owners)))


async def chats_of(tx: Transaction, people: Iterable[UUID]) -> list[Chat]:
    """The private chats of those who have one."""
    return list(await tx.scalars(select(Chat).where(Chat.person_id.in_(list(people))).order_by(Chat.id)))


async def chat_known_as(tx: Transaction, telegram_id: int) -> Chat | None:
    return await tx.scalar(select(Chat).where(Chat.telegram_id == telegram_id))


async def open_alert(
    tx: Transaction, member: Member, cause: AlertCause, meeting_id: UUID | None, step: str | None
) -> Alert | None:
    """The one of the same cause and step that nobody has read yet."""
    return await tx.scalar(
        select(Alert)
        .where(
            Alert.member_id == member.id,
            Alert.cause == cause,
            Alert.meeting_id == meeting_id if meeting_id else Alert.meeting_id.is_(None),
            Alert.step == step if step else Alert.step.is_(None),
            Alert.state == AlertState.OPEN,
        )
        .order_by(Alert.raised_at.desc())
        .limit(1)
    )


async def lock_alert(tx: Transaction, alert_id: UUID) -> Alert | None:
    """An alert under its own row: two facilitators who act at once act one after the other."""
    return await tx.scalar(
        select(Alert).where(Alert.id == alert_id).with_for_update().execution_options(populate_existing=True)
    )


async def may_open(tx: Transaction, person: Person, alert: Alert) -> bool:
    """Whether this person may read who an alert speaks of and act on it."""
    cohort = await tx.get_one(Cohort, alert.cohort_id)
    offices = await tx.scalars(
        select(Appointment.office).where(Appointment.person_id == person.id, Appointment.ended_at.is_(None))
    )
    return may_handle(person.id, set(offices), alert.repeats, await roster_of(tx, cohort))


async def see(tx: Transaction, alert: Alert) -> Seen:
    member = await tx.get_one(Member, alert.member_id)
    cohort = await tx.get_one(Cohort, alert.cohort_id)
    return Seen(
        alert=alert,
        member=member,
        cohort_name=tx.open(cohort, "name"),
        who=tx.open(member, "alias"),
        read_by=await _name(tx, alert.acknowledged_by),
        resolved_by=await _name(tx, alert.resolved_by),
    )


async def _name(tx: Transaction, person_id: UUID | None) -> str:
    person = await tx.get(Person, person_id) if person_id else None
    return name_of(tx, person) if person else ""


async def unresolved(tx: Transaction, person: Person) -> list[Seen]:
    """What waits for this person over all cohorts they answer for: red before amber, the oldest first."""
    rows = await tx.scalars(
        select(Alert).where(Alert.state != AlertState.RESOLVED).order_by(Alert.level.desc(), Alert.raised_at)
    )
    return [await see(tx, alert) for alert in rows.all() if await may_open(tx, person, alert)]


async def has_answered(tx: Transaction, member_id: UUID, meeting_id: UUID, step: str) -> bool:
    """Whether a member has finished a step or said that they pass."""
    response = await tx.scalar(
        select(Response).where(
            Response.member_id == member_id, Response.meeting_id == meeting_id, Response.step == step
        )
    )
    return response is not None and (response.finished_at is not None or response.skipped_at is not None)


async def urgency_of_silence(tx: Transaction, member: Member, step_id: str) -> Level:
    """What the programme of a member says about a step that nobody answers; amber if it says nothing any more."""
    cohort = await tx.get_one(Cohort, member.cohort_id)
    for digest in (cohort.programme, cohort.lighter_programme):
        step = (await pinned(tx, digest)).step(step_id) if digest else None
        if step is not None and step.silence is not None:
            return step.silence.alert
    return Level.AMBER
