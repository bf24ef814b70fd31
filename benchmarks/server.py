"""A server in Telegram's place, as light as can be: what was asked is kept, and read only when a report is wanted.

``python -m benchmarks.server`` prints its port. ``POST /set`` changes how it answers, ``/updates`` gives it updates to
hand out, ``/report`` says every call. Arrivals are seconds of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PART = re.compile(rb'name="(\w+)"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)
_ME = {
    "id": 123456789,
    "is_bot": True,
    "first_name": "Understory",
    "username": "understory_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": False,
}
_SENT = b'{"ok":true,"result":{"message_id":%d,"date":1,"chat":{"id":1,"type":"private"},"text":"."}}'
_OUR_OWN = {"set", "updates", "report"}


@dataclass
class State:
    """How the server answers, and what it was asked."""

    delay: float = 0.0
    most: int | None = None  # messages in any second; what comes faster gets 429
    calls: list[tuple[float, str, int, bytes]] = field(default_factory=list)  # when, method, status, body
    accepted: deque[float] = field(default_factory=deque)  # arrivals of the last second
    updates: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[tuple[_Connection, int]] = field(default_factory=list)  # long polls and their offsets
    next_id: int = 1000


class _Connection(asyncio.Protocol):
    def __init__(self, state: State) -> None:
        self._state = state
        self._kept = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while (end := self._kept.find(b"\r\n\r\n")) >= 0:
            head = self._kept[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._kept) < whole:
                return
            body, self._kept = self._kept[end + 4 : whole], self._kept[whole:]
            path = head.split(b" ", 2)[1].decode()
            self._asked(path.rsplit("/", 1)[1], body)

    def _asked(self, method: str, body: bytes) -> None:
        state, at = self._state, time.monotonic()
        if method in _OUR_OWN:
            self.answer(200, _control(state, method, body))
            return
        if method == "getUpdates":
            state.calls.append((at, method, 200, b""))
            _poll(state, self, body)
            return
        status, answer = _answer(state, method, at)
        state.calls.append((at, method, status, body))
        if state.delay:
            asyncio.get_running_loop().call_later(state.delay, self.answer, status, answer)
        else:
            self.answer(status, answer)

    def answer(self, status: int, body: bytes) -> None:
        if self._transport is not None:
            head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _answer(state: State, method: str, at: float) -> tuple[int, bytes]:
    if method.startswith(("send", "edit")):
        if not _lets_in(state, at):
            said = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1"}
            return 429, json.dumps(said | {"parameters": {"retry_after": 1}}).encode()
        state.next_id += 1
        return 200, _SENT % state.next_id
    return 200, json.dumps({"ok": True, "result": _ME if method == "getMe" else True}).encode()


def _lets_in(state: State, at: float) -> bool:
    if state.most is None:
        return True
    while state.accepted and state.accepted[0] <= at - 1.0:
        state.accepted.popleft()
    if len(state.accepted) >= state.most:
        return False
    state.accepted.append(at)
    return True


def _poll(state: State, connection: _Connection, body: bytes) -> None:
    offset = int(_fields(body).get("offset", 0))
    state.updates = [one for one in state.updates if one["update_id"] >= offset]
    state.waiting.append((connection, offset))
    _hand_out(state)


def _hand_out(state: State) -> None:
    if state.updates and state.waiting:
        connection, _ = state.waiting.pop()
        connection.answer(200, json.dumps({"ok": True, "result": state.updates[:100]}).encode())


def _control(state: State, method: str, body: bytes) -> bytes:
    asked = json.loads(body or b"{}")
    if method == "updates":
        state.updates += asked
        _hand_out(state)
    elif method == "report":
        return json.dumps([_read(*call) for call in state.calls]).encode()
    else:
        state.delay, state.most = asked.get("delay", 0.0), asked.get("most")
        state.calls.clear()
        state.accepted.clear()
        state.updates.clear()
        state.waiting.clear()
    return b"{}"


def _read(at: float, method: str, status: int, body: bytes) -> tuple[float, str, int, int, str]:
    fields = _fields(body)
    said = fields.get("text") or fields.get("caption") or fields.get("callback_query_id") or ""
    return at, method, status, int(fields.get("chat_id") or 0), str(said)


def _fields(body: bytes) -> dict[str, Any]:
    if body.startswith(b"{"):
        return dict(json.loads(body))
    if body.startswith(b"--"):
        return {name.decode(): value.decode() for name, value in _PART.findall(body)}
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


async def _serve() -> None:
    loop, state, stop = asyncio.get_running_loop(), State(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    sys.exit(0)


if __name__ == "__main__":
    asyncio.run(_serve())
