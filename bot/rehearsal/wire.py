"""Bytes in, bytes out: request bodies as parameters, answers as HTTP, and answers that go wrong on purpose."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_request import BaseRequest, FileField

from bot.rehearsal.api import Answer
from bot.rehearsal.faults import Fault
from bot.rehearsal.files import Upload
from bot.rehearsal.refusals import bad

HTML_ERROR = "<html>\r\n<head><title>{code} {words}</title></head>\r\n<body>{code} {words}</body>\r\n</html>\r\n"
HTTP_WORDS = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Time-out"}
DRIPS = 20


async def parameters(request: BaseRequest) -> dict[str, Any]:
    """Parameters from the query string and a form, JSON or multipart body; files become uploads."""
    given: dict[str, Any] = (
        dict(parse_qsl(request.query_string, keep_blank_values=True)) if request.query_string else {}
    )
    if not request.body_exists:
        return given
    kind = request.content_type
    if kind == "multipart/form-data":
        for name, value in (await request.post()).items():
            given[name] = _upload(value) if isinstance(value, FileField) else _text(value)
        return given
    body = await request.read()
    if kind == "application/json":
        given |= json_object(body)
    elif body:
        try:
            given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise bad("strings must be encoded in UTF-8") from None
    return given


def json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise bad("Can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad("Can't parse request: JSON object expected")
    return value


def _upload(part: FileField) -> Upload:
    with part.file as file:
        return Upload(part.filename, file.read(), part.content_type)


def _text(value: str | bytes | bytearray) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def as_bytes(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def response(answer: Answer) -> web.Response:
    headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after is not None else None
    return web.Response(
        body=as_bytes(answer.body), status=answer.code, headers=headers, content_type="application/json"
    )


def json_response(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=as_bytes(body), status=status, content_type="application/json")


def broken(fault: Fault) -> web.Response:
    words = HTTP_WORDS.get(fault.code, fault.sentence)
    if fault.body == "html":
        text = HTML_ERROR.format(code=fault.code, words=words)
        return web.Response(text=text, status=fault.code, content_type="text/html")
    if fault.body == "empty":
        return web.Response(status=fault.code)
    return json_response({"ok": False, "error_code": fault.code, "description": words}, fault.code)


def reset(request: BaseRequest) -> ConnectionResetError:
    """Send RST instead of an answer; raise what is returned."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return ConnectionResetError("reset on purpose")


def hang_up(request: BaseRequest, head: bytes = b"") -> ConnectionResetError:
    """Close the connection after `head`; raise what is returned."""
    transport = request.transport
    if transport is not None:
        if head:
            transport.write(head)
        transport.close()
    return ConnectionResetError("closed on purpose")


def half(answer: Answer) -> bytes:
    body = as_bytes(answer.body)
    head = f"HTTP/1.1 {answer.code} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body[: len(body) // 2]


async def drip(request: BaseRequest, answer: Answer, seconds: float) -> web.StreamResponse:
    body = as_bytes(answer.body)
    slow = web.StreamResponse(status=answer.code)
    slow.content_type = "application/json"
    slow.content_length = len(body)
    await slow.prepare(request)
    size = max(1, len(body) // DRIPS)
    for at in range(0, len(body), size):
        await slow.write(body[at : at + size])
        await asyncio.sleep(seconds / DRIPS)
    await slow.write_eof()
    return slow
