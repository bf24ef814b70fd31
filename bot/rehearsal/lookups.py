"""Methods about chats, members, files and the bot itself."""

from __future__ import annotations

from bot.rehearsal.access import reachable_chat, require, writable_chat
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.refusals import bad, forbidden
from bot.rehearsal.state import MEMBER_RIGHTS, Json, Person

ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
TOPIC_COLOURS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)


@method("getMe")
def get_me(ask: Ask) -> Json:
    bot = ask.bot
    bot.updates.received = False  # a bot begins with this
    return bot.as_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not bot.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": bot.topics_enabled,
    }


@method("logOut")
def log_out(_: Ask) -> bool:
    return True


@method("close")
def close(_: Ask) -> bool:
    return True


@method("getChat", "chat_id")
def get_chat(ask: Ask) -> Json:
    chat = reachable_chat(ask)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    said = chat.as_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if chat.person is None:
        said["permissions"] = dict.fromkeys(MEMBER_RIGHTS, True)
    if chat.pinned:
        said["pinned_message"] = chat.messages[chat.pinned[-1]].as_json(with_reply=False)
    return said


@method("getChatMember", "chat_id user_id:int")
def get_chat_member(ask: Ask) -> Json:
    chat = reachable_chat(ask)
    who = ask.stage.people.get(ask["user_id"]) or ask.stage.bot_of_id(ask["user_id"])
    if who is None:
        raise bad("invalid user_id specified")
    if chat.person is not None:
        return {"status": "member", "user": who.as_json()}
    member = chat.member(who.id)
    return member.as_json() if member else {"status": "left", "user": who.as_json()}


@method("getChatAdministrators", "chat_id")
def get_chat_administrators(ask: Ask) -> list[Json]:
    """Bots other than the one that asks are not listed, as on Telegram."""
    chat = reachable_chat(ask)
    if chat.person is not None:
        raise bad("there are no administrators in the private chat")
    admins = (member for member in chat.members.values() if member.is_admin)
    return [member.as_json() for member in admins if isinstance(member.who, Person) or member.who is ask.bot]


@method("getChatMemberCount", "chat_id")
def get_chat_member_count(ask: Ask) -> int:
    chat = reachable_chat(ask)
    return 2 if chat.person is not None else sum(member.present for member in chat.members.values())


@method("leaveChat", "chat_id")
def leave_chat(ask: Ask) -> bool:
    chat = reachable_chat(ask)
    if chat.person is not None:
        raise bad("chat member status can't be changed in private chats")
    ask.stage.groups.remove(chat, ask.bot)
    return True


@method("sendChatAction", "chat_id message_thread_id:int action")
def send_chat_action(ask: Ask) -> bool:
    if ask["action"] not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat = reachable_chat(ask)
    if chat.blocked:
        raise forbidden("bot was blocked by the user")
    chat.actions.append((ask.stage.clock.now, ask["action"]))
    return True


@method("createForumTopic", "chat_id name icon_color:int icon_custom_emoji_id")
def create_forum_topic(ask: Ask) -> Json:
    chat = writable_chat(ask)
    name = ask["name"] or ""
    if not 1 <= len(name) <= 128:
        raise bad("TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
    if not (chat.forum or (chat.person is not None and ask.bot.topics_enabled)):
        raise bad("the chat is not a forum")
    require(ask, chat, "can_manage_topics", "not enough rights to create a topic")
    colour = ask["icon_color"] or TOPIC_COLOURS[0]
    if colour not in TOPIC_COLOURS:
        raise bad("wrong icon_color specified")
    message = ask.stage.groups.open_topic(chat, name, ask.bot)
    return {"message_thread_id": message.id, "name": name, "icon_color": colour}


@method("getFile", "file_id")
def get_file(ask: Ask) -> Json:
    return ask.stage.files.get(ask["file_id"] or "")
