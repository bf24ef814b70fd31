"""The stage over HTTP: what a bot sees of Telegram, the rehearsal's clock, and the phones for the page.

    async with serve(stage, clock) as served:
        served.url            # http://127.0.0.1:port: BOT_API_URL, such that <url>/bot<token>/sendMessage works
        served.clock_url      # CLOCK_URL, see bot/rehearsal/clock.py
        served.file_url       # <file_url>/bot<token>/<file_path> downloads

Paths: `/bot<token>/<method>`, `/file/bot<token>/<path>`, `/clock`, `/clock/idle`, and those of `control.py`. There is
no access log (its lines would carry the token). An error of the stage itself is answered with 500 and raised again
when serving ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from bot.rehearsal import wire
from bot.rehearsal.api import Answer, Api
from bot.rehearsal.clock import StageClock
from bot.rehearsal.control import Control
from bot.rehearsal.faults import Fault
from bot.rehearsal.files import MOST_UPLOADED
from bot.rehearsal.longpoll import LongPolls
from bot.rehearsal.methods import Method
from bot.rehearsal.refusals import Refusal, not_found
from bot.rehearsal.stage import Bot, Stage
from bot.rehearsal.state import Json
from bot.rehearsal.webhook import Webhooks

LARGEST_BODY = MOST_UPLOADED + 1024 * 1024


@dataclass(slots=True)
class Served:
    """A stage that listens; `troubles` are errors of the stage itself."""

    host: str
    port: int
    troubles: list[Exception] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def clock_url(self) -> str:
        return f"{self.url}/clock"

    @property
    def file_url(self) -> str:
        return f"{self.url}/file"


@asynccontextmanager
async def serve(
    stage: Stage,
    clock: StageClock,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    page: Path | None = None,
    script: Callable[[], Json] | None = None,
    webhook_retry: float = 1.0,
) -> AsyncIterator[Served]:
    """Serve until the block ends; `page` is a folder for the browser, `webhook_retry` the first delay in seconds.

    `script` says how far a script has come, in the form that `control.py` names.
    """
    served = Served(host, port)
    door = _Door(stage, clock, served, Control(stage, clock, page, script))
    server = web.Server(door.handle, request_factory=_request, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()
    served.port = runner.addresses[0][1]
    webhooks = asyncio.create_task(Webhooks(door.api, webhook_retry).run())
    try:
        yield served
    finally:
        webhooks.cancel()
        with suppress(asyncio.CancelledError):
            await webhooks
        door.polls.end_all()
        await runner.cleanup()
    if served.troubles:
        raise served.troubles[0]


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
    loop = asyncio.get_running_loop()
    return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


class _Door:
    """Where every request arrives."""

    def __init__(self, stage: Stage, clock: StageClock, served: Served, control: Control) -> None:
        self.api = Api(stage)
        self.polls = LongPolls(self.api)
        self._stage = stage
        self._clock = clock
        self._served = served
        self._control = control

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        try:
            return await self._route(request)
        except Refusal as refusal:
            return wire.response(Answer(refusal.code, refusal.as_json()))
        except (ConnectionError, web.HTTPException):
            raise
        except Exception as trouble:  # noqa: BLE001 - kept, and raised again when serving ends
            self._served.troubles.append(trouble)
            return wire.json_response(
                {"ok": False, "error_code": 500, "description": "Internal Server Error: stage"}, 500
            )

    async def _route(self, request: BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/bot"):
            token, _, name = path[4:].partition("/")
            return await self._call(request, self.api.bot_of(token), name)
        if path.startswith("/file/bot"):
            token, _, file_path = path[9:].partition("/")
            self.api.bot_of(token)
            return self._file(file_path)
        if path == "/clock":
            return wire.json_response({"now": _iso(self._clock.now)})
        if path == "/clock/idle":
            return await self._idle(request)
        return await self._control.handle(request)

    async def _call(self, request: BaseRequest, bot: Bot, name: str) -> web.StreamResponse:
        method = self.api.method(name)
        if method.name == "getUpdates":
            return await self._take(request, bot, method)
        with self._clock.call():
            given = await wire.parameters(request)
            fault = self._stage.faults.strike(method.name, given.get("chat_id"))
            if fault is None:
                return wire.response(self.api.answer(bot, method, given))
            return await self._go_wrong(request, bot, method, given, fault)

    async def _take(self, request: BaseRequest, bot: Bot, method: Method) -> web.StreamResponse:
        given = await wire.parameters(request)
        fault = self._stage.faults.strike(method.name, None)
        if fault is not None:
            return await self._go_wrong(request, bot, method, given, fault)
        return wire.response(await self.polls.get(bot, given))

    async def _go_wrong(
        self, request: BaseRequest, bot: Bot, method: Method, given: dict[str, Any], fault: Fault
    ) -> web.StreamResponse:
        kind = fault.kind
        refusal = fault.refusal()
        if kind == "delay_before":
            await asyncio.sleep(fault.seconds)
        elif kind in {"reset_before", "hang_up_before"}:
            refusal = Refusal(0, "the call never arrived")
        elif kind == "broken" and not fault.accepted:
            refusal = Refusal(fault.code, fault.sentence)
        answer = self.api.answer(bot, method, given, instead=refusal, fault=kind)
        if kind in {"accept_then_reset", "reset_before"}:
            raise wire.reset(request)
        if kind in {"accept_then_hang_up", "hang_up_before"}:
            raise wire.hang_up(request)
        if kind == "half_reply":
            raise wire.hang_up(request, wire.half(answer))
        if kind == "slow_drip":
            return await wire.drip(request, answer, fault.seconds)
        if kind == "delay":
            await asyncio.sleep(fault.seconds)
        return wire.broken(fault) if kind == "broken" else wire.response(answer)

    def _file(self, path: str) -> web.Response:
        stored = self._stage.files.at(path)
        if stored is None:
            raise not_found()
        return web.Response(body=stored.content, content_type="application/octet-stream")

    async def _idle(self, request: BaseRequest) -> web.Response:
        report = wire.json_object(await request.read())
        try:
            until = _instant(report["until"]) if report.get("until") else None
            handled = None if report.get("handled") is None else int(report["handled"])
            bot_id = None if report.get("bot") is None else int(report["bot"])
            now = await self._clock.rest(until, handled, bot_id)
        except (ValueError, TypeError, LookupError) as wrong:
            return wire.json_response({"error": str(wrong)}, 400)
        return wire.json_response({"now": _iso(now)})


def _instant(said: str) -> datetime:
    instant = datetime.fromisoformat(said)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset from UTC")
    return instant.astimezone(UTC)


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
