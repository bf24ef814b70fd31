"""The screens between a seat's link and the admission."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.buttons import UnknownButton, button
from bot.enrolment import about, compose, consent, joining
from bot.enrolment.queries import Joining, own_place
from bot.enrolment.queries import joining as read_joining
from bot.enrolment.rules import ABOUT, READERS, SWITCHES, WELCOME, NotThere, switches_of
from bot.enrolment.zones import (
    countries,
    find_countries,
    find_places,
    likely_zones,
    nearest_places,
    read_cities,
    zone_named,
)
from bot.messages import Button, Message
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Draft
from bot.texts import Texts
from bot.words import Consent, MemberState
from handlers.context import Context, Handler

_DRAFT = "joining"
_SCREENS: dict[str, Callable[[Joining, Texts], Message]] = {
    WELCOME: consent.welcome,
    READERS: consent.readers,
    SWITCHES: consent.switches,
}


def screen_of(ctx: Context, tx: Transaction, j: Joining) -> Message:
    """Where the joining of one member stands: this is also where it goes on after a break."""
    if j.member.state is MemberState.LISTED:
        return compose.listed(j, ctx.texts)
    if j.member.state is MemberState.WAITING:
        return about.waiting(j, tx.keys, ctx.texts)
    if j.member.screen == ABOUT:
        return about.about(j, ctx.texts, ctx.now)
    return _SCREENS[j.member.screen](j, ctx.texts)


async def go(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        joining.go_to(j.member, ctx.tap.arg)
        await _forget_typed(ctx, tx, j)
        screen = screen_of(ctx, tx, j)
    await ctx.toast()
    await ctx.show(screen)


async def show(ctx: Context) -> None:
    """The joining as it stands, from the home of somebody who has other things here."""
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        if j.member.state is MemberState.ENROLLED:
            raise NotThere
        screen = screen_of(ctx, tx, j)
    await ctx.toast()
    await ctx.show(screen)


async def full(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        if ctx.tap.arg not in consent.FULL_TEXTS:
            raise UnknownButton
        screen = consent.full_text(j, ctx.tap.arg, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def switch(ctx: Context) -> None:
    """One switch, the other way."""
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        joining.check_joining(j.member)
        asked = switches_of(j.cohort.kind, minimal=j.cohort.minimal)
        if ctx.tap.arg not in asked:
            raise UnknownButton
        turned = Consent(ctx.tap.arg)
        await joining.set_consent(
            tx,
            j.member,
            turned,
            granted=turned not in j.consents,
            version=consent.VERSION,
            language=ctx.texts.language,
            now=ctx.now,
        )
        screen = consent.switches(await _mine(ctx, tx), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def adult(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        if j.member.screen != ABOUT:  # a second press finds it said
            await joining.confirm_adult(tx, j.member, version=consent.VERSION, language=ctx.texts.language, now=ctx.now)
        screen = about.about(j, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def done(ctx: Context) -> None:
    """Everything on the fourth screen is right: the facilitators read that somebody waits."""
    async with ctx.transaction() as tx:
        j = await _mine(ctx, tx)
        if j.member.state is not MemberState.WAITING:  # a second press finds it done
            await joining.finish(tx, j.member, j.person, j.cohort.zone, now=ctx.now)
        await _forget_typed(ctx, tx, j)
        screen = about.waiting(j, tx.keys, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


# ── The fourth screen's pickers ────────────────────────────────────────────────────────────────────────────────────


def _asking(awaits: str, ask: Callable[[Context, Joining], Message]) -> Handler:
    """A button after which something may be typed."""

    async def press(ctx: Context) -> None:
        await asyncio.to_thread(read_cities)
        async with ctx.transaction() as tx:
            j = await _at_the_last_screen(ctx, tx)
            await keep_draft(tx, j.person.id, _DRAFT, {"member": str(j.member.id)}, awaits=awaits, now=ctx.now)
            screen = ask(ctx, j)
        await ctx.toast()
        await ctx.show(screen)

    return press


def _ask_place(ctx: Context, j: Joining) -> Message:
    country = j.person.country or _region(ctx.said.language_code)
    zones = likely_zones(ctx.texts.locale.language, country, but=[j.zone.key])
    return about.pick_zone(zones, "zone-in", j.member.id, _back(ctx, j), ctx.texts, ctx.now)


def _region(language_code: str | None) -> str | None:
    """The country in a phone's language: "de-AT"."""
    region = (language_code or "").replace("_", "-").partition("-")[2].upper()
    return region if region in countries() else None


