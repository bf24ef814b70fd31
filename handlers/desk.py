"""What the facilitator asks to see."""

from __future__ import annotations

from bot.desk import compose, queries
from bot.enrolment.queries import cohorts_held_by, find_cohort, held_cohort, is_facilitator
from bot.enrolment.rules import NotYours
from bot.errors import Refused
from bot.programmes.shelf import library
from bot.storage.tables import Meeting
from handlers.context import Context, Handler


async def board(ctx: Context) -> None:
    """/board [cohort], or its button."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        wanted = ctx.said.tap.ref if ctx.said.tap is not None else None
        if wanted is not None or ctx.said.text:
            cohort = await held_cohort(tx, me, wanted) if wanted else await find_cohort(tx, me, ctx.said.text)
            screen = compose.board(await queries.board_of(tx, cohort, now=ctx.now), ctx.texts, now=ctx.now)
        else:
            if not await is_facilitator(tx, me):
                raise NotYours
            shown = [await queries.board_of(tx, one, now=ctx.now) for one in await cohorts_held_by(tx, me)]
            screen = compose.boards(shown, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def digest(ctx: Context) -> None:
    """[Open] on a digest; only for who holds the cohort now."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        meeting = await tx.get(Meeting, ctx.ref)
        if meeting is None:
            raise NotYours
        await held_cohort(tx, me, meeting.cohort_id)
        screen = compose.digest_page(await queries.digest_of(tx, meeting), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def programmes(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if not await is_facilitator(tx, me):
            raise NotYours
        found = library(ctx.runtime.settings.programmes_dir)
        screen = compose.programmes([shelved.programme for shelved in found.values()], ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


COMMANDS: dict[str, Handler] = {"board": board, "programmes": programmes}

BUTTONS: dict[str, Handler] = {"board": board, "digest": digest, "programmes": programmes}

TYPED: dict[str, Handler] = {}

REFUSALS: dict[type[Refused], str] = {}
