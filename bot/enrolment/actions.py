"""Offices and the links that give them; cohorts, their seats and the links that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.delivery.outbox import plan
from bot.enrolment.letters import letter
from bot.enrolment.queries import cohorts_held_by, holds, memberships, offices, seats_of
from bot.enrolment.rules import (
    LINK_LASTS,
    AlreadyInOffice,
    CohortNameTaken,
    InvitationExpired,
    LinkState,
    LinkUsed,
    OwnSeat,
    folded,
    link_state,
)
from bot.enrolment.wish import Wish, check_complete
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Appointment, Cohort, Facilitation, Invitation, Member, Person, Seat, SharedLink
from bot.window.queries import facilitators_of
from bot.words import Lane, Office

_FIRST_ISSUE = 1


# ── Offices ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def recognise_owner(tx: Transaction, person: Person, *, now: datetime) -> None:
    """Somebody whom ``OWNER_IDS`` names is an owner from the first word they say."""
    if Office.OWNER not in await offices(tx, person):
        await _appoint(tx, person, Office.OWNER, by=None, now=now)


async def make_owner_link(tx: Transaction, *, now: datetime) -> str:
    """The secret of a link that makes its first opener an owner; the same one again while it waits unused."""
    waiting = await tx.scalar(
        select(Invitation)
        .where(Invitation.office == Office.OWNER, Invitation.used_at.is_(None), Invitation.expires_at > now)
        .limit(1)
    )
    if waiting is not None:
        return tx.keys.link_secret(waiting.id, _FIRST_ISSUE)
    return await _invite(tx, Office.OWNER, by=None, cohort=None, now=now)


async def make_office_link(tx: Transaction, by: Person, cohort: Cohort | None = None, *, now: datetime) -> str:
    """The secret of a link that makes a facilitator, or a co-facilitator of this cohort; once, for seven days."""
    return await _invite(tx, Office.FACILITATOR, by=by, cohort=cohort, now=now)


async def _invite(tx: Transaction, office: Office, *, by: Person | None, cohort: Cohort | None, now: datetime) -> str:
    invitation = Invitation(
        office=office,
        cohort_id=cohort.id if cohort else None,
        made_by=by.id if by else None,
        made_at=now,
        expires_at=now + LINK_LASTS,
    )
    secret = tx.keys.link_secret(invitation.id, _FIRST_ISSUE)
    invitation.fingerprint = tx.keys.fingerprint(secret)
    tx.add(invitation)
    await record(
        tx,
        actor_id=by.id if by else None,
        action="office-link",
        cohort_id=invitation.cohort_id,
        subject_id=invitation.id,
        facts={"office": office.value},
        now=now,
    )
    return secret


async def accept_office(tx: Transaction, invitation: Invitation, person: Person, *, now: datetime) -> Cohort | None:
    """Open a link to an office; returns the cohort they hold from now on, if it speaks of one.

    Raises:
        LinkUsed, InvitationExpired, AlreadyInOffice, OwnSeat
    """
    state = link_state(used_at=invitation.used_at, expires_at=invitation.expires_at, now=now)
    if state is LinkState.USED:
        raise LinkUsed
    if state is LinkState.EXPIRED:
        raise InvitationExpired
    cohort = await tx.get(Cohort, invitation.cohort_id) if invitation.cohort_id else None
    held = await offices(tx, person)
    if cohort is not None:
        await _join_facilitators(tx, cohort, person, now=now)
    elif invitation.office in held:
        raise AlreadyInOffice
    invitation.used_at, invitation.used_by = now, person.id
    if invitation.office not in held:
        await _appoint(tx, person, invitation.office, by=invitation.made_by, now=now)
    return cohort


async def burn_invitation(tx: Transaction, invitation: Invitation, *, now: datetime) -> None:
    """Its link was shown in a group."""
    invitation.expires_at = min(invitation.expires_at, now)
    await record(tx, actor_id=None, action="link-burnt", subject_id=invitation.id, now=now)


async def _appoint(tx: Transaction, person: Person, office: Office, *, by: UUID | None, now: datetime) -> None:
    tx.add(Appointment(person_id=person.id, office=office, appointed_by=by, appointed_at=now))
    await record(tx, actor_id=by, action="appointed", subject_id=person.id, facts={"office": office.value}, now=now)


async def _join_facilitators(tx: Transaction, cohort: Cohort, person: Person, *, now: datetime) -> None:
    if await holds(tx, person, cohort.id):
        raise AlreadyInOffice
    if any(place.cohort_id == cohort.id for place in await memberships(tx, person)):
        raise OwnSeat
    _hold(tx, cohort, person, now)
    await record(tx, actor_id=person.id, action="co-facilitates", cohort_id=cohort.id, subject_id=person.id, now=now)


def _hold(tx: Transaction, cohort: Cohort, person: Person, now: datetime) -> None:
    tx.add(Facilitation(cohort_id=cohort.id, person_id=person.id, since=now))
    if not person.zone_confirmed:
        person.zone = cohort.zone  # a better guess than none, until they say theirs


# ── Cohorts ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def check_name_is_free(tx: Transaction, by: Person, name: str) -> None:
    """One facilitator calls two cohorts differently.

    Raises:
        CohortNameTaken
    """
    if folded(name) in {folded(tx.open(cohort, "name")) for cohort in await cohorts_held_by(tx, by)}:
        raise CohortNameTaken(name=name)


async def make_cohort(
    tx: Transaction, wish: Wish, by: Person, *, programme: str, lighter: str | None, now: datetime
) -> Cohort:
    """Make a cohort with its seats; ``programme`` and ``lighter`` are digests of pinned programmes.

    Raises:
        CohortNameTaken, ZoneMissing, PolicyMissing, ScreeningMissing
    """
    check_complete(wish)
    await check_name_is_free(tx, by, wish.name)
    cohort = Cohort(
        kind=wish.kind,
        zone=ZoneInfo(wish.zone or "UTC"),
        language=by.language,
        seats=len(wish.labels),
        programme=programme,
        lighter_programme=lighter,
        secrets_policy=wish.policy,
        minimal=wish.minimal,
        screened_at=now,
        screened_by=by.id,
        responder_id=by.id,
        created_at=now,
    )
    tx.seal(cohort, "name", wish.name)
    tx.add(cohort)
    await tx.flush()
    _hold(tx, cohort, by, now)
    for number, label in enumerate(wish.labels, start=1):
        seat = Seat(cohort_id=cohort.id, number=number, issue=0, issued_at=now, expires_at=now)
        tx.seal(seat, "label", label)
        _issue(tx, seat, now)
        tx.add(seat)
    await record(
        tx,
        actor_id=by.id,
        action="cohort-made",
        cohort_id=cohort.id,
        facts={"kind": wish.kind.value, "screened": wish.screened, "policy": cohort.secrets_policy.value},
        now=now,
    )
    return cohort


# ── Seat links ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _issue(tx: Transaction, seat: Seat, now: datetime) -> None:
    seat.issue += 1
    seat.fingerprint = tx.keys.fingerprint(tx.keys.link_secret(seat.id, seat.issue))
    seat.issued_at, seat.expires_at = now, now + LINK_LASTS
    seat.used_at = seat.burnt_at = None


async def new_link(tx: Transaction, seat: Seat, by: Person, *, now: datetime) -> None:
    """Another link for a seat; the one before no longer works.

    Raises:
        LinkUsed: somebody sits there.
    """
    seated = select(Member.id).where(Member.seat_id == seat.id, Member.left_at.is_(None))
    if await tx.scalar(seated.limit(1)) is not None:
        raise LinkUsed
    _issue(tx, seat, now)
    await record(tx, actor_id=by.id, action="seat-link", cohort_id=seat.cohort_id, subject_id=seat.id, now=now)


async def burn_seat_link(tx: Transaction, seat: Seat, *, now: datetime) -> None:
    """Its link was shown in a group, where others could have opened it."""
    if seat.used_at is None and seat.burnt_at is None:
        seat.burnt_at = now
        await record(tx, actor_id=None, action="link-burnt", cohort_id=seat.cohort_id, subject_id=seat.id, now=now)
        await ask_for_new_link(tx, seat, now=now)


async def ask_for_new_link(tx: Transaction, seat: Seat, *, now: datetime) -> None:
    """Tell the facilitators that this seat's link no longer works for whoever holds it; once for each link."""
    rows = [
        await letter(
            tx,
            person,
            "seat-wanted",
            f"seat-wanted:{seat.id}:{seat.issue}:{person.id}",
            cohort_id=seat.cohort_id,
            ref=seat.id,
            facts={"issue": seat.issue},
            expires_at=now + LINK_LASTS,
            now=now,
        )
        for person in await facilitators_of(tx, seat.cohort_id)
    ]
    await plan(tx, rows)


