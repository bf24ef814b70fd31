"""Delivery of updates to webhooks: in order within each line, several lines at once, repeated until it works.

Anything but a 2xx is tried again after a doubling real delay (a Retry-After of up to an hour is honoured) until the
update has expired. A method in the answer is executed, except those that Telegram ignores there.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import aiohttp

from bot.rehearsal.api import Api
from bot.rehearsal.refusals import Refusal, bad
from bot.rehearsal.stage import Bot, Webhook
from bot.rehearsal.state import Update
from bot.rehearsal.wire import as_bytes, json_object

LONGEST_DELAY = 60.0
LONGEST_ASKED = 3600.0
IGNORED = frozenset({"setwebhook", "deletewebhook", "close", "logout"})
ANSWER_WITHIN = 60.0

log = logging.getLogger(__name__)


class Webhooks:
    def __init__(self, api: Api, first_delay: float = 1.0) -> None:
        self._api = api
        self._stage = api.stage
        self._first_delay = first_delay
        self._something = asyncio.Event()
        self._lines: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._http: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._stage.listeners.append(self._something.set)
        self._stage.update_watchers.append(self._heard)
        try:
            while True:
                self._start_lines()
                await self._something.wait()
                self._something.clear()
        finally:
            self._stage.listeners.remove(self._something.set)
            self._stage.update_watchers.remove(self._heard)
            for line in list(self._lines.values()):
                line.cancel()
            await asyncio.gather(*self._lines.values(), return_exceptions=True)
            if self._http is not None:
                await self._http.close()

    def _heard(self, bot: Bot, _: object) -> None:
        if bot.webhook is not None:
            self._something.set()

    def _start_lines(self) -> None:
        for bot in self._stage.bots.values():
            if bot.webhook is None:
                continue
            busy = sum(bot_id == bot.id for bot_id, _ in self._lines)
            for update in bot.updates.waiting:
                key = (bot.id, update.line)
                if key not in self._lines and busy < bot.webhook.max_connections:
                    busy += 1
                    self._lines[key] = asyncio.create_task(self._deliver_line(bot, update.line))

    async def _deliver_line(self, bot: Bot, line: str) -> None:
        try:
            while (update := self._next(bot, line)) is not None and bot.webhook is not None:
                updates = self._stage.faults.disturb([update], list(bot.updates.seen))
                for one in updates:
                    await self._deliver(bot, one)
        finally:
            del self._lines[bot.id, line]
            self._something.set()

    def _next(self, bot: Bot, line: str) -> Update | None:
        bot.updates.expire(self._stage.clock.now)
        return next((update for update in bot.updates.waiting if update.line == line), None)

    async def _deliver(self, bot: Bot, update: Update) -> None:
        delay = self._first_delay
        while (hook := bot.webhook) is not None:
            asked = await self._post(bot, hook, update)
            if asked is None:
                if update in bot.updates.waiting:
                    bot.updates.done(update)
                return
            await asyncio.sleep(min(asked, LONGEST_ASKED) if asked else delay)
            delay = min(delay * 2, LONGEST_DELAY)
            bot.updates.expire(self._stage.clock.now)
            if update not in bot.updates.waiting:
                return

    async def _post(self, bot: Bot, hook: Webhook, update: Update) -> float | None:
        """Try once; None if it was taken, else the seconds of delay that the bot asked for (0: none)."""
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN))
        headers = {"Content-Type": "application/json"}
        if hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
        now = int(self._stage.clock.now.timestamp())
        try:
            async with self._http.post(hook.url, data=as_bytes(update.as_json()), headers=headers) as answer:
                body = await answer.read()
                if not 200 <= answer.status < 300:
                    hook.last_error = (now, f"Wrong response from the webhook: {answer.status} {answer.reason}")
                    return _seconds(answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError):
            hook.last_error = (now, "Connection failed")
            return 0
        self._execute(bot, body)
        return None

    def _execute(self, bot: Bot, body: bytes) -> None:
        """A method in the answer is done, but nobody hears how it went."""
        with suppress(Refusal):
            asked = json_object(body) if body.startswith(b"{") else {}
            name = str(asked.pop("method", ""))
            if not name:
                return
            if name.lower().startswith("get") or name.lower() in IGNORED:
                raise bad("this method is ignored in the answer to a webhook")
            self._api.answer(bot, self._api.method(name), asked)


def _seconds(said: str) -> float:
    return float(said) if said.isdigit() else 0.0
