"""The webhook: Telegram calls us, and hears "yes" only after the update is committed."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot.intake.inbox import Inbox, Update
from bot.intake.polling import AFTER_REFUSAL, ALLOWED_UPDATES, REFUSALS, Pause, TokenRefused, wait_after
from bot.storage.outage import Outage, away

log = logging.getLogger(__name__)

LARGEST = 1024 * 1024  # bytes
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name


def webhook(inbox: Inbox, url: str, secret: str) -> web.Application:
    """The server for the path of ``url``; a proxy in front of it ends TLS."""

    async def receive(request: web.Request) -> web.Response:
        shown = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(errors="replace"), secret.encode()):
            return web.Response(status=403)
        update = _read(await request.read())
        if update is None:
            return web.Response(status=400)
        try:
            await inbox.store([update])
        except Exception as error:
            if away(error):  # that it says itself; Telegram tries again
                return web.Response(status=503)
            log.exception("an update could not be stored")
            return web.Response(status=500)
        return web.Response()

    server = web.Application(client_max_size=LARGEST)
    server.router.add_post(urlsplit(url).path or "/", receive)
    return server


def _read(body: bytes) -> Update | None:
    """The update, if it is one."""
    try:
        update: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    number = update.get("update_id") if isinstance(update, dict) else None
    # True is an int too, and what is no 64 bits long no column can keep.
    return update if type(number) is int and 0 <= number < 2**63 else None


async def announce(bot: Bot, url: str, secret: str, *, pause: Pause = asyncio.sleep) -> None:
    """Tell Telegram where to call, again and again until it has heard; only the leader does.

    Raises:
        TokenRefused: Telegram has refused the token several times in a row.
    """
    telegram = Outage("Telegram")
    failures = refusals = 0
    while True:
        try:
            await bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED_UPDATES)
        except (InvalidToken, Forbidden):
            refusals += 1
            if refusals >= REFUSALS:
                raise TokenRefused from None
            await pause(AFTER_REFUSAL)
        except BadRequest:
            log.error("Telegram does not accept WEBHOOK_URL; understory doctor says more")  # noqa: TRY400 - its sentence may quote the address
            await pause(AFTER_REFUSAL)
        except TelegramError as error:
            failures += 1
            telegram.failed(error)
            await pause(wait_after(error, failures))
        else:
            telegram.succeeded()
            return
