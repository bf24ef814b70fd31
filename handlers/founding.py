"""A facilitator makes a cohort: in one line, or by buttons and typed words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from bot.buttons import UnknownButton, button
from bot.enrolment import about, actions, founding, shared
from bot.enrolment.queries import is_facilitator
from bot.enrolment.rules import (
    NotYours,
    UnknownZone,
    cohort_kind,
    good_name,
    labels_typed,
    seat_labels,
    shares_one_link,
)
from bot.enrolment.wish import LIGHTER, Wish, begin, chosen_programme, fitting, missing, wish_from
from bot.enrolment.zones import find_places, likely_zones, nearest_places, zone_named
from bot.messages import Message
from bot.programmes.shelf import Shelved, library, pin, pin_for
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, change_draft, drop_draft, keep_draft, read_draft
from bot.storage.tables import Cohort, Draft, Person
from bot.words import CohortKind, SecretsPolicy
from handlers.context import Context, Handler

_DRAFT = "cohort"
_AWAITED = {"name": "cohort-name", "labels": "cohort-labels", "zone": "cohort-zone"}


async def new_cohort(ctx: Context) -> None:
    """``/newcohort`` with everything in one line, or the button."""
    ctx.stay_private()
    shelf = _shelf(ctx)
    line = "" if ctx.said.tap else ctx.said.text
    wish = wish_from(line, shelf) if line else None
    if wish is not None and wish.zone is not None:
        wish = replace(wish, zone=await _zone(wish.zone, ctx))
    async with ctx.transaction() as tx:
        me = await _facilitator(ctx, tx)
        if wish is None:
            screen = founding.ask_kind(ctx.texts)
        else:
            await actions.check_name_is_free(tx, me, wish.name)
            chosen_programme(wish, _kinds(shelf))
            screen = await _begin(ctx, tx, me, wish)
    await ctx.toast()
    await ctx.show(screen)


async def kind_chosen(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        screen = await _begin(ctx, tx, await _facilitator(ctx, tx), begin(cohort_kind(ctx.tap.arg)))
    await ctx.toast()
    await ctx.show(screen)


async def ask_again(ctx: Context) -> None:
    """One of the buttons that change what is being looked over."""
    async with ctx.transaction() as tx:
        draft, wish = await _pressed(ctx, tx)
        if ctx.tap.arg == "programme":
            screen = founding.pick_programme(draft.id, _titles(ctx, wish), ctx.texts)
        else:
            screen = await _ask(ctx, tx, draft, wish, ctx.tap.arg if ctx.tap.arg in _AWAITED else _next(wish))
    await ctx.toast()
    await ctx.show(screen)


async def name_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await _facilitator(ctx, tx)
        draft, wish = await _typed(ctx, tx, me)
        wish = replace(wish, name=good_name(ctx.said.text))
        await actions.check_name_is_free(tx, me, wish.name)
        screen = await _go_on(ctx, tx, draft, wish)
    await ctx.say(screen)


async def labels_were_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        draft, wish = await _typed(ctx, tx, await _facilitator(ctx, tx))
        screen = await _go_on(ctx, tx, draft, replace(wish, labels=seat_labels(wish.kind, labels_typed(ctx.said.text))))
    await ctx.say(screen)


async def zone_typed(ctx: Context) -> None:
    """A city or a zone: taken if there is only one, else there is something to choose."""
    t = ctx.texts
    places = await asyncio.to_thread(find_places, ctx.said.text, t.locale.language)
    near = places or await asyncio.to_thread(nearest_places, ctx.said.text)
    async with ctx.transaction() as tx:
        draft, wish = await _typed(ctx, tx, await _facilitator(ctx, tx))
        if len(places) == 1:
            screen = await _go_on(ctx, tx, draft, replace(wish, zone=places[0].zone))
        else:
            back = button(ctx.texts.label("Cancel"), "found-drop", draft.id)
            screen = about.places_found(near, "zone-co", draft.id, back, ctx.texts, ctx.now, guessed=not places)
    await ctx.say(screen)


async def make(ctx: Context) -> None:
    """Make it, and send the links."""
    shelf = _shelf(ctx)
    async with ctx.transaction() as tx:
        draft, wish = await _pressed(ctx, tx)
        me = await _facilitator(ctx, tx)
        name = chosen_programme(wish, _kinds(shelf))
        programme = await pin_for(tx, shelf, name, wish.kind, ctx.now)
        lighter = await pin(tx, shelf[LIGHTER].source, ctx.now) if LIGHTER in shelf and name != LIGHTER else None
        cohort = await actions.make_cohort(
            tx, wish, me, programme=programme.digest, lighter=lighter.digest if lighter else None, now=ctx.now
        )
        screen = await _send_links(ctx, tx, cohort, me, wish)
        await drop_draft(tx, draft)
    await ctx.toast()
    await ctx.show(screen)


async def _send_links(ctx: Context, tx: Transaction, cohort: Cohort, me: Person, wish: Wish) -> Message:
    bot = ctx.runtime.bot_username
    if not shares_one_link(wish.kind, wish.labels):
        links = await actions.send_all_links(tx, cohort, me, bot, now=ctx.now)
        return founding.made(cohort, wish.name, links, ctx.texts)
    link = await shared.make_shared_link(tx, cohort, me, now=ctx.now)
    await shared.send_shared_link(tx, link, me, bot, now=ctx.now)
    return founding.made_for_all(cohort, wish.name, ctx.texts)


async def give_up(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        draft, _ = await _pressed(ctx, tx)
        await drop_draft(tx, draft)
        screen = founding.given_up(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


def _changes(change: Callable[[Context, Wish], Wish]) -> Handler:
    """A button that changes the wish and goes on with whatever is missing next."""

    async def press(ctx: Context) -> None:
        async with ctx.transaction() as tx:
            draft, wish = await _pressed(ctx, tx)
            screen = await _go_on(ctx, tx, draft, change(ctx, wish))
        await ctx.toast()
        await ctx.show(screen)

    return press


def _numbers(ctx: Context, wish: Wish) -> Wish:  # noqa: ARG001 - one signature for all changes
    return replace(wish, labels=seat_labels(wish.kind, []))


def _pressed_zone(ctx: Context, wish: Wish) -> Wish:
    zone = zone_named(ctx.tap.arg.replace(".", "/"))
    if zone is None:
        raise UnknownButton
    return replace(wish, zone=zone)


def _pressed_policy(ctx: Context, wish: Wish) -> Wish:
    if ctx.tap.arg not in set(SecretsPolicy):
        raise UnknownButton
    return replace(wish, policy=SecretsPolicy(ctx.tap.arg))


def _pressed_programme(ctx: Context, wish: Wish) -> Wish:
    fit = fitting(wish.kind, _kinds(_shelf(ctx)))
    if not ctx.tap.arg.isdecimal() or int(ctx.tap.arg) >= len(fit):
        raise UnknownButton
    return replace(wish, programme=fit[int(ctx.tap.arg)])


# ── Under it ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _facilitator(ctx: Context, tx: Transaction) -> Person:
    me = await ctx.person(tx)
    if not await is_facilitator(tx, me):
        raise NotYours
    return me


async def _pressed(ctx: Context, tx: Transaction) -> tuple[Draft, Wish]:
    me = await _facilitator(ctx, tx)
    draft = await read_draft(tx, ctx.ref, me.id, _DRAFT, now=ctx.now)
    return draft, Wish.from_json(tx.open_json(draft, "content"))


async def _typed(ctx: Context, tx: Transaction, me: Person) -> tuple[Draft, Wish]:
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is None or draft.kind != _DRAFT:
        raise DraftGone
    return draft, Wish.from_json(tx.open_json(draft, "content"))


async def _begin(ctx: Context, tx: Transaction, me: Person, wish: Wish) -> Message:
    if wish.zone is None and me.zone_confirmed:
        wish = replace(wish, zone=me.zone.key)
    draft = await keep_draft(tx, me.id, _DRAFT, wish.as_json(), now=ctx.now)
    return await _go_on(ctx, tx, draft, wish)


async def _go_on(ctx: Context, tx: Transaction, draft: Draft, wish: Wish) -> Message:
    return await _ask(ctx, tx, draft, wish, _next(wish))


def _next(wish: Wish) -> str:
    return missing(wish) or "review"


async def _ask(ctx: Context, tx: Transaction, draft: Draft, wish: Wish, what: str) -> Message:
    await change_draft(tx, draft, wish.as_json(), awaits=_AWAITED.get(what))
    if what == "name":
        return founding.ask_name(draft.id, ctx.texts)
    if what == "labels":
        return founding.ask_labels(draft.id, wish, ctx.texts)
    if what == "zone":
        zones = likely_zones(ctx.texts.locale.language, None)
        return founding.ask_zone(draft.id, zones, ctx.texts, ctx.now)
    shelf = _shelf(ctx)
    title = shelf[chosen_programme(wish, _kinds(shelf))].programme.title
    return founding.review(draft.id, wish, ctx.texts.pick(title), ctx.texts, ctx.now)


def _shelf(ctx: Context) -> dict[str, Shelved]:
    return library(ctx.runtime.settings.programmes_dir)


def _kinds(shelf: dict[str, Shelved]) -> dict[str, CohortKind | None]:
    return {name: shelved.programme.kind for name, shelved in shelf.items()}


def _titles(ctx: Context, wish: Wish) -> list[str]:
    shelf = _shelf(ctx)
    return [ctx.texts.pick(shelf[name].programme.title) for name in fitting(wish.kind, _kinds(shelf))]


async def _zone(written: str, ctx: Context) -> str:
    """The zone that somebody wrote into a command.

    Raises:
        UnknownZone: with the nearest names.
    """
    places = await asyncio.to_thread(find_places, written, ctx.texts.locale.language)
    if len(places) == 1:
        return places[0].zone
    near = places or await asyncio.to_thread(nearest_places, written)
    raise UnknownZone(nearest=", ".join(place.zone for place in near) or "Europe/Berlin")


BUTTONS: dict[str, Handler] = {
    "new-cohort": new_cohort,
    "found-kind": kind_chosen,
    "found-ask": ask_again,
    "found-numbers": _changes(_numbers),
    "zone-co": _changes(_pressed_zone),
    "found-policy": _changes(_pressed_policy),
    "found-minimal": _changes(lambda _, wish: replace(wish, minimal=not wish.minimal)),
    "found-screened": _changes(lambda _, wish: replace(wish, screened=not wish.screened)),
    "found-programme": _changes(_pressed_programme),
    "found-make": make,
    "found-drop": give_up,
}

TYPED: dict[str, Handler] = {
    "cohort-name": name_typed,
    "cohort-labels": labels_were_typed,
    "cohort-zone": zone_typed,
}
