"""Words that nobody asked for, letters between a member and their facilitators, and broadcasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from bot.broadcasts import actions, compose, letters, queries
from bot.broadcasts.rules import (
    BroadcastDecided,
    BroadcastGone,
    BroadcastTooLong,
    NobodyToReach,
    NobodyToWriteTo,
    NothingHeld,
    NothingWritten,
    NotYourLetter,
    addressed,
)
from bot.buttons import UnknownButton
from bot.checkins.compose import question_words
from bot.checkins.queries import Page
from bot.enrolment.queries import find_cohort, held_cohort
from bot.errors import Refused
from bot.messages import Attachment, Message
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft, read_draft
from bot.storage.tables import Cohort, Draft, Member, Person
from bot.texts import N_
from bot.window.queries import name_of
from handlers.context import Context, Handler

_ALL = {"all", "alle"}
_AWAITED = timedelta(hours=1)  # words typed later than that are not for whom a button named


# ── Words nobody asked for ─────────────────────────────────────────────────────────────────────────────────────────


async def unexpected(ctx: Context, pages: Sequence[Page] = ()) -> None:
    """A member wrote or sent something out of the blue: it is kept until they say what it is for.

    ``pages`` are the questions it might answer.
    """
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        places = await queries.places_of(tx, me)
        if not places:
            screen = compose.way_home(ctx.texts)
        elif not ctx.said.text and ctx.said.attachment is None:
            screen = compose.cannot_pass_on(ctx.texts)
        else:
            content = {**_content(ctx), "pages": [str(page.delivery.id) for page in pages]}
            draft = await keep_draft(tx, me.id, "words", content, now=ctx.now)
            may_keep = ctx.said.attachment is None
            asked = [question_words(page, ctx.texts) for page in pages]
            screen = compose.sort_words(ctx.texts, draft.id, places, may_keep=may_keep, asked=asked)
    await ctx.say(screen)


async def send_words(ctx: Context) -> None:
    """[Send to Fay]: to the facilitators of one cohort."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "words", now=ctx.now)
        message_id = tx.open_json(draft, "content")["message"]
        note = await letters.send_words(tx, draft, me, _id_in(ctx.tap.arg), now=ctx.now)
        place = next(place for place in await queries.places_of(tx, me) if place.member_id == note.member_id)
        screen = compose.sent_words(ctx.texts, place.facilitators)
    await ctx.toast()
    await ctx.show(screen)
    await ctx.remove(message_id)


async def keep_words(ctx: Context) -> None:
    """[Keep for me]: into the journal."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "words", now=ctx.now)
        message_id = tx.open_json(draft, "content")["message"]
        await letters.keep_words(tx, draft, me, now=ctx.now)
        screen = compose.kept_words(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)
    await ctx.remove(message_id)


def _content(ctx: Context) -> dict[str, object]:
    return {
        "text": ctx.said.text,
        "message": ctx.said.message_id,
        "attachment": letters.as_content(ctx.said.attachment),
    }


# ── Letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def open_letter(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        note = await letters.read_letter(tx, ctx.ref, await ctx.person(tx), now=ctx.now)
        page = int(ctx.tap.arg) if ctx.tap.arg.isdecimal() else 0
        screen = await compose.unfolded(tx, note, ctx.texts, page)
        picture = compose.enclosed(tx, note, ctx.texts) if not ctx.tap.arg else None
    await ctx.toast()
    await ctx.show(screen)
    if picture is not None:
        await ctx.say(picture)


async def fold_letter(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        note = await letters.read_letter(tx, ctx.ref, me, now=ctx.now)
        member = await tx.get_one(Member, note.member_id)
        author = await tx.get_one(Person, note.author_id)
        screen = compose.folded(ctx.texts, note, name_of(tx, author) if member.person_id == me.id else None)
    await ctx.toast()
    await ctx.show(screen)


async def put_away(ctx: Context) -> None:
    """Take the picture of a letter out of the chat again."""
    async with ctx.transaction() as tx:
        await ctx.person(tx)
    await ctx.toast()
    if ctx.said.message_id is not None:
        await ctx.remove(ctx.said.message_id)


async def write_to(ctx: Context) -> None:
    """[Write to Ann]: the next words of this facilitator are for her."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        member = await tx.get(Member, ctx.ref)
        if member is None or member.left_at is not None or not await queries.holds(tx, me, member.cohort_id):
            raise NobodyToWriteTo
        wanted = {"member": member.id.hex}
        draft = await keep_draft(tx, me.id, "letter", wanted, now=ctx.now, awaits="letter", lasts=_AWAITED)
        screen = compose.ask_for_letter(ctx.texts, tx.open(member, "alias"), draft.id)
    await ctx.toast()
    await ctx.say(screen)


