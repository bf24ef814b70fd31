"""The one door to Telegram: ``Carrier.do(Call) -> Outcome``.

Every send, edit, deletion, pin and answer to a tap goes through it and through the governor. What Telegram answers is
an ``Outcome``, never an exception; whatever is not listed here is *unknown*. Nothing of a message ever reaches a log.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import aiohttp
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import Message as Posted
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.buttons import LONGEST_DATA
from bot.delivery.governor import Effort
from bot.delivery.outcomes import Outcome
from bot.delivery.transport import never_left
from bot.delivery.turnstile import Busy, Turnstile
from bot.messages import LONGEST_CAPTION, LONGEST_TEXT, Attachment, Message, visible_length
from bot.words import Lane, OutcomeKind

CALL_LIMIT = 30.0  # seconds for one call from the first byte to the last
INTERACTIVE_PATIENCE = 10.0  # seconds a reply to a tap waits for its turn
TOKEN_REFUSED_REST = 20.0  # seconds of silence when Telegram does not know our token

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TAG = re.compile(r"<[^>]*>")
_log = logging.getLogger(__name__)


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


class Unsendable(ValueError):  # noqa: N818 - named like the other noes
    """A message that Telegram would refuse; whoever composed it has a mistake."""


class Carrier:
    """Makes calls, each when the governor lets it."""

    def __init__(self, bot: Bot, turnstile: Turnstile | None = None) -> None:
        self.bot = bot
        self.turnstile = turnstile or Turnstile()

    async def do(self, call: Call, *, patience: float = INTERACTIVE_PATIENCE) -> Outcome:
        """Wait for our turn, call, and say what became of it.

        Raises:
            Unsendable: the message breaks Telegram's limits; nothing was called.
        """
        check(call)
        try:
            async with self.turnstile.passage(call.chat, call.lane, call.effort, patience=patience) as departure:
                self.turnstile.left(departure)
                return await self.call(call)
        except Busy as busy:
            return Outcome(OutcomeKind.LIMITED, "busy", retry_after=busy.seconds)

    async def call(self, call: Call) -> Outcome:
        """Make the call now; for whoever is inside the turnstile already."""
        outcome = await self._try(call)
        if outcome.detail == _UNPARSABLE and call.message is not None:
            _log.error("a composed message is not valid HTML; sending it as plain text")
            self.turnstile.count(call.chat, call.lane, call.effort)
            outcome = await self._try(replace(call, message=_plain(call.message)), parse_mode=None)
        if outcome.kind is OutcomeKind.LIMITED and outcome.retry_after:
            whole = self.turnstile.limited(call.chat, outcome.retry_after)
            _log.warning("Telegram asks for a pause of %d s%s", outcome.retry_after, ", whole bot" if whole else "")
        if outcome.detail == _TOKEN_REFUSED:
            self.turnstile.limited(None, TOKEN_REFUSED_REST)
            _log.critical("Telegram refuses the bot's token; nothing is sent for %d s", TOKEN_REFUSED_REST)
        return outcome

    async def _try(self, call: Call, parse_mode: ParseMode | None = ParseMode.HTML) -> Outcome:
        try:
            async with asyncio.timeout(CALL_LIMIT):
                result = await self._request(call, parse_mode)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call may have arrived
            return outcome_of(error, call.method)
        return Outcome(OutcomeKind.DONE, message_id=result.message_id if isinstance(result, Posted) else None)

    async def _request(self, call: Call, parse_mode: ParseMode | None) -> Any:
        bot, message = self.bot, call.message
        match call.method:
            case Method.ANSWER:
                return await bot.answer_callback_query(_needed(call.callback_id), call.notice, show_alert=call.alert)
            case Method.DELETE:
                return await bot.delete_message(_needed(call.chat), _needed(call.message_id))
            case Method.PIN:
                return await bot.pin_chat_message(
                    _needed(call.chat), _needed(call.message_id), disable_notification=True
                )
            case Method.EDIT:
                return await self._edit(call, _needed(message), parse_mode)
            case Method.SEND:
                return await self._send(call, _needed(message), parse_mode)

    async def _edit(self, call: Call, message: Message, parse_mode: ParseMode | None) -> Any:
        where: dict[str, Any] = {
            "chat_id": call.chat,
            "message_id": _needed(call.message_id),
            "parse_mode": parse_mode,
            "reply_markup": keyboard(message),
        }
        if call.captioned:
            return await self.bot.edit_message_caption(caption=message.text, **where)
        return await self.bot.edit_message_text(message.text, link_preview_options=_NO_PREVIEW, **where)

    async def _send(self, call: Call, message: Message, parse_mode: ParseMode | None) -> Any:
        reply = ReplyParameters(message.reply_to, allow_sending_without_reply=True) if message.reply_to else None
        how: dict[str, Any] = {
            "chat_id": call.chat,
            "parse_mode": parse_mode,
            "reply_markup": keyboard(message),
            "disable_notification": message.silent or None,
            "protect_content": message.protected or None,
            "reply_parameters": reply,
            "message_thread_id": call.topic_id,
        }
        if message.attachment is None:
            return await self.bot.send_message(text=message.text, link_preview_options=_NO_PREVIEW, **how)
        send = getattr(self.bot, f"send_{message.attachment.kind}")
        file = {message.attachment.kind: _file(message.attachment)}
        return await send(caption=message.text or None, **file, **how)


def check(call: Call) -> None:
    """Refuse a message that Telegram would refuse, before anything is called.

    Raises:
        Unsendable: too long, empty, or with buttons that do not fit.
    """
    message = call.message
    if message is None:
        return
    captioned = call.captioned or message.attachment is not None
    length = visible_length(message.text)
    longest = LONGEST_CAPTION if captioned else LONGEST_TEXT
    if length > longest or (not captioned and not message.text.strip()):
        raise Unsendable(f"a text of {length} characters")
    for one in (button for row in message.buttons for button in row):
        if (one.data is None) == (one.url is None) or not one.label:
            raise Unsendable("a button with no action or two")
        if one.data is not None and not 1 <= len(one.data.encode()) <= LONGEST_DATA:
            raise Unsendable("a button whose data does not fit")


def keyboard(message: Message) -> InlineKeyboardMarkup | None:
    rows = [
        [InlineKeyboardButton(button.label, url=button.url, callback_data=button.data) for button in row]
        for row in message.buttons
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _file(attachment: Attachment) -> Any:
    if attachment.content is None:
        return attachment.file_id
    return InputFile(attachment.content, filename=attachment.name or None)


def _plain(message: Message) -> Message:
    return replace(message, text=html.unescape(_TAG.sub("", message.text)))


def _needed(value: Any) -> Any:
    if value is None:
        raise ValueError("the call lacks what its method needs")
    return value


# ── What Telegram answered ─────────────────────────────────────────────────────────────────────────────────────────

_UNPARSABLE = "not valid HTML"
_TOKEN_REFUSED = "token refused"  # noqa: S105 - a reason, not a token

# Beginnings and parts of Telegram's own sentences, which say more than its codes. Only these names are kept: the
# sentences may quote what we sent.
_BLOCKED = {
    "bot was blocked by the user": "blocked",
    "user is deactivated": "deactivated",
    "can't initiate conversation": "never started",
    "bot was kicked": "kicked",
    "is not a member": "not a member",
    "group chat was deleted": "group deleted",
    "chat not found": "chat not found",
    "peer_id_invalid": "chat not found",
    "not enough rights": "no rights",
    "have no rights": "no rights",
    "chat_write_forbidden": "no rights",
}
_DONE_ALREADY = {
    Method.EDIT: ("message is not modified", "message to edit not found"),
    Method.DELETE: ("message to delete not found",),
    Method.PIN: ("message to pin not found", "chat_not_modified"),
    Method.ANSWER: ("query is too old", "query_id_invalid"),
}
_REFUSED = {
    "message is too long": "too long",
    "caption is too long": "too long",
    "message can't be edited": "can't be edited",
    "message can't be deleted": "can't be deleted",
    "thread not found": "topic not found",
    "topic_closed": "topic closed",
    "wrong file identifier": "file not found",
}


def outcome_of(error: BaseException, method: Method = Method.SEND) -> Outcome:
    """What an error says about its call: by its cause, never by its class alone; unlisted is unknown."""
    match error:
        case RetryAfter():
            after = error.retry_after
            seconds = after if isinstance(after, int) else after.total_seconds()
            return Outcome(OutcomeKind.LIMITED, "limited", retry_after=seconds)
        case ChatMigrated():
            return Outcome(OutcomeKind.MOVED, "moved", new_chat_id=error.new_chat_id)
        case InvalidToken():
            return Outcome(OutcomeKind.NOT_SENT, _TOKEN_REFUSED)
        case Forbidden():
            return Outcome(OutcomeKind.UNREACHABLE, _named(_BLOCKED, error) or "forbidden")
        case BadRequest():
            return _bad_request(error, method)
        case Conflict():
            return Outcome(OutcomeKind.NOT_SENT, "conflict")
        case TelegramError() if never_left(error):
            return Outcome(OutcomeKind.NOT_SENT, type(error.__cause__).__name__)
        case _:
            cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError | OSError) else error
            return Outcome(OutcomeKind.UNKNOWN, type(cause).__name__)


def _bad_request(error: BadRequest, method: Method) -> Outcome:
    said = error.message.lower()
    if any(part in said for part in _DONE_ALREADY.get(method, ())):
        return Outcome(OutcomeKind.DONE, "already so")
    if "can't parse entities" in said:
        return Outcome(OutcomeKind.REFUSED, _UNPARSABLE)
    gone = _named(_BLOCKED, error)
    if gone is not None and method is Method.SEND:  # the right to pin says nothing about the right to write
        return Outcome(OutcomeKind.UNREACHABLE, gone)
    return Outcome(OutcomeKind.REFUSED, gone or _named(_REFUSED, error) or "refused")


def _named(names: dict[str, str], error: TelegramError) -> str | None:
    said = error.message.lower()
    return next((name for part, name in names.items() if part in said), None)
