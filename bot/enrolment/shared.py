"""One link for all the seats of a group: who opens it sits down, or waits until somebody can."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select

from bot.delivery.outbox import plan
from bot.enrolment.joining import call_by_own_name
from bot.enrolment.letters import letter
from bot.enrolment.queries import free_seats, holds, listed_members, memberships, seats_of, shared_link_of
from bot.enrolment.rules import (
    LARGEST_GROUP,
    LINK_LASTS,
    WELCOME,
    AlreadyDecided,
    GroupIsFull,
    LinkBurnt,
    LinkState,
    LinkUsed,
    NoFreeSeat,
    OwnSeat,
    UnknownLink,
    link_state,
)
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Member, Person, Seat, SharedLink
from bot.window.queries import facilitators_of
from bot.words import CohortKind, Lane, MemberState, Pace

# ── The link ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def make_shared_link(tx: Transaction, cohort: Cohort, by: Person, *, now: datetime) -> SharedLink:
    """A link for everybody, or another one: the one before no longer works."""
    link = await shared_link_of(tx, cohort.id)
    if link is None:
        link = SharedLink(cohort_id=cohort.id, issue=0)
        tx.add(link)
    link.issue += 1
    link.fingerprint = tx.keys.fingerprint(tx.keys.link_secret(link.id, link.issue))
    link.issued_at, link.expires_at, link.burnt_at = now, now + LINK_LASTS, None
    await record(tx, actor_id=by.id, action="shared-link", cohort_id=cohort.id, subject_id=link.id, now=now)
    return link


async def send_shared_link(tx: Transaction, link: SharedLink, to: Person, bot: str, *, now: datetime) -> bool:
    """Send a facilitator the link with its picture, if it still works; ``bot`` is the bot's username."""
    if shared_link_state(link, now) is not LinkState.FREE:
        return False
    row = await letter(
        tx,
        to,
        "shared-link",
        f"shared-link:{uuid4()}",  # it may be shown as often as it is asked for
        cohort_id=link.cohort_id,
        lane=Lane.INTERACTIVE,
        silent=False,
        ref=link.id,
        facts={"issue": link.issue, "bot": bot},
        expires_at=link.expires_at,
        now=now,
    )
    await plan(tx, [row])
    return True


async def burn_shared_link(tx: Transaction, link: SharedLink, *, now: datetime) -> None:
    """It was opened in a group, where others could use it; the facilitators are asked for another."""
    if link.burnt_at is not None:
        return
    link.burnt_at = now
    await record(tx, actor_id=None, action="link-burnt", cohort_id=link.cohort_id, subject_id=link.id, now=now)
    await ask_for_new_shared_link(tx, link, now=now)


async def ask_for_new_shared_link(tx: Transaction, link: SharedLink, *, now: datetime) -> None:
    """Once for each link, however many ask."""
    rows = [
        await letter(
            tx,
            holder,
            "shared-link-wanted",
            f"shared-link-wanted:{link.id}:{link.issue}:{holder.id}",
            cohort_id=link.cohort_id,
            ref=link.id,
            facts={"issue": link.issue},
            expires_at=now + LINK_LASTS,
            now=now,
        )
        for holder in await facilitators_of(tx, link.cohort_id)
    ]
    await plan(tx, rows)


def shared_link_state(link: SharedLink, now: datetime) -> LinkState:
    return link_state(used_at=None, burnt_at=link.burnt_at, expires_at=link.expires_at, now=now)


# ── Sitting down ───────────────────────────────────────────────────────────────────────────────────────────────────


async def take_any_seat(tx: Transaction, link: SharedLink, person: Person, *, now: datetime) -> Member:
    """Open the link of a group: the first free seat is theirs, or a place on the waiting list.

    Raises:
        UnknownLink, LinkBurnt (also for one that is too old), LinkUsed (somebody turned away), OwnSeat
    """
    cohort = await tx.get_one(Cohort, link.cohort_id)
    own = next((place for place in await memberships(tx, person) if place.cohort_id == cohort.id), None)
    if own is not None:
        return own
    if cohort.closed_at is not None:
        raise UnknownLink
    if await holds(tx, person, cohort.id):
        raise OwnSeat
    if shared_link_state(link, now) is not LinkState.FREE:
        raise LinkBurnt
    if await _was_turned_away(tx, link, person):
        raise LinkUsed
    member = Member(
        cohort_id=cohort.id, person_id=person.id, state=MemberState.LISTED, screen="", pace=Pace.FULL, joined_at=now
    )
    await call_by_own_name(tx, member, person)
    tx.add(member)
    await tx.flush()
    free = await free_seats(tx, cohort)
    if free:
        _sit_down(member, free[0], now)
    else:
        await _tell_that_somebody_waits(tx, member, now=now)
    action = "seat-taken" if free else "listed"
    await record(tx, actor_id=person.id, action=action, cohort_id=cohort.id, subject_id=member.id, now=now)
    return member


