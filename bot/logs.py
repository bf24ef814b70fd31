"""What the operator reads: our own events, as text or JSON on stderr, without secrets and without anybody's words.

Only ``bot`` and ``handlers`` speak below WARNING: libraries would log the token in addresses, updates and SQL
parameters. Of an error the log keeps its name and its way through the code, not its message, which may quote what a
person wrote.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from bot.errors import Wrong

_OURS = ("bot", "handlers")
_SPEAKING = (Wrong, OSError)  # their messages are about settings, files and connections
_SECRETS = re.compile(
    r"bot\d+(?::|%3A)[A-Za-z0-9_-]{30,}"  # a token in an address
    r"|\d{6,}(?::|%3A)[A-Za-z0-9_-]{30,}"  # a token
    r"|\b[0-9a-f]{8}:[A-Za-z0-9+/]{43}="  # an encryption key
    r"|(?<=://)[^/\s@]+:[^/\s@]+(?=@)"  # a password in an address
)


def redacted(text: str) -> str:
    """The text with every token, key and password blotted out."""
    return _SECRETS.sub("***", text)


def configure(format: str, level: str) -> None:  # noqa: A002 - the word of the setting
    """Begin to log as the settings LOG_FORMAT and LOG_LEVEL say; a second call replaces the first."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if format == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, logging.getLevelName(level)), force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def say_unexpected(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For ``loop.set_exception_handler``: asyncio's own would print the repr of tasks and errors."""
    logging.getLogger(__name__).error("%s", context["message"], exc_info=context.get("exception"))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = redacted(record.getMessage()).replace("\n", "\\n")  # one event cannot pretend to be two
        line = f"{_at(record)} {record.levelname:<7} {record.name}: {message}"
        return "\n".join(filter(None, [line, _error(record)]))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": redacted(record.getMessage()),
        }
        error = _error(record)
        return json.dumps(said | ({"error": error} if error else {}), ensure_ascii=False)


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _error(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return redacted("".join(_way_of(error)).rstrip()) if error is not None else ""


def _way_of(error: BaseException) -> list[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [*_way_of(before), "which led to:\n"] if before is not None else []
    lines += traceback.format_tb(error.__traceback__)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    lines.append(f"{name}: {error}\n" if isinstance(error, _SPEAKING) else f"{name}\n")
    if isinstance(error, BaseExceptionGroup):
        for number, one in enumerate(error.exceptions, start=1):
            lines += [f"{number} of {len(error.exceptions)}:\n", *_way_of(one)]
    return lines
