"""The ferry: whoever waits crosses together, and the end of the process is the end of waiting."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import InterfaceError

from bot.delivery.ferry import Ferry, persist


async def test_when_the_process_ends_nobody_goes_on_trying() -> None:
    tried: list[int] = []
    first = asyncio.Event()

    async def write() -> None:
        tried.append(1)
        first.set()
        raise InterfaceError("BEGIN", None, Exception("away"))

    async def cross(items: object) -> list[None]:
        await persist(write)
        return []

    ferry: Ferry[int, None] = Ferry(cross)  # type: ignore[arg-type]
    aboard = asyncio.create_task(ferry.board(1))
    await first.wait()
    behind = asyncio.create_task(ferry.board(2))
    await asyncio.sleep(0)

    assert ferry._sailing is not None
    ferry._sailing.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({aboard, behind})

    assert aboard.cancelled()
    assert behind.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await aboard
