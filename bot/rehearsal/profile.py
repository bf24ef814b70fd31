"""Methods about how the bot presents itself: command menus, names, descriptions, the menu button."""

from __future__ import annotations

import re

from bot.rehearsal.access import reachable_chat
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.parameters import Fields, only
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Json

SCOPE = "scope:object language_code"
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
LANGUAGE = re.compile(r"([a-z]{2})?")
SCOPE_FIELDS: Fields = {"type": str, "chat_id": (int, str), "user_id": int}
COMMAND_FIELDS = {"command": str, "description": str, "is_ephemeral": bool}
BUTTON_FIELDS = {"type": str, "text": str, "web_app": dict}
EVERYWHERE = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
IN_A_CHAT = frozenset({"chat", "chat_administrators", "chat_member"})


def _scope(ask: Ask) -> tuple[tuple[str, str], str]:
    language = ask["language_code"] or ""
    if not LANGUAGE.fullmatch(language):
        raise bad("invalid language code specified")
    scope = only("BotCommandScope", ask["scope"] or {"type": "default"}, SCOPE_FIELDS)
    kind = scope.get("type")
    if kind in EVERYWHERE:
        return (kind, ""), language
    if kind not in IN_A_CHAT:
        raise bad("can't parse BotCommandScope: unsupported type specified")
    chat = reachable_chat(Ask(ask.stage, ask.bot, {"chat_id": scope.get("chat_id")}))
    if kind != "chat" and chat.person is not None:
        raise bad("can't use this scope in a private chat")
    where = f"{chat.id}/{scope.get('user_id')}" if kind == "chat_member" else str(chat.id)
    return (kind, where), language


@method("setMyCommands", SCOPE, "commands:objects")
def set_my_commands(ask: Ask) -> bool:
    if ask["commands"] is None:
        raise bad("can't parse commands: expected an Array of BotCommand")
    if len(ask["commands"]) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    listed = []
    for given in ask["commands"]:
        entry = only("BotCommand", given, COMMAND_FIELDS)
        command, description = (entry.get("command") or "").removeprefix("/"), entry.get("description") or ""
        if not COMMAND.fullmatch(command):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(description.strip()) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        listed.append({"command": command, "description": description.strip()})
    ask.bot.commands[_scope(ask)] = listed
    return True


@method("getMyCommands", SCOPE)
def get_my_commands(ask: Ask) -> list[Json]:
    return ask.bot.commands.get(_scope(ask), [])


@method("deleteMyCommands", SCOPE)
def delete_my_commands(ask: Ask) -> bool:
    ask.bot.commands.pop(_scope(ask), None)
    return True


def _set(ask: Ask, field: str, longest: int) -> bool:
    words = ask[field] or ""
    if len(words) > longest:
        raise bad(f"{field} is too long")
    ask.bot.profile[field, ask["language_code"] or ""] = words
    return True


def _get(ask: Ask, field: str) -> Json:
    profile = ask.bot.profile
    fallback = ask.bot.name if field == "name" else ""
    return {field: profile.get((field, ask["language_code"] or "")) or profile.get((field, "")) or fallback}


@method("setMyName", "name language_code")
def set_my_name(ask: Ask) -> bool:
    return _set(ask, "name", 64)


@method("getMyName", "language_code")
def get_my_name(ask: Ask) -> Json:
    return _get(ask, "name")


@method("setMyDescription", "description language_code")
def set_my_description(ask: Ask) -> bool:
    return _set(ask, "description", 512)


@method("getMyDescription", "language_code")
def get_my_description(ask: Ask) -> Json:
    return _get(ask, "description")


@method("setMyShortDescription", "short_description language_code")
def set_my_short_description(ask: Ask) -> bool:
    return _set(ask, "short_description", 120)


@method("getMyShortDescription", "language_code")
def get_my_short_description(ask: Ask) -> Json:
    return _get(ask, "short_description")


@method("setChatMenuButton", "chat_id menu_button:object")
def set_chat_menu_button(ask: Ask) -> bool:
    button = only("MenuButton", ask["menu_button"] or {"type": "default"}, BUTTON_FIELDS)
    if button.get("type") not in {"commands", "web_app", "default"}:
        raise bad("MenuButton has unsupported type")
    if ask["chat_id"] is None:
        ask.bot.menu_button = button
    else:
        reachable_chat(ask).menu_button = button
    return True


@method("getChatMenuButton", "chat_id")
def get_chat_menu_button(ask: Ask) -> Json:
    chosen = ask.bot.menu_button if ask["chat_id"] is None else reachable_chat(ask).menu_button
    return chosen or ask.bot.menu_button
