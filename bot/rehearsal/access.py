"""Which chats and messages a bot may reach, and the sentence it gets where it may not.

Sentences from github.com/tdlib/telegram-bot-api (Client.cpp) and github.com/tdlib/td.
"""

from __future__ import annotations

from bot.rehearsal.message import Message
from bot.rehearsal.methods import Ask
from bot.rehearsal.refusals import bad, forbidden, migrated, too_many
from bot.rehearsal.stage import Bot, Stage
from bot.rehearsal.state import Chat


def reachable_chat(ask: Ask, name: str = "chat_id") -> Chat:
    """The chat that the bot names, if it may look into it."""
    raw = ask[name]
    if raw is None or raw == "":
        raise bad(f"{name} is empty")
    try:
        number = int(raw)
    except ValueError:
        raise bad("chat not found") from None
    if number > 0:
        return _private(ask.stage, ask.bot, number)
    chat = ask.stage.chats.get(number)
    member = chat.member(ask.bot.id) if chat else None
    if chat is None or member is None:
        raise bad("chat not found")
    if chat.migrated_to is not None:
        raise migrated(chat.migrated_to.id)
    if chat.deleted:
        raise forbidden("the group chat was deleted")
    if member.status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    if not member.present:
        raise forbidden(f"bot is not a member of the {chat.kind} chat")
    return chat


def writable_chat(ask: Ask, right: str = "can_send_messages", what: str = "text messages") -> Chat:
    """The chat that the bot names, if it may write there now; takes its share of the sending limits."""
    chat = reachable_chat(ask)
    if chat.person is not None:
        if chat.person.deactivated:
            raise forbidden("user is deactivated")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
    else:
        member = chat.members[ask.bot.id]
        if member.status == "restricted" and not member.may(right):
            raise bad(f"not enough rights to send {what} to the chat")
    if ask.stage.limiter is not None:
        wait = ask.stage.limiter.wait(chat.id)
        if wait is not None:
            raise too_many(wait)
    return chat


def _private(stage: Stage, bot: Bot, person_id: int) -> Chat:
    if stage.bot_of_id(person_id) is not None:
        raise forbidden("bots can't send messages to bots")
    chat = stage.private.get((bot.id, person_id))
    if chat is not None and chat.started:
        return chat
    if any(chat.has(person_id) and chat.has(bot.id) for chat in stage.chats.values()):
        raise forbidden("bot can't initiate conversation with a user")
    raise bad("chat not found")


def message_in(chat: Chat, message_id: int | None, verb: str) -> Message:
    """A message that is still there; `verb` completes the sentence "message to ... not found"."""
    if message_id is None:
        raise bad("message identifier is not specified")
    message = chat.messages.get(message_id)
    if message is None or message.deleted_at is not None:
        raise bad(f"message to {verb} not found")
    return message


def require(ask: Ask, chat: Chat, right: str, sentence: str) -> None:
    """In groups some acts need an administrator's right."""
    if chat.person is None and not chat.members[ask.bot.id].may(right):
        raise bad(sentence)
