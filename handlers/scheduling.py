"""Planning and moving sessions and gatherings, by command or button after button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from bot.buttons import UnknownButton
from bot.enrolment.circle import post_dates
from bot.enrolment.queries import cohorts_held_by, find_cohort, held_cohort
from bot.enrolment.rules import NotYours
from bot.errors import Refused
from bot.messages import Message
from bot.scheduling import actions, previews, queries, questions
from bot.scheduling.rules import (
    ChangedMeanwhile,
    HasBegun,
    InThePast,
    LengthOutOfRange,
    NoSuchMeeting,
    NothingPlanned,
    NotPlanned,
    Overlaps,
    StaleInvitation,
    TitleTooLong,
    TooFarAhead,
    take,
)
from bot.scheduling.typed import DaysDisagree, NotUnderstood, split_name
from bot.scheduling.wish import Asks, Wish, hear_command, hear_reply
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, change_draft, drop_draft, keep_draft, read_draft
from bot.storage.tables import Cohort, Draft, Meeting, Person
from bot.texts import N_, Texts
from bot.words import MeetingKind
from handlers import attending, meetings
from handlers.context import Context, Handler
from handlers.which_meeting import cohort_texts, here, meeting_named, meeting_page, meeting_tapped

# ── Wishing: one question after the other, by command, buttons or typed words ──────────────────────────────────────


async def plan_session(ctx: Context) -> None:
    """/session Maple 2026-11-28 14:00 3h [title], or less of it."""
    await _plan(ctx, MeetingKind.SESSION)


async def plan_gathering(ctx: Context) -> None:
    """/gathering, the same."""
    await _plan(ctx, MeetingKind.GATHERING)


async def _plan(ctx: Context, kind: MeetingKind) -> None:
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        name, words = split_name(ctx.said.text)
        wish = Wish(kind)
        if name:
            cohort = await find_cohort(tx, me, name)
            wish = hear_command(replace(wish, cohort_id=cohort.id), words, here(ctx, cohort))
        screen = await _begin(ctx, tx, me, wish)
    await ctx.show(screen)


async def new_meeting(ctx: Context) -> None:
    """[New session] or [New gathering] of a cohort, or of one still to be chosen."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        kind = MeetingKind.GATHERING if ctx.tap.arg == MeetingKind.GATHERING.value else MeetingKind.SESSION
        cohort = await held_cohort(tx, me, ctx.tap.ref) if ctx.tap.ref else None
        screen = await _begin(ctx, tx, me, Wish(kind, cohort.id if cohort else None))
    await ctx.toast()
    await ctx.show(screen)


