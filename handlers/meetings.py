"""A cohort's meetings as pages: what stands, calling off, details, the calendar file."""

from __future__ import annotations

from uuid import UUID

from bot.buttons import UnknownButton
from bot.enrolment.circle import post_dates
from bot.enrolment.queries import held_cohort
from bot.errors import Refused
from bot.messages import Message
from bot.scheduling import actions, compose, previews, queries, screens
from bot.scheduling.rules import ChangedMeanwhile, DetailTooLong, NotALink
from bot.scheduling.typed import NotUnderstood
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Cohort, Meeting, Person
from bot.texts import N_
from handlers.context import Context, Handler
from handlers.which_meeting import (
    AWAITED_FOR,
    cohort_texts,
    meeting_named,
    meeting_of,
    meeting_page,
    meeting_tapped,
    stop_waiting,
)

# ── Pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def sessions(ctx: Context) -> None:
    """A cohort's meetings."""
    async with ctx.transaction() as tx:
        cohort = await held_cohort(tx, await ctx.person(tx), ctx.ref)
        shown = await queries.meetings(tx, cohort.id)
        screen = screens.sessions_page(
            cohort.id, tx.open(cohort, "name"), shown, cohort_texts(ctx, cohort), now=ctx.now
        )
    await ctx.toast()
    await ctx.show(screen)


async def open_meeting(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        await stop_waiting(ctx, tx, me)
        screen = await meeting_page(ctx, tx, cohort, meeting)
    await ctx.toast()
    await ctx.show(screen)


async def calendar_file(ctx: Context) -> None:
    """The facilitator's own calendar file, in their own zone."""
    async with ctx.transaction() as tx:
        _, meeting = await meeting_tapped(ctx, tx, await ctx.person(tx))
        screen = await compose.calendar_message(tx, meeting, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.say(screen)


# ── Calling off ────────────────────────────────────────────────────────────────────────────────────────────────────


async def cancel(ctx: Context) -> None:
    """/cancel Maple 2: what it would do. Alone it gives up whatever waits for words."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        if ctx.said.text:
            cohort, meeting, words = await meeting_named(ctx, tx, me)
            if words:
                raise NotUnderstood
            screen = await _preview_cancelling(ctx, tx, me, cohort, meeting)
        else:
            if draft := await awaiting_draft(tx, me.id, now=ctx.now):
                await drop_draft(tx, draft)
            screen = Message(ctx.texts("Nothing was changed."))
    await ctx.show(screen)


async def cancel_this(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        screen = await _preview_cancelling(ctx, tx, me, cohort, meeting)
    await ctx.toast()
    await ctx.show(screen)


async def _preview_cancelling(ctx: Context, tx: Transaction, me: Person, cohort: Cohort, meeting: Meeting) -> Message:
    impact = await actions.if_cancelled(tx, meeting, by=me.id, now=ctx.now)
    told = len({copy.member_id for copy in await queries.invitations_read(tx, meeting.id)})
    return previews.cancelling(tx.open(cohort, "name"), meeting, told, impact, cohort_texts(ctx, cohort))


async def cancel_now(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        if ctx.tap.arg != str(meeting.sequence):
            raise ChangedMeanwhile
        await actions.cancel(tx, meeting.id, by=me.id, now=ctx.now)
        await post_dates(tx, cohort.id, now=ctx.now)
        screen = await meeting_page(ctx, tx, cohort, meeting)
    await ctx.toast()
    await ctx.show(screen)


# ── Details ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def details(ctx: Context) -> None:
    """/details Maple 2, or of the next meeting."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        cohort, meeting, _ = await meeting_named(ctx, tx, await ctx.person(tx))
        screen = _details_page(ctx, tx, cohort, meeting)
    await ctx.show(screen)


async def details_of_this(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        await stop_waiting(ctx, tx, me)
        screen = _details_page(ctx, tx, cohort, meeting)
    await ctx.toast()
    await ctx.show(screen)


def _details_page(ctx: Context, tx: Transaction, cohort: Cohort, meeting: Meeting) -> Message:
    return screens.details_page(meeting, tx.open(cohort, "name"), queries.details(tx, meeting), ctx.texts)


async def ask_detail(ctx: Context) -> None:
    """One detail is to be typed next."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        field = _field(ctx.tap.arg)
        content = {"meeting": str(meeting.id), "field": field}
        await keep_draft(tx, me.id, "meeting-detail", content, now=ctx.now, awaits="meet-detail", lasts=AWAITED_FOR)
        words = queries.details(tx, meeting).get(field, "")
        screen = screens.ask_detail(meeting, tx.open(cohort, "name"), field, words, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def hear_detail(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        if draft is None or draft.kind != "meeting-detail":
            raise DraftGone
        content = tx.open_json(draft, "content")
        cohort, meeting = await meeting_of(tx, me, UUID(content["meeting"]))
        await actions.describe(tx, meeting, _field(content["field"]), ctx.said.text)
        await drop_draft(tx, draft)
        screen = _details_page(ctx, tx, cohort, meeting)
    await ctx.say(screen)


async def clear_detail(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        await actions.describe(tx, meeting, _field(ctx.tap.arg), "")
        screen = _details_page(ctx, tx, cohort, meeting)
    await ctx.toast()
    await ctx.show(screen)


def _field(name: str) -> str:
    if name not in screens.DETAIL_LABELS:
        raise UnknownButton
    return name


COMMANDS: dict[str, Handler] = {"cancel": cancel, "details": details}

BUTTONS: dict[str, Handler] = {
    "sessions": sessions,
    "meeting": open_meeting,
    "meeting-file": calendar_file,
    "meeting-cancel": cancel_this,
    "meeting-off": cancel_now,
    "meeting-details": details_of_this,
    "meeting-detail": ask_detail,
    "detail-clear": clear_detail,
}

TYPED: dict[str, Handler] = {"meet-detail": hear_detail}

REFUSALS: dict[type[Refused], str] = {
    DetailTooLong: N_("That is too long: at most {longest} characters. Please send it again, shorter."),
    ChangedMeanwhile: N_("This meeting has changed since. Please open it again to see how it is now."),
    NotALink: N_("That is not a web address. It begins with https://"),
}
