"""Who comes in, and how: opened links, the home, admissions, links for seats and offices."""

from __future__ import annotations

from bot.buttons import UnknownButton
from bot.enrolment import actions, compose, home, rules, shared
from bot.enrolment import joining as enrolling
from bot.enrolment.queries import (
    cohorts_held_by,
    find_cohort,
    held_cohort,
    held_seat,
    is_facilitator,
    is_owner,
    memberships,
    shared_link_of,
)
from bot.enrolment.queries import joining as read_joining
from bot.errors import Refused
from bot.messages import Message
from bot.scheduling.actions import invite
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Invitation, Member, Person, Seat, SharedLink
from bot.texts import N_
from bot.words import MemberState
from handlers import founding, joining, seating
from handlers.context import Context, Handler
from handlers.menus import menu_of, offer

_BEGUN = {MemberState.JOINING, MemberState.WAITING, MemberState.LISTED}


async def start(ctx: Context) -> None:
    """``/start``: a link that was opened, a joining that goes on, or the home."""
    if ctx.said.text and not ctx.said.tap:
        await _open_link(ctx, ctx.said.text)
        return
    if ctx.said.nobody:
        return
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        places = await memberships(tx, me)
        if len(places) == 1 and places[0].state in _BEGUN and not await is_facilitator(tx, me):
            screen = joining.screen_of(ctx, tx, await read_joining(tx, places[0]))
        else:
            screen = await _home(ctx, tx, me)
        mine = await menu_of(tx, me)
    await ctx.toast()
    await ctx.show(screen)
    if ctx.said.tap is None:
        await offer(ctx.runtime, mine)


async def _home(ctx: Context, tx: Transaction, me: Person) -> Message:
    return await home.home(tx, me, await cohorts_held_by(tx, me), ctx.texts)


async def _open_link(ctx: Context, secret: str) -> None:
    """A personal link: in a group it is burnt, because everybody there has seen it."""
    mine = None
    async with ctx.transaction() as tx:
        found = await actions.find_link(tx, secret)
        if found is None and ctx.said.nobody:
            return
        if not ctx.said.private:
            await _burn(ctx, tx, found)
            screen = compose.link_burnt(ctx.texts)
        elif found is None:
            raise rules.UnknownLink
        elif isinstance(found, Seat | SharedLink):
            screen = await _sit_down(ctx, tx, found)
        else:
            me = await ctx.person(tx)
            await actions.accept_office(tx, found, me, now=ctx.now)
            screen = await _home(ctx, tx, me)
            mine = await menu_of(tx, me)
    await ctx.say(screen)
    if mine is not None:
        await offer(ctx.runtime, mine)


async def _burn(ctx: Context, tx: Transaction, found: Seat | SharedLink | Invitation | None) -> None:
    if found is None:
        ctx.stay_private()
    elif isinstance(found, SharedLink):
        await shared.burn_shared_link(tx, found, now=ctx.now)
    elif isinstance(found, Seat):
        await actions.burn_seat_link(tx, found, now=ctx.now)
    else:
        await actions.burn_invitation(tx, found, now=ctx.now)


async def _sit_down(ctx: Context, tx: Transaction, link: Seat | SharedLink) -> Message:
    me = await ctx.person(tx)
    try:
        if isinstance(link, Seat):
            member = await enrolling.take_seat(tx, link, me, now=ctx.now)
        else:
            member = await shared.take_any_seat(tx, link, me, now=ctx.now)
    except rules.LinkBurnt:  # nothing was written; what follows is an offer, not a no
        return compose.link_expired(link, ctx.texts)
    if member.state in _BEGUN:
        return joining.screen_of(ctx, tx, await read_joining(tx, member))
    return await _home(ctx, tx, me)