async def move(ctx: Context) -> None:
    """/move Maple 2 2026-11-29 15:00, or less of it."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting, words = await meeting_named(ctx, tx, me)
        wish = hear_command(_moving(meeting), words, here(ctx, cohort))
        screen = await _begin(ctx, tx, me, wish)
    await ctx.show(screen)


async def move_this(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        _, meeting = await meeting_tapped(ctx, tx, me)
        screen = await _begin(ctx, tx, me, _moving(meeting))
    await ctx.toast()
    await ctx.show(screen)


def _moving(meeting: Meeting) -> Wish:
    return Wish(meeting.kind, meeting.cohort_id, meeting.id, meeting.sequence, lasts=meeting.lasts)


async def _begin(ctx: Context, tx: Transaction, me: Person, wish: Wish) -> Message:
    if wish.cohort_id is None:
        held = await cohorts_held_by(tx, me)
        if not held:
            raise NotYours
        wish = replace(wish, cohort_id=held[0].id) if len(held) == 1 else wish
    draft = await keep_draft(tx, me.id, "meeting", wish.as_json(), now=ctx.now, awaits="meet-words")
    return await _go_on(ctx, tx, me, draft, wish)


async def _go_on(ctx: Context, tx: Transaction, me: Person, draft: Draft, wish: Wish) -> Message:
    """Keep what is known and ask what is not, or show what it would do."""
    awaits = None if wish.asks is Asks.NOTHING else "meet-words"
    await change_draft(tx, draft, wish.as_json(), awaits=awaits)
    if wish.cohort_id is None:
        held = [(cohort.id, tx.open(cohort, "name")) for cohort in await cohorts_held_by(tx, me)]
        return questions.ask_cohort(draft.id, held, ctx.texts)
    cohort = await held_cohort(tx, me, wish.cohort_id)
    t, present = cohort_texts(ctx, cohort), here(ctx, cohort)
    match wish.asks:
        case Asks.DAY:
            return questions.ask_day(draft.id, present.date(), 0, t)
        case Asks.HOUR:
            return questions.ask_hour(draft.id, wish, present, t)
        case Asks.LENGTH:
            return questions.ask_length(draft.id, wish, t)
        case _:
            return await _preview(ctx, tx, me, cohort, draft, wish, t)


async def _preview(
    ctx: Context, tx: Transaction, me: Person, cohort: Cohort, draft: Draft, wish: Wish, t: Texts
) -> Message:
    taken = take(*_hour_of(wish), cohort.zone)
    name, everybody = tx.open(cohort, "name"), await queries.guests(tx, cohort.id)
    if wish.meeting_id is not None:
        meeting = await tx.get_one(Meeting, wish.meeting_id)
        impact = await actions.if_moved(tx, meeting, taken.at, by=me.id, now=ctx.now)
        return previews.moving(draft.id, name, meeting, taken, everybody, impact, t)
    number = await queries.next_number(tx, cohort.id, wish.kind)
    impact = await actions.if_planned(tx, cohort.id, _proposal(wish, taken.at), by=me.id, now=ctx.now)
    return previews.new_meeting(draft.id, name, wish, taken, number, everybody, impact, t, now=ctx.now)


def _hour_of(wish: Wish) -> tuple[date, time]:
    assert wish.day is not None  # noqa: S101 - a preview comes after every question
    assert wish.clock is not None  # noqa: S101
    return wish.day, wish.clock


def _proposal(wish: Wish, starts_at: datetime) -> actions.Proposal:
    assert wish.lasts is not None  # noqa: S101 - a preview comes after every question
    return actions.Proposal(wish.kind, starts_at, wish.lasts, wish.title)


async def choose_cohort(ctx: Context) -> None:
    await _choose(ctx, lambda wish, arg: replace(wish, cohort_id=UUID(hex=arg)))


async def choose_day(ctx: Context) -> None:
    await _choose(ctx, lambda wish, arg: replace(wish, day=date.fromisoformat(arg)))


async def choose_hour(ctx: Context) -> None:
    await _choose(ctx, lambda wish, arg: replace(wish, clock=time.fromisoformat(arg.replace(".", ":"))))


async def choose_length(ctx: Context) -> None:
    await _choose(ctx, lambda wish, arg: replace(wish, lasts=timedelta(minutes=int(arg))))


async def change(ctx: Context) -> None:
    """[Change]: the day and hour are asked again; a new meeting's length too."""
    await _choose(
        ctx, lambda wish, _: replace(wish, day=None, clock=None, lasts=wish.lasts if wish.meeting_id else None)
    )


async def _choose(ctx: Context, chosen: Callable[[Wish, str], Wish]) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "meeting", now=ctx.now)
        wish = Wish.from_json(tx.open_json(draft, "content"))
        try:
            wish = chosen(wish, ctx.tap.arg)
        except ValueError as forged:
            raise UnknownButton from forged
        screen = await _go_on(ctx, tx, me, draft, wish)
    await ctx.toast()
    await ctx.show(screen)


async def turn_page(ctx: Context) -> None:
    """Other weeks of the calendar."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "meeting", now=ctx.now)
        wish = Wish.from_json(tx.open_json(draft, "content"))
        if wish.cohort_id is None or not ctx.tap.arg.isdecimal():
            raise UnknownButton
        cohort = await held_cohort(tx, me, wish.cohort_id)
        today = here(ctx, cohort).date()
        screen = questions.ask_day(draft.id, today, int(ctx.tap.arg), cohort_texts(ctx, cohort))
    await ctx.toast()
    await ctx.show(screen)


async def hear_words(ctx: Context) -> None:
    """Words typed at one of the questions."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        if draft is None or draft.kind != "meeting":
            raise DraftGone
        wish = Wish.from_json(tx.open_json(draft, "content"))
        if wish.cohort_id is None:
            wish = replace(wish, cohort_id=(await find_cohort(tx, me, ctx.said.text)).id)
        else:
            cohort = await held_cohort(tx, me, wish.cohort_id)
            wish = hear_reply(wish, ctx.said.text, here(ctx, cohort))
        screen = await _go_on(ctx, tx, me, draft, wish)
    await ctx.say(screen)


