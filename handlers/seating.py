"""A group's one link for all, its waiting list, and one seat more."""

from __future__ import annotations

from bot.enrolment import compose, home, rules, shared
from bot.enrolment.queries import held_cohort, own_place, shared_link_of
from bot.storage.tables import Cohort, Member
from bot.words import MemberState
from handlers.context import Context, Handler


async def shared_show(ctx: Context) -> None:
    await _send_link(ctx, new=False)


async def shared_new(ctx: Context) -> None:
    await _send_link(ctx, new=True)


async def _send_link(ctx: Context, *, new: bool) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, ctx.ref)
        link = await shared_link_of(tx, cohort.id)
        if link is None:
            raise rules.NotYours
        if new:
            link = await shared.make_shared_link(tx, cohort, me, now=ctx.now)
        if not await shared.send_shared_link(tx, link, me, ctx.runtime.bot_username, now=ctx.now):
            raise rules.LinkBurnt
        screen = await home.seats_page(tx, cohort, ctx.texts, ctx.now)
    await ctx.toast(ctx.texts.label("It is on its way to you."))
    await ctx.show(screen)


async def seat_add(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, ctx.ref)
        await shared.add_seat(tx, cohort.id, me, now=ctx.now)
        screen = await home.cohort_page(tx, cohort, ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def seat_give(ctx: Context) -> None:
    """A seat for somebody on the waiting list; they go through the screens, and are admitted like everybody."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await tx.get(Member, ctx.ref)
        if member is None:
            raise rules.NotYours
        await held_cohort(tx, me, member.cohort_id)
        await shared.give_seat(tx, member, me, now=ctx.now)
        screen = await home.cohort_page(tx, await tx.get_one(Cohort, member.cohort_id), ctx.texts, ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def list_leave(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        member = await own_place(tx, await ctx.person(tx), ctx.ref)
        if member.state is not MemberState.LISTED:
            raise rules.AlreadyDecided
        await shared.leave_list(tx, member, now=ctx.now)
    await ctx.toast()
    await ctx.show(compose.off_the_list(ctx.texts))


BUTTONS: dict[str, Handler] = {
    "shared-show": shared_show,
    "shared-new": shared_new,
    "seat-add": seat_add,
    "seat-give": seat_give,
    "list-leave": list_leave,
}
