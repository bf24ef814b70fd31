"""Answering a step, on one message that edits itself, and opening what was sealed."""

from __future__ import annotations

from uuid import UUID

from bot.buttons import UnknownButton
from bot.checkins import actions, compose, queries
from bot.checkins.rules import (
    AnswerTooLong,
    HourHasPassed,
    Later,
    NotAnAnswer,
    NotOnTheScale,
    NotWiderNow,
    NotYours,
    TooLateForLater,
    later_at,
    pressed,
    question_of,
    toggled,
    typed,
)
from bot.errors import Refused
from bot.messages import Message
from bot.safety.actions import raise_alert
from bot.safety.card import help_for
from bot.storage.database import Transaction
from bot.storage.drafts import drop_draft, read_draft
from bot.storage.tables import Delivery, Disclosure
from bot.texts import N_
from bot.words import AlertCause, Choice, Level, QuietHours
from handlers.context import Context, Handler


async def open_step(ctx: Context) -> None:
    """[Open]: unfold the step where it stands."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        if page.step.asks:
            await actions.begin(tx, page, now=ctx.now)
        page = await queries.as_answered(tx, page)
        screen = compose.unfolded(page, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def answer(ctx: Context) -> None:
    """A pressed answer."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        name, _, pick = ctx.tap.arg.partition(".")
        question = question_of(page.step, name)
        screen, urgent = await _keep(ctx, tx, page, question.id, pressed(question, pick, minimal=page.cohort.minimal))
    await ctx.toast()
    await ctx.show(screen)
    if urgent is not None:
        await ctx.say(urgent)


async def pick(ctx: Context) -> None:
    """One of several choices, pressed or taken back."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        name, _, option = ctx.tap.arg.partition(".")
        question = question_of(page.step, name)
        pressed(question, option)
        chosen = toggled(page.answers.get(name), option)
        await actions.put_so_far(tx, page, question, chosen, now=ctx.now)
        page = await queries.as_answered(tx, page)
        screen = compose.asking(page, question, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def picked(ctx: Context) -> None:
    """[That is all] under several choices."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        chosen = page.answers.get(ctx.tap.arg)
        screen, urgent = await _keep(ctx, tx, page, ctx.tap.arg, chosen if isinstance(chosen, list) else [])
    await ctx.toast()
    await ctx.show(screen)
    if urgent is not None:
        await ctx.say(urgent)


async def written(ctx: Context, page: queries.Page) -> None:
    """Typed words that answer this page's open question."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, page.delivery.id, await ctx.person(tx))
        asked = page.response.question if page.response else None
        question = question_of(page.step, asked or page.step.ask[0].id)
        value = typed(question, ctx.said.text)
        screen, urgent = await _keep(ctx, tx, page, question.id, value)
    await ctx.remove_what_was_typed()
    await _show_on_the_page(ctx, page, screen)
    if urgent is not None:
        await ctx.say(urgent)


async def answer_with(ctx: Context) -> None:
    """The question that typed words belong to was chosen."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, "words", now=ctx.now)
        content = tx.open_json(draft, "content")
        try:
            delivery_id = UUID(content["pages"][int(ctx.tap.arg)])
        except (ValueError, IndexError) as wrong:
            raise UnknownButton from wrong
        page = await queries.page_for(tx, delivery_id, me)
        asked = page.response.question if page.response else None
        question = question_of(page.step, asked or page.step.ask[0].id)
        screen, urgent = await _keep(ctx, tx, page, question.id, typed(question, content["text"]))
        await drop_draft(tx, draft)
    await ctx.toast()
    await ctx.remove(content["message"])
    await ctx.show(Message(ctx.texts("Kept.")))
    await _show_on_the_page(ctx, page, screen)
    if urgent is not None:
        await ctx.say(urgent)


async def back(ctx: Context) -> None:
    """[Back]: to an earlier question."""
    await _ask_again(ctx, ctx.tap.arg)


async def change(ctx: Context) -> None:
    """[Change]: from the first question again."""
    await _ask_again(ctx, None)


