"""Telegram as the library over HTTP shows it: accepts, refuses, loses replies, and hands out updates until confirmed.

It lives on while the bot is dead: what was on its way arrives all the same.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import RequestData
from virtual import VirtualLoop

from bot.delivery.transport import Transport

Reply = tuple[int, dict[str, Any]] | bytes | Exception


class Process(Protocol):
    """Whoever calls: one life of the bot."""

    number: int

    def alive(self) -> None: ...


@dataclass(eq=False)
class HttpCall:
    """One call that left the bot."""

    life: int
    method: str
    chat: int | None
    message_id: int | None
    text: str | None
    left_at: float
    fate: str = ""
    accepted_at: float | None = None
    answered_at: float | None = None
    gave: int | None = None  # the number of the message
    asks: float | None = None  # for how many seconds of silence
    ambiguous: bool = False

    @property
    def says(self) -> tuple[Any, ...]:
        """For a trace that two runs can be compared by."""
        numbers = (self.left_at, self.accepted_at, self.answered_at)
        return (self.life, self.method, self.chat, self.text, self.fate, self.gave, *numbers)


# What may happen to a call, and how often beside the others.
FATES: Mapping[str, int] = {
    "connection refused": 3,
    "connect timeout": 1,
    "reset before": 3,
    "reset after": 4,
    "no reply": 2,
    "half a reply": 1,
    "502 before": 2,
    "502 after": 2,
    "slow": 4,
    "429": 4,
    "429 all": 1,
    "400": 1,
    "403": 1,
    "moved": 1,
}


@dataclass
class Telegram:
    """``fault(call)`` names the fate of a call, or nothing."""

    loop: VirtualLoop
    dice: random.Random
    fates: Callable[[HttpCall], str | None]
    calls: list[HttpCall] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    moved: dict[int, int] = field(default_factory=dict)
    closed_until: float = 0.0  # for the whole bot
    messages: dict[tuple[int, int], str] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    when_leaving: Callable[[HttpCall], None] = lambda _: None
    when_ended: Callable[[HttpCall], None] = lambda _: None
    fetching: Callable[[], bool] = lambda: False  # whether a fetch fails
    _numbers: int = 100
    _update_id: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # Calls

    def take(self, life: int, method: str, fields: Mapping[str, Any]) -> tuple[HttpCall, asyncio.Future[Reply]]:
        """A call arrives; the future is its reply."""
        text = fields.get("text", fields.get("caption"))
        call = HttpCall(life, method, fields.get("chat_id"), fields.get("message_id"), text, self.loop.time())
        self.calls.append(call)
        self.when_leaving(call)
        reply: asyncio.Future[Reply] = self.loop.create_future()
        getattr(self, f"_{self._fate(call).split()[0]}")(call, reply)
        return call, reply

    def _fate(self, call: HttpCall) -> str:
        if self.loop.time() < self.closed_until:
            call.fate = "429 for all"
        elif call.chat in self.blocked:
            call.fate = "403 as before"
        elif call.chat in self.moved:
            call.fate = "moved before"
        else:
            call.fate = self.fates(call) or "ok"
        return call.fate

    def _ok(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        there = self._some(0.02, 0.2)
        self.loop.call_later(there, self._accept, call)
        self.loop.call_later(there + self._some(0.01, 0.2), self._say, call, reply)

    def _slow(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        there = self._some(0.02, 5)
        self.loop.call_later(there, self._accept, call)
        self.loop.call_later(there + self._some(1, 14), self._say, call, reply)

    def _connection(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        nobody = aiohttp.ClientConnectorError(_KEY, OSError("refused"))
        self._fail(reply, 0.001, NetworkError("ClientConnectorError"), nobody)

    def _connect(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        self._fail(reply, 5.0, TimedOut("ConnectionTimeoutError"), aiohttp.ConnectionTimeoutError())

    def _reset(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        call.ambiguous = True
        there = self._some(0.02, 1)
        if call.fate == "reset after":
            self.loop.call_later(there, self._accept, call)
        self._fail(reply, there + 0.01, NetworkError("ClientOSError"), aiohttp.ClientOSError(104, "reset"))

    def _no(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        call.ambiguous = True
        if self.dice.random() < 0.5:
            self.loop.call_later(self._some(0.02, 20), self._accept, call)
        if self.dice.random() < 0.5:
            self._fail(reply, 20.0, TimedOut("SocketTimeoutError"), aiohttp.SocketTimeoutError())

    def _half(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        call.ambiguous = True
        self.loop.call_later(0.05, self._accept, call)
        self._later(reply, 0.1, b'{"ok": true, "resu')

    def _502(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        call.ambiguous = True
        if call.fate == "502 after":
            self.loop.call_later(0.05, self._accept, call)
        self._later(reply, 0.1, b"<html>Bad Gateway</html>" if self.dice.random() < 0.5 else _error(502, "Bad Gateway"))

    def _429(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        seconds = self.dice.choice([1, 2, 5, 9, 35])
        if call.fate == "429 all":
            self.closed_until = self.loop.time() + seconds
        elif call.fate == "429 for all":
            seconds = int(self.closed_until - self.loop.time()) + 1
        call.asks = seconds
        self._later(reply, self._some(0.02, 0.2), _error(429, f"retry after {seconds}", retry_after=seconds))

    def _400(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        self._later(reply, 0.1, _error(400, "Bad Request: message is too long"))

    def _403(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        if call.chat is not None:
            self.blocked.add(call.chat)
        self._later(reply, 0.1, _error(403, "Forbidden: bot was blocked by the user"))

    def _moved(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        chat = call.chat or 0
        new = self.moved.setdefault(chat, chat - 1_000_000)
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        self._later(reply, 0.1, _error(400, text, migrate_to_chat_id=new))

    def _accept(self, call: HttpCall) -> None:
        call.accepted_at = self.loop.time()
        chat = call.chat or 0
        if call.method.startswith("send"):
            self._numbers += 1
            call.gave = self._numbers
            self.messages[chat, call.gave] = call.text or ""
        elif call.method == "deleteMessage":
            self.messages.pop((chat, call.message_id or 0), None)
        elif call.method.startswith("edit"):
            call.gave = call.message_id

    def _say(self, call: HttpCall, reply: asyncio.Future[Reply]) -> None:
        if not reply.done():
            result = True if call.gave is None else {"message_id": call.gave, "date": 1, "chat": {"id": call.chat}}
            reply.set_result((200, {"ok": True, "result": result}))

    def _later(self, reply: asyncio.Future[Reply], seconds: float, what: Reply) -> None:
        self.loop.call_later(seconds, lambda: None if reply.done() else reply.set_result(what))

    def _fail(self, reply: asyncio.Future[Reply], seconds: float, error: Exception, cause: Exception) -> None:
        error.__cause__ = cause
        self._later(reply, seconds, error)

    def _some(self, least: float, most: float) -> float:
        return round(self.dice.uniform(least, most), 3)

    # Updates

    def report(self, update: dict[str, Any]) -> int:
        """Somebody said or pressed something; it waits until it is confirmed."""
        self._update_id += 1
        self.updates.append({"update_id": self._update_id} | update)
        self._news.set()
        return self._update_id

    async def hand_out(self, offset: int | None) -> list[dict[str, Any]]:
        await asyncio.sleep(0.05)
        while True:
            if self.fetching():
                error = NetworkError("ClientOSError")
                raise error from aiohttp.ClientOSError(104, "reset")
            self._news.clear()
            self.updates = [one for one in self.updates if one["update_id"] >= (offset or 0)]
            if self.updates:
                return self.updates[:3]
            await self._news.wait()


class Wire(Transport):
    """The bot's transport, with Telegram at its other end."""

    def __init__(self, telegram: Telegram, process: Process) -> None:
        super().__init__()
        self._telegram = telegram
        self._process = process

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        self._process.alive()
        name = url.rpartition("/")[2]
        fields = request_data.parameters if request_data is not None else {}
        if name == "deleteWebhook":
            return 200, b'{"ok": true, "result": true}'
        if name == "getUpdates":
            found = await self._telegram.hand_out(fields.get("offset"))
            return 200, json.dumps({"ok": True, "result": found}).encode()
        call, answer = self._telegram.take(self._process.number, name, fields)
        try:
            reply = await answer
            call.answered_at = self._telegram.loop.time()
        finally:
            self._telegram.when_ended(call)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, bytes):
            return 502 if reply.startswith(b"<") else 200, reply
        return reply[0], json.dumps(reply[1]).encode()


def _error(code: int, description: str, **parameters: Any) -> Reply:
    return code, {"ok": False, "error_code": code, "description": description, "parameters": parameters}


_KEY: Any = type("Key", (), {"host": "api", "port": 443, "ssl": True, "is_ssl": True})()
