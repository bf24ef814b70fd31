"""What a member does with their own place, at any time: look ahead, narrow or widen, rest, unpair, leave."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from bot.buttons import UnknownButton
from bot.checkins.actions import destroy_openings
from bot.enrolment import joining, leaving, queries, rules, shared
from bot.enrolment import place as screens
from bot.enrolment.coming import coming
from bot.enrolment.consent import VERSION
from bot.messages import Message
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Cohort, Member, Person
from bot.window.actions import preview
from bot.window.queries import consents_of, widening_rests
from bot.words import CohortKind, Consent, MemberState, Pace
from handlers.context import Context, Handler
from handlers.menus import menu_of, offer

_YES = "yes"
_ALIAS = "my-alias"


async def what_comes(ctx: Context) -> None:
    """/next: what comes, without what it asks."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        places = [member for member, _ in await enrolled_places(tx, me)]
        screen = screens.what_comes(await coming(tx, places, now=ctx.now), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


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
        cohort = await tx.get_one(Cohort, member.cohort_id)
        if ctx.tap.arg not in rules.switches_of(cohort.kind, minimal=cohort.minimal):
            raise UnknownButton
        switch = Consent(ctx.tap.arg)
        granted = switch not in await consents_of(tx, member.id)
        if granted and await widening_rests(tx, cohort, me.zone, ctx.now):
            raise rules.WideningRests
        await joining.set_consent(
            tx, member, switch, granted=granted, version=VERSION, language=me.language, now=ctx.now
        )
        await tx.flush()
        screen = await _place(ctx, tx, member)
    await ctx.toast()
    await ctx.show(screen)


async def my_pace(ctx: Context) -> None:
    if ctx.tap.arg not in set(Pace):
        raise UnknownButton
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await queries.own_place(tx, me, ctx.ref)
        await leaving.change_pace(tx, member, Pace(ctx.tap.arg), now=ctx.now)
        screen = await _place(ctx, tx, member)
        cohort = await tx.get_one(Cohort, member.cohort_id)
    alone = cohort.kind is CohortKind.INDIVIDUAL
    await ctx.toast("" if alone else ctx.texts.label("Only you see this; the others go on as before."))
    await ctx.show(screen)


async def my_alias(ctx: Context) -> None:
    """Ask for another name in this cohort."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await queries.own_place(tx, me, ctx.ref)
        await keep_draft(tx, me.id, _ALIAS, {"member": str(member.id)}, awaits=_ALIAS, now=ctx.now)
        cohort = await tx.get_one(Cohort, member.cohort_id)
        screen = screens.ask_alias(member, cohort, await queries.holders(tx, cohort.id), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def alias_typed(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        if draft is None or draft.kind != _ALIAS:
            raise DraftGone
        member = await queries.own_place(tx, me, UUID(tx.open_json(draft, "content")["member"]))
        await joining.rename(tx, member, ctx.said.text)
        await drop_draft(tx, draft)
        screen = await _place(ctx, tx, member)
    await ctx.say(screen)


# ── Resting ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def pause(ctx: Context) -> None:
    """/pause [3d], or the buttons."""
    wish = ctx.said.tap.arg if ctx.said.tap else "".join(ctx.said.text.split())
    lasts = rules.span_of_pause(wish)
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await _which(ctx, tx, me)
        if member is None:
            screen = await _ask_which(ctx, tx, me, "pause", wish)
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
            screen = await _ask_which(ctx, tx, me, "resume")
        else:
            await leaving.resume(tx, member, now=ctx.now)
            screen = await _place(ctx, tx, member)
    await ctx.toast()
    await ctx.show(screen)


# ── Unpairing ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def unpair(ctx: Context) -> None:
    """/unpair: for a couple that one holds, if it is named or one has no place of one's own; else for oneself."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        holds = ctx.said.tap is None and await queries.is_facilitator(tx, me)
        if holds and (ctx.said.text or not await queries.memberships(tx, me)):
            screen = await _unpair_which(ctx, tx, me)
        else:
            screen = await _unpair_mine(ctx, tx, me)
    await ctx.toast()
    await ctx.show(screen)


async def unpair_for(ctx: Context) -> None:
    """The buttons of a facilitator: ask first, then for both alike."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await queries.held_cohort(tx, me, ctx.ref)
        if ctx.tap.arg == _YES:
            await _unpair(tx, cohort, me, ctx)
            screen = screens.unpaired_now(ctx.texts)
        else:
            screen = await _unpair_asked(ctx, tx, cohort)
    await ctx.toast()
    await ctx.show(screen)


async def _unpair_mine(ctx: Context, tx: Transaction, me: Person) -> Message:
    member = await _which(ctx, tx, me)
    if member is None:
        return await _ask_which(ctx, tx, me, "unpair")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    leaving.check_paired(cohort)
    if ctx.said.tap is None or ctx.said.tap.arg != _YES:
        return screens.confirm_unpair(member, ctx.texts)
    await _unpair(tx, cohort, me, ctx)
    return screens.unpaired_now(ctx.texts)


async def _unpair_which(ctx: Context, tx: Transaction, me: Person) -> Message:
    if ctx.said.text:
        return await _unpair_asked(ctx, tx, await queries.find_cohort(tx, me, " ".join(rules.words_of(ctx.said.text))))
    couples = [
        (cohort.id, tx.open(cohort, "name"))
        for cohort in await queries.cohorts_held_by(tx, me)
        if cohort.kind is CohortKind.COUPLE and cohort.unpaired_at is None
    ]
    if not couples:
        raise rules.AlreadyUnpaired
    return screens.which_place(couples, "unpair-for", ctx.texts)


async def _unpair_asked(ctx: Context, tx: Transaction, cohort: Cohort) -> Message:
    leaving.check_paired(cohort)
    impact = await preview(tx, cohort.id, partial(_as_unpaired, cohort.id, ctx), now=ctx.now)
    return screens.confirm_unpair_for(cohort.id, tx.open(cohort, "name"), len(impact.withdrawn), ctx.texts)


async def _as_unpaired(cohort_id: UUID, ctx: Context, tx: Transaction) -> None:
    (await tx.get_one(Cohort, cohort_id)).unpaired_at = ctx.now


async def _unpair(tx: Transaction, cohort: Cohort, me: Person, ctx: Context) -> None:
    """Envelopes first: once the plan is made again nobody knows which hours there were."""
    await tx.refresh(cohort, with_for_update=True)  # the other may press at the same instant
    leaving.check_paired(cohort)
    await destroy_openings(tx, cohort.id, now=ctx.now)
    await leaving.unpair(tx, cohort, me.id, now=ctx.now)


# ── Leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def leave(ctx: Context) -> None:
    """Ask once, then gone at once; a second press finds it done."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.said.tap is not None and await queries.has_left(tx, me, ctx.ref):
            screen = screens.left(ctx.texts)
        else:
            screen = await _leave(ctx, tx, me)
        mine = await menu_of(tx, me)
    await ctx.toast()
    await ctx.show(screen)
    await offer(ctx.runtime, mine)


async def _leave(ctx: Context, tx: Transaction, me: Person) -> Message:
    """Who is still joining may leave too."""
    places = await queries.memberships(tx, me)
    member = await queries.own_place(tx, me, ctx.ref) if ctx.said.tap else (places[0] if len(places) == 1 else None)
    if member is None:
        if not places:
            raise rules.NoPlaceYet
        return screens.which_place(await _named(tx, places), "leave", ctx.texts)
    if ctx.said.tap is None or ctx.said.tap.arg != _YES:
        cohort = await tx.get_one(Cohort, member.cohort_id)
        return screens.confirm_leave(member, cohort.kind, tx.open(cohort, "name"), ctx.texts)
    if member.state is MemberState.LISTED:
        await shared.leave_list(tx, member, now=ctx.now)
    else:
        await leaving.leave(tx, member, now=ctx.now)
        await shared.offer_free_seat(tx, member, now=ctx.now)
    return screens.left(ctx.texts)


# ── Under it ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def enrolled_places(tx: Transaction, me: Person) -> list[tuple[Member, str]]:
    """The cohorts this person is enrolled in, by name."""
    return [
        (member, tx.open(await tx.get_one(Cohort, member.cohort_id), "name"))
        for member in await queries.memberships(tx, me)
        if member.state is MemberState.ENROLLED
    ]


async def _named(tx: Transaction, members: list[Member]) -> list[tuple[UUID, str]]:
    return [(member.id, tx.open(await tx.get_one(Cohort, member.cohort_id), "name")) for member in members]


async def _which(ctx: Context, tx: Transaction, me: Person) -> Member | None:
    """The place a button names, or the only one there is; none if the person has to say which."""
    if ctx.said.tap is not None and ctx.said.tap.ref is not None:
        return await queries.own_place(tx, me, ctx.said.tap.ref)
    places = await enrolled_places(tx, me)
    if not places:
        raise rules.NoPlaceYet
    return places[0][0] if len(places) == 1 else None


async def _ask_which(ctx: Context, tx: Transaction, me: Person, action: str, arg: str = "") -> Message:
    places = [(member.id, name) for member, name in await enrolled_places(tx, me)]
    return screens.which_place(places, action, ctx.texts, arg)


async def _place(ctx: Context, tx: Transaction, member: Member) -> Message:
    cohort = await tx.get_one(Cohort, member.cohort_id)
    granted = await consents_of(tx, member.id)
    switches = {switch: switch in granted for switch in rules.switches_of(cohort.kind, minimal=cohort.minimal)}
    holders = await queries.holders(tx, cohort.id)
    name, alias = tx.open(cohort, "name"), tx.open(member, "alias")
    return screens.place(member, cohort, name, switches, holders, ctx.texts, alias=alias, now=ctx.now)


COMMANDS: dict[str, Handler] = {
    "next": what_comes,
    "pause": pause,
    "resume": resume,
    "unpair": unpair,
    "leave": leave,
}

TYPED: dict[str, Handler] = {_ALIAS: alias_typed}

BUTTONS: dict[str, Handler] = {
    "next": what_comes,
    "my-place": my_place,
    "my-switch": my_switch,
    "my-pace": my_pace,
    "my-alias": my_alias,
    "pause": pause,
    "resume": resume,
    "unpair": unpair,
    "unpair-for": unpair_for,
    "leave": leave,
}