async def skip(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        await actions.skip(tx, page, now=ctx.now)
        screen = compose.skipped(page, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def done(ctx: Context) -> None:
    """[Done] under a practice: fold it."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        await actions.begin(tx, page, now=ctx.now)
        screen = compose.done(page, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def later(ctx: Context) -> None:
    """[Later]: ask when."""
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        screen = compose.later(page, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def come_back(ctx: Context) -> None:
    """In an hour, this evening, tomorrow."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        page = await queries.page_for(tx, ctx.ref, me)
        try:
            wish = Later(ctx.tap.arg)
        except ValueError as wrong:
            raise UnknownButton from wrong
        due_at = later_at(wish, zone=me.zone, quiet=QuietHours(me.quiet_begins, me.quiet_ends), now=ctx.now)
        if not await actions.come_back_later(tx, page, due_at, now=ctx.now):
            raise TooLateForLater
        screen = compose.comes_back(page, ctx.texts, due_at)
    await ctx.toast()
    await ctx.show(screen)


async def share(ctx: Context) -> None:
    await _choose(ctx, Choice.SHARE)


async def keep(ctx: Context) -> None:
    await _choose(ctx, Choice.KEEP)


async def withdraw(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        await actions.withdraw_answer(tx, page, now=ctx.now)
        screen = compose.taken_back(page, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def unseal(ctx: Context) -> None:
    """[Open] on an envelope."""
    async with ctx.transaction() as tx:
        row = await _my_delivery(ctx, tx)
        screen = await compose.inside(tx, row, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def refold(ctx: Context) -> None:
    """[Fold away] under an opened envelope."""
    async with ctx.transaction() as tx:
        row = await _my_delivery(ctx, tx)
        screen = compose.refolded(row.id, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def reply(ctx: Context) -> None:
    """The small answer to what was opened."""
    async with ctx.transaction() as tx:
        row = await _my_delivery(ctx, tx)
        opened = await _opened(tx, row)
        if opened.step.then is None or ctx.tap.arg not in {option.id for option in opened.step.then.replies}:
            raise NotAnAnswer
        await actions.reply_to_opening(tx, opened.disclosure, ctx.tap.arg, now=ctx.now)
        screen = await compose.inside(tx, row, ctx.texts)
    await ctx.toast(ctx.texts.label("It is on its way."))
    await ctx.show(screen)


async def read_reply(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        row = await _my_delivery(ctx, tx)
        disclosure = await tx.get(Disclosure, row.ref)
        if disclosure is None:
            raise NotYours
        inside = compose.agreed_inside if (row.facts or {}).get("agreed") else compose.reply_inside
        screen = await inside(tx, disclosure, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def agree(ctx: Context) -> None:
    """[This is right for me]: the partner learns of it only if they say so too."""
    async with ctx.transaction() as tx:
        row = await _my_delivery(ctx, tx)
        opened = await _opened(tx, row)
        if not opened.step.both_confirm:
            raise NotAnAnswer
        await actions.agree(tx, opened.disclosure, now=ctx.now)
        screen = await compose.inside(tx, row, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _opened(tx: Transaction, row: Delivery) -> queries.Opened:
    """What an envelope holds for its reader.

    Raises:
        NotYours: nothing, or nothing any more.
    """
    opened = await queries.opened_for(tx, row.ref, row.member_id) if row.ref and row.member_id else None
    if opened is None:
        raise NotYours
    return opened


async def _keep(
    ctx: Context, tx: Transaction, page: queries.Page, question_id: str, value: object
) -> tuple[Message, Message | None]:
    """Keep an answer, raise what it calls for, and say what comes next."""
    question = question_of(page.step, question_id)
    kept = await actions.keep_answer(tx, page, question, value, now=ctx.now)  # type: ignore[arg-type]  # rules made it
    urgent = None
    if kept.alert is not None:
        cause = AlertCause.UNSAFE if kept.alert is Level.RED else AlertCause.ANSWER
        await raise_alert(
            tx, page.member, kept.alert, cause, now=ctx.now, meeting_id=page.meeting.id, step=page.step.id
        )
    if kept.alert is Level.RED:
        urgent = await help_for(tx, page.person, ctx.texts)
    page = await queries.as_answered(tx, page)
    screen = compose.asking(page, kept.asks, ctx.texts) if kept.asks else compose.kept(page, ctx.texts, now=ctx.now)
    return screen, urgent


async def _ask_again(ctx: Context, question_id: str | None) -> None:
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        if not page.step.asks:
            raise NotAnAnswer
        name = question_id or page.step.ask[0].id
        await actions.ask_again(tx, page, name, now=ctx.now)
        page = await queries.as_answered(tx, page)
        screen = compose.asking(page, question_of(page.step, name), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _choose(ctx: Context, choice: Choice) -> None:
    async with ctx.transaction() as tx:
        page = await queries.page_for(tx, ctx.ref, await ctx.person(tx))
        await actions.choose_for(tx, page, choice, now=ctx.now)
        page = await queries.as_answered(tx, page)
        screen = compose.kept(page, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def _my_delivery(ctx: Context, tx: Transaction) -> Delivery:
    """The delivery behind a pressed button, for the person it was sent to."""
    me = await ctx.person(tx)
    return await queries.delivery_for(tx, ctx.ref, me)


async def _show_on_the_page(ctx: Context, page: queries.Page, screen: Message) -> None:
    """Typed words change the message that asked for them; if it is not known, the screen comes anew."""
    if page.delivery.message_id is None:
        await ctx.say(screen)
    else:
        await ctx.edit(page.delivery.message_id, screen)


COMMANDS: dict[str, Handler] = {}

BUTTONS: dict[str, Handler] = {
    "open": open_step,
    "answer": answer,
    "answer-with": answer_with,
    "pick": pick,
    "picked": picked,
    "back": back,
    "change": change,
    "skip": skip,
    "done": done,
    "later": later,
    "later-at": come_back,
    "share": share,
    "keep": keep,
    "withdraw": withdraw,
    "unseal": unseal,
    "refold": refold,
    "opening-reply": reply,
    "opening-agree": agree,
    "reply-read": read_reply,
}

TYPED: dict[str, Handler] = {}

REFUSALS: dict[type[Refused], str] = {
    NotAnAnswer: N_("That is not one of the answers here. Please use the buttons."),
    NotOnTheScale: N_("Please choose a number from {least} to {most}."),
    AnswerTooLong: N_(
        "That is {length} characters, and {longest} fit here. Your message is still above: "
        "shorten it and send it again."
    ),
    NotYours: N_("This button belongs to another message. Send /start to see yours."),
    HourHasPassed: N_("The hour for this one has passed, so it stays as it is."),
    NotWiderNow: N_(
        "In these first hours nothing can be shared more widely than before. You can still keep it, "
        "and choose again later."
    ),
    TooLateForLater: N_("By then it would be out of date. It is here now, if you like."),
}
