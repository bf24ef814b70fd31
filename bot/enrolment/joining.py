"""Taking a seat, the screens between the link and the admission, and the admission."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.delivery.outbox import plan
from bot.enrolment.actions import new_link
from bot.enrolment.letters import letter
from bot.enrolment.queries import holds, memberships, names_in
from bot.enrolment.rules import (
    ABOUT,
    SWITCHES,
    WELCOME,
    AlreadyDecided,
    AlreadySeated,
    LinkBurnt,
    LinkState,
    LinkUsed,
    NameTaken,
    NotThere,
    OwnSeat,
    UnknownLink,
    folded,
    free_name,
    good_name,
    link_state,
    screen_after,
    switches_of,
)
from bot.enrolment.zones import country_of
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, ConsentGiven, Member, Person, Seat
from bot.window.actions import replan
from bot.window.queries import facilitators_of
from bot.words import Consent, MemberState, Pace, QuietHours


async def take_seat(tx: Transaction, seat: Seat, person: Person, *, now: datetime) -> Member:
    """Open a seat's link: the joining begins, or goes on if it is theirs already.

    Raises:
        UnknownLink, LinkUsed, LinkBurnt (also for one that is too old), OwnSeat, AlreadySeated
    """
    cohort = await tx.get_one(Cohort, seat.cohort_id)
    places = {place.cohort_id: place for place in await memberships(tx, person)}
    own = places.get(cohort.id)
    if own is not None and own.seat_id == seat.id:
        return own
    if cohort.closed_at is not None:
        raise UnknownLink
    if await holds(tx, person, cohort.id):
        raise OwnSeat
    state = link_state(used_at=seat.used_at, burnt_at=seat.burnt_at, expires_at=seat.expires_at, now=now)
    if state is LinkState.USED:
        raise LinkUsed
    if state is not LinkState.FREE:
        raise LinkBurnt
    if own is not None:
        raise AlreadySeated
    seat.used_at = now
    member = Member(
        cohort_id=cohort.id,
        person_id=person.id,
        seat_id=seat.id,
        state=MemberState.JOINING,
        screen=WELCOME,
        pace=Pace.FULL,
        joined_at=now,
    )
    await call_by_own_name(tx, member, person)
    tx.add(member)
    await record(tx, actor_id=person.id, action="seat-taken", cohort_id=cohort.id, subject_id=member.id, now=now)
    return member


# ── The screens ────────────────────────────────────────────────────────────────────────────────────────────────────


def go_to(member: Member, screen: str) -> None:
    """Turn to another screen of the joining; the switches are left only by saying that one is of age.

    Raises:
        NotThere
    """
    check_joining(member)
    wanted = screen_after(member.screen, screen)
    if member.screen == SWITCHES and wanted == ABOUT:
        raise NotThere
    member.screen = wanted


def check_joining(member: Member) -> None:
    """Raises NotThere once the joining is over: what was said then is changed in the settings."""
    if member.state is not MemberState.JOINING:
        raise NotThere


async def set_consent(
    tx: Transaction, member: Member, switch: Consent, *, granted: bool, version: str, language: str, now: datetime
) -> None:
    """Turn one switch; ``version`` and ``language`` are those of the words that were read."""
    last = await tx.scalar(
        select(ConsentGiven)
        .where(ConsentGiven.member_id == member.id, ConsentGiven.switch == switch)
        .order_by(ConsentGiven.given_at.desc())
        .limit(1)
    )
    if last is not None and last.given_at == now:
        last.granted, last.version, last.language = granted, version, language  # two rows of one instant have no order
    else:
        tx.add(
            ConsentGiven(
                member_id=member.id, switch=switch, granted=granted, version=version, language=language, given_at=now
            )
        )
    await record(
        tx,
        actor_id=member.person_id,
        action="consent",
        cohort_id=member.cohort_id,
        subject_id=member.id,
        facts={"switch": switch.value, "granted": granted, "version": version},
        now=now,
    )


async def confirm_adult(tx: Transaction, member: Member, *, version: str, language: str, now: datetime) -> None:
    """They are eighteen and have decided; a switch that was never touched is written down as off.

    Raises:
        NotThere
    """
    check_joining(member)
    if member.screen != SWITCHES:
        raise NotThere
    cohort = await tx.get_one(Cohort, member.cohort_id)
    touched = set(await tx.scalars(select(ConsentGiven.switch).where(ConsentGiven.member_id == member.id)))
    for switch in switches_of(cohort.kind, minimal=cohort.minimal):
        if switch not in touched:
            await set_consent(tx, member, switch, granted=False, version=version, language=language, now=now)
    member.screen = ABOUT
    await record(tx, actor_id=member.person_id, action="is-adult", cohort_id=cohort.id, subject_id=member.id, now=now)


async def rename(tx: Transaction, member: Member, typed: str) -> None:
    """What the others in the cohort read; no two of them are called alike.

    Raises:
        NameMissing, NameTooLong, NameInvisible, NameTaken
    """
    name = good_name(typed)
    await tx.alone()  # of two who choose the same name, the second sees the first
    if folded(name) in {folded(other) for other in await names_in(tx, member.cohort_id, but=member.id)}:
        raise NameTaken(name=name)
    tx.seal(member, "alias", name)


async def call_by_own_name(tx: Transaction, member: Member, person: Person) -> None:
    """Until they choose another: what Telegram calls them, with a number if somebody else is called so."""
    await tx.alone()
    taken = await names_in(tx, member.cohort_id, but=member.id)
    tx.seal(member, "alias", free_name(tx.open(person, "name"), taken))


async def finish(tx: Transaction, member: Member, person: Person, guess: ZoneInfo, *, now: datetime) -> None:
    """The last screen: what was shown there holds, and the facilitators are asked to admit.

    Raises:
        NotThere
    """
    check_joining(member)
    if member.screen != ABOUT:
        raise NotThere
    if not person.zone_confirmed:
        await settle(tx, person, zone=guess, country=person.country, now=now)
    member.state, member.screen = MemberState.WAITING, ""
    await record(tx, actor_id=person.id, action="waits", cohort_id=member.cohort_id, subject_id=member.id, now=now)
    rows = [
        await letter(
            tx,
            holder,
            "seat-opened",
            f"seat-opened:{member.id}:{holder.id}",
            cohort_id=member.cohort_id,
            member_id=member.id,
            now=now,
        )
        for holder in await facilitators_of(tx, member.cohort_id)
    ]
    await plan(tx, rows)


async def settle(
    tx: Transaction,
    person: Person,
    *,
    zone: ZoneInfo | None = None,
    country: str | None = None,
    quiet: QuietHours | None = None,
    now: datetime,
) -> None:
    """Where somebody is and when they want silence; what waits for them in any cohort is planned again."""
    if zone is not None:
        person.zone, person.zone_confirmed = zone, True
        country = country or country_of(zone.key) or person.country
    if country is not None:
        person.country = country
    if quiet is not None:
        person.quiet_begins, person.quiet_ends = quiet.begins, quiet.ends
    await tx.flush()
    for place in await memberships(tx, person):
        if place.state is MemberState.ENROLLED:
            await replan(tx, place.cohort_id, now=now)


# ── The admission ──────────────────────────────────────────────────────────────────────────────────────────────────


async def admit(tx: Transaction, member: Member, by: Person, *, now: datetime) -> None:
    """The facilitator has heard the check words: the member is in, and reads so.

    Raises:
        AlreadyDecided
    """
    await _decide(tx, member, MemberState.ENROLLED, by, now=now)
    member.admitted_at = now
    await tx.flush()
    await replan(tx, member.cohort_id, now=now)
    await _tell(tx, member, "welcome", now=now)


async def decline(tx: Transaction, member: Member, by: Person, *, now: datetime) -> Seat | None:
    """It was somebody else: they are out, and their seat has a new link; returns that seat.

    Raises:
        AlreadyDecided
    """
    await _decide(tx, member, MemberState.DECLINED, by, now=now)
    member.left_at = now
    await tx.flush()
    await _tell(tx, member, "seat-declined", now=now)
    seat = await tx.get(Seat, member.seat_id) if member.seat_id else None
    if seat is not None:
        await new_link(tx, seat, by, now=now)
    return seat


async def _decide(tx: Transaction, member: Member, state: MemberState, by: Person, *, now: datetime) -> None:
    await tx.refresh(member, with_for_update=True)
    if member.state is not MemberState.WAITING:
        raise AlreadyDecided
    member.state = state
    await record(tx, actor_id=by.id, action=state.value, cohort_id=member.cohort_id, subject_id=member.id, now=now)


async def _tell(tx: Transaction, member: Member, kind: str, *, now: datetime) -> None:
    person = await tx.get_one(Person, member.person_id)
    key = f"{kind}:{member.id}"
    row = await letter(tx, person, kind, key, cohort_id=member.cohort_id, member_id=member.id, now=now)
    await plan(tx, [row])
