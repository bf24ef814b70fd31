"""Where somebody is and how they want to be written to: zone, country, quiet hours, language, folded or not."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from bot.buttons import UnknownButton
from bot.enrolment import about, joining, rules
from bot.enrolment import settings as screens
from bot.enrolment.zones import (
    countries,
    find_countries,
    find_places,
    likely_zones,
    nearest_places,
    read_cities,
    zone_named,
)
from bot.errors import Refused
from bot.messages import Message
from bot.storage.database import Transaction
from bot.storage.drafts import awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Person
from bot.texts import N_, Texts, languages
from bot.words import QuietHours
from handlers import place
from handlers.context import Context, Handler
from handlers.menus import menu_of, offer

_ZONE, _COUNTRY = "my-zone", "my-country"


async def settings(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        screen = await _settled(ctx, tx, me)
    await ctx.toast()
    await ctx.show(screen)


async def my_language(ctx: Context) -> None:
    if ctx.tap.arg not in languages():
        raise UnknownButton
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        me.language = ctx.tap.arg
        screen = await _settled(ctx, tx, me)
        mine = await menu_of(tx, me)
    await ctx.toast()
    await ctx.show(screen)
    await offer(ctx.runtime, mine)


async def my_discreet(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        me.discreet = not me.discreet
        screen = await _settled(ctx, tx, me)
    await ctx.toast()
    await ctx.show(screen)


async def my_quiet(ctx: Context) -> None:
    """Quiet hours: the choices, or one of them."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.tap.arg:
            await joining.settle(tx, me, quiet=_quiet_hours(ctx.tap.arg), now=ctx.now)
        screen = screens.pick_quiet(me, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


def _quiet_hours(arg: str) -> QuietHours:
    chosen = next((quiet for quiet in about.quiet_choices() if about.quiet_argument(quiet) == arg), None)
    if chosen is None:
        raise UnknownButton
    return chosen


async def my_zone(ctx: Context) -> None:
    """The zone: a question that may be answered by typing, or a pressed clock."""
    await asyncio.to_thread(read_cities)
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.tap.arg:
            zone = zone_named(ctx.tap.arg.replace(".", "/"))
            if zone is None:
                raise UnknownButton
            await joining.settle(tx, me, zone=ZoneInfo(zone), now=ctx.now)
            screen = await _settled(ctx, tx, me)
        else:
            await keep_draft(tx, me.id, _ZONE, {}, awaits=_ZONE, now=ctx.now)
            likely = likely_zones(ctx.texts.locale.language, me.country, but=[me.zone.key])
            screen = about.pick_zone(likely, _ZONE, None, screens.to_settings(ctx.texts), ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def zone_typed(ctx: Context) -> None:
    """A city or a zone: taken if there is only one such place, else there is something to choose."""
    places = await asyncio.to_thread(find_places, ctx.said.text, ctx.texts.locale.language)
    near = places or await asyncio.to_thread(nearest_places, ctx.said.text)
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if len(places) == 1:
            await joining.settle(tx, me, zone=ZoneInfo(places[0].zone), country=places[0].country, now=ctx.now)
            screen = await _settled(ctx, tx, me)
        else:
            back = screens.to_settings(ctx.texts)
            screen = about.places_found(near, _ZONE, None, back, ctx.texts, ctx.now, guessed=not places)
    await ctx.say(screen)


async def my_country(ctx: Context) -> None:
    """The country: a question that is answered by typing, or one of several that were meant."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.tap.arg:
            if ctx.tap.arg not in countries():
                raise UnknownButton
            await joining.settle(tx, me, country=ctx.tap.arg, now=ctx.now)
            screen = await _settled(ctx, tx, me)
        else:
            await keep_draft(tx, me.id, _COUNTRY, {}, awaits=_COUNTRY, now=ctx.now)
            screen = screens.ask_country(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def country_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        found = find_countries(ctx.said.text, [ctx.texts.locale.language])
        if len(found) == 1:
            await joining.settle(tx, me, country=found[0], now=ctx.now)
            screen = await _settled(ctx, tx, me)
        else:
            screen = screens.countries_found(found, ctx.texts)
    await ctx.say(screen)


async def _settled(ctx: Context, tx: Transaction, me: Person) -> Message:
    """The settings as they are now; what was asked to be typed here is not awaited any more."""
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is not None and draft.kind in {_ZONE, _COUNTRY}:
        await drop_draft(tx, draft)
    places = [(member.id, name) for member, name in await place.enrolled_places(tx, me)]
    return screens.settings(me, places, Texts(me.language, me.zone), now=ctx.now)


COMMANDS: dict[str, Handler] = {"settings": settings, **place.COMMANDS}

BUTTONS: dict[str, Handler] = {
    "settings": settings,
    "my-language": my_language,
    "my-discreet": my_discreet,
    "my-quiet": my_quiet,
    "my-zone": my_zone,
    "my-country": my_country,
    **place.BUTTONS,
}

TYPED: dict[str, Handler] = {"my-zone": zone_typed, "my-country": country_typed, **place.TYPED}

REFUSALS: dict[type[Refused], str] = {
    rules.NoPlaceYet: N_("You are not part of a group here. Open the link your facilitator gave you, if you have one."),
    rules.NotASpan: N_("How long? Try /pause 3d, /pause 12h or /pause alone."),
    rules.NotPaused: N_("You are not paused: everything runs. /pause lets it rest."),
    rules.AlreadyUnpaired: N_("There is nothing to turn off here. /settings shows what you can change."),
    rules.WideningRests: N_("In these first hours nothing can be shared more widely. Turning it off always works."),
}
