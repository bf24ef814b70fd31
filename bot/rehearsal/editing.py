"""Methods that change or remove messages, and answers to taps."""

from __future__ import annotations

from datetime import timedelta

from bot.rehearsal.access import message_in, reachable_chat, require, writable_chat
from bot.rehearsal.keyboards import read_inline
from bot.rehearsal.message import Message
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.parameters import only
from bot.rehearsal.refusals import bad
from bot.rehearsal.sending import CAPTION, MARKUP, TEXT, medium, said_caption, said_text
from bot.rehearsal.state import Chat, Json, Notification, Toast
from bot.rehearsal.updates import CALLBACK_EXPIRES

DELETABLE_FOR = timedelta(hours=48)
TARGET = "chat_id message_id:int inline_message_id"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
CAPTIONED = ("photo", "document", "voice", "audio", "video", "animation")


def _own_message(ask: Ask) -> Message:
    if ask["inline_message_id"]:
        raise bad("MESSAGE_ID_INVALID")
    message = message_in(writable_chat(ask), ask["message_id"], "edit")
    if message.sender is not ask.bot or message.is_service or "forward_origin" in message.fixed:
        raise bad("message can't be edited")
    return message


def _change(ask: Ask, message: Message, content: Json, *, edited: bool = True) -> Json:
    """Without reply_markup an edit takes the buttons away, as on Telegram."""
    inline = read_inline(ask["reply_markup"])
    if inline is not None:
        content = content | {"reply_markup": inline}
    if content == message.content:
        raise bad(NOT_MODIFIED)
    ask.stage.change(message, content, edited=edited)
    return message.as_json()


@method("editMessageText", TARGET, MARKUP, TEXT)
def edit_message_text(ask: Ask) -> Json:
    content = said_text(ask)
    message = _own_message(ask)
    if "text" not in message.content:
        raise bad("there is no text in the message to edit")
    return _change(ask, message, content)


@method("editMessageCaption", TARGET, MARKUP, CAPTION, "show_caption_above_media:bool")
def edit_message_caption(ask: Ask) -> Json:
    content = said_caption(ask, ask.given)
    message = _own_message(ask)
    kept = {key: value for key, value in message.content.items() if key in {*CAPTIONED, "has_media_spoiler"}}
    if not kept:
        raise bad("there is no caption in the message to edit")
    return _change(ask, message, kept | content)


@method("editMessageMedia", TARGET, MARKUP, "media:object")
def edit_message_media(ask: Ask) -> Json:
    message = _own_message(ask)
    _, content, file = medium(ask, ask["media"], set(CAPTIONED) - {"voice"})
    changed = _change(ask, message, content)
    message.files = [file]
    return changed


@method("editMessageReplyMarkup", TARGET, MARKUP)
def edit_message_reply_markup(ask: Ask) -> Json:
    message = _own_message(ask)
    kept = {key: value for key, value in message.content.items() if key != "reply_markup"}
    return _change(ask, message, kept, edited=False)


@method("deleteMessage", "chat_id message_id:int")
def delete_message(ask: Ask) -> bool:
    chat = reachable_chat(ask)
    message = message_in(chat, ask["message_id"], "delete")
    refusal = _why_not_delete(ask, chat, message)
    if refusal:
        raise bad(refusal)
    ask.stage.remove(message)
    return True


@method("deleteMessages", "chat_id message_ids:ints")
def delete_messages(ask: Ask) -> bool:
    """What is not found or may not be deleted is skipped, as on Telegram."""
    numbers = ask["message_ids"]
    if not 1 <= len(numbers or ()) <= 100:
        raise bad("there must be 1 to 100 message identifiers")
    chat = reachable_chat(ask)
    for number in numbers:
        message = chat.messages.get(number)
        if message is not None and message.deleted_at is None and not _why_not_delete(ask, chat, message):
            ask.stage.remove(message)
    return True


