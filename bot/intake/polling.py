"""Long polling: fetch, store, and only with the next request tell Telegram that we have it.

The loop is ours because python-telegram-bot's confirms updates that are only in memory, and because it reads a batch as
one: a single update that it cannot parse would hold up all others.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from telegram import Bot
from telegram.error import Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from bot.errors import Wrong
from bot.heart import Heart
from bot.intake.inbox import Inbox, Update
from bot.storage.outage import Outage, away

log = logging.getLogger(__name__)

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "chat_member")
LONG_POLL = 50  # seconds; Telegram answers no later (core.telegram.org/bots/api#getupdates)
_PATIENCE = 10.0  # seconds beyond that until the connection counts as dead
_STUCK = 2 * (LONG_POLL + _PATIENCE)  # seconds for one turn: the poll itself, and keeping what it brought
_SHORTEST, _LONGEST = 0.5, 30.0  # seconds between tries
REFUSALS = 3  # a proxy can answer 404 in Telegram's place; only this many in a row are believed
AFTER_REFUSAL = 20.0  # seconds; no more than three calls a minute with a token that is refused

Pause = Callable[[float], Awaitable[object]]


class TokenRefused(Wrong):
    """Telegram does not accept the token any more."""

    def __init__(self) -> None:
        super().__init__("BOT_TOKEN: Telegram refuses it. Ask @BotFather for the current one and start again.")


async def poll(bot: Bot, inbox: Inbox, *, pause: Pause = asyncio.sleep, heart: Heart | None = None) -> None:
    """Fetch and store updates until cancelled; exactly one process may do this for a bot.

    Raises:
        TokenRefused: Telegram has refused the token several times in a row.
    """
    offset: int | None = None
    webhook_gone = False
    failures = refusals = 0
    telegram, heart = Outage("Telegram"), heart or Heart()
    while True:
        heart.beat("polling", _STUCK)
        try:
            if not webhook_gone:
                webhook_gone = await bot.delete_webhook(drop_pending_updates=False)
            updates = await _fetch(bot, offset)
            await inbox.store(updates)
        except (InvalidToken, Forbidden):
            refusals += 1
            if refusals >= REFUSALS:
                raise TokenRefused from None
            log.error("Telegram refuses the token; asking again")  # noqa: TRY400 - the trace says nothing more
            await pause(AFTER_REFUSAL)
        except Exception as error:  # noqa: BLE001 - whatever happens, the bot goes on listening
            failures += 1
            webhook_gone = webhook_gone and not isinstance(error, Conflict)
            _say(error, failures, telegram)
            seconds = wait_after(error, failures)
            heart.beat("polling", seconds + _STUCK)
            await pause(seconds)
        else:
            telegram.succeeded()
            failures = refusals = 0
            # Telegram forgets what the next request confirms. Without news the offset is dropped, because ids may
            # begin again at any number after a quiet week.
            offset = max((one["update_id"] for one in updates), default=-1) + 1 or None


async def _fetch(bot: Bot, offset: int | None) -> list[Update]:
    wanted: dict[str, Any] = {"timeout": LONG_POLL, "allowed_updates": list(ALLOWED_UPDATES)}
    if offset is not None:
        wanted["offset"] = offset
    answer = await bot._post("getUpdates", wanted, read_timeout=LONG_POLL + _PATIENCE)  # noqa: SLF001 - the public way parses
    return answer if isinstance(answer, list) else []


def wait_after(error: Exception, failures: int) -> float:
    """How long to wait: what Telegram asks for, else longer each time, and never all at the same instant."""
    if isinstance(error, RetryAfter):
        asked = error.retry_after
        return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)
    longest: float = min(_LONGEST, _SHORTEST * 2 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)


def _say(error: Exception, failures: int, telegram: Outage) -> None:
    if isinstance(error, TimedOut) and failures == 1:
        log.debug("a long poll was not answered")
    elif isinstance(error, Conflict):
        telegram.failed(error, "another process fetches this bot's updates, or a webhook is set")
    elif isinstance(error, TelegramError):
        telegram.failed(error)
    elif not away(error):  # that it says itself
        log.error("fetching or storing updates failed; trying again", exc_info=error)
