"""``understory run`` in a process that dies by itself, as by kill -9, at the instant it is told.

    python mortal.py "after marking" 2      # once the second batch of letters was marked as sending
    python mortal.py "after calling" 1      # once the first answer of Telegram was read, before it is written down
    python mortal.py "inside erasing" 7 2   # before the seventh statement of the second erasure
    python mortal.py "instead of handling"  # it stores what comes in and handles nothing; somebody else kills it

What each commit is for is told by the function that makes it. Nothing of this is in the bot.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

import bot.app
from bot.app import Inbox, Leadership, PostOffice
from bot.checkins import actions as checkins
from bot.cli import cli
from bot.delivery import moments
from bot.delivery.letters import Letters
from bot.records import actions as records

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
STEPS: dict[str, tuple[Any, str]] = {"calling": (Letters, "_call")}
WORKS: dict[str, tuple[Any, str]] = {"erasing": (records, "erase"), "opening": (checkins.MOMENTS, "opening")}
POINTS = [f"{when} {what}" for what in [*COMMITS, *STEPS] for when in ("before", "after")]

_purpose: ContextVar[str] = ContextVar("purpose", default="")


def main() -> None:
    when, what = sys.argv[1].rsplit(maxsplit=1)
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if when == "instead of":
        _replace(COMMITS[what], lambda _: _forever)
    elif when == "inside":
        die_inside(what, number, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    elif what in STEPS:
        _replace(STEPS[what], functools.partial(dying, when, number))
    else:
        for purpose, place in COMMITS.items():
            _replace(place, functools.partial(watched, purpose))
        die_at(when, what, number)
    cli(["run"])


def watched(purpose: str, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Let what happens in this work be known by its purpose."""

    @functools.wraps(work)
    async def known(*args: Any, **options: Any) -> Any:
        token = _purpose.set(purpose)
        try:
            return await work(*args, **options)
        finally:
            _purpose.reset(token)

    return known


def dying(when: str, number: int, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Work before or after which, at the time with this number, everything ends."""
    begun = ended = 0

    @functools.wraps(work)
    async def mortal(*args: Any, **options: Any) -> Any:
        nonlocal begun, ended
        begun += 1
        if when == "before" and begun == number:
            _die()
        result = await work(*args, **options)
        ended += 1
        if when == "after" and ended == number:
            _die()
        return result

    return mortal


def die_at(when: str, purpose: str, number: int) -> None:
    """Count the commits for this purpose; at the one with this number everything ends."""
    commit, seen = DefaultDialect.do_commit, 0

    def counted(dialect: DefaultDialect, connection: Any) -> None:
        nonlocal seen
        seen += _purpose.get() == purpose
        dies = seen == number and _purpose.get() == purpose
        if dies and when == "before":
            _die()
        commit(dialect, connection)
        if dies:
            _die()

    DefaultDialect.do_commit = counted  # type: ignore[method-assign]


def die_inside(purpose: str, statement: int, number: int) -> None:
    """End before this statement, counted from 1, of the work with this number."""
    begun = 0

    def counting(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(work)
        async def counted(*args: Any, **options: Any) -> Any:
            nonlocal begun
            begun += 1
            return await watched(str(begun), work)(*args, **options)

        return counted

    @event.listens_for(Engine, "before_cursor_execute")
    def before(*_: Any) -> None:
        nonlocal statement
        if _purpose.get() == str(number):
            statement -= 1
            if statement == 0:
                _die()

    _replace(WORKS[purpose], counting)


def _replace(place: tuple[Any, str], by: Callable[[Any], Any]) -> None:
    owner, name = place
    if isinstance(owner, dict):
        owner[name] = by(owner[name])
    else:
        setattr(owner, name, by(getattr(owner, name)))


async def _forever(*_: Any) -> None:
    await asyncio.Event().wait()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
