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
INLINE_BUTTON = {
    "text": str,
    "icon_custom_emoji_id": str,
    "style": str,
    "url": str,
    "callback_data": str,
    "callback_game": dict,
    "pay": bool,
    "switch_inline_query": str,
    "switch_inline_query_current_chat": str,
    "switch_inline_query_chosen_chat": dict,
    "login_url": dict,
    "web_app": dict,
    "copy_text": dict,
}
KEYBOARD_BUTTON = {
    "text": str,
    "icon_custom_emoji_id": str,
    "style": str,
    "request_users": dict,
    "request_chat": dict,
    "request_managed_bot": dict,
    "request_contact": bool,
    "request_location": bool,
    "request_poll": dict,
    "web_app": dict,
}
FORCE = {"force_reply": bool, "input_field_placeholder": str, "selective": bool}
REMOVE = {"remove_keyboard": bool, "selective": bool}
KEYBOARD = {
    "keyboard": list,
    "is_persistent": bool,
    "resize_keyboard": bool,
    "one_time_keyboard": bool,
    "input_field_placeholder": str,
    "selective": bool,
}
MOST_BUTTONS = 100
MOST_BYTES = 10_240
MOST_DATA = 64


def read_inline(markup: Json | None) -> Json | None:
    """Inline buttons as they will be shown; None for no buttons."""
    if not markup:
        return None
    only("reply_markup", markup, {"inline_keyboard": list})
    rows = [[_inline_button(button) for button in row] for row in _rows(markup["inline_keyboard"] or [])]
    rows = [row for row in rows if row]
    _check_size(rows)
    return {"inline_keyboard": rows} if rows else None


def read_any(markup: Json | None) -> tuple[Json | None, Json | None]:
    """Return (inline buttons, reply keyboard or removal or forced reply); one of them at most."""
    if not markup:
        return None, None
    if "inline_keyboard" in markup:
        return read_inline(markup), None
    if "keyboard" in markup:
        only("reply_markup", markup, KEYBOARD)
        rows = [[_keyboard_button(button) for button in row] for row in _rows(markup["keyboard"] or [])]
        _check_size(rows)
        _check_placeholder(markup)
        return None, {**markup, "keyboard": rows}
    if "remove_keyboard" in markup:
        return None, only("reply_markup", markup, REMOVE)
    if "force_reply" in markup:
        only("reply_markup", markup, FORCE)
        _check_placeholder(markup)
        return None, markup
    raise bad("can't parse reply keyboard markup JSON object")


def _rows(rows: list[Any]) -> list[list[Any]]:
    if not all(isinstance(row, list) for row in rows):
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
    text = button.get("text") or ""
    if not text.strip():
        raise bad("inline keyboard button text must not be empty")
    action = next((action for action in ACTIONS if button.get(action) is not None), None)
    if action is None:
        raise bad("Text buttons are unallowed in the inline keyboard")
    value = button[action]
    if action == "callback_data" and not 1 <= len(value.encode()) <= MOST_DATA:
        raise bad("BUTTON_DATA_INVALID")
    if action == "url" and not _is_link(value):
        raise bad(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
    shown = {"text": text, action: value}
    return shown | {key: button[key] for key in ("style", "icon_custom_emoji_id") if key in button}


def _is_link(value: str) -> bool:
    return value.startswith(("https://", "http://", "tg://", "t.me/"))


def _keyboard_button(button: Any) -> Json:
    shown = only("keyboard button", {"text": button} if isinstance(button, str) else button, KEYBOARD_BUTTON)
    if not (shown.get("text") or "").strip():
        raise bad("keyboard button text must not be empty")
    return shown