def _why_not_delete(ask: Ask, chat: Chat, message: Message) -> str | None:
    if "forum_topic_created" in message.fixed or "migrate_to_chat_id" in message.fixed:
        return "message can't be deleted"
    if (
        message.sender is not ask.bot
        and chat.person is None
        and not chat.members[ask.bot.id].may("can_delete_messages")
    ):
        return "message can't be deleted"
    if ask.stage.clock.now - message.sent_at > DELETABLE_FOR:
        return "message can't be deleted for everyone"
    return None


@method("answerCallbackQuery", "callback_query_id text show_alert:bool url cache_time:int")
def answer_callback_query(ask: Ask) -> bool:
    query = ask.stage.queries.get(ask["callback_query_id"] or "")
    now = ask.stage.clock.now
    if query is None or query.bot_id != ask.bot.id or query.answered or now - query.at > CALLBACK_EXPIRES:
        raise bad(TOO_OLD)
    text = ask["text"] or ""
    if len(text) > 200:
        raise bad("MESSAGE_TOO_LONG")
    query.answered = Toast(text, bool(ask["show_alert"]), ask["url"], now)
    ask.stage.changed()
    return True


NO_PIN = "not enough rights to manage pinned messages in the chat"


@method("pinChatMessage", "chat_id message_id:int disable_notification:bool")
def pin_chat_message(ask: Ask) -> bool:
    chat = reachable_chat(ask)
    message = message_in(chat, ask["message_id"], "pin")
    require(ask, chat, "can_pin_messages", NO_PIN)
    if message.id in chat.pinned:
        return True
    chat.pinned.append(message.id)
    ask.stage.post(chat, ask.bot, {}, fixed={"pinned_message": message.as_json(with_reply=False)})
    if chat.person is None and not ask["disable_notification"]:
        _notify_pin(ask, chat, message)
    return True


def _notify_pin(ask: Ask, chat: Chat, message: Message) -> None:
    now = ask.stage.clock.now
    note = Notification(
        message.words, silent=False, at=now, real=message.versions[-1].real, chat=chat, message_id=message.id
    )
    for member_id in chat.members:
        if member_id in ask.stage.notifications:
            ask.stage.notifications[member_id].append(note)


@method("unpinChatMessage", "chat_id message_id:int")
def unpin_chat_message(ask: Ask) -> bool:
    chat = reachable_chat(ask)
    require(ask, chat, "can_pin_messages", NO_PIN)
    number = ask["message_id"] or (chat.pinned[-1] if chat.pinned else None)
    if number not in chat.pinned:
        raise bad("message to unpin not found")
    chat.pinned.remove(number)
    ask.stage.changed()
    return True


@method("unpinAllChatMessages", "chat_id")
def unpin_all_chat_messages(ask: Ask) -> bool:
    chat = reachable_chat(ask)
    require(ask, chat, "can_pin_messages", NO_PIN)
    chat.pinned.clear()
    ask.stage.changed()
    return True


# fmt: off
EMOJI = frozenset((
    "❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩",
    "🤮", "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤‍🔥", "🌚", "🌭", "💯",
    "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭",
    "🤓", "👻", "👨‍💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄",
    "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷‍♂",
    "🤷", "🤷‍♀", "😡",
))
# fmt: on


REACTION = {"type": str, "emoji": str, "custom_emoji_id": str}


@method("setMessageReaction", "chat_id message_id:int reaction:objects is_big:bool")
def set_message_reaction(ask: Ask) -> bool:
    message = message_in(reachable_chat(ask), ask["message_id"], "react")
    reactions = [only("ReactionType", each, REACTION) for each in ask["reaction"] or []]
    if len(reactions) > 1:
        raise bad("REACTIONS_TOO_MANY")
    message.reactions.pop(ask.bot.id, None)
    for reaction in reactions:
        if reaction.get("type") != "emoji" or str(reaction.get("emoji")).rstrip("\ufe0f") not in EMOJI:
            raise bad("REACTION_INVALID")
        message.reactions[ask.bot.id] = reaction["emoji"]
    ask.stage.changed()
    return True
