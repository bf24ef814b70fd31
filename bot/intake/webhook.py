"""The webhook: Telegram calls us, and hears "yes" only after the update is committed."""

from __future__ import annotations

import hmac
import json
from urllib.parse import urlsplit

from aiohttp import web
from telegram import Bot

from bot.intake.inbox import Inbox
from bot.intake.polling import ALLOWED_UPDATES

LARGEST = 1024 * 1024  # bytes
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name


def webhook(inbox: Inbox, url: str, secret: str) -> web.Application:
    """The server for the path of ``url``; a proxy in front of it ends TLS."""

    async def receive(request: web.Request) -> web.Response:
        shown = request.headers.get(_SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(errors="replace"), secret.encode()):
            return web.Response(status=403)
        try:
            update = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            return web.Response(status=400)
        await inbox.store([update])
        return web.Response()

    server = web.Application(client_max_size=LARGEST)
    server.router.add_post(urlsplit(url).path or "/", receive)
    return server


async def announce(bot: Bot, url: str, secret: str) -> None:
    """Tell Telegram where to call; only the leader does."""
    await bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED_UPDATES)