async def seat_ask(ctx: Context) -> None:
    """Whoever holds a link that is too old asks for another."""
    async with ctx.transaction() as tx:
        seat, link = await tx.get(Seat, ctx.ref), await tx.get(SharedLink, ctx.ref)
        if link is not None:
            await shared.ask_for_new_shared_link(tx, link, now=ctx.now)
        elif seat is None:
            raise UnknownButton
        elif seat.used_at is None:
            await actions.ask_for_new_link(tx, seat, now=ctx.now)
        screen = compose.new_link_asked(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


# ── The facilitator's pages ────────────────────────────────────────────────────────────────────────────────────────


async def cohorts(ctx: Context) -> None:
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if not await is_facilitator(tx, me):
            raise rules.NotYours
        screen = await home.cohort_list(tx, await cohorts_held_by(tx, me), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def cohort_page(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        cohort = await held_cohort(tx, await ctx.person(tx), ctx.ref)
        screen = await home.cohort_page(tx, cohort, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def seats(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        cohort = await held_cohort(tx, await ctx.person(tx), ctx.ref)
        screen = await home.seats_page(tx, cohort, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def seat_show(ctx: Context) -> None:
    await _send_link(ctx, new=False)


async def seat_new(ctx: Context) -> None:
    await _send_link(ctx, new=True)


async def _send_link(ctx: Context, *, new: bool) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        seat, cohort = await held_seat(tx, me, ctx.ref)
        if new:
            await actions.new_link(tx, seat, me, now=ctx.now)
        if not await actions.send_links(tx, [seat], me, ctx.runtime.bot_username, now=ctx.now):
            raise rules.LinkUsed
        screen = await home.seats_page(tx, cohort, ctx.texts, ctx.now)
    await ctx.toast(ctx.texts.label("It is on its way to you."))
    await ctx.show(screen)


# ── Admission ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def waiting(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        member, _ = await _applicant(ctx, tx)
        screen = await compose.admission(tx, member, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def admit(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        member, cohort = await _applicant(ctx, tx)
        await enrolling.admit(tx, member, await ctx.person(tx), now=ctx.now)
        await invite(tx, member, now=ctx.now)
        screen = compose.admitted(tx, member, cohort, ctx.texts)
        theirs = await menu_of(tx, await tx.get_one(Person, member.person_id))
    await ctx.toast()
    await ctx.show(screen)
    await offer(ctx.runtime, theirs)


async def decline(ctx: Context) -> None:
    """Asks once more: the seat's link will be another."""
    async with ctx.transaction() as tx:
        member, _ = await _applicant(ctx, tx)
        screen = compose.decline_asked(tx, member, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def decline_yes(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member, cohort = await _applicant(ctx, tx)
        seat = await enrolling.decline(tx, member, me, now=ctx.now)
        if await shared_link_of(tx, cohort.id) is not None:
            await shared.offer_free_seat(tx, member, now=ctx.now)
            screen = compose.turned_away(cohort, ctx.texts)
        else:
            if seat is not None:
                await actions.send_links(tx, [seat], me, ctx.runtime.bot_username, now=ctx.now)
            screen = compose.declined(cohort, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _applicant(ctx: Context, tx: Transaction) -> tuple[Member, Cohort]:
    """Who waits behind a button, if it is the presser's to decide."""
    me = await ctx.person(tx)
    member = await tx.get(Member, ctx.ref)
    if member is None:
        raise rules.NotYours
    cohort = await held_cohort(tx, me, member.cohort_id)
    if member.state is not MemberState.WAITING:
        raise rules.AlreadyDecided
    return member, cohort


# ── Offices ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def appoint(ctx: Context) -> None:
    """``/appoint``: a link that makes a facilitator."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if not await is_owner(tx, me):
            raise rules.NotYours
        secret = await actions.make_office_link(tx, me, now=ctx.now)
    await ctx.toast()
    await ctx.say(compose.office_link(ctx.deep_link(secret), None, ctx.texts))


async def cofacilitator(ctx: Context) -> None:
    """``/cofacilitator <cohort>``, or the button on its page."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, ctx.ref) if ctx.said.tap else await _named(ctx, tx, me)
        secret = await actions.make_office_link(tx, me, cohort, now=ctx.now)
        name = tx.open(cohort, "name")
    await ctx.toast()
    await ctx.say(compose.office_link(ctx.deep_link(secret), name, ctx.texts))


async def _named(ctx: Context, tx: Transaction, me: Person) -> Cohort:
    if not await is_facilitator(tx, me):
        raise rules.NotYours
    return await find_cohort(tx, me, " ".join(rules.words_of(ctx.said.text)))


COMMANDS: dict[str, Handler] = {
    "start": start,
    "newcohort": founding.new_cohort,
    "cohorts": cohorts,
    "appoint": appoint,
    "cofacilitator": cofacilitator,
}

BUTTONS: dict[str, Handler] = {
    "home": start,
    "cohort": cohort_page,
    "cohorts": cohorts,
    "seats": seats,
    "seat-show": seat_show,
    "seat-new": seat_new,
    "seat-ask": seat_ask,
    "waiting": waiting,
    "admit": admit,
    "decline": decline,
    "decline-yes": decline_yes,
    "appoint": appoint,
    "cofacilitator": cofacilitator,
    **founding.BUTTONS,
    **joining.BUTTONS,
    **seating.BUTTONS,
}

TYPED: dict[str, Handler] = {**founding.TYPED, **joining.TYPED}

REFUSALS: dict[type[Refused], str] = {
    rules.NotYours: N_("There is nothing like that here for you. Send /start to see what is."),
    rules.UnknownCohort: N_("No cohort of yours begins like that. Yours are: {names}."),
    rules.AmbiguousCohort: N_("Several begin like that: {names}. Please type a little more of the name."),
    rules.KindMissing: N_(
        "Please begin with couple, group or individual, such as: /newcohort couple Maple Ann Bob. "
        "Or send /newcohort alone, and use buttons."
    ),
    rules.NameMissing: N_("A name is still needed, with at least one letter that can be seen. Please type it again."),
    rules.NameTooLong: N_("That name is too long, {longest} letters fit. Please type a shorter one."),
    rules.NameInvisible: N_("That name contains characters that cannot be seen. Please type it by hand."),
    rules.CohortNameTaken: N_("You already have a cohort called {name}. Please choose another name."),
    rules.LabelsAlike: N_("Two seats cannot both be called {name}. Please add a letter to one of them."),
    rules.WrongSeats: N_("A group has {least} to {most} seats. Please type the names, or how many."),
    rules.NotACouple: N_("A couple is two. Please type both names."),
    rules.NotAlone: N_("Here there is one seat. Please type one name."),
    rules.UnknownZone: N_("I do not know this time zone. Close to it: {nearest}."),
    rules.NoSuchProgramme: N_("There is no such programme. You can choose: {names}."),
    rules.ProgrammeDoesNotFit: N_("This programme was written for others. These fit: {names}."),
    rules.ScreeningMissing: N_("First, please confirm that each was screened alone, off this bot."),
    rules.PolicyMissing: N_("First, please choose what happens with what one of them tells you alone."),
    rules.ZoneMissing: N_("First, please choose the time zone they live by."),
    rules.UnknownLink: N_(
        "This link does not work, or no longer. Please ask the person who gave it to you for a new one."
    ),
    rules.LinkUsed: N_("This link was already used; it works once. If that was not you, please ask for a new one."),
    rules.LinkBurnt: N_("This link no longer works. Please ask the person who gave it to you for a new one."),
    rules.InvitationExpired: N_("This link is too old. Please ask the person who gave it to you for a new one."),
    rules.OwnSeat: N_("Nobody holds a seat in a cohort that they facilitate. The link still works for its person."),
    rules.AlreadySeated: N_("You already have a seat there, so this link stays free for its person."),
    rules.AlreadyDecided: N_("This was already decided. Send /start to see how it stands."),
    rules.NotThere: N_("You are at another screen by now. Send /start to go on where you are."),
    rules.NameTaken: N_("Somebody here is called {name} already. Please choose a name that tells you apart."),
    rules.NoFreeSeat: N_("Every seat is taken again, so they stay on the list. Seats and links can add one."),
    rules.GroupIsFull: N_("A group has at most {most} seats. A second group could take the others."),
    rules.AlreadyInOffice: N_("You can already do this, so the link stays free for somebody else."),
}
