"""The waiting of getUpdates: real seconds, at most 50, one poller per bot."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from bot.rehearsal.api import Answer, Api
from bot.rehearsal.faults import SECOND_POLLER
from bot.rehearsal.methods import METHODS
from bot.rehearsal.parameters import read
from bot.rehearsal.refusals import Refusal, conflict
from bot.rehearsal.stage import Bot

LONGEST = 50


class LongPolls:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._method = METHODS["getupdates"]
        self._waiting: dict[int, asyncio.Future[Refusal | None]] = {}

    async def get(self, bot: Bot, given: dict[str, Any]) -> Answer:
        """Answer at once if updates wait, else with the first that comes, or with none after `timeout` seconds."""
        self._end(bot, conflict(SECOND_POLLER))
        answer = self._look(bot, given)
        if answer.code != 200 or answer.body["result"]:
            return answer
        timeout = min(max(read(given, self._method.kinds).get("timeout") or 0, 0), LONGEST)
        if timeout == 0:
            return answer
        refusal = await self._wait(bot, timeout)
        later = {name: value for name, value in given.items() if name != "offset"}
        return self._look(bot, later, refusal)

    def end_all(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)

    def _look(self, bot: Bot, given: dict[str, Any], instead: Refusal | None = None) -> Answer:
        return self._api.answer(bot, self._method, given, instead=instead)

    def _end(self, bot: Bot, refusal: Refusal) -> None:
        waiting = self._waiting.get(bot.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(refusal)

    async def _wait(self, bot: Bot, seconds: float) -> Refusal | None:
        come: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._waiting[bot.id] = come

        def wake() -> None:
            if not come.done():
                come.set_result(None)

        bot.updates.wakers.append(wake)
        try:
            with suppress(TimeoutError):
                return await asyncio.wait_for(come, seconds)
        finally:
            bot.updates.wakers.remove(wake)
            if self._waiting.get(bot.id) is come:
                del self._waiting[bot.id]
        return None
