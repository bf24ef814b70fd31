"""What the facilitator asks to see."""

from __future__ import annotations

from bot.desk import compose, queries
from bot.desk.digest import digest_of
from bot.enrolment.queries import cohorts_held_by, find_cohort, held_cohort, is_facilitator
from bot.enrolment.rules import NotYours, words_of
from bot.errors import Refused
from bot.messages import Message
from bot.programmes.shelf import library
from bot.storage.database import Transaction
from bot.storage.tables import Meeting, Person
from handlers.context import Context, Handler


async def board(ctx: Context) -> None:
    """/board [cohort], or its button."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if not await is_facilitator(tx, me):
            raise NotYours
        screen = await _board(ctx, tx, me)
    await ctx.toast()
    await ctx.show(screen)


async def _board(ctx: Context, tx: Transaction, me: Person) -> Message:
    wanted = ctx.said.tap.ref if ctx.said.tap else None
    if wanted is None and not ctx.said.text:
        shown = [await queries.board_of(tx, one, now=ctx.now) for one in await cohorts_held_by(tx, me)]
        return compose.boards(shown, ctx.texts, now=ctx.now)
    named = " ".join(words_of(ctx.said.text))
    cohort = await held_cohort(tx, me, wanted) if wanted else await find_cohort(tx, me, named)
    return compose.board(await queries.board_of(tx, cohort, now=ctx.now), ctx.texts, now=ctx.now)


async def digest(ctx: Context) -> None:
    """[Open] on a digest, its pages, and [Fold away]; only for who holds the cohort now."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        meeting = await tx.get(Meeting, ctx.ref)
        if meeting is None:
            raise NotYours
        cohort = await held_cohort(tx, me, meeting.cohort_id)
        if ctx.tap.arg == "fold":
            screen = compose.digest_folded(meeting, tx.open(cohort, "name"), ctx.texts)
        else:
            page = int(ctx.tap.arg) if ctx.tap.arg.isdecimal() else 0
            screen = compose.digest_page(await digest_of(tx, meeting), page, ctx.texts)
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