async def confirm(ctx: Context) -> None:
    """[Confirm]: it is planned or moved, and everybody hears of it."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "meeting", now=ctx.now)
        wish = Wish.from_json(tx.open_json(draft, "content"))
        if wish.cohort_id is None or wish.asks is not Asks.NOTHING:
            raise DraftGone
        cohort = await held_cohort(tx, me, wish.cohort_id)
        starts_at = take(*_hour_of(wish), cohort.zone).at
        if wish.meeting_id is not None:
            if (await queries.locked(tx, wish.meeting_id)).sequence != wish.sequence:
                raise ChangedMeanwhile
            await actions.move(tx, wish.meeting_id, starts_at, by=me.id, now=ctx.now)
            meeting = await tx.get_one(Meeting, wish.meeting_id)
        else:
            meeting, _ = await actions.schedule(tx, cohort.id, _proposal(wish, starts_at), by=me.id, now=ctx.now)
        await post_dates(tx, cohort.id, now=ctx.now)
        await drop_draft(tx, draft)
        head = N_("It has moved, and everybody will read so.") if wish.meeting_id else N_("It is planned.")
        screen = await meeting_page(ctx, tx, cohort, meeting, head)
    await ctx.toast()
    await ctx.show(screen)


async def drop(ctx: Context) -> None:
    """[Cancel]: nothing happens."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "meeting", now=ctx.now)
        await drop_draft(tx, draft)
        screen = Message(ctx.texts("Nothing was changed."))
    await ctx.toast()
    await ctx.show(screen)


COMMANDS: dict[str, Handler] = {
    "session": plan_session,
    "gathering": plan_gathering,
    "move": move,
    **meetings.COMMANDS,
    **attending.COMMANDS,
}

BUTTONS: dict[str, Handler] = {
    "meeting-new": new_meeting,
    "meet-for": choose_cohort,
    "meet-day": choose_day,
    "meet-page": turn_page,
    "meet-hour": choose_hour,
    "meet-length": choose_length,
    "meet-confirm": confirm,
    "meet-change": change,
    "meet-drop": drop,
    "meeting-move": move_this,
    **meetings.BUTTONS,
    **attending.BUTTONS,
}

TYPED: dict[str, Handler] = {"meet-words": hear_words, **meetings.TYPED, **attending.TYPED}

REFUSALS: dict[type[Refused], str] = {
    NotUnderstood: N_(
        "I did not understand that time. Try 2026-11-28 14:00 3h, or Sat 6pm, or tomorrow 14:00. "
        "/cancel leaves it as it is."
    ),
    DaysDisagree: N_("That weekday and that date are different days. Which one is it?"),
    InThePast: N_("That time has passed. Please choose a later one."),
    TooFarAhead: N_("That is more than two years away. Please check the year."),
    LengthOutOfRange: N_("A meeting can last from 10 minutes to 24 hours. Please choose another length."),
    TitleTooLong: N_("A title has at most {longest} characters. Please send it again, shorter."),
    Overlaps: N_("They already meet at that time (no. {number}). Choose another time, or move that one first."),
    NoSuchMeeting: N_(
        "There is no meeting with the number {number}. Sessions are 1, 2, 3, gatherings g1, g2; /cohorts lists them."
    ),
    NotPlanned: N_("It has ended or was cancelled, so this cannot be changed any more."),
    HasBegun: N_("It has begun already. What your facilitator should know now, just write here, or send /call."),
    NothingPlanned: N_("Nothing is planned for them. /session plans something; /cohorts lists what was."),
    StaleInvitation: N_("This invitation is for an earlier time. The newest one is further down."),
    **meetings.REFUSALS,
    **attending.REFUSALS,
}
