"""The one door to Telegram: ``Carrier.do(Call) -> Outcome``.

Every send, edit, deletion, pin and answer to a tap goes through it and through the governor. What Telegram answers is
an ``Outcome``, never an exception; whatever is not listed here is *unknown*. Nothing of a message ever reaches a log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import aiohttp
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.delivery.calls import Call, Method, Unsendable, check, form_of
from bot.delivery.outcomes import Outcome
from bot.delivery.transport import Transport, never_left
from bot.delivery.turnstile import Busy, Turnstile
from bot.words import OutcomeKind

__all__ = ["Call", "Carrier", "Method", "Unsendable", "check", "outcome_of"]

CALL_LIMIT = 30.0  # seconds for one call from the first byte to the last
INTERACTIVE_PATIENCE = 10.0  # seconds a reply to a tap waits for its turn
TOKEN_REFUSED_REST = 20.0  # seconds of silence when Telegram does not know our token

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tally:
    """What was called and what came of it, since the start; for the operator."""

    calls: Counter[tuple[Method, OutcomeKind]] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)  # pauses Telegram asked for, of a chat or of the whole bot


class Carrier:
    """Makes calls, each when the governor lets it."""

    def __init__(self, bot: Bot, turnstile: Turnstile | None = None, *, paid: bool = False) -> None:
        self.bot = bot
        self._paid = paid  # more than Telegram carries for nothing; only what exceeds that is charged
        self._transport = cast("Transport", bot.request)
        self.turnstile = turnstile or Turnstile()
        self.tally = Tally()

    async def do(self, call: Call, *, patience: float = INTERACTIVE_PATIENCE) -> Outcome:
        """Wait for our turn, call, and say what became of it.

        Raises:
            Unsendable: the message breaks Telegram's limits; nothing was called.
        """
        check(call)
        try:
            async with self.turnstile.passage(call.chat, call.lane, call.effort, patience=patience) as departure:
                await self.turnstile.leave(departure)
                return await self.call(call)
        except Busy as busy:
            return Outcome(OutcomeKind.LIMITED, "busy", retry_after=busy.seconds)

    async def call(self, call: Call) -> Outcome:
        """Make the call now; for whoever is inside the turnstile already."""
        outcome = await self._try(call)
        if outcome.detail == _UNPARSABLE:
            _log.error("a composed message is not valid HTML; sending it as plain text")
            self.turnstile.count(call.chat, call.lane, call.effort)
            outcome = await self._try(call.in_plain_text(), plain=True)
        if outcome.kind is OutcomeKind.LIMITED and outcome.retry_after:
            whole = self.turnstile.limited(call.chat, outcome.retry_after)
            self.tally.limits["whole" if whole else "chat"] += 1
            _log.warning("Telegram asks for a pause of %d s%s", outcome.retry_after, ", whole bot" if whole else "")
        if outcome.detail == _TOKEN_REFUSED:
            self.turnstile.limited(None, TOKEN_REFUSED_REST)
            _log.critical("Telegram refuses the bot's token; nothing is sent for %d s", TOKEN_REFUSED_REST)
        return outcome

    async def _try(self, call: Call, *, plain: bool = False) -> Outcome:
        outcome = Outcome(OutcomeKind.UNKNOWN)  # what it is if we are cancelled
        try:
            outcome = await self._ask(call, plain=plain)
        finally:
            self.tally.calls[call.method, outcome.kind] += 1
        return outcome

    async def _ask(self, call: Call, *, plain: bool) -> Outcome:
        form = form_of(call, plain=plain, paid=self._paid)
        try:
            async with asyncio.timeout(CALL_LIMIT):
                result = await self._transport.call(self.bot.base_url, form)
            message_id = result["message_id"] if call.method is Method.SEND else call.message_id
        except Exception as error:  # noqa: BLE001 - whatever it is, the call may have arrived
            return outcome_of(error, call.method)
        return Outcome(OutcomeKind.DONE, message_id=message_id)


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
