"""What enrolment says: links and their pictures, notices, admission, menus."""

from __future__ import annotations

import io
from collections.abc import Collection
from datetime import datetime

import segno

from bot.buttons import button, grid
from bot.enrolment.check_words import check_words
from bot.enrolment.home import give_row, member_buttons, seat_name, to_cohort
from bot.enrolment.queries import Joining, free_seats, holders, listed_members
from bot.messages import Attachment, Html, Message, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member, Seat, SharedLink
from bot.texts import N_, Texts
from bot.words import MemberState

# ── Deliveries ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def seat_link(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """A picture and a text that can be forwarded as they are: neither says what it is about or who else is there."""
    seat = await tx.get(Seat, row.ref)
    facts = row.facts or {}
    if seat is None or seat.issue != facts["issue"] or seat.used_at or seat.burnt_at:
        return Withdrawn("link replaced")
    cohort = await tx.get_one(Cohort, seat.cohort_id)
    t = Texts(cohort.language, cohort.zone)  # it will be forwarded to somebody else
    address = f"https://t.me/{facts['bot']}?start={tx.keys.link_secret(seat.id, seat.issue)}"
    text = t(
        "{name}, this link is for you alone:\n{address}\n\n"
        "Open it on your own phone, in private, or scan the picture with its camera. It works once, until {until}. "
        "Please do not pass it on.",
        name=seat_name(tx, seat, t),
        address=address,
        until=t.when(seat.expires_at),
    )
    return Message(text, attachment=Attachment("photo", "link.png", picture(address)), protected=False)