async def quiet_hours(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        screen = about.pick_quiet(await _at_the_last_screen(ctx, tx), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def zone_pressed(ctx: Context) -> None:
    zone = zone_named(ctx.tap.arg.replace(".", "/"))
    if zone is None:
        raise UnknownButton
    async with ctx.transaction() as tx:
        j = await _at_the_last_screen(ctx, tx)
        await joining.settle(tx, j.person, zone=ZoneInfo(zone), now=ctx.now)
        await _forget_typed(ctx, tx, j)
        screen = about.about(j, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def country_pressed(ctx: Context) -> None:
    if ctx.tap.arg not in countries():
        raise UnknownButton
    async with ctx.transaction() as tx:
        j = await _at_the_last_screen(ctx, tx)
        await joining.settle(tx, j.person, country=ctx.tap.arg, now=ctx.now)
        await _forget_typed(ctx, tx, j)
        screen = about.about(j, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def quiet_pressed(ctx: Context) -> None:
    chosen = next((quiet for quiet in about.quiet_choices() if about.quiet_argument(quiet) == ctx.tap.arg), None)
    if chosen is None:
        raise UnknownButton
    async with ctx.transaction() as tx:
        j = await _at_the_last_screen(ctx, tx)
        await joining.settle(tx, j.person, quiet=chosen, now=ctx.now)
        screen = about.pick_quiet(j, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def name_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        draft, j = await _awaited(ctx, tx)
        await joining.rename(tx, j.member, ctx.said.text)
        await drop_draft(tx, draft)
        screen = about.about(await read_joining(tx, j.member), ctx.texts, ctx.now)
    await ctx.say(screen)


async def place_typed(ctx: Context) -> None:
    """Taken if there is only one such place, else there is something to choose."""
    places = await asyncio.to_thread(find_places, ctx.said.text, ctx.texts.locale.language)
    near = places or await asyncio.to_thread(nearest_places, ctx.said.text)
    async with ctx.transaction() as tx:
        draft, j = await _awaited(ctx, tx)
        if len(places) == 1:
            await joining.settle(tx, j.person, zone=ZoneInfo(places[0].zone), country=places[0].country, now=ctx.now)
            await drop_draft(tx, draft)
            screen = about.about(j, ctx.texts, ctx.now)
        else:
            back = _back(ctx, j)
            screen = about.places_found(near, "zone-in", j.member.id, back, ctx.texts, ctx.now, guessed=not places)
    await ctx.say(screen)


async def country_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        draft, j = await _awaited(ctx, tx)
        found = find_countries(ctx.said.text, [ctx.texts.locale.language])
        if len(found) == 1:
            await joining.settle(tx, j.person, country=found[0], now=ctx.now)
            await drop_draft(tx, draft)
            screen = about.about(j, ctx.texts, ctx.now)
        else:
            screen = about.pick_country(j, found, ctx.texts, asked=False)
    await ctx.say(screen)


# ── Under it ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _mine(ctx: Context, tx: Transaction) -> Joining:
    """The joining that the pressed button speaks of, if it is this person's."""
    return await read_joining(tx, await own_place(tx, await ctx.person(tx), ctx.ref))


async def _at_the_last_screen(ctx: Context, tx: Transaction) -> Joining:
    j = await _mine(ctx, tx)
    if j.member.state is not MemberState.JOINING or j.member.screen != ABOUT:
        raise NotThere
    return j


async def _awaited(ctx: Context, tx: Transaction) -> tuple[Draft, Joining]:
    """The joining that typed words belong to."""
    me = await ctx.person(tx)
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is None or draft.kind != _DRAFT:
        raise DraftGone
    j = await read_joining(tx, await own_place(tx, me, UUID(tx.open_json(draft, "content")["member"])))
    joining.check_joining(j.member)
    return draft, j


async def _forget_typed(ctx: Context, tx: Transaction, j: Joining) -> None:
    """A picker was left by its button: words typed from now on are not for it."""
    draft = await awaiting_draft(tx, j.person.id, now=ctx.now)
    if draft is not None and draft.kind == _DRAFT:
        await drop_draft(tx, draft)


def _back(ctx: Context, j: Joining) -> Button:
    return button(ctx.texts.label("Back"), "join-go", j.member.id, ABOUT)


BUTTONS: dict[str, Handler] = {
    "join-go": go,
    "join-show": show,
    "join-full": full,
    "join-switch": switch,
    "join-adult": adult,
    "join-name": _asking("join-name", lambda ctx, j: about.ask_name(j, ctx.texts)),
    "join-place": _asking("join-place", _ask_place),
    "join-country": _asking("join-country", lambda ctx, j: about.pick_country(j, (), ctx.texts, asked=True)),
    "join-quiet": quiet_hours,
    "zone-in": zone_pressed,
    "country-in": country_pressed,
    "quiet-in": quiet_pressed,
    "join-done": done,
}

TYPED: dict[str, Handler] = {
    "join-name": name_typed,
    "join-place": place_typed,
    "join-country": country_typed,
}
