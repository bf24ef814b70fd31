"""One call to Telegram as a value: what is asked, whether Telegram would take it, and the fields it becomes."""

from __future__ import annotations

import html
import mimetypes
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.buttons import LONGEST_DATA
from bot.delivery.governor import Effort
from bot.messages import LONGEST_CAPTION, LONGEST_TEXT, Attachment, Message, visible_length
from bot.words import Lane

_TAG = re.compile(r"<[^>]*>")


class Method(StrEnum):
    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"
    PIN = "pin"
    ANSWER = "answer"  # to a tap


_EFFORT = {Method.DELETE: Effort.QUIET, Method.ANSWER: Effort.FREE}


@dataclass(frozen=True)
class Call:
    """One call to Telegram; ``chat`` is Telegram's id."""

    method: Method
    chat: int | None = None
    message: Message | None = None
    message_id: int | None = None  # what is edited, deleted or pinned
    lane: Lane = Lane.INTERACTIVE
    captioned: bool = False  # the edited message carries an attachment: its caption is edited
    topic_id: int | None = None
    callback_id: str | None = None
    notice: str | None = None  # a short line over the chat, for ``ANSWER``
    alert: bool = False  # the notice waits to be dismissed

    @property
    def effort(self) -> Effort:
        return _EFFORT.get(self.method, Effort.MESSAGE)

    def in_plain_text(self) -> Call:
        """The same call with its markup taken out."""
        if self.message is None:
            return self
        return replace(self, message=replace(self.message, text=html.unescape(_TAG.sub("", self.message.text))))


class Unsendable(ValueError):  # noqa: N818 - named like the other noes
    """A message that Telegram would refuse; whoever composed it has a mistake."""


def check(call: Call) -> None:
    """Refuse what Telegram would refuse, before anything is called.

    Raises:
        Unsendable: too long, empty, with buttons that do not fit, or without what its method needs.
    """
    _check_address(call)
    message = call.message
    if message is None:
        return
    captioned = call.captioned or message.attachment is not None
    length = visible_length(message.text)
    if length > (LONGEST_CAPTION if captioned else LONGEST_TEXT) or (not captioned and not message.text.strip()):
        raise Unsendable(f"a text of {length} characters")
    for button in (button for row in message.buttons for button in row):
        if (button.data is None) == (button.url is None) or not button.label:
            raise Unsendable("a button with no action or two")
        if button.data is not None and not 1 <= len(button.data.encode()) <= LONGEST_DATA:
            raise Unsendable("a button whose data does not fit")


def _check_address(call: Call) -> None:
    needed: dict[Method, tuple[Any, ...]] = {
        Method.SEND: (call.chat, call.message),
        Method.EDIT: (call.chat, call.message, call.message_id),
        Method.DELETE: (call.chat, call.message_id),
        Method.PIN: (call.chat, call.message_id),
        Method.ANSWER: (call.callback_id,),
    }
    if None in needed[call.method]:
        raise Unsendable(f"a call that lacks what {call.method.value} needs")


@dataclass(frozen=True)
class Form:
    """The fields of one Bot API method, and the file that goes with them."""

    method: str
    parameters: dict[str, Any]
    file: tuple[str, Attachment] | None = None


def form_of(call: Call, *, plain: bool = False, paid: bool = False) -> Form:
    """The Bot API method and fields of a checked call; texts are HTML unless they are plain."""
    match call.method:
        case Method.ANSWER:
            notice = {"text": call.notice, "show_alert": call.alert or None}
            return Form("answerCallbackQuery", _given({"callback_query_id": call.callback_id} | notice))
        case Method.DELETE:
            return Form("deleteMessage", {"chat_id": call.chat, "message_id": call.message_id})
        case Method.PIN:
            where = {"chat_id": call.chat, "message_id": call.message_id}
            return Form("pinChatMessage", where | {"disable_notification": True})
        case Method.EDIT:
            return _edit(call, plain=plain)
        case Method.SEND:
            return _send(call, plain=plain, paid=paid)


def _edit(call: Call, *, plain: bool) -> Form:
    assert call.message is not None  # noqa: S101 - it was checked
    method = "editMessageCaption" if call.captioned else "editMessageText"
    where = {"chat_id": call.chat, "message_id": call.message_id}
    return Form(method, _given(where | _words(call.message, captioned=call.captioned, plain=plain)))


def _send(call: Call, *, plain: bool, paid: bool) -> Form:
    message = call.message
    assert message is not None  # noqa: S101 - it was checked
    attachment = message.attachment
    reply = {"message_id": message.reply_to, "allow_sending_without_reply": True} if message.reply_to else None
    fields = {
        "chat_id": call.chat,
        "message_thread_id": call.topic_id,
        "disable_notification": message.silent or None,
        "protect_content": message.protected or None,
        "allow_paid_broadcast": paid or None,
        "reply_parameters": reply,
    } | _words(message, captioned=attachment is not None, plain=plain)
    if attachment is None:
        return Form("sendMessage", _given(fields))
    method = f"send{attachment.kind.capitalize()}"
    if attachment.content is None:
        return Form(method, _given(fields | {attachment.kind: attachment.file_id}))
    return Form(method, _given(fields), (attachment.kind, attachment))


def _words(message: Message, *, captioned: bool, plain: bool) -> dict[str, Any]:
    rows = [[_button(button.label, button.data, button.url) for button in row] for row in message.buttons]
    words: dict[str, Any] = {
        "parse_mode": None if plain else "HTML",
        "reply_markup": {"inline_keyboard": rows} if rows else None,
    }
    if captioned:
        return words | {"caption": message.text or None}
    return words | {"text": message.text, "link_preview_options": {"is_disabled": True}}


def _button(label: str, data: str | None, url: str | None) -> dict[str, str]:
    return {"text": label, "url": url} if url is not None else {"text": label, "callback_data": data or ""}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def mime_type(attachment: Attachment) -> str:
    return mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"