async def cancel_letter(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        await drop_draft(tx, await read_draft(tx, ctx.ref, me.id, "letter", now=ctx.now))
        screen = compose.letter_cancelled(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def written_letter(ctx: Context) -> None:
    """What a facilitator wrote after [Write to Ann] or [Answer]."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await _awaiting(ctx, tx, me)
        member_id = UUID(hex=tx.open_json(draft, "content")["member"])
        if not ctx.said.text and ctx.said.attachment is None:
            raise NothingWritten
        tx.seal_json(draft, "content", _content(ctx))
        due_at = await letters.send_letter(tx, draft, me, member_id, now=ctx.now)
        who = tx.open(await tx.get_one(Member, member_id), "alias")
        screen = compose.letter_sent(ctx.texts, who, due_at, ctx.now)
    await ctx.say(screen)
    await ctx.remove_what_was_typed()


# ── Broadcasts ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def broadcast(ctx: Context) -> None:
    """/broadcast <cohort|all> <text>, the same in reply to a message, or buttons all the way."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        held = await queries.cohorts_held_by(tx, me)
        if not held:
            raise NothingHeld
        if not ctx.said.text and ctx.said.tap is None:
            screens = [compose.choose_cohort(ctx.texts, [(cohort, tx.open(cohort, "name")) for cohort in held])]
        else:
            cohorts, words = await _addressed(ctx, tx, me, held)
            if words or ctx.said.replied_text or ctx.said.replied_attachment:
                attachment = ctx.said.replied_attachment
                screens = await _preview(ctx, tx, me, cohorts, words or ctx.said.replied_text, attachment)
            else:
                wanted = {"cohorts": [cohort.id.hex for cohort in cohorts]}
                await keep_draft(tx, me.id, "broadcast", wanted, now=ctx.now, awaits="broadcast", lasts=_AWAITED)
                screens = [compose.ask_for_words(ctx.texts, [tx.open(cohort, "name") for cohort in cohorts])]
    await ctx.toast()
    for screen in screens:
        await ctx.say(screen)


async def written_broadcast(ctx: Context) -> None:
    """The words, picture, voice note or file a facilitator sent after choosing to whom."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await _awaiting(ctx, tx, me)
        wanted = tx.open_json(draft, "content")["cohorts"]
        cohorts = [await held_cohort(tx, me, UUID(hex=cohort)) for cohort in wanted]
        screens = await _preview(ctx, tx, me, cohorts, ctx.said.text, ctx.said.attachment)
        await drop_draft(tx, draft)
    for screen in screens:
        await ctx.say(screen)


async def _addressed(ctx: Context, tx: Transaction, me: Person, held: Sequence[Cohort]) -> tuple[Sequence[Cohort], str]:
    """To whom a button or a typed line is addressed, and the words that follow."""
    if ctx.said.tap is not None:
        return held if ctx.tap.arg == "all" else [await held_cohort(tx, me, ctx.ref)], ""
    name, words = addressed(ctx.said.text)
    return held if name.casefold() in _ALL else [await find_cohort(tx, me, name)], words


async def _preview(
    ctx: Context, tx: Transaction, me: Person, cohorts: Sequence[Cohort], words: str, attachment: Attachment | None
) -> list[Message]:
    """The broadcast as it arrives, and below it who gets it and when."""
    written = await actions.write(tx, me, cohorts, words, attachment, now=ctx.now)
    readers = await queries.readers_of(tx, cohorts, ctx.now)
    arrivals = await queries.arrivals(tx, readers, ctx.now)
    away = [reader for reader in readers if reader.why_not is not None]
    return [
        await compose.sample(tx, written, ctx.texts),
        compose.preview(ctx.texts, written, arrivals, away, ctx.now),
    ]


async def send(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        leaving = await actions.send(tx, ctx.ref, await ctx.person(tx), now=ctx.now, page=ctx.said.message_id)
        screen = compose.leaving(ctx.texts, leaving)
    await ctx.toast()
    await ctx.show(screen)


async def cancel(ctx: Context) -> None:
    """[Cancel] before, [Undo] within fifteen seconds after."""
    async with ctx.transaction() as tx:
        await actions.cancel(tx, ctx.ref, await ctx.person(tx))
        screen = compose.cancelled(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def stop(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        stopped = await actions.stop(tx, ctx.ref, await ctx.person(tx), now=ctx.now)
        screen = compose.progress(ctx.texts, stopped, await queries.tally_of(tx, stopped, ctx.now))
    await ctx.toast()
    await ctx.show(screen)


async def look(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        one = await actions.mine(tx, ctx.ref, await ctx.person(tx))
        screen = compose.progress(ctx.texts, one, await queries.tally_of(tx, one, ctx.now))
    await ctx.toast()
    await ctx.show(screen)


# ── Small steps ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _awaiting(ctx: Context, tx: Transaction, me: Person) -> Draft:
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is None:
        raise DraftGone
    return draft


def _id_in(arg: str) -> UUID:
    try:
        return UUID(hex=arg)
    except ValueError as wrong:
        raise UnknownButton from wrong


COMMANDS: dict[str, Handler] = {"broadcast": broadcast}

BUTTONS: dict[str, Handler] = {
    "note-to": send_words,
    "note-keep": keep_words,
    "note-open": open_letter,
    "note-fold": fold_letter,
    "note-away": put_away,
    "write-to": write_to,
    "letter-cancel": cancel_letter,
    "broadcast": broadcast,
    "broadcast-send": send,
    "broadcast-cancel": cancel,
    "broadcast-stop": stop,
    "broadcast-look": look,
}

TYPED: dict[str, Handler] = {"letter": written_letter, "broadcast": written_broadcast}

REFUSALS: dict[type[Refused], str] = {
    NotYourLetter: N_("This is not here any more."),
    NobodyToWriteTo: N_("There is nobody here to write to any more."),
    NothingWritten: N_("There are no words yet. Send words, a picture, a voice note or a file."),
    BroadcastTooLong: N_("This is {too_many} characters too long for one message of {limit}. Please shorten it."),
    BroadcastGone: N_("This is not here any more. /broadcast begins a new one."),
    BroadcastDecided: N_("This was sent, stopped or cancelled already. /broadcast begins a new one."),
    NothingHeld: N_("There is no group here that you hold."),
    NobodyToReach: N_("There is nobody in there yet who could read it. It can be sent once somebody is admitted."),
}
