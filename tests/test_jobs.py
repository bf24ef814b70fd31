"""The metronome beats on, whatever happens to one beat."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

from bot.jobs import Beat, metronome

QUICKLY = timedelta(milliseconds=10)


async def test_a_beat_comes_again_and_again():
    beats, enough = [], asyncio.Event()

    async def call():
        beats.append(1)
        if len(beats) == 3:
            enough.set()

    async with metronome([Beat("retention", QUICKLY, call)]):
        await asyncio.wait_for(enough.wait(), 20)

    assert len(beats) >= 3


async def test_a_beat_that_fails_is_logged_and_comes_again(caplog):
    beats, enough = [], asyncio.Event()

    async def fail():
        beats.append(1)
        if len(beats) == 3:
            enough.set()
        raise RuntimeError

    async with metronome([Beat("retention", QUICKLY, fail)]):
        await asyncio.wait_for(enough.wait(), 20)

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert told[:2] == ["retention failed; it is tried again in its turn"] * 2


async def test_beats_that_were_missed_by_seconds_are_made_up_for_once():
    beats, begun = [], asyncio.Event()

    async def call():
        beats.append(1)
        begun.set()

    async with metronome([Beat("backup", timedelta(milliseconds=400), call)]):
        time.sleep(1.7)  # noqa: ASYNC251 - blocked for longer than APScheduler's own patience of one second
        await asyncio.wait_for(begun.wait(), 20)

    assert len(beats) == 1


async def test_a_beat_never_overlaps_with_itself():
    begun, never = [], asyncio.Event()

    async def hang():
        begun.append(1)
        await never.wait()

    async with metronome([Beat("backup", QUICKLY, hang)]):
        await asyncio.sleep(0.2)

    assert len(begun) == 1


async def test_after_the_end_nothing_beats():
    beats = []

    async def call():
        beats.append(1)

    async with metronome([Beat("health", timedelta(milliseconds=50), call)]):
        pass
    await asyncio.sleep(0.2)

    assert beats == []
