"""python-telegram-bot's requests over aiohttp: several times as fast as its own, and every failure keeps its cause.

Whether a call may have arrived is decided by that cause (``never_left``). Error texts carry no address: it holds the
token. API calls are POST only, which aiohttp never repeats by itself.
"""

from __future__ import annotations

import json
import os
from typing import Any, cast
from urllib.request import getproxies

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.delivery.calls import Form, mime_type

os.environ.setdefault("PTB_TIMEDELTA", "1")  # RetryAfter.retry_after as a timedelta

CONNECT = 5.0  # seconds
READ = 20.0
KEEP_ALIVE = 15.0  # api.telegram.org closes idle connections at about 39 s

_NEVER_LEFT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError)


class Transport(BaseRequest):
    """One pool of connections to one server."""

    __slots__ = ("_read", "_session")

    def __init__(self, read_timeout: float = READ) -> None:
        self._read = read_timeout
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
                trust_env=bool(getproxies()),  # looking for a proxy at every call would cost a thread each
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
        body, headers = _body(request_data)
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut(_named(error)) from _without_address(error)
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(_named(error)) from _without_address(error)

    async def call(self, address: str, form: Form) -> Any:
        """Call a method and return its bare result.

        Quicker than the bot's own methods, which build a whole Message when we need its number only.

        Raises:
            TelegramError: as the bot's methods do.
        """
        return await self.post(f"{address}/{form.method}", cast("RequestData", _Fields(form)))

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """Read an answer; unlike the original nothing of it reaches a log or an error's text."""
        try:
            return json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            raise TelegramError("the answer is not JSON") from None


class _Fields:
    """A form of ours with what a transport reads of python-telegram-bot's ``RequestData``."""

    __slots__ = ("_file", "parameters")

    def __init__(self, form: Form) -> None:
        self.parameters = form.parameters
        self._file = form.file

    @property
    def contains_files(self) -> bool:
        return self._file is not None

    @property
    def json_parameters(self) -> dict[str, str]:
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in self.parameters.items()}

    @property
    def multipart_data(self) -> dict[str, tuple[str, bytes, str]]:
        if self._file is None:
            return {}
        name, attachment = self._file
        return {name: (attachment.name or name, attachment.content or b"", mime_type(attachment))}


def never_left(error: BaseException) -> bool:
    """Whether the call behind this error certainly never reached Telegram."""
    return isinstance(error.__cause__, _NEVER_LEFT)


def _body(data: RequestData | None) -> tuple[aiohttp.FormData | bytes | None, dict[str, str]]:
    if data is None or not (data.contains_files or data.parameters):
        return None, {}
    if not data.contains_files:
        return json.dumps(data.parameters).encode(), {"Content-Type": "application/json"}
    form = aiohttp.FormData(data.json_parameters)
    for name, (filename, content, kind) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=kind)
    return form, {}


def _named(error: BaseException) -> str:
    return type(error).__name__


def _without_address(error: BaseException) -> BaseException:
    """Errors about addresses and time-outs quote the address."""
    if isinstance(error, TimeoutError | aiohttp.InvalidURL):
        error.args = ()
    error.__context__ = None
    return error
