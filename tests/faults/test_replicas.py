"""Two processes on one PostgreSQL: one leads, the other takes over within twenty seconds, and none sends what is not its."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from faults.processes import BotProcess
from faults.town import Enter, Town, Towns, come_true
from sqlalchemy import select

from bot.storage.tables import Attempt

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("town_url", ["postgresql"], indirect=True),
]
RATE = 25
FROZEN = 60.0  # seconds


async def test_one_leads_and_the_other_takes_over_within_twenty_seconds_of_a_kill(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50) as town:
        await town.plan_letters(300, every=timedelta(seconds=0.2))
        conflicts = town.stage.journal.refused
        leader = await town.start()
        await town.heard(5)
        await town.start()
        await town.heard(50)

        leader.kill()
        since = time.monotonic()
        await leader.bury()
        await asyncio.sleep(0.5)  # what the dead one had sent has been accepted
        await town.heard()
        took = time.monotonic() - since
        await town.at_rest()

        assert await town.lives[-1].stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, takeover=f"{took:.1f} s")
        assert took <= 20
        assert len(verdict.in_doubt) <= 10
        assert conflicts("getUpdates") == []


async def test_a_leader_that_stops_hands_over_at_once(settle: Towns, entered: Enter) -> None:
    async with settle(couples=20) as town:
        await town.plan_letters(100, every=timedelta(seconds=0.2))
        leader = await town.start()
        await town.heard(5)
        await a_standby(town)

        assert await leader.stop() == 0
        since = time.monotonic()
        await town.heard()
        took = time.monotonic() - since
        await town.at_rest()

        assert await town.lives[-1].stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, handed_over=f"{took:.1f} s")
        assert took <= 5
        assert verdict.in_doubt == []


async def test_a_leader_that_was_frozen_wakes_up_and_sends_nothing_under_its_old_term(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50) as town:
        await town.plan_letters(400, every=timedelta(seconds=0.2))
        town.stage.faults.add("delay", method="sendMessage", times=None, seconds=0.1)
        sleeper = await town.start()
        await town.heard(20)
        await a_standby(town)

        sleeper.freeze()
        frozen = time.monotonic()
        await asyncio.sleep(1)  # what the sleeper had sent has been accepted
        await town.heard()
        took = time.monotonic() - frozen
        await asyncio.sleep(max(0.0, FROZEN - took))
        sleeper.wake()
        await town.at_rest()

        assert [await life.stop() for life in town.lives] == [0, 0]
        verdict = await town.verdict(rate=RATE)
        entered(verdict, takeover=f"{took:.1f} s")
        assert took <= 20
        terms = await terms_of(town)
        assert terms == sorted(terms)  # nothing under an old term after the first of a new one
        assert len(set(terms)) == 2


async def a_standby(town: Town) -> BotProcess:
    """A second process that has come up and waits; a leader is called about its menus only once by each."""
    menus = len(commands(town))
    standby = await town.start()
    await come_true(lambda: len(commands(town)) >= 2 * menus)
    return standby


def commands(town: Town) -> list[object]:
    return [call for call in town.stage.journal.calls if call.method == "setMyCommands"]


async def terms_of(town: Town) -> list[int]:
    """The terms under which calls were marked, in the order of the marks."""
    async with town.records() as database, database.transaction() as tx:
        return list(await tx.scalars(select(Attempt.term).order_by(Attempt.started_at)))
