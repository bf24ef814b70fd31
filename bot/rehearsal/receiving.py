"""Methods about how updates reach the bot: long polling and webhooks (the waiting itself is the server's)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.rehearsal.files import Upload
from bot.rehearsal.methods import Ask, method
from bot.rehearsal.refusals import bad, conflict
from bot.rehearsal.stage import Webhook
from bot.rehearsal.state import Json

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
PORTS = frozenset({80, 88, 443, 8443})
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_UPDATES = 100


@method("getUpdates", "offset:int limit:int timeout:int allowed_updates:strings")
def get_updates(ask: Ask) -> list[Json]:
    """One look into the queue; the server waits for `timeout` around it."""
    bot = ask.bot
    if bot.webhook is not None:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    bot.updates.allow(ask["allowed_updates"])
    if ask["offset"]:
        bot.updates.confirm(ask["offset"])
    limit = min(max(ask["limit"] or MOST_UPDATES, 1), MOST_UPDATES)
    updates = bot.updates.take(limit, ask.stage.clock.now)
    return [update.as_json() for update in ask.stage.faults.disturb(updates, list(bot.updates.seen))]


@method(
    "setWebhook",
    "url certificate:file ip_address max_connections:int allowed_updates:strings drop_pending_updates:bool",
    "secret_token",
)
def set_webhook(ask: Ask) -> bool:
    """HTTPS on Telegram's ports, or plain HTTP on this machine, which Telegram would refuse."""
    url = ask["url"] or ""
    bot = ask.bot
    if ask["drop_pending_updates"]:
        bot.updates.drop()
    if not url:
        bot.webhook = None
        return True
    parts = urlsplit(url)
    if parts.hostname not in LOCAL:
        if parts.scheme != "https":
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if (parts.port or 443) not in PORTS:
            raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    secret = ask["secret_token"] or None
    if secret is not None and not SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    connections = ask["max_connections"] or 40
    if not 1 <= connections <= 100:
        raise bad("max_connections must be 1 to 100")
    bot.updates.allow(ask["allowed_updates"])
    bot.webhook = Webhook(url, secret, connections, isinstance(ask["certificate"], Upload), ask["ip_address"])
    ask.stage.changed()
    for wake in list(bot.updates.wakers):
        wake()
    return True


@method("deleteWebhook", "drop_pending_updates:bool")
def delete_webhook(ask: Ask) -> bool:
    if ask["drop_pending_updates"]:
        ask.bot.updates.drop()
    ask.bot.webhook = None
    return True


@method("getWebhookInfo")
def get_webhook_info(ask: Ask) -> Json:
    bot, hook = ask.bot, ask.bot.webhook
    said: Json = {
        "url": hook.url if hook else "",
        "has_custom_certificate": bool(hook and hook.certificate),
        "pending_update_count": len(bot.updates.waiting),
    }
    if hook is not None:
        said["max_connections"] = hook.max_connections
        if hook.ip_address:
            said["ip_address"] = hook.ip_address
        if hook.last_error:
            said["last_error_date"], said["last_error_message"] = hook.last_error
    if bot.updates.explicit:
        said["allowed_updates"] = bot.updates.explicit
    return said
