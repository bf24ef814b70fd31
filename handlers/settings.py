"""What a member can do at any time: see what comes next, change how they are written to, pause, unpair, leave."""

from __future__ import annotations

import re
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.buttons import UnknownButton
from bot.checkins.actions import destroy_openings
from bot.enrolment import joining, leaving, queries
from bot.enrolment import settings as screens
from bot.enrolment.consent import VERSION
from bot.enrolment.rules import UnknownZone, switches_of
from bot.enrolment.zones import find_places
from bot.errors import Refused
from bot.messages import Message
from bot.storage.database import Transaction
from bot.storage.drafts import keep_draft
from bot.storage.tables import Cohort, Delivery, Meeting, Member, Moment, Person
from bot.texts import N_, Texts, supported
from bot.window.phases import phase_at
from bot.window.queries import consents_of, facilitators_of, name_of, private_chat
from bot.words import (
    Consent,
    DeliveryState,
    MeetingKind,
    MeetingState,
    MemberState,
    MomentState,
    Pace,
    QuietHours,
    Verb,
)
from handlers.context import Context, Handler

_SHOWN = 6
_SPAN = re.compile(r"(\d{1,3})\s*([dhw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class NoPlaceYet(Refused):
    """They are in no cohort."""


class NotASpan(Refused):
    """How long to pause could not be read."""


async def settings(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        screen = screens.settings(me, await _places(tx, me), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def coming(ctx: Context) -> None:
    """/next: what comes, without what it asks."""
    async with ctx.transaction() as tx:
        screen = screens.next_steps(await _coming(ctx, tx, await ctx.person(tx)), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def my_language(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        me.language = supported(ctx.tap.arg, me.language)
        screen = screens.settings(me, await _places(tx, me), Texts(me.language, me.zone))
    await ctx.toast()
    await ctx.show(screen)


async def my_discreet(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        me.discreet = not me.discreet
        screen = screens.settings(me, await _places(tx, me), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def my_quiet(ctx: Context) -> None:
    """Quiet hours: the choices, or one of them."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.tap.arg in screens.QUIET_CHOICES:
            begins, ends = (time(int(hour)) for hour in ctx.tap.arg.split("-"))
            await joining.settle(tx, me, quiet=QuietHours(begins, ends), now=ctx.now)
            screen = screens.settings(me, await _places(tx, me), ctx.texts)
        else:
            screen = screens.quiet_choices(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def my_zone(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        await keep_draft(tx, me.id, "my-zone", {}, awaits="my-zone", now=ctx.now)
        screen = screens.ask_zone(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def zone_typed(ctx: Context) -> None:
    """A city or a zone; the first place that fits is taken and shown, so that it can be corrected."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        found = find_places(ctx.said.text, me.language)
        if not found:
            raise UnknownZone(words=ctx.said.text[:40], nearest="")
        await joining.settle(tx, me, zone=ZoneInfo(found[0].zone), now=ctx.now)
        screen = screens.settings(me, await _places(tx, me), Texts(me.language, me.zone))
    await ctx.say(screen)


async def my_place(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        screen = await _place(ctx, tx, await queries.own_place(tx, me, ctx.ref))
    await ctx.toast()
    await ctx.show(screen)


async def my_switch(ctx: Context) -> None:
    """One consent on or off; sharing is not widened in the first hours, narrowing always works."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await queries.own_place(tx, me, ctx.ref)
        try:
            switch = Consent(ctx.tap.arg)
        except ValueError as wrong:
            raise UnknownButton from wrong
        granted = switch not in await consents_of(tx, member.id)
        if granted and await _widening_rests(ctx, tx, me, member):
            raise WideningRests
        await joining.set_consent(
            tx, member, switch, granted=granted, version=VERSION, language=me.language, now=ctx.now
        )
        await tx.flush()
        screen = await _place(ctx, tx, member)
    await ctx.toast()
    await ctx.show(screen)


async def my_pace(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await queries.own_place(tx, me, ctx.ref)
        try:
            pace = Pace(ctx.tap.arg)
        except ValueError as wrong:
            raise UnknownButton from wrong
        await leaving.change_pace(tx, member, pace, now=ctx.now)
        screen = screens.pace_changed(member.id, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def pause(ctx: Context) -> None:
    """/pause [3d], or the buttons."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        wish = ctx.said.tap.arg if ctx.said.tap else ctx.said.text
        lasts = _span(wish) if wish else None
        member = await _which(ctx, tx, me)
        if member is None:
            screen = screens.which_place(await _places(tx, me), "pause", wish.replace(" ", ""), ctx.texts)
        else:
            await leaving.pause(tx, member, lasts, now=ctx.now)
            screen = await _place(ctx, tx, member)
    await ctx.toast()
    await ctx.show(screen)


async def resume(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await _which(ctx, tx, me)
        if member is None:
            screen = screens.which_place(await _places(tx, me), "resume", "", ctx.texts)
        else:
            await leaving.resume(tx, member, now=ctx.now)
            screen = await _place(ctx, tx, member)
    await ctx.toast()
    await ctx.show(screen)


async def unpair(ctx: Context) -> None:
    """Ask first; then no paired messages any more, for both alike."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await _which(ctx, tx, me)
        if member is None:
            screen = screens.which_place(await _places(tx, me), "unpair", "", ctx.texts)
        elif ctx.said.tap is None or ctx.said.tap.arg != "yes":
            screen = screens.confirm_unpair(member, ctx.texts)
        else:
            cohort = await tx.get_one(Cohort, member.cohort_id)
            if await leaving.unpair(tx, cohort, me.id, now=ctx.now):
                await destroy_openings(tx, cohort.id, now=ctx.now)
            screen = Message(ctx.texts("Done."))
    await ctx.toast()
    await ctx.show(screen)


async def leave(ctx: Context) -> None:
    """Ask once, then gone at once."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await _which(ctx, tx, me)
        if member is None:
            screen = screens.which_place(await _places(tx, me), "leave", "", ctx.texts)
        elif ctx.said.tap is None or ctx.said.tap.arg != "yes":
            screen = screens.confirm_leave(member, ctx.texts)
        else:
            await leaving.leave(tx, member, now=ctx.now)
            screen = screens.left(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _places(tx: Transaction, me: Person) -> list[tuple[Member, str]]:
    """The cohorts this person is enrolled in, by name."""
    return [
        (member, tx.open(await tx.get_one(Cohort, member.cohort_id), "name"))
        for member in await queries.memberships(tx, me)
        if member.state is MemberState.ENROLLED
    ]


async def _which(ctx: Context, tx: Transaction, me: Person) -> Member | None:
    """The place a button names, or the only one there is; none if the person has to say which."""
    if ctx.said.tap is not None and ctx.said.tap.ref is not None:
        return await queries.own_place(tx, me, ctx.said.tap.ref)
    places = await _places(tx, me)
    if not places:
        raise NoPlaceYet
    return places[0][0] if len(places) == 1 else None


async def _place(ctx: Context, tx: Transaction, member: Member) -> Message:
    cohort = await tx.get_one(Cohort, member.cohort_id)
    granted = await consents_of(tx, member.id)
    switches = {switch: switch in granted for switch in switches_of(cohort.kind, minimal=cohort.minimal)}
    holders = await facilitators_of(tx, cohort.id)
    facilitator = name_of(tx, holders[0]) if holders else ""
    return screens.place(member, cohort, tx.open(cohort, "name"), switches, facilitator, ctx.texts, now=ctx.now)


async def _widening_rests(ctx: Context, tx: Transaction, me: Person, member: Member) -> bool:
    from bot.programmes.shelf import pinned

    cohort = await tx.get_one(Cohort, member.cohort_id)
    programme = await pinned(tx, cohort.programme)
    released = await tx.scalars(select(Meeting).where(Meeting.cohort_id == cohort.id, Meeting.released_at.is_not(None)))
    phases = [phase_at(programme, meeting.released_at, me.zone, ctx.now) for meeting in released if meeting.released_at]
    return any(phase is not None and not phase.sharing_may_widen for phase in phases)


async def _coming(ctx: Context, tx: Transaction, me: Person) -> list[screens.Coming]:
    chat = await private_chat(tx, me.id)
    cohorts = [member.cohort_id for member, _ in await _places(tx, me)]
    steps = await tx.scalars(
        select(Delivery.due_at).where(
            Delivery.chat_id == chat.id,
            Delivery.state == DeliveryState.PLANNED,
            Delivery.verb == Verb.SEND,
            Delivery.kind == "prompt",
        )
    )
    openings = await tx.scalars(
        select(Moment.due_at).where(
            Moment.cohort_id.in_(cohorts), Moment.kind == "opening", Moment.state == MomentState.WAITING
        )
    )
    meetings = await tx.scalars(
        select(Meeting).where(
            Meeting.cohort_id.in_(cohorts), Meeting.state == MeetingState.PLANNED, Meeting.starts_at > ctx.now
        )
    )
    all_of_it = [
        *(screens.Coming(at, "step") for at in steps),
        *(screens.Coming(at, "opening") for at in openings),
        *(
            screens.Coming(meeting.starts_at, "session" if meeting.kind is MeetingKind.SESSION else "gathering")
            for meeting in meetings
        ),
    ]
    return sorted(all_of_it, key=lambda one: one.at)[:_SHOWN]


def _span(words: str) -> timedelta:
    """Read "3d", "12h" or "1w".

    Raises:
        NotASpan
    """
    found = _SPAN.fullmatch(words.strip().lower())
    if found is None or int(found[1]) == 0:
        raise NotASpan
    return int(found[1]) * _UNITS[found[2]]


class WideningRests(Refused):
    """A consent may not be turned on in the acute and landing phases."""


COMMANDS: dict[str, Handler] = {
    "settings": settings,
    "next": coming,
    "pause": pause,
    "resume": resume,
    "unpair": unpair,
    "leave": leave,
}

BUTTONS: dict[str, Handler] = {
    "settings": settings,
    "next": coming,
    "my-language": my_language,
    "my-discreet": my_discreet,
    "my-quiet": my_quiet,
    "my-zone": my_zone,
    "my-place": my_place,
    "my-switch": my_switch,
    "my-pace": my_pace,
    "pause": pause,
    "resume": resume,
    "unpair": unpair,
    "leave": leave,
}

TYPED: dict[str, Handler] = {"my-zone": zone_typed}

REFUSALS: dict[type[Refused], str] = {
    NoPlaceYet: N_("You are not part of a group here yet. Open the link your facilitator gave you."),
    NotASpan: N_("How long? Try /pause 3d, /pause 12h or /pause alone."),
    WideningRests: N_("In these first hours nothing can be shared more widely. Turning it off always works."),
}
