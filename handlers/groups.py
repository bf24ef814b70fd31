"""A cohort's Telegram group: connected and disconnected by who holds the cohort and administers the group.

In the group itself nothing is said about anybody: what is wrong and what it means is told in private.
"""

from __future__ import annotations

from uuid import UUID

from telegram.error import TelegramError

from bot.delivery.calls import Call, Method
from bot.delivery.moving import chat_of
from bot.enrolment import circle, grouping, rules
from bot.enrolment.queries import cohorts_held_by, find_cohort, held_cohort, holds, known_person
from bot.errors import Refused
from bot.messages import Message
from bot.storage.database import Transaction
from bot.storage.drafts import drop_draft, keep_draft, read_draft
from bot.storage.tables import Cohort, Person
from bot.texts import N_, Texts
from handlers.context import Context, Handler
from handlers.errors import REFUSALS as SENTENCES

_DRAFT = "group"
_ADMINISTER = {"creator", "administrator"}  # Telegram's words


# ── In the group ───────────────────────────────────────────────────────────────────────────────────────────────────


async def link(ctx: Context) -> None:
    """``/link <cohort>``: in the group it asks in private, in private it says how."""
    if ctx.said.nobody:
        await from_nobody(ctx)
        return
    if ctx.said.private:
        async with ctx.transaction() as tx:
            await ctx.person(tx)
        await ctx.say(grouping.how_to(ctx.texts))
        return
    await _in_a_group(ctx, _ask)


async def unlink(ctx: Context) -> None:
    """``/unlink`` in the group, ``/unlink <cohort>`` in private."""
    if ctx.said.nobody:
        await from_nobody(ctx)
        return
    if ctx.said.private:
        async with ctx.transaction() as tx:
            me = await ctx.person(tx)
            cohort = await find_cohort(tx, me, " ".join(rules.words_of(ctx.said.text)))
            await circle.unlink(tx, cohort, me, now=ctx.now)
            screen = grouping.page(cohort, tx.open(cohort, "name"), ctx.texts)
        await ctx.say(screen)
        return
    await _in_a_group(ctx, _unlink_here)


async def _in_a_group(ctx: Context, act: Handler) -> None:
    """Who holds nothing here reads one neutral line; who does, learns in private what is wrong."""
    async with ctx.looking() as tx:
        me = await known_person(tx, ctx.said.telegram_id)
        mine = bool(me and await cohorts_held_by(tx, me))
        t = Texts(me.language, me.zone) if me else ctx.texts
    if not mine:
        await ctx.say(grouping.not_here(ctx.texts))
        return
    try:
        await act(ctx)
    except Refused as no:
        words = Message(t(SENTENCES[type(no)], **no.facts))
        told = await ctx.runtime.carrier.do(Call(Method.SEND, ctx.said.telegram_id, words))
        await ctx.say(grouping.written_privately(ctx.texts) if told.done else grouping.not_here(ctx.texts))


async def _ask(ctx: Context) -> None:
    async with ctx.looking() as tx:
        me = await ctx.person(tx)
        cohort_id = (await _meant(ctx, tx, me)).id
    await _check_administers(ctx, ctx.said.chat_id)
    is_admin = await _standing(ctx, ctx.said.chat_id, ctx.runtime.bot_id) in _ADMINISTER
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, cohort_id)
        chat = await chat_of(tx, ctx.said.chat_id)
        taken = await circle.linked_to(tx, chat, ctx.said.topic_id) if chat else None
        if taken is not None:
            raise rules.AlreadyLinked if taken.id == cohort.id else rules.ChatTaken
        wish = {
            "cohort": str(cohort.id),
            "chat": ctx.said.chat_id,
            "topic": ctx.said.topic_id,
            "was": str(cohort.chat_id or ""),
        }
        draft = await keep_draft(tx, me.id, _DRAFT, wish, now=ctx.now)
        screen = grouping.asked(
            draft.id,
            tx.open(cohort, "name"),
            ctx.said.chat_title,
            ctx.texts,
            is_admin=is_admin,
            replaces=cohort.chat_id is not None,
        )
    told = await ctx.runtime.carrier.do(Call(Method.SEND, ctx.said.telegram_id, screen))
    await ctx.say(grouping.written_privately(ctx.texts) if told.done else grouping.not_here(ctx.texts))


async def _meant(ctx: Context, tx: Transaction, me: Person) -> Cohort:
    """The cohort they named, or the only one they hold."""
    if ctx.said.text:
        return await find_cohort(tx, me, " ".join(rules.words_of(ctx.said.text)))
    held = await cohorts_held_by(tx, me)
    if len(held) != 1:
        raise rules.AmbiguousCohort(names=", ".join(tx.open(cohort, "name") for cohort in held))
    return held[0]


