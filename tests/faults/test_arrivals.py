"""What people say arrives once: repeated, out of order, by polling and by webhook, whatever dies in between."""

from __future__ import annotations

import asyncio

import pytest
from faults.gate import Gate, a_gate
from faults.processes import MORTAL, BotProcess
from faults.town import Enter, Town, Towns, come_true
from house import leases_run_out

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RATE = 25
WORDS = "Shall we bring a blanket?"


async def test_what_is_polled_again_and_out_of_order_has_one_effect(settle: Towns, entered: Enter) -> None:
    async with settle(couples=20) as town:
        town.stage.faults.add("duplicate_updates", method="getUpdates", times=None)
        town.stage.faults.add("reorder_updates", method="getUpdates", times=None)
        lives = [await town.start() for _ in range(2 if town.url.startswith("postgresql") else 1)]
        await come_true(lambda: town.stage.journal.polls)

        await everybody_speaks(town, times=3)
        await come_true(lambda: answers(town) >= 3 * len(town.people))
        await town.at_rest()

        assert [await life.stop() for life in lives] == [0] * len(lives)
        entered(await town.verdict(rate=RATE), words=3 * len(town.people))
        each_was_answered_once(town)


async def test_what_the_webhook_brings_five_times_and_out_of_order_has_one_effect(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=20) as town, a_gate(town, copies=5) as gate:
        town.stage.faults.add("duplicate_updates", method="getUpdates", times=None, probability=0.3)
        lives = await behind(gate)

        await everybody_speaks(town, times=3)
        await come_true(lambda: answers(town) >= 3 * len(town.people))
        await come_true(lambda: not town.stage.bot_named().updates.waiting)
        await town.at_rest()

        assert [await life.stop() for life in lives] == [0] * len(lives)
        entered(await town.verdict(rate=RATE), words=3 * len(town.people), calls=gate.passed, replicas=len(lives))
        assert gate.passed >= 5 * 3 * len(town.people)
        each_was_answered_once(town)


async def test_a_hundred_words_are_kept_once_though_the_bot_died_after_fetching_them(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50) as town:
        town.stage.faults.add("duplicate_updates", method="getUpdates", times=None, probability=0.3)
        town.stage.faults.add("reorder_updates", method="getUpdates", times=None, probability=0.3)
        doomed = await town.start()
        await come_true(lambda: town.stage.journal.polls)
        await everybody_speaks(town)
        waiting = town.stage.bot_named().updates.waiting
        await come_true(lambda: not waiting)  # Telegram was told that we have them

        handled = await death(town, doomed)
        last = await town.start()
        await town.at_rest()
        assert await last.stop() == 0

        entered(await town.verdict(rate=RATE), handled_before_death=handled)
        assert handled < 100
        a_hundred_are_kept_once(town)


async def test_a_hundred_words_are_kept_once_though_the_bot_died_after_saying_yes_to_them(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50) as town, a_gate(town) as gate:
        doomed = await behind(gate)
        await everybody_speaks(town)
        waiting = town.stage.bot_named().updates.waiting
        await come_true(lambda: not waiting)

        handled = await death(town, *doomed)
        gate.doors.clear()
        lives = await behind(gate)
        await town.at_rest()
        assert [await life.stop() for life in lives] == [0] * len(lives)

        entered(await town.verdict(rate=RATE), handled_before_death=handled, replicas=len(lives))
        assert handled < 100
        a_hundred_are_kept_once(town)


@pytest.mark.parametrize("way", ["polling", "webhook"])
async def test_what_was_acknowledged_and_not_yet_looked_at_is_handled_by_the_next(
    way: str, settle: Towns, entered: Enter
) -> None:
    async with settle(couples=10) as town, a_gate(town) as gate:
        start = town.start if way == "polling" else gate.start
        doomed = await start((*MORTAL, "instead of handling"))
        await come_true(lambda: town.stage.journal.polls or town.stage.bot_named().webhook)
        await everybody_speaks(town)
        await come_true(lambda: not town.stage.bot_named().updates.waiting)

        handled = await death(town, doomed)
        gate.doors.clear()
        last = await start()
        await town.at_rest()
        assert await last.stop() == 0

        entered(await town.verdict(rate=RATE))
        assert handled == 0
        each_was_answered_once(town)


async def everybody_speaks(town: Town, times: int = 1) -> None:
    for _ in range(times):
        for someone in town.people:
            town.stage.phone(someone.name).say(WORDS)
        await asyncio.sleep(0.05)


async def behind(gate: Gate) -> list[BotProcess]:
    """One bot, or on PostgreSQL two replicas; Telegram knows where to call."""
    hook_before = gate.town.stage.bot_named().webhook
    lives = [await gate.start() for _ in range(2 if gate.town.url.startswith("postgresql") else 1)]
    await come_true(lambda: gate.town.stage.bot_named().webhook not in (None, hook_before))
    return lives


async def death(town: Town, *doomed: BotProcess) -> int:
    """Kill them at once; how much had been handled by then."""
    for life in doomed:
        life.kill()
    for life in doomed:
        await life.bury()
    leases_run_out(town.url)
    return await asyncio.to_thread(town.ask, "SELECT count(*) FROM inbox WHERE state = 'handled'")


def answers(town: Town) -> int:
    return sum(len(town.stage.journal.accepted("sendMessage", someone.telegram_id)) for someone in town.people)


def each_was_answered_once(town: Town) -> None:
    """Every word got its answer, and no second one; all of them are marked as handled."""
    said = {
        one.name: len([message for message in town.stage.phone(one.name).messages if message.words == WORDS])
        for one in town.people
    }
    heard = {one.name: len(town.stage.journal.accepted("sendMessage", one.telegram_id)) for one in town.people}
    assert heard == said
    assert town.ask("SELECT count(*) FROM inbox WHERE state = 'handled'") == sum(said.values())


def a_hundred_are_kept_once(town: Town) -> None:
    assert town.ask("SELECT count(*) FROM inbox WHERE state = 'handled'") == 100
    assert town.ask("SELECT count(*) FROM draft") == 100
