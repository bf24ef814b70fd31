"""Kill -9, again and again, while several hundred letters leave: nothing is lost, doubled, or said that was not."""

from __future__ import annotations

import asyncio
import random
import time

import psycopg
import pytest
from faults.town import IN_FLIGHT, Enter, Town, Towns

from bot.words import Lane

RATE = 25
# Seconds from the last start until every row has come to its end, if no more replies are lost (docs/delivery.md): one
# repeat after 20; on PostgreSQL, where the dead one might live elsewhere, its calls count for 35 before that.
AT_REST_WITHIN = {"sqlite": 30.0, "postgresql": 65.0}


@pytest.mark.faults
@pytest.mark.timeout(800)
async def test_fifty_sudden_deaths_lose_and_double_nothing(settle: Towns, entered: Enter) -> None:
    chance = random.Random(50)
    async with settle(couples=100) as town:
        await town.plan_letters(600)
        await town.plan_letters(150, lane=Lane.SAFETY)
        await town.plan_letters(150, kind="note")
        faults = a_bad_day(town)

        deaths = await die_again_and_again(town, 50, chance)
        town.stage.faults.clear()
        bound = AT_REST_WITHIN[town.url.partition(":")[0]]
        since = time.monotonic()
        last = await town.start()
        await town.at_rest()
        lasted = time.monotonic() - since
        assert await last.stop() == 0

        verdict = await town.verdict(rate=RATE)
        ambiguous = sum(fault.happened for fault in faults)
        entered(verdict, deaths=deaths, lost_replies=ambiguous, at_rest_after=f"{lasted:.0f} s of {bound:.0f}")
        assert lasted <= bound
        assert deaths == 50
        assert verdict.second_copies + len(verdict.in_doubt) <= deaths * IN_FLIGHT + ambiguous


async def test_two_sudden_deaths_lose_and_double_nothing(settle: Towns, entered: Enter) -> None:
    async with settle(couples=12) as town:
        await town.plan_letters(40)
        town.stage.faults.add("delay", method="sendMessage", times=None, probability=0.5, seconds=0.1)

        deaths = await die_again_and_again(town, 1, random.Random(3))
        last = await town.start()
        await town.heard()
        last.kill()
        await last.bury()
        leader_is_known_to_be_dead(town, calls_too=True)
        last = await town.start()
        await town.at_rest()
        assert await last.stop() == 0

        verdict = await town.verdict(rate=RATE)
        entered(verdict, deaths=deaths + 1)
        assert len(verdict.in_doubt) <= (deaths + 1) * IN_FLIGHT


def a_bad_day(town: Town) -> list[object]:
    """Slow answers, pauses, and now and then a reply that is lost; returns those that leave a doubt."""
    faults = town.stage.faults
    faults.seed(7)
    common = {"method": "sendMessage", "times": None}
    faults.add("too_many", **common, probability=0.02, seconds=1)
    doubtful = [
        faults.add("reset_before", **common, probability=0.01),
        faults.add("accept_then_reset", **common, probability=0.01),
        faults.add("broken", **common, probability=0.005, code=502, accepted=True),
    ]
    faults.add("delay", **common, probability=0.5, seconds=0.15)
    return doubtful


async def die_again_and_again(town: Town, times: int, chance: random.Random) -> int:
    """Kill the sender at a random instant of each life: some while it starts, most in the middle of its letters."""
    for life_number in range(times):
        life = await town.start()
        if life_number % 10 == 9:
            await asyncio.sleep(chance.uniform(0.1, 2.5))
        else:
            sent = town.at_call(chance.randint(1, 25), lambda: None)
            done, _ = await asyncio.wait({sent, life.ended}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            assert done, f"nothing left in a minute: {life.said.read_text()}"
            await asyncio.sleep(chance.uniform(0, 0.06))
        assert life.lives, life.said.read_text()
        life.kill()
        await life.bury()
        leader_is_known_to_be_dead(town)
    return times


def leader_is_known_to_be_dead(town: Town, *, calls_too: bool = False) -> None:
    """On PostgreSQL a dead leader counts until its lease ends; fifteen seconds for each death pass here."""
    if town.url.startswith("postgresql"):
        with psycopg.connect(town.url) as connection:
            connection.execute("UPDATE lease SET expires_on = now()")
            if calls_too:
                connection.execute("UPDATE delivery SET lease_until = now() WHERE lease_until IS NOT NULL")
