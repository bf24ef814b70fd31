"""python-telegram-bot's requests over aiohttp: several times as fast as its own, and every failure keeps its cause.

Whether a call may have arrived is decided by that cause (``never_left``). Error texts carry no address: it holds the
token. API calls are POST only, which aiohttp never repeats by itself.
"""

from __future__ import annotations

import json
import os
from typing import Any

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

os.environ.setdefault("PTB_TIMEDELTA", "1")  # RetryAfter.retry_after as a timedelta

CONNECT = 5.0  # seconds
READ = 20.0
KEEP_ALIVE = 15.0  # api.telegram.org closes idle connections at about 39 s

_NEVER_LEFT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError)


class Transport(BaseRequest):
    """One pool of connections to one server."""

    __slots__ = ("_read", "_session", "_trust_env")

    def __init__(self, read_timeout: float = READ, *, trust_env: bool = True) -> None:
        self._read = read_timeout
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._read

    async def initialize(self) -> None:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ttl_dns_cache=60)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": self.USER_AGENT},
                trust_env=self._trust_env,
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the whole call has one limit, in the carrier
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the pool has no limit
    ) -> tuple[int, bytes]:
        if self._session is None or self._session.closed:
            raise RuntimeError("the transport is not initialised")
        timeout = aiohttp.ClientTimeout(
            sock_connect=CONNECT if isinstance(connect_timeout, DefaultValue) else connect_timeout,
            sock_read=self._read if isinstance(read_timeout, DefaultValue) else read_timeout,
        )
        try:
            async with self._session.request(
                method, url, data=_body(request_data), timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut(_named(error)) from _without_address(error)
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(_named(error)) from _without_address(error)

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """Read an answer; unlike the original nothing of it reaches a log or an error's text."""
        try:
            return json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            raise TelegramError("the answer is not JSON") from None


def never_left(error: BaseException) -> bool:
    """Whether the call behind this error certainly never reached Telegram."""
    return isinstance(error.__cause__, _NEVER_LEFT)


def _body(data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if data is None:
        return None
    fields = data.json_parameters
    if not data.contains_files:
        return fields
    form = aiohttp.FormData(fields)
    for name, (filename, content, mime_type) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime_type)
    return form


def _named(error: BaseException) -> str:
    return type(error).__name__


def _without_address(error: BaseException) -> BaseException:
    """Errors about addresses and time-outs quote the address."""
    if isinstance(error, TimeoutError | aiohttp.InvalidURL):
        error.args = ()
    error.__context__ = None
    return error