async def shared_link(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """For everybody in a group alike: it names nobody, and does not say what it is about."""
    link = await tx.get(SharedLink, row.ref)
    facts = row.facts or {}
    if link is None or link.issue != facts["issue"] or link.burnt_at:
        return Withdrawn("link replaced")
    cohort = await tx.get_one(Cohort, link.cohort_id)
    t = Texts(cohort.language, cohort.zone)  # it will be forwarded to others
    address = f"https://t.me/{facts['bot']}?start={tx.keys.link_secret(link.id, link.issue)}"
    text = t(
        "This link is for you and those you know to be invited:\n{address}\n\n"
        "Open it on your own phone, in private, or scan the picture with its camera. It works until {until}. "
        "Please do not pass it on.",
        address=address,
        until=t.when(link.expires_at),
    )
    return Message(text, attachment=Attachment("photo", "link.png", picture(address)), protected=False)


async def shared_link_wanted(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """The link of a group no longer works, and somebody has opened it."""
    link = await tx.get(SharedLink, row.ref)
    if link is None or link.issue != (row.facts or {})["issue"]:
        return Withdrawn("link replaced")
    cohort = await tx.get_one(Cohort, link.cohort_id)
    return Message(
        t(
            "The link of {cohort} no longer works: it was too old, or was opened in a group. Shall I make another?",
            cohort=tx.open(cohort, "name"),
        ),
        ((button(t.label("New link"), "shared-new", cohort.id),),),
    )


def picture(address: str) -> bytes:
    """A link as a QR code, PNG, with the quiet zone of four modules that cameras need."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="png", scale=12, border=4)
    return drawn.getvalue()


async def seat_opened(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """Somebody has finished joining: the words to say aloud, and the two buttons."""
    member = await tx.get(Member, row.member_id)
    if member is None or member.state is not MemberState.WAITING:
        return Withdrawn("decided")
    return await admission(tx, member, t)


async def seat_wanted(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """A link that no longer works was opened."""
    seat = await tx.get(Seat, row.ref)
    if seat is None or seat.issue != (row.facts or {})["issue"] or seat.used_at:
        return Withdrawn("link replaced")
    cohort = await tx.get_one(Cohort, seat.cohort_id)
    return Message(
        t(
            "The link for {name} in {cohort} no longer works: it was too old, or was opened in a group. "
            "Shall I make another? Send it to {name} alone.",
            name=seat_name(tx, seat, t),
            cohort=tx.open(cohort, "name"),
        ),
        ((button(t.label("New link"), "seat-new", seat.id),),),
    )


async def welcomed(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """Their seat is open."""
    member = await tx.get(Member, row.member_id)
    if member is None or member.state is not MemberState.ENROLLED:
        return Withdrawn("not here any more")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    return Message(
        t(
            "Your seat in <b>{cohort}</b> is open, {name}.\n\nI write when there is a date. Until then nothing has to "
            "be done. Whatever you type here, I first ask who may read it.",
            cohort=tx.open(cohort, "name"),
            name=tx.open(member, "alias"),
        ),
        grid(member_buttons(t), 2),
        silent=row.silent,
    )


async def seat_declined(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """The facilitator did not recognise them."""
    if row.cohort_id is None:
        return Withdrawn("no cohort")
    return Message(
        t(
            "Your seat was not opened: it seems the link reached somebody else. If it was meant for you, please talk "
            "to {holders}; you will get a new one.",
            holders=await holders(tx, row.cohort_id),
        ),
        silent=row.silent,
    )


# ── The waiting list ───────────────────────────────────────────────────────────────────────────────────────────────

_MOST_BUTTONS = 8  # of those that wait; the cohort's page has them all


def listed(j: Joining, t: Texts) -> Message:
    """To whoever opened the link when every seat was taken."""
    return Message(
        t(
            "Thank you for coming, {name}. Every seat in <b>{cohort}</b> is taken at the moment, so I have put you on "
            "the waiting list. {holders} can see it. When a seat is free for you, I write to you; nothing has to be "
            "done until then.",
            name=j.alias,
            cohort=j.cohort_name,
            holders=j.holders,
        ),
        ((button(t.label("Take me off the list"), "list-leave", j.member.id), button(t.label("Help"), "help")),),
    )


def off_the_list(t: Texts) -> Message:
    return Message(t("Done, you are off the list. If you change your mind, open the link again."))


async def somebody_listed(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """To the facilitators: the seats are taken, and somebody waits."""
    member = await tx.get(Member, row.ref)
    if member is None or member.state is not MemberState.LISTED:
        return Withdrawn("decided")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    return Message(
        t(
            "{name} has opened the link of {cohort}, where every seat is taken. They are on the waiting list, and "
            "read so. When a seat comes free, I ask you.",
            name=tx.open(member, "alias"),
            cohort=tx.open(cohort, "name"),
        ),
        ((to_cohort(cohort, t),),),
    )


async def place_free(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """To the facilitators: a seat is free, and these wait, the longest first."""
    cohort = await tx.get_one(Cohort, row.cohort_id)
    waiting = await listed_members(tx, cohort)
    if not waiting or not await free_seats(tx, cohort):
        return Withdrawn("nobody waits")
    return Message(
        t("A seat in {cohort} is free. Who shall have it?", cohort=tx.open(cohort, "name")),
        (*(give_row(tx, member, t) for member in waiting[:_MOST_BUTTONS]), (to_cohort(cohort, t),)),
    )


async def place_given(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """To somebody who waited."""
    member = await tx.get(Member, row.member_id)
    if member is None or member.state is not MemberState.JOINING:
        return Withdrawn("not here any more")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    return Message(
        t(
            "A seat in <b>{cohort}</b> is free for you. Five short screens, whenever you like.",
            cohort=tx.open(cohort, "name"),
        ),
        ((button(t.label("Begin"), "join-show", member.id),),),
        silent=row.silent,
    )


# ── Admission ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def admission(tx: Transaction, member: Member, t: Texts) -> Message:
    """Who waits, with the words both sides see."""
    cohort = await tx.get_one(Cohort, member.cohort_id)
    seat = await tx.get(Seat, member.seat_id) if member.seat_id else None
    return Message(
        t(
            "{name} has opened a seat in {cohort} ({seat}).\n\nSay the words aloud to each other: <b>{words}</b>\n"
            "If {name} reads the same two, it is the right phone.",
            name=tx.open(member, "alias"),
            cohort=tx.open(cohort, "name"),
            seat=seat_name(tx, seat, t) if seat else "–",
            words=check_words(tx.keys, member.id, cohort.language),
        ),
        (
            (button(t.label("Admit"), "admit", member.id), button(t.label("Not this person"), "decline", member.id)),
            (to_cohort(cohort, t),),
        ),
    )


def admitted(tx: Transaction, member: Member, cohort: Cohort, t: Texts) -> Message:
    text = t("{name} is in {cohort}.", name=tx.open(member, "alias"), cohort=tx.open(cohort, "name"))
    return Message(text, ((to_cohort(cohort, t),),))


def decline_asked(tx: Transaction, member: Member, t: Texts) -> Message:
    return Message(
        t(
            "Was it not {name}? Then this phone loses the seat, reads that it was a mistake, and you get a new link.",
            name=tx.open(member, "alias"),
        ),
        (
            (button(t.label("Yes, not this person"), "decline-yes", member.id),),
            (button(t.label("Back"), "waiting", member.id),),
        ),
    )


def declined(cohort: Cohort, t: Texts) -> Message:
    return Message(t("Done. A new link for this seat is on its way to you."), ((to_cohort(cohort, t),),))


def turned_away(cohort: Cohort, t: Texts) -> Message:
    """From a group with one link for all."""
    return Message(
        t("Done. The seat is free again; the link does not open it for this person any more."),
        ((to_cohort(cohort, t),),),
    )


# ── Links that were opened ─────────────────────────────────────────────────────────────────────────────────────────


def link_expired(link: Seat | SharedLink, t: Texts) -> Message:
    return Message(
        t("This link is too old, or was seen by others. Nothing is lost: shall I ask for a new one for you?"),
        ((button(t.label("Ask for a new link"), "seat-ask", link.id),),),
    )


def new_link_asked(t: Texts) -> Message:
    return Message(t("I have asked. You will get the new link the same way as this one."))


def link_burnt(t: Texts) -> Message:
    """Said in a group: it must not say what the link was for."""
    return Message(t("A personal link was shown here, so I have made it useless. Please use links only in private."))


def office_link(address: str, cohort_name: str | None, t: Texts) -> Message:
    """A link that gives an office, for one person; the facilitator sends it on."""
    purpose = (
        t("Whoever opens it first holds {cohort} together with you, and reads what you read.", cohort=cohort_name)
        if cohort_name
        else t("Whoever opens it first becomes a facilitator here.")
    )
    return Message(
        Html(f"{address}\n\n{purpose} {t('It works once, for seven days. Send it to one person, in private.')}"),
    )


# ── Menus ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_START = ("start", N_("Home"))
_HELP = ("help", N_("Numbers to call, and how this works"))
_FOR_MEMBERS = (
    ("next", N_("What comes next")),
    ("journal", N_("Your own notes")),
    ("call", N_("Ask for a call")),
    ("pause", N_("Rest from messages")),
    ("resume", N_("Messages again")),
    ("settings", N_("Language, time zone, quiet hours, switches")),
    ("mydata", N_("See, export or erase your data")),
    ("leave", N_("Leave")),
)
_FOR_FACILITATORS = (
    ("cohorts", N_("Your cohorts")),
    ("board", N_("How everybody is doing")),
    ("alerts", N_("Who needs you")),
    ("newcohort", N_("A new couple, group or individual")),
    ("session", N_("Plan a session")),
    ("ended", N_("A session has ended")),
    ("broadcast", N_("Write to everybody")),
    ("link", N_("A Telegram group for a cohort")),
    ("programmes", N_("What can be sent")),
    ("settings", N_("Language, time zone, quiet hours")),
)
_FOR_OWNERS = (("appoint", N_("A link that makes a facilitator")),)


def menu(hats: Collection[str], t: Texts) -> list[tuple[str, str]]:
    """The commands that Telegram offers to somebody with these roles, each once, in their language."""
    by_hat = {"facilitator": _FOR_FACILITATORS, "member": _FOR_MEMBERS, "owner": _FOR_OWNERS}
    commands = [_START, *(command for hat, own in by_hat.items() if hat in hats for command in own), _HELP]
    return [(command, t.label(description)) for command, description in dict(commands).items()]


COMPOSERS = {
    "seat-link": seat_link,
    "shared-link": shared_link,
    "shared-link-wanted": shared_link_wanted,
    "listed": somebody_listed,
    "place-free": place_free,
    "place-given": place_given,
    "seat-opened": seat_opened,
    "seat-wanted": seat_wanted,
    "welcome": welcomed,
    "seat-declined": seat_declined,
}