async def _was_turned_away(tx: Transaction, link: SharedLink, person: Person) -> bool:
    declined = select(Member.id).where(
        Member.cohort_id == link.cohort_id,
        Member.person_id == person.id,
        Member.state == MemberState.DECLINED,
        Member.joined_at >= link.issued_at,
    )
    return await tx.scalar(declined.limit(1)) is not None


def _sit_down(member: Member, seat: Seat, now: datetime) -> None:
    seat.used_at = now
    member.seat_id, member.state, member.screen = seat.id, MemberState.JOINING, WELCOME


# ── The waiting list ───────────────────────────────────────────────────────────────────────────────────────────────


async def _tell_that_somebody_waits(tx: Transaction, member: Member, *, now: datetime) -> None:
    await _to_holders(tx, member, "listed", f"listed:{member.id}", now=now)


async def offer_free_seat(tx: Transaction, gone: Member, *, now: datetime) -> None:
    """A seat came free: the facilitators are asked who of those that wait shall have it."""
    cohort = await tx.get_one(Cohort, gone.cohort_id)
    if await listed_members(tx, cohort):
        await _to_holders(tx, gone, "place-free", f"place-free:{gone.id}", now=now)


async def _to_holders(tx: Transaction, about: Member, kind: str, key: str, *, now: datetime) -> None:
    rows = [
        await letter(tx, holder, kind, f"{key}:{holder.id}", cohort_id=about.cohort_id, ref=about.id, now=now)
        for holder in await facilitators_of(tx, about.cohort_id)
    ]
    await plan(tx, rows)


async def give_seat(tx: Transaction, member: Member, by: Person, *, now: datetime) -> None:
    """Somebody on the waiting list gets a seat, and reads that they can join now.

    Raises:
        AlreadyDecided: they do not wait any more; NoFreeSeat
    """
    await tx.alone()
    await tx.refresh(member)
    if member.state is not MemberState.LISTED or member.left_at is not None:
        raise AlreadyDecided
    free = await free_seats(tx, await tx.get_one(Cohort, member.cohort_id))
    if not free:
        raise NoFreeSeat
    _sit_down(member, free[0], now)
    await record(tx, actor_id=by.id, action="seat-given", cohort_id=member.cohort_id, subject_id=member.id, now=now)
    person = await tx.get_one(Person, member.person_id)
    key = f"place-given:{member.id}"
    row = await letter(tx, person, "place-given", key, cohort_id=member.cohort_id, member_id=member.id, now=now)
    await plan(tx, [row])


async def leave_list(tx: Transaction, member: Member, *, now: datetime) -> None:
    """Not after all; nobody needs to be told."""
    member.state, member.left_at = MemberState.LEFT, now
    await record(
        tx, actor_id=member.person_id, action="unlisted", cohort_id=member.cohort_id, subject_id=member.id, now=now
    )


async def add_seat(tx: Transaction, cohort_id: UUID, by: Person, *, now: datetime) -> None:
    """One more seat in a group, for whoever opens its link or waits already.

    Raises:
        GroupIsFull
    """
    await tx.alone()
    cohort = await tx.get_one(Cohort, cohort_id, populate_existing=True)
    if cohort.kind is not CohortKind.GROUP or cohort.seats >= LARGEST_GROUP:
        raise GroupIsFull(most=LARGEST_GROUP)
    number = max((seat.number for seat in await seats_of(tx, cohort)), default=0) + 1
    seat = Seat(cohort_id=cohort.id, number=number, issue=1, issued_at=now, expires_at=now + LINK_LASTS)
    seat.fingerprint = tx.keys.fingerprint(tx.keys.link_secret(seat.id, seat.issue))
    tx.seal(seat, "label", str(number))
    tx.add(seat)
    cohort.seats += 1
    await record(tx, actor_id=by.id, action="seat-added", cohort_id=cohort.id, subject_id=seat.id, now=now)
