"""What people say to the bot, and who listens: the table of contents, in order of precedence.

1. Commands, in private chats (help and opened links also in groups, where links are burnt).
2. Buttons, by their action.
3. Blocked, unblocked, added, removed.
4. Words: what a draft waits for, else the message they reply to, else the only open question, else we ask what to do.

Edited messages never act. What needs two rooms is done here in one transaction; the pairs are: an answer and the alert
it raises (checkins, safety), leaving and what was sealed (enrolment, checkins), erasing and everything (records, all).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import telegram
from telegram.ext import Application, CallbackQueryHandler, ChatMemberHandler, CommandHandler, MessageHandler, filters

from bot.broadcasts.compose import unknown_command as unknown
from bot.buttons import UnknownButton
from bot.checkins.queries import Page, asks_for_words, is_fresh, open_questions, page_replied_to, takes
from bot.errors import Refused
from bot.intake.arrival import arrival
from bot.runtime import Runtime
from bot.storage.drafts import awaiting_draft
from handlers import broadcasts, checkins, desk, enrolment, groups, records, safety, scheduling, settings
from handlers.context import Context, Handler, said
from handlers.errors import REFUSALS, refuse

ROOMS = (safety, enrolment, groups, scheduling, checkins, broadcasts, desk, records, settings)

# A seat's link is burnt there; help is never refused to anybody; a group is connected where it is.
IN_GROUPS_TOO = {"start", "help", "call", "link", "unlink"}
# Even in the name of a group: a link is burnt whoever shows it, and who connects it learns why that is not enough.
FROM_NOBODY = {"start", "link", "unlink"}

Listener = Callable[[telegram.Update, Any], Coroutine[Any, Any, None]]
App = Application[Any, Any, Any, Any, Any, Any]


def register(application: App, runtime: Runtime) -> None:
    """Connect every handler; ``application`` routes, we decide."""
    for room in ROOMS:
        REFUSALS.update(room.REFUSALS)
    message = filters.UpdateType.MESSAGE
    for room in ROOMS:
        for command, handler in room.COMMANDS.items():
            private, of_nobody = command not in IN_GROUPS_TOO, command in FROM_NOBODY
            listen = _listening(handler, runtime, private=private, of_nobody=of_nobody)
            application.add_handler(CommandHandler(command, listen, filters=message))
    for room in ROOMS:
        for action, handler in room.BUTTONS.items():
            listen = _listening(handler, runtime, private=True)  # we put no buttons into groups: it is invented
            application.add_handler(CallbackQueryHandler(listen, pattern=f"^{action}:"))
    application.add_handler(CallbackQueryHandler(_listening(unknown_button, runtime)))
    application.add_handler(ChatMemberHandler(_listening(came_or_went, runtime), ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(MessageHandler(message & filters.StatusUpdate.MIGRATE, _listening(groups.moved, runtime)))
    application.add_handler(MessageHandler(message & filters.COMMAND, _listening(unknown_command, runtime)))
    application.add_handler(MessageHandler(message & ~filters.StatusUpdate.ALL, _listening(words, runtime)))
    application.add_error_handler(_failed)


async def came_or_went(ctx: Context) -> None:
    """The bot itself came or went: in a private chat it was blocked or let back in."""
    await (safety.came_or_went if ctx.said.private else groups.came_or_went)(ctx)


async def words(ctx: Context) -> None:
    """Typed words, or something sent: find out what they are for."""
    if not ctx.said.private:
        return
    async with ctx.looking() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        awaited = draft.awaits if draft is not None else None
        replied = ctx.said.reply_to
        page = await page_replied_to(tx, me, ctx.said.chat_id, replied) if replied else None
        pages = [] if page or not ctx.said.text else await open_questions(tx, me, now=ctx.now)
        meant = _meant([one for one in pages if is_fresh(one, ctx.now)], ctx.said.text)
    if page is not None and ctx.said.text:
        await checkins.written(ctx, page)
    elif awaited is not None:
        await _typed(awaited)(ctx)
    elif meant is not None:
        await checkins.written(ctx, meant)
    else:
        await broadcasts.unexpected(ctx, [one for one in pages if asks_for_words(one)][:3])


def _meant(fresh: list[Page], words: str) -> Page | None:
    """The only question that typed words can be for: one that asks for words, else one whose button they name."""
    asking = [page for page in fresh if asks_for_words(page)] or [page for page in fresh if takes(page, words)]
    return asking[0] if len(asking) == 1 else None


async def unknown_command(ctx: Context) -> None:
    """A command that is none: it must not be taken for words, and help is named in any case."""
    if ctx.said.private:
        async with ctx.transaction() as tx:
            await ctx.person(tx)
        await ctx.say(unknown(ctx.texts))


async def unknown_button(ctx: Context) -> None:  # noqa: ARG001 - a handler takes its context
    raise UnknownButton


def _typed(awaited: str) -> Handler:
    typed: dict[str, Handler] = {}
    for room in ROOMS:
        typed.update(room.TYPED)
    return typed[awaited]


def _listening(handler: Handler, runtime: Runtime, *, private: bool = False, of_nobody: bool = False) -> Listener:
    async def listen(update: telegram.Update, _: Any) -> None:
        try:
            heard = said(update)
        except UnknownButton as no:
            await refuse(runtime, update, no)
            return
        if heard is None:
            return
        ctx = Context(runtime, heard, await runtime.clock.now())
        try:
            if heard.nobody and not (of_nobody or heard.bot_is or heard.moved_to or heard.moved_from):
                return
            if private:
                ctx.stay_private()
            await handler(ctx)
        except Refused as no:
            await refuse(runtime, update, no, ctx)

    return listen


async def _failed(_: object, context: Any) -> None:
    """Telegram's library would swallow it: the inbox must know, to try again."""
    arrival.get().failed(context.error)