async def _unlink_here(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        chat = await chat_of(tx, ctx.said.chat_id)
        cohort = await circle.linked_to(tx, chat, ctx.said.topic_id) if chat else None
        if cohort is None or not await holds(tx, me, cohort.id):
            raise rules.NotLinked
        await circle.unlink(tx, cohort, me, now=ctx.now)
    await ctx.say(grouping.unlinked_here(ctx.texts))


async def _check_administers(ctx: Context, chat: int) -> None:
    """Ask Telegram itself: what a message says of its sender proves nothing.

    Raises:
        NotTheirGroup, TelegramIsSilent
    """
    if await _standing(ctx, chat, ctx.said.telegram_id) not in _ADMINISTER:
        raise rules.NotTheirGroup


async def _standing(ctx: Context, chat: int, who: int) -> str:
    try:
        member = await ctx.runtime.carrier.bot.get_chat_member(chat, who)
    except TelegramError as error:
        raise rules.TelegramIsSilent from error
    return str(member.status)


# ── In private ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def confirmed(ctx: Context) -> None:
    """[Connect]: Telegram is asked again, for what was true an hour ago may not be."""
    async with ctx.looking() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, _DRAFT, now=ctx.now)
        wish = tx.open_json(draft, "content")
    await _check_administers(ctx, wish["chat"])
    is_admin = await _standing(ctx, wish["chat"], ctx.runtime.bot_id) in _ADMINISTER
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await read_draft(tx, ctx.ref, me.id, _DRAFT, now=ctx.now)
        cohort = await held_cohort(tx, me, UUID(wish["cohort"]))
        was = UUID(wish["was"]) if wish["was"] else None
        await circle.link(tx, cohort, wish["chat"], wish["topic"], me, was=was, is_admin=is_admin, now=ctx.now)
        await drop_draft(tx, draft)
        screen = grouping.page(cohort, tx.open(cohort, "name"), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def dropped(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        await drop_draft(tx, await read_draft(tx, ctx.ref, me.id, _DRAFT, now=ctx.now))
    await ctx.toast()
    await ctx.show(Message(ctx.texts("Nothing was connected.")))


async def group_chat(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        cohort = await held_cohort(tx, await ctx.person(tx), ctx.ref)
        screen = grouping.page(cohort, tx.open(cohort, "name"), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def group_posts(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, ctx.ref)
        await circle.choose_posts(tx, cohort, me, posts=not cohort.posts_dates, now=ctx.now)
        screen = grouping.page(cohort, tx.open(cohort, "name"), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def group_unlink(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        cohort = await held_cohort(tx, me, ctx.ref)
        await circle.unlink(tx, cohort, me, now=ctx.now)
        screen = grouping.page(cohort, tx.open(cohort, "name"), ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


# ── What Telegram tells of the group ───────────────────────────────────────────────────────────────────────────────


async def came_or_went(ctx: Context) -> None:
    """We were taken in, put out, muted or made an administrator, by whomever."""
    async with ctx.transaction() as tx:
        chat = await chat_of(tx, ctx.said.chat_id)
        if chat is None or chat.telegram_id != ctx.said.chat_id:
            return  # not ours, or the empty shell of a group that has moved
        if ctx.said.bot_is in {"kicked", "left"} or not ctx.said.bot_may_write:
            await circle.lose(tx, chat, ctx.said.bot_is or "gone", now=ctx.now)
            return
        await circle.regain(tx, chat)
        if ctx.said.bot_is == "administrator" and ctx.said.bot_was != "administrator":
            await circle.promoted(tx, chat, now=ctx.now)


async def moved(ctx: Context) -> None:
    """A group became a supergroup, or got topics: Telegram says so in the old chat and in the new one."""
    async with ctx.transaction() as tx:
        if ctx.said.moved_to is not None:
            await circle.moved(tx, ctx.said.chat_id, ctx.said.moved_to)
        elif ctx.said.moved_from is not None:
            await circle.moved(tx, ctx.said.moved_from, ctx.said.chat_id)


async def from_nobody(ctx: Context) -> None:
    """An administrator who writes as the group: nobody we could know."""
    await ctx.say(Message(ctx.texts("I cannot see who wrote this. Please send it under your own name.")))


COMMANDS: dict[str, Handler] = {"link": link, "unlink": unlink}

BUTTONS: dict[str, Handler] = {
    "group-link": confirmed,
    "group-drop": dropped,
    "group-chat": group_chat,
    "group-posts": group_posts,
    "group-unlink": group_unlink,
}

TYPED: dict[str, Handler] = {}

REFUSALS: dict[type[Refused], str] = {
    rules.NotTheirGroup: N_(
        "Telegram says that you are no administrator of that group. Ask one of them to make you one, then send /link "
        "there again."
    ),
    rules.TelegramIsSilent: N_("Telegram does not say who you are in that group. Please try again in a minute."),
    rules.ChatTaken: N_(
        "That group or topic is connected already. Choose another topic, or ask who connected it to send /unlink there."
    ),
    rules.AlreadyLinked: N_("That group is connected with this cohort already. /unlink there ends it."),
    rules.LinkedMeanwhile: N_("Somebody changed this in the meantime. Please send /link in the group again."),
    rules.NotLinked: N_("No group is connected here, so there is nothing to end. /link connects one."),
}
