"""Buttons: what Telegram accepts as reply_markup, and what it makes of it."""

from __future__ import annotations

import json
from typing import Any

from bot.rehearsal.parameters import only
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Json

# Of several actions on one button Telegram takes the first of these and ignores the rest.
ACTIONS = (
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "login_url",
    "web_app",
    "copy_text",
)
INLINE_BUTTON = frozenset({"text", "icon_custom_emoji_id", "style", *ACTIONS})
KEYBOARD_BUTTON = frozenset(
    {
        "text",
        "icon_custom_emoji_id",
        "style",
        "request_users",
        "request_chat",
        "request_managed_bot",
        "request_contact",
        "request_location",
        "request_poll",
        "web_app",
    }
)
KEYBOARD = frozenset(
    {"keyboard", "is_persistent", "resize_keyboard", "one_time_keyboard", "input_field_placeholder", "selective"}
)
FORCE = frozenset({"force_reply", "input_field_placeholder", "selective"})
REMOVE = frozenset({"remove_keyboard", "selective"})
MOST_BUTTONS = 100
MOST_BYTES = 10_240
MOST_DATA = 64


def read_inline(markup: Any) -> Json | None:
    """Inline buttons as they will be shown; None for no buttons."""
    if not markup:
        return None
    only("reply_markup", markup, frozenset({"inline_keyboard"}))
    rows = [[_inline_button(button) for button in row] for row in _rows(markup["inline_keyboard"])]
    rows = [row for row in rows if row]
    _check_size(rows)
    return {"inline_keyboard": rows} if rows else None


def read_any(markup: Any) -> tuple[Json | None, Json | None]:
    """Return (inline buttons, reply keyboard or removal or forced reply); one of them at most."""
    if not markup:
        return None, None
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        return read_inline(markup), None
    if "keyboard" in markup:
        only("reply_markup", markup, KEYBOARD)
        rows = [[_keyboard_button(button) for button in row] for row in _rows(markup["keyboard"])]
        _check_size(rows)
        _check_placeholder(markup)
        return None, {**markup, "keyboard": rows}
    if "remove_keyboard" in markup:
        return None, only("reply_markup", markup, REMOVE)
    if "force_reply" in markup:
        _check_placeholder(markup)
        return None, only("reply_markup", markup, FORCE)
    raise bad("can't parse reply keyboard markup JSON object")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" or "keyboard" must be an Array of Arrays')
    return rows


def _check_size(rows: list[list[Any]]) -> None:
    if sum(map(len, rows)) > MOST_BUTTONS or len(json.dumps(rows, ensure_ascii=False).encode()) > MOST_BYTES:
        raise bad("reply markup is too long")


def _check_placeholder(markup: Json) -> None:
    placeholder = markup.get("input_field_placeholder")
    if placeholder is not None and not 1 <= len(placeholder) <= 64:
        raise bad("input field placeholder must be 1 to 64 characters long")


def _inline_button(button: Any) -> Json:
    button = only("inline keyboard button", button, INLINE_BUTTON)
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad("inline keyboard button text must not be empty")
    action = next((action for action in ACTIONS if button.get(action) is not None), None)
    if action is None:
        raise bad("Text buttons are unallowed in the inline keyboard")
    value = button[action]
    if action == "callback_data" and (not isinstance(value, str) or not 1 <= len(value.encode()) <= MOST_DATA):
        raise bad("BUTTON_DATA_INVALID")
    if action == "url" and not _is_link(value):
        raise bad(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    shown = {"text": text, action: value}
    return shown | {key: button[key] for key in ("style", "icon_custom_emoji_id") if key in button}


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://", "tg://", "t.me/"))


def _keyboard_button(button: Any) -> Json:
    shown = only("keyboard button", {"text": button} if isinstance(button, str) else button, KEYBOARD_BUTTON)
    if not isinstance(shown.get("text"), str) or not shown["text"].strip():
        raise bad("keyboard button text must not be empty")
    return shown
