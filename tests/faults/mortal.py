"""``understory run`` in a process that dies by itself, as by kill -9, right before or after the commit it is told.

    python mortal.py "after marking" 2      # once the second batch of letters was marked as sending

What each commit is for is told by the function that makes it. Nothing of this is in the bot.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

import bot.app
from bot.app import Inbox, Leadership, PostOffice
from bot.cli import cli
from bot.delivery import moments
from bot.delivery.letters import Letters

COMMITS: dict[str, tuple[Any, str]] = {
    "migrating": (bot.app, "bring_up_to_date"),
    "leading": (Leadership, "_stand"),
    "deciding": (moments, "_run"),
    "claiming": (PostOffice, "_claim"),
    "marking": (Letters, "_mark_together"),
    "settling": (Letters, "_settle_together"),
    "storing": (Inbox, "store"),
    "handling": (bot.app, "_process"),
}
POINTS = [f"{when} {what}" for what in COMMITS for when in ("before", "after")]

_purpose: ContextVar[str] = ContextVar("purpose", default="")


def watched(purpose: str, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(work)
    async def known(*args: Any, **options: Any) -> Any:
        token = _purpose.set(purpose)
        try:
            return await work(*args, **options)
        finally:
            _purpose.reset(token)

    return known


def die_at(point: str, number: int) -> None:
    """Count the commits for this purpose; at the one with this number everything ends."""
    when, purpose = point.split()
    commit, seen = DefaultDialect.do_commit, 0

    def counted(dialect: DefaultDialect, connection: Any) -> None:
        nonlocal seen
        seen += _purpose.get() == purpose
        dies = seen == number and _purpose.get() == purpose
        if dies and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(dialect, connection)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    DefaultDialect.do_commit = counted  # type: ignore[method-assign]


def main() -> None:
    for purpose, (place, name) in COMMITS.items():
        setattr(place, name, watched(purpose, getattr(place, name)))
    die_at(sys.argv[1], int(sys.argv[2]))
    cli(["run"])


if __name__ == "__main__":
    main()
