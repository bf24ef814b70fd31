"""What stands between the bot and its PostgreSQL: a pooler that keeps PgBouncer's rules for transactions, a dead line.

The pooler is written from PgBouncer's documentation of ``pool_mode = transaction``. It refuses what PgBouncer refuses
in the first message, and hands every transaction to another session of the server, in turn, so that nothing can lean on
the session before.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

_ALLOWED = {
    "user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings", "application_name",
}  # fmt: skip
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102


class Door:
    """Serves whoever connects, and leaves no connection open behind it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(host, port)
        self._writers.add(writer)
        return reader, writer

    def enter(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        self._writers.add(answer)
        self.begin(self.serve(client, answer))

    def begin(self, what: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(what))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def _opened(door: Door, url: str) -> AsyncIterator[str]:
    there = urlsplit(url)
    server = await asyncio.start_server(door.enter, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://{there.username}@127.0.0.1:{port}{there.path}"
    finally:
        server.close()
        await door.close()


class Pooler(Door):
    """Speaks PostgreSQL's protocol, version 3, as far as a client without a password needs it."""

    def __init__(self, host: str, port: int, sessions: int) -> None:
        super().__init__()
        self._host, self._port, self._sessions = host, port, sessions
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self._free = asyncio.Semaphore(0)
        self._greeting = b""
        self.refused: list[str] = []
        self.transactions = 0

    async def open(self, user: str, database: str) -> None:
        first = b"".join(one.encode() + b"\0" for one in ("user", user, "database", database)) + b"\0"
        for _ in range(self._sessions):
            reader, writer = await self.connect(self._host, self._port)
            writer.write(struct.pack("!ii", 8 + len(first), 196608) + first)
            self._greeting = b""
            while True:
                kind, body = await _message(reader)
                if kind == b"S":
                    self._greeting += _packed(kind, body)
                if kind == b"Z":
                    break
            self._idle.append((reader, writer))
            self._free.release()

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await self._welcome(client, answer):
                while True:
                    await self._one_transaction(client, answer)
        answer.close()

    async def _welcome(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> bool:
        while True:
            size, version = struct.unpack("!ii", await client.readexactly(8))
            body = await client.readexactly(size - 8)
            if version in {_SSL, _GSS}:
                answer.write(b"N")
                continue
            if version == _CANCEL:
                return False
            break
        names = [name.decode() for name in body.split(b"\0")[:-2:2]]
        if foreign := [name for name in names if name.lower() not in _ALLOWED]:
            self.refused += foreign
            said = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: " + foreign[0].encode() + b"\0\0"
            answer.write(_packed(b"E", said))
            await answer.drain()
            return False
        answer.write(_packed(b"R", struct.pack("!i", 0)) + self._greeting + _packed(b"Z", b"I"))
        return True

    async def _one_transaction(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        kind, body = await _message(client)
        if kind == b"X":
            raise ConnectionResetError
        await self._free.acquire()
        reader, writer = self._idle.popleft()
        self.transactions += 1
        try:
            while True:
                writer.write(_packed(kind, body))
                if kind in b"QS" and await _answered(reader, answer) == b"I":
                    return
                kind, body = await _message(client)
        finally:
            self._idle.append((reader, writer))
            self._free.release()


async def _answered(reader: asyncio.StreamReader, answer: asyncio.StreamWriter) -> bytes:
    """Pass on everything up to *ready*; in which state the transaction is."""
    while True:
        kind, body = await _message(reader)
        answer.write(_packed(kind, body))
        if kind == b"Z":
            await answer.drain()
            return body


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    (size,) = struct.unpack("!i", await reader.readexactly(4))
    return kind, await reader.readexactly(size - 4)


def _packed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@asynccontextmanager
async def pooled(url: str, sessions: int = 3) -> AsyncIterator[tuple[Pooler, str]]:
    """A pooler before this PostgreSQL, and the address of its door."""
    there = urlsplit(url)
    pooler = Pooler(there.hostname or "", there.port or 5432, sessions)
    await pooler.open(there.username or "", there.path[1:])
    async with _opened(pooler, url) as address:
        yield pooler, address


class Line(Door):
    """A line to a server that can go dead: it takes everything and passes nothing on, as a half-open connection does."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host, self._port = host, port
        self.alive = asyncio.Event()
        self.alive.set()

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        reader, writer = await self.connect(self._host, self._port)
        self.begin(self._pass(client, writer))
        self.begin(self._pass(reader, answer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self.alive.wait()
                writer.write(data)
            writer.close()


@asynccontextmanager
async def over_a_line(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to this PostgreSQL, and the address of its near end."""
    there = urlsplit(url)
    line = Line(there.hostname or "", there.port or 5432)
    async with _opened(line, url) as address:
        yield line, address
