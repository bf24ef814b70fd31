"""What really happens on the wire, and what we believe happened."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from postbox import TOKEN, Telegram, bot_at, ok, refusal, serving
from telegram import Bot

from bot.delivery.outcomes import Outcome
from bot.delivery.telegram import Call, Carrier, Method, outcome_of
from bot.messages import Message
from bot.words import OutcomeKind

WORDS = "a very private sentence"
HELLO = Call(Method.SEND, 1, Message(WORDS))
UNKNOWN, NOT_SENT = OutcomeKind.UNKNOWN, OutcomeKind.NOT_SENT

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def wire(talk: Conversation) -> AsyncIterator[str]:
    """A server below HTTP, that can break off where it likes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bot"
    finally:
        server.close()


async def whole_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    linger_zero = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)


async def outcome_at(url: str, call: Call = HELLO, read_timeout: float = 0.3) -> Outcome:
    async with bot_at(url, read_timeout) as bot:
        return await Carrier(bot).do(call)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_certainly_sent_nothing() -> None:
    outcome = await outcome_at(f"http://127.0.0.1:{free_port()}/bot")

    assert outcome == Outcome(NOT_SENT, "ClientConnectorError")


async def test_a_name_that_cannot_be_resolved_certainly_sent_nothing() -> None:
    assert (await outcome_at("http://no-such-host.invalid/bot")).kind is NOT_SENT


async def test_a_connection_that_takes_too_long_certainly_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as full:  # its backlog is full: nobody ever answers the handshake
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        clogs = [socket.socket() for _ in range(4)]
        for clog in clogs:
            clog.setblocking(False)
            clog.connect_ex(("127.0.0.1", port))
        monkeypatch.setattr("bot.delivery.transport.CONNECT", 0.2)

        outcome = await outcome_at(f"http://127.0.0.1:{port}/bot")

        for clog in clogs:
            clog.close()
    assert outcome == Outcome(NOT_SENT, "ConnectionTimeoutError")


async def test_a_reset_before_the_body_was_read_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        reset(writer)

    async with wire(talk) as url:
        assert (await outcome_at(url)).kind is UNKNOWN


async def test_a_reset_after_acceptance_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        reset(writer)

    async with wire(talk) as url:
        assert (await outcome_at(url)).kind is UNKNOWN


async def test_a_connection_closed_without_a_reply_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)

    async with wire(talk) as url:
        assert await outcome_at(url) == Outcome(UNKNOWN, "ServerDisconnectedError")


async def test_half_a_reply_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok": true, "resu')
        await writer.drain()

    async with wire(talk) as url:
        assert await outcome_at(url) == Outcome(UNKNOWN, "ClientPayloadError")


async def test_a_reply_that_comes_too_late_is_unknown() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with wire(talk) as url:
        assert await outcome_at(url) == Outcome(UNKNOWN, "SocketTimeoutError")


async def test_a_reply_that_drips_is_cut_off_at_the_limit_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.telegram.CALL_LIMIT", 0.5)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.1)

    async with wire(talk) as url:
        assert (await outcome_at(url)).kind is UNKNOWN


