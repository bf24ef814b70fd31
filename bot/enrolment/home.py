"""The home of everybody, a facilitator's page for each cohort, and the menus of commands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.buttons import button, grid
from bot.enrolment.queries import listed_members, memberships, people_in, roles, seats_of, waiting_members
from bot.enrolment.rules import LARGEST_GROUP, LinkState, link_state, shares_one_link
from bot.messages import Button, Html, Message, Row
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Member, Person, Seat, SharedLink
from bot.texts import N_, Texts
from bot.words import CohortKind, MemberState

KIND_NAMES = {
    CohortKind.COUPLE: N_("Couple"),
    CohortKind.GROUP: N_("Group"),
    CohortKind.INDIVIDUAL: N_("Individual"),
}

# ── Home ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def home(tx: Transaction, person: Person, cohorts: list[Cohort], t: Texts) -> Message:
    """What is here for this person: a button for everything they may do, and two sentences for a stranger."""
    hats = await roles(tx, person)
    if not hats:
        return stranger(t)
    lines: list[Html] = []
    rows: list[Row] = []
    if "facilitator" in hats:
        lines += [t("<b>Your cohorts</b>") if cohorts else t("<b>Hello.</b> You have no cohort yet.")]
        if not person.zone_confirmed:
            lines.append(t("I do not know your time zone yet."))
            rows.append((button(t.label("Set my time zone"), "my-zone"),))
        for cohort in cohorts:
            rows += [_admit_row(tx, member, t) for member in await waiting_members(tx, cohort)]
        rows += grid([button(tx.open(cohort, "name"), "cohort", cohort.id) for cohort in cohorts], 2)
        rows += grid(_facilitator_buttons(t, owner="owner" in hats), 2)
    if "member" in hats:
        lines.append(await _places(tx, person, t))
        rows += await _begun(tx, person, t)
        rows += grid(member_buttons(t), 2)
    else:
        rows.append((button(t.label("Settings"), "settings"), button(t.label("Help"), "help")))
    return Message(Html("\n".join(lines)), tuple(rows))


async def _places(tx: Transaction, person: Person, t: Texts) -> Html:
    here = [place for place in await memberships(tx, person) if place.state is MemberState.ENROLLED]
    names = ", ".join([tx.open(await tx.get_one(Cohort, place.cohort_id), "name") for place in here])
    if not names:
        return t("Your seat is being prepared.")
    return t("<b>{names}</b>\nI write when something is due. Nothing here has to be done.", names=names)


async def _begun(tx: Transaction, person: Person, t: Texts) -> list[Row]:
    """A joining that is not finished, for somebody who has something else here too."""
    begun = [place for place in await memberships(tx, person) if place.state is not MemberState.ENROLLED]
    names = {place: tx.open(await tx.get_one(Cohort, place.cohort_id), "name") for place in begun}
    return [(button(t.label("Go on with {name}", name=name), "join-show", place.id),) for place, name in names.items()]


def _facilitator_buttons(t: Texts, *, owner: bool) -> list[Button]:
    found = [
        button(t.label("New cohort"), "new-cohort"),
        button(t.label("Board"), "board"),
        button(t.label("Broadcast"), "broadcast"),
        button(t.label("Programmes"), "programmes"),
    ]
    return [*found, button(t.label("Appoint a facilitator"), "appoint")] if owner else found


def member_buttons(t: Texts) -> list[Button]:
    return [
        button(t.label("What comes next"), "next"),
        button(t.label("Journal"), "journal"),
        button(t.label("Ask for a call"), "call"),
        button(t.label("Settings"), "settings"),
        button(t.label("Help"), "help"),
    ]


def stranger(t: Texts) -> Message:
    return Message(
        t("Hello, I only work with a personal link. If you were promised one, please open it: all begins there."),
    )


def _admit_row(tx: Transaction, member: Member, t: Texts) -> Row:
    return (button(t.label("{name} waits for you", name=tx.open(member, "alias")), "waiting", member.id),)


def give_row(tx: Transaction, member: Member, t: Texts) -> Row:
    return (button(t.label("Give {name} a seat", name=tx.open(member, "alias")), "seat-give", member.id),)


def to_cohort(cohort: Cohort, t: Texts) -> Button:
    return button(t.label("Back to the cohort"), "cohort", cohort.id)


def to_home(t: Texts) -> Button:
    return button(t.label("Home"), "home")


def seat_name(tx: Transaction, seat: Seat, t: Texts) -> str:
    """What a seat is called: the label it was given, or its number."""
    label = tx.open(seat, "label")
    return t.label("Seat {number}", number=label) if label.isdecimal() else label


# ── A cohort's page ────────────────────────────────────────────────────────────────────────────────────────────────


async def cohort_page(tx: Transaction, cohort: Cohort, t: Texts, now: datetime) -> Message:
    """Who sits in a cohort or is on the way, and where everything else about it is."""
    seats = await seats_of(tx, cohort)
    members = {member.seat_id: member for member in await people_in(tx, cohort)}
    head = t(
        "<b>{name}</b>\n{kind}, {zone}, {hour} there now",
        name=tx.open(cohort, "name"),
        kind=t.label(KIND_NAMES[cohort.kind]),
        zone=cohort.zone.key,
        hour=Texts(t.language, cohort.zone).hour(now),
    )
    if shares_one_link(cohort.kind, [tx.open(seat, "label") for seat in seats]):
        lines = [_member_line(tx, member, t) for member in members.values()]
        lines.append(t("{taken} of {seats} seats are taken.", taken=len(members), seats=cohort.seats))
    else:
        lines = [_seat_line(tx, seat, members.get(seat.id), t, now) for seat in seats]
    waiting = [_admit_row(tx, member, t) for member in members.values() if member.state is MemberState.WAITING]
    listed = await listed_members(tx, cohort)
    lines += [t("{name}: on the waiting list", name=tx.open(member, "alias")) for member in listed]
    if len(members) < len(seats):
        waiting += [give_row(tx, member, t) for member in listed]
    buttons = [
        button(t.label("Sessions"), "sessions", cohort.id),
        button(t.label("Board"), "board", cohort.id),
        button(t.label("Broadcast"), "broadcast", cohort.id),
        button(t.label("Seats and links"), "seats", cohort.id),
        button(t.label("Co-facilitator"), "cofacilitator", cohort.id),
    ]
    if cohort.kind is not CohortKind.INDIVIDUAL:
        buttons.append(button(t.label("Group chat"), "group-chat", cohort.id))
    buttons.append(to_home(t))
    return Message(Html("\n".join([head, "", *lines])), (*waiting, *grid(buttons, 2)))


def _member_line(tx: Transaction, member: Member, t: Texts) -> Html:
    return t(_MEMBER_LINES[member.state], name=tx.open(member, "alias"))


def _seat_line(tx: Transaction, seat: Seat, member: Member | None, t: Texts, now: datetime) -> Html:
    label = seat_name(tx, seat, t)
    if member is not None:
        name = tx.open(member, "alias")
        shown = label if label == name else f"{label} ({name})"
        return t(_MEMBER_LINES[member.state], name=shown)
    return t(_LINK_LINES[_state_of(seat, now)], name=label, until=t.when(seat.expires_at))


_MEMBER_LINES = {
    MemberState.JOINING: N_("{name}: is reading the first screens"),
    MemberState.WAITING: N_("{name}: waits for you"),
    MemberState.ENROLLED: N_("{name}: is in"),
}
_LINK_LINES = {
    LinkState.FREE: N_("{name}: link not opened yet, good until {until}"),
    LinkState.EXPIRED: N_("{name}: link too old"),
    LinkState.BURNT: N_("{name}: link was shown in a group and no longer works"),
    LinkState.USED: N_("{name}: gone"),
}


def _state_of(seat: Seat, now: datetime) -> LinkState:
    return link_state(used_at=seat.used_at, burnt_at=seat.burnt_at, expires_at=seat.expires_at, now=now)


async def seats_page(tx: Transaction, cohort: Cohort, t: Texts, now: datetime) -> Message:
    """Each free seat with its link, to show again or to replace; or the one link for all."""
    shared = await tx.scalar(select(SharedLink).where(SharedLink.cohort_id == cohort.id))
    if shared is not None:
        return await _shared_page(tx, cohort, shared, t, now)
    taken = {member.seat_id for member in await people_in(tx, cohort)}
    rows: list[Row] = []
    for seat in await seats_of(tx, cohort):
        if seat.id in taken:
            continue
        name = seat_name(tx, seat, t)
        show = button(t.label("Show the link for {name}", name=name), "seat-show", seat.id)
        new = button(t.label("New link for {name}", name=name), "seat-new", seat.id)
        rows.append((show, new) if _state_of(seat, now) is LinkState.FREE else (new,))
    text = (
        t("A new link makes the one before it useless. Send each to one person, in private.")
        if rows
        else t("Every seat in {cohort} is taken.", cohort=tx.open(cohort, "name"))
    )
    return Message(text, (*rows, (to_cohort(cohort, t),)))


async def _shared_page(tx: Transaction, cohort: Cohort, link: SharedLink, t: Texts, now: datetime) -> Message:
    """A group's one link, and one seat more."""
    state = link_state(used_at=None, burnt_at=link.burnt_at, expires_at=link.expires_at, now=now)
    rows: list[Row] = [(button(t.label("New link for all"), "shared-new", cohort.id),)]
    if state is LinkState.FREE:
        rows.insert(0, (button(t.label("Show the link for all"), "shared-show", cohort.id),))
    if cohort.seats < LARGEST_GROUP:
        rows.append((button(t.label("One more seat"), "seat-add", cohort.id),))
    taken = len(await people_in(tx, cohort))
    text = Html(
        t("{taken} of {seats} seats are taken.", taken=taken, seats=cohort.seats)
        + " "
        + t("A new link makes the one before it useless. Whoever opens it when all are taken waits for a seat.")
    )
    return Message(text, (*rows, (to_cohort(cohort, t),)))


async def cohort_list(tx: Transaction, cohorts: list[Cohort], t: Texts) -> Message:
    """A facilitator's cohorts with how many sit in each."""
    lines = [
        t(
            "<b>{name}</b>: {here} of {seats}",
            name=tx.open(cohort, "name"),
            here=len([one for one in await people_in(tx, cohort) if one.state is MemberState.ENROLLED]),
            seats=cohort.seats,
        )
        for cohort in cohorts
    ]
    rows = grid([button(tx.open(cohort, "name"), "cohort", cohort.id) for cohort in cohorts], 2)
    text = Html("\n".join(lines)) if lines else t("You have no cohort yet.")
    return Message(text, (*rows, (button(t.label("New cohort"), "new-cohort"), to_home(t))))
