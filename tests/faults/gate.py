"""What stands before the bot and ends TLS: it passes Telegram's calls on to one replica after the other."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from faults.processes import UNDERSTORY, BotProcess
from faults.town import Town
from postgres import _free_port

from bot.rehearsal.journal import Call

SETTINGS = {"WEBHOOK_URL": "https://bot.example/hook", "WEBHOOK_SECRET": "a-secret_1"}


@dataclass
class Gate:
    """``copies`` of each update arrive, and at times an older one again; Telegram hears yes if one was taken."""

    town: Town
    http: aiohttp.ClientSession
    copies: int = 1
    doors: list[int] = field(default_factory=list)
    passed: int = 0  # calls that a replica said yes to
    _url: str = ""
    _before: list[tuple[bytes, Any]] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(15))
    _turn: int = 0

    async def start(self, command: Sequence[str] = UNDERSTORY) -> BotProcess:
        """Start a replica behind the gate."""
        self.doors.append(port := _free_port())
        return await self.town.start(command, LISTEN=f"127.0.0.1:{port}", **SETTINGS)

    async def receive(self, request: web.Request) -> web.Response:
        said = (await request.read(), {name: request.headers[name] for name in request.headers if name != "Host"})
        again = self._chance.sample(self._before, min(2, len(self._before))) if self.copies > 1 else []
        taken = False
        for one in [said] * (self.copies - 1) + again + [said]:
            taken = await self._pass_on(*one) or taken
        self._before.append(said)
        return web.Response(status=200 if taken else 502)

    async def _pass_on(self, body: bytes, headers: Any) -> bool:
        self._turn += 1
        door = self.doors[self._turn % len(self.doors)]
        try:
            async with self.http.post(f"http://127.0.0.1:{door}/hook", data=body, headers=headers) as answer:
                self.passed += answer.status == 200
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def hear(self, call: Call) -> None:
        """Telegram calls the address it was given; on this machine that is us."""
        hook = self.town.stage.bot_named().webhook
        if call.method == "setWebhook" and hook is not None:
            hook.url = self._url


@asynccontextmanager
async def a_gate(town: Town, copies: int = 1) -> AsyncIterator[Gate]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        gate = Gate(town, http, copies)
        server = web.Application()
        server.router.add_post("/hook", gate.receive)
        runner = web.AppRunner(server, access_log=None)
        await runner.setup()
        await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
        gate._url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        town.stage.journal.watchers.append(gate.hear)
        try:
            yield gate
        finally:
            town.stage.journal.watchers.remove(gate.hear)
            await site.stop()
            await runner.cleanup()