REPLIES = {
    "500 JSON": (lambda: refusal(500, "Internal Server Error: restart"), Outcome(UNKNOWN, "NetworkError")),
    "502 HTML": (lambda: web.Response(status=502, text="<html>bad gateway</html>"), Outcome(UNKNOWN, "NetworkError")),
    "504 empty": (lambda: web.Response(status=504), Outcome(UNKNOWN, "NetworkError")),
    "200 not JSON": (lambda: web.Response(text="<html>hello</html>"), Outcome(UNKNOWN, "TelegramError")),
    "200 without a result": (lambda: web.json_response({"ok": False}), Outcome(UNKNOWN, "KeyError")),
    "200 with a result of another kind": (lambda: ok({"surprise": 1}), Outcome(UNKNOWN, "KeyError")),
    "302 elsewhere": (lambda: web.Response(status=302, headers={"Location": "/x"}), Outcome(UNKNOWN, "NetworkError")),
    "429": (
        lambda: refusal(429, "Too Many Requests: retry after 7", retry_after=7),
        Outcome(OutcomeKind.LIMITED, "limited", retry_after=7),
    ),
    "403 blocked": (
        lambda: refusal(403, "Forbidden: bot was blocked by the user"),
        Outcome(OutcomeKind.UNREACHABLE, "blocked"),
    ),
    "403 deactivated": (
        lambda: refusal(403, "Forbidden: user is deactivated"),
        Outcome(OutcomeKind.UNREACHABLE, "deactivated"),
    ),
    "403 kicked": (
        lambda: refusal(403, "Forbidden: bot was kicked from the supergroup chat"),
        Outcome(OutcomeKind.UNREACHABLE, "kicked"),
    ),
    "403 in other words": (lambda: refusal(403, "Forbidden: no"), Outcome(OutcomeKind.UNREACHABLE, "forbidden")),
    "400 chat not found": (
        lambda: refusal(400, "Bad Request: chat not found"),
        Outcome(OutcomeKind.UNREACHABLE, "chat not found"),
    ),
    "400 too long": (
        lambda: refusal(400, "Bad Request: message is too long"),
        Outcome(OutcomeKind.REFUSED, "too long"),
    ),
    "400 in other words": (lambda: refusal(400, "Bad Request: no"), Outcome(OutcomeKind.REFUSED, "refused")),
    "400 migrated": (
        lambda: refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1007),
        Outcome(OutcomeKind.MOVED, "moved", new_chat_id=-1007),
    ),
    "401": (lambda: refusal(401, "Unauthorized"), Outcome(NOT_SENT, "token refused")),
    "404 from a proxy": (lambda: web.Response(status=404, text="not here"), Outcome(NOT_SENT, "token refused")),
    "409": (lambda: refusal(409, "Conflict: terminated by other getUpdates request"), Outcome(NOT_SENT, "conflict")),
}


@pytest.mark.parametrize("reply", REPLIES)
async def test_every_reply_has_its_outcome(reply: str, telegram: Telegram) -> None:
    make, expected = REPLIES[reply]

    async def script(method: str, fields: dict[str, str]) -> web.Response:
        return make()

    telegram.script = script

    assert await outcome_at(telegram.url) == expected
    assert len(telegram.calls) == 1


DONE_ALREADY = [
    (Method.EDIT, "Bad Request: message is not modified: specified new message content is exactly the same"),
    (Method.EDIT, "Bad Request: message to edit not found"),
    (Method.DELETE, "Bad Request: message to delete not found"),
    (Method.PIN, "Bad Request: message to pin not found"),
    (Method.ANSWER, "Bad Request: query is too old and response timeout expired or query ID is invalid"),
]


@pytest.mark.parametrize(("method", "words"), DONE_ALREADY)
async def test_a_change_that_is_already_so_is_done(method: Method, words: str, telegram: Telegram) -> None:
    async def script(_: str, fields: dict[str, str]) -> web.Response:
        return refusal(400, words)

    telegram.script = script

    outcome = await outcome_at(telegram.url, Call(method, 1, Message("text"), 5, callback_id="9"))

    assert outcome.kind is OutcomeKind.DONE


async def test_a_chat_that_may_not_be_pinned_in_can_still_be_written_to(telegram: Telegram) -> None:
    async def script(_: str, fields: dict[str, str]) -> web.Response:
        return refusal(400, "Bad Request: not enough rights to manage pinned messages in the chat")

    telegram.script = script

    assert (await outcome_at(telegram.url, Call(Method.PIN, -1, message_id=5))).kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("error", [RuntimeError("surprise"), KeyError("result"), OSError(5, "io")])
def test_anything_unlisted_is_unknown(error: Exception) -> None:
    assert outcome_of(error) == Outcome(UNKNOWN, type(error).__name__)


async def test_a_redirect_is_not_followed_with_our_words(telegram: Telegram) -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response()

    async with serving(elsewhere) as other:

        async def script(_: str, fields: dict[str, str]) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{other}x/y"})

        telegram.script = script
        await outcome_at(telegram.url)

    assert seen == []


async def test_no_failure_shows_the_token_or_the_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "telegram")  # as bot.logs keeps every library

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        said = f"{WORDS} {TOKEN}".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(said) + said)

    shown = [await shown_by(f"http://127.0.0.1:{free_port()}/bot"), await shown_by("http://bad host/bot")]
    for talk in (slow, nonsense):
        async with wire(talk) as url:
            shown.append(await shown_by(url))

    everything = "\n".join([*shown, caplog.text])
    assert (TOKEN in everything, "private" in everything) == (False, False)


async def shown_by(url: str) -> str:
    async with bot_at(url, 0.2) as bot:
        try:
            await Bot.send_message(bot, 1, WORDS)
        except Exception as error:  # noqa: BLE001 - whatever it shows
            return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
    pytest.fail("nothing failed")