async def send_links(tx: Transaction, seats: Sequence[Seat], to: Person, bot: str, *, now: datetime) -> int:
    """Send a facilitator the links of these seats, each with its picture; ``bot`` is the bot's username."""
    rows = [
        await letter(
            tx,
            to,
            "seat-link",
            f"seat-link:{uuid4()}",  # a link may be shown as often as it is asked for
            cohort_id=seat.cohort_id,
            lane=Lane.INTERACTIVE,
            silent=False,
            ref=seat.id,
            facts={"issue": seat.issue, "bot": bot},
            expires_at=seat.expires_at,
            now=now,
        )
        for seat in seats
        if link_state(used_at=seat.used_at, burnt_at=seat.burnt_at, expires_at=seat.expires_at, now=now)
        is LinkState.FREE
    ]
    await plan(tx, rows)
    return len(rows)


async def send_all_links(tx: Transaction, cohort: Cohort, to: Person, bot: str, *, now: datetime) -> int:
    """Every link of a cohort that still waits for somebody."""
    return await send_links(tx, await seats_of(tx, cohort), to, bot, now=now)


async def find_link(tx: Transaction, secret: str) -> Seat | SharedLink | Invitation | None:
    """What a link opens, by the fingerprint of its secret; locked, so that it is opened once."""
    await tx.alone()  # two links may lead to one seat
    fingerprint = tx.keys.fingerprint(secret)
    seat = await tx.scalar(select(Seat).where(Seat.fingerprint == fingerprint).with_for_update())
    if seat is not None:
        return seat
    shared = await tx.scalar(select(SharedLink).where(SharedLink.fingerprint == fingerprint).with_for_update())
    if shared is not None:
        return shared
    return await tx.scalar(select(Invitation).where(Invitation.fingerprint == fingerprint).with_for_update())
