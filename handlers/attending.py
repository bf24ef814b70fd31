"""Who comes, who is what, when it ended and how everybody left."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.buttons import UnknownButton
from bot.enrolment.queries import cohorts_held_by, find_cohort, held_cohort
from bot.enrolment.rules import NotYours
from bot.errors import Refused
from bot.messages import Html, Message
from bot.scheduling import actions, compose, ending, previews, queries, screens
from bot.scheduling.rules import (
    AlreadyEnded,
    EndedTooLongAgo,
    EndsBeforeStart,
    EndsInFuture,
    NoSuchMeeting,
    NoSuchMember,
    NoSuchRole,
    NothingToEnd,
    end_at,
    from_minutes,
    read_role,
    the_one_called,
)
from bot.scheduling.typed import read_clock, split_name
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Attendance, Cohort, Delivery, Meeting, Member, Person
from bot.texts import N_
from bot.words import LeftHow, MeetingState, MemberState, Role, Rsvp
from handlers.context import Context, Handler
from handlers.which_meeting import AWAITED_FOR, cohort_texts, meeting_of, meeting_page, meeting_tapped, stop_waiting

# ── Coming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def rsvp(ctx: Context) -> None:
    """[I'm coming], [I can't], [I'll be late] under an invitation."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        invitation = await _my_invitation(ctx, tx, me)
        if ctx.tap.arg not in set(Rsvp):
            raise UnknownButton
        await actions.answer(tx, invitation, Rsvp(ctx.tap.arg), now=ctx.now)
        meeting = await tx.get_one(Meeting, invitation.meeting_id)
        screen = await compose.invited(tx, invitation, meeting, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _my_invitation(ctx: Context, tx: Transaction, me: Person) -> Delivery:
    row = await tx.get(Delivery, ctx.ref)
    if row is None or row.kind not in queries.INVITING or row.member_id is None:
        raise NotYours
    member = await tx.get_one(Member, row.member_id)
    if member.person_id != me.id or member.state is not MemberState.ENROLLED:
        raise NotYours
    return row


# ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def role(ctx: Context) -> None:
    """/role Maple Ann supporting: in the meeting that is going on, or comes next, or was last."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort_name, rest = split_name(ctx.said.text)
        cohort = await find_cohort(tx, me, cohort_name)
        meeting = await _current(tx, cohort, ctx.now)
        people = await queries.present(tx, meeting.id)
        name, word = split_name(rest)
        if name:
            called = the_one_called((one.name for one in people), name)
            one = next(one for one in people if one.name == called)
            screen = await _set_role(ctx, tx, me, meeting, one, read_role(word))
        else:
            screen = screens.roles_page(meeting, tx.open(cohort, "name"), people, ctx.texts)
    await ctx.show(screen)


async def _current(tx: Transaction, cohort: Cohort, now: datetime) -> Meeting:
    begun = await queries.session_to_end(tx, cohort.id, now)
    if begun is not None and begun.state is MeetingState.PLANNED:
        return begun
    meeting = await queries.next_meeting(tx, cohort.id, now) or begun
    if meeting is None:
        raise NoSuchMeeting(number="1")
    return meeting


async def roles(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        cohort, meeting = await meeting_tapped(ctx, tx, await ctx.person(tx))
        people = await queries.present(tx, meeting.id)
        screen = screens.roles_page(meeting, tx.open(cohort, "name"), people, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def role_of(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        _, meeting, one = await _present(ctx, tx, await ctx.person(tx))
        screen = screens.role_choice(meeting, one, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def set_role(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        _, meeting, one = await _present(ctx, tx, me)
        screen = await _set_role(ctx, tx, me, meeting, one, read_role(ctx.tap.arg))
    await ctx.toast()
    await ctx.show(screen)


async def _set_role(
    ctx: Context, tx: Transaction, me: Person, meeting: Meeting, one: queries.Present, wanted: Role
) -> Message:
    await actions.set_role(tx, one.attendance, wanted, by=me.id, now=ctx.now)
    return screens.role_was_set(meeting, one, ctx.texts)


# ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def ended(ctx: Context) -> None:
    """/ended Maple [17:40]: the session that has begun, or a correction of the last one."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        name, words = split_name(ctx.said.text)
        if name:
            cohort = await find_cohort(tx, me, name)
            meeting = await queries.session_to_end(tx, cohort.id, ctx.now)
            if meeting is None:
                raise NothingToEnd
            screen = await _end(ctx, tx, me, cohort, meeting, words)
        else:
            screen = await _which_has_ended(ctx, tx, me)
    await ctx.show(screen)


async def _which_has_ended(ctx: Context, tx: Transaction, me: Person) -> Message:
    """/ended alone: whatever of theirs has begun and not ended."""
    found = [
        (tx.open(cohort, "name"), meeting)
        for cohort in await cohorts_held_by(tx, me)
        if (meeting := await queries.session_to_end(tx, cohort.id, ctx.now)) and meeting.state is MeetingState.PLANNED
    ]
    if not found:
        raise NothingToEnd
    if len(found) == 1:
        return await compose.has_it_ended(tx, found[0][1], ctx.texts)
    return screens.which_has_ended(found, ctx.texts)


async def has_it_ended(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        _, meeting = await meeting_tapped(ctx, tx, await ctx.person(tx))
        screen = await compose.has_it_ended(tx, meeting, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def ended_now(ctx: Context) -> None:
    """[It has ended now]; if somebody was faster, what they recorded."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        screen = await _end(ctx, tx, me, cohort, meeting, "")
    await ctx.toast()
    await ctx.show(screen)


async def ended_at(ctx: Context) -> None:
    """[It ended at…]: the hour is typed or picked."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        content = {"meeting": str(meeting.id)}
        await keep_draft(tx, me.id, "meeting-end", content, now=ctx.now, awaits="meet-end", lasts=AWAITED_FOR)
        screen = screens.ask_end(meeting, tx.open(cohort, "name"), cohort_texts(ctx, cohort), now=ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def ended_when(ctx: Context) -> None:
    """One of the hours that were offered."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        await stop_waiting(ctx, tx, me)
        screen = await _end_then(ctx, tx, me, cohort, meeting, _instant(ctx.tap.arg))
    await ctx.toast()
    await ctx.show(screen)


async def hear_end(ctx: Context) -> None:
    """The hour was typed."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        if draft is None or draft.kind != "meeting-end":
            raise DraftGone
        cohort, meeting = await meeting_of(tx, me, UUID(tx.open_json(draft, "content")["meeting"]))
        screen = await _end(ctx, tx, me, cohort, meeting, ctx.said.text)
        await drop_draft(tx, draft)
    await ctx.say(screen)


async def correct(ctx: Context) -> None:
    """[Confirm] under the preview of a correction."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        await ending.correct_end(tx, meeting.id, _instant(ctx.tap.arg), by=me.id, now=ctx.now)
        screen = await meeting_page(ctx, tx, cohort, meeting, N_("The end is corrected."))
    await ctx.toast()
    await ctx.show(screen)


async def goes_on(ctx: Context) -> None:
    """[It goes on]: we ask again."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort, meeting = await meeting_tapped(ctx, tx, me)
        meeting = await ending.goes_on(tx, meeting.id, now=ctx.now)
        screen = screens.still_going_on(meeting, tx.open(cohort, "name"), cohort_texts(ctx, cohort))
    await ctx.toast()
    await ctx.show(screen)


async def _end(ctx: Context, tx: Transaction, me: Person, cohort: Cohort, meeting: Meeting, words: str) -> Message:
    """Record or correct an end; without ``words`` it is now, and what is recorded already is only shown."""
    meeting = await queries.locked(tx, meeting.id)
    if not words and meeting.state is MeetingState.RELEASED:
        return await meeting_page(ctx, tx, cohort, meeting, N_("Its end is recorded already. You can correct it."))
    when = end_at(read_clock(words), meeting.starts_at, cohort.zone, now=ctx.now) if words else ctx.now
    return await _end_then(ctx, tx, me, cohort, meeting, when)


async def _end_then(
    ctx: Context, tx: Transaction, me: Person, cohort: Cohort, meeting: Meeting, when: datetime
) -> Message:
    t = cohort_texts(ctx, cohort)
    meeting = await queries.locked(tx, meeting.id)
    names = {one.member.id: one.name for one in await queries.present(tx, meeting.id)}
    if meeting.state is MeetingState.RELEASED:
        impact = await actions.if_corrected(tx, meeting, when, by=me.id, now=ctx.now)
        return previews.correcting(tx.open(cohort, "name"), meeting, when, names, impact, t)
    impact = await ending.record_end(tx, meeting.id, when, by=me.id, now=ctx.now)
    head = t("Recorded: ended at {hour}. From here everything else happens by itself.", hour=t.hour(when))
    if missed := previews.ask_yourself(names, impact, t):
        head = Html(f"{head}\n\n{missed}")
    return await _next_leaving(ctx, tx, meeting, head)


def _instant(arg: str) -> datetime:
    if not arg.isdecimal() or len(arg) > 10:
        raise UnknownButton
    return from_minutes(int(arg))


# ── Going home ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_leaving(ctx: Context) -> None:
    """[How they left]: from the first again."""
    async with ctx.transaction() as tx:
        _, meeting = await meeting_tapped(ctx, tx, await ctx.person(tx))
        await actions.forget_leaving(tx, meeting)
        screen = await _next_leaving(ctx, tx, meeting, Html(""))
    await ctx.toast()
    await ctx.show(screen)


async def left_how(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        _, meeting, one = await _present(ctx, tx, await ctx.person(tx))
        if ctx.tap.arg not in set(LeftHow):
            raise UnknownButton
        actions.note_leaving(one.attendance, LeftHow(ctx.tap.arg))
        screen = await _next_leaving(ctx, tx, meeting, screens.left(one, ctx.texts))
    await ctx.toast()
    await ctx.show(screen)


async def _next_leaving(ctx: Context, tx: Transaction, meeting: Meeting, head: Html) -> Message:
    people = await queries.present(tx, meeting.id)
    following = screens.next_to_leave(people)
    if following is None:
        return screens.all_left(meeting, head, people, ctx.texts)
    return screens.ask_leaving(head, following, ctx.texts)


# ── Which one ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _present(ctx: Context, tx: Transaction, me: Person) -> tuple[Cohort, Meeting, queries.Present]:
    """The member in a meeting that a button speaks of, in a cohort of this facilitator."""
    attendance = await tx.get(Attendance, ctx.ref)
    if attendance is None:
        raise NotYours
    meeting = await tx.get_one(Meeting, attendance.meeting_id)
    cohort = await held_cohort(tx, me, meeting.cohort_id)
    member = await tx.get_one(Member, attendance.member_id)
    return cohort, meeting, queries.Present(attendance, member, tx.open(member, "alias"))


COMMANDS: dict[str, Handler] = {"role": role, "ended": ended}

BUTTONS: dict[str, Handler] = {
    "rsvp": rsvp,
    "meeting-roles": roles,
    "role-of": role_of,
    "role-set": set_role,
    "ended-ask": has_it_ended,
    "ended-now": ended_now,
    "ended-at": ended_at,
    "ended-when": ended_when,
    "ended-fix": correct,
    "ended-not": goes_on,
    "left-ask": ask_leaving,
    "left-how": left_how,
}

TYPED: dict[str, Handler] = {"meet-end": hear_end}

REFUSALS: dict[type[Refused], str] = {
    NoSuchMember: N_("I need one name from this list: {names}."),
    NoSuchRole: N_("A role is receiving, supporting or absent."),
    NothingToEnd: N_("No session has begun that could end now."),
    AlreadyEnded: N_("Its end is recorded already. You can correct it on the page of the session."),
    EndsBeforeStart: N_("That is before it began. Please type the hour at which it ended."),
    EndsInFuture: N_("That has not come yet. Please send it when the session has ended."),
    EndedTooLongAgo: N_("That is more than twelve hours off. Please check the hour."),
}
