"""The clock stands still while the bot has anything to do, then steps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from conftest import START

from bot.rehearsal.clock import StageClock

HOUR = timedelta(hours=1)


class Sleeper:
    """A bot with a list of instants at which it has something to do; notes when it was awake."""

    def __init__(self, clock, instants=(), handled=None):
        self.clock = clock
        self.instants = sorted(instants)
        self.handled = handled
        self.woken = []
        self.task = None
        self.done = asyncio.Event()

    async def __aenter__(self):
        self.task = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *exc):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _live(self):
        while True:
            now = self.clock.now
            while self.instants and self.instants[0] <= now:
                self.woken.append((self.instants.pop(0), now))
            if not self.instants:
                self.done.set()
            await self.clock.rest(self.instants[0] if self.instants else None, self.handled)

    def report_again(self, handled):
        self.handled = handled
        self.task.cancel()
        self.task = asyncio.create_task(self._live())


def after(hours):
    return START + hours * HOUR


async def test_advancing_stops_at_every_instant_that_the_bot_waits_for(clock):
    instants = [after(1), after(1.5), after(3), after(9)]
    async with Sleeper(clock, instants) as bot:
        await clock.advance_to(after(4))

    assert bot.woken == [(instant, instant) for instant in instants[:3]]
    assert clock.now == after(4)


async def test_an_instant_that_is_past_wakes_at_once(clock):
    assert await clock.rest(START, None) == START
    assert await clock.rest(after(-1), None) == START


async def test_a_rest_ends_after_its_longest_time(clock):
    assert await clock.rest(after(1), None, at_most=0.01) == START
    assert clock.next_instant() is None


async def test_the_clock_waits_until_an_update_is_handled(clock, stage, ann):
    ann.say("hello")
    owed = stage.bot_named().updates.last_owed
    async with Sleeper(clock, [after(1)], handled=owed - 1) as bot:
        with pytest.raises(TimeoutError, match=rf"handled updates up to \[{owed - 1}\], issued were .*{owed}"):
            await clock.advance_to(after(2), patience=0.05)
        assert clock.now == START

        bot.report_again(owed)
        await clock.advance_to(after(2))

    assert bot.woken == [(after(1), after(1))]


async def test_an_update_that_comes_during_a_rest_stops_the_clock(clock, stage, ann):
    async with Sleeper(clock, [after(1)], handled=0) as bot:
        await clock.settled()
        ann.say("wait")

        assert not clock.quiet
        assert bot.woken == []


async def test_having_received_nothing_counts_until_something_is_issued(clock, stage, bot):
    phone = stage.phone("Ann")
    async with Sleeper(clock, handled=None):
        await clock.settled()
        phone.start()
        assert not clock.quiet


async def test_a_report_that_was_overtaken_by_an_update_does_not_count(clock, stage, bot):
    stage.phone("Ann").start()
    updates = stage.bot_named().updates
    updates.confirm(updates.last_owed + 1)

    async with Sleeper(clock, handled=None) as late:
        await asyncio.sleep(0)
        assert not clock.quiet

        late.report_again(updates.last_owed)
        await clock.settled()


async def test_a_new_bot_need_not_know_what_an_older_one_received(clock, stage, call):
    stage.phone("Ann").start()
    updates = stage.bot_named().updates
    updates.confirm(updates.last_owed + 1)

    call("getMe")

    async with Sleeper(clock, handled=None):
        await clock.settled()


async def test_updates_that_expired_are_not_waited_for(clock, stage, ann):
    ann.say("too late")
    async with Sleeper(clock, handled=None) as bot:
        await asyncio.sleep(0)
        assert not clock.quiet
        clock.jump_to(after(25))
        bot.report_again(None)

        await clock.settled()


async def test_a_call_on_its_way_holds_the_clock(clock):
    async with Sleeper(clock, [after(1)]):
        await clock.settled()
        with clock.call():
            assert not clock.quiet
            with pytest.raises(TimeoutError, match="1 API call"):
                await clock.settled(0.01)
        await clock.settled()


async def test_without_a_report_there_is_no_rest(clock):
    with pytest.raises(TimeoutError, match="has not said that it has nothing to do"):
        await clock.settled(0.01)


async def test_jumping_to_the_next_instant(clock):
    async with Sleeper(clock, [after(2), after(5)]) as bot:
        assert await clock.jump_to_next() == after(2)
        assert await clock.jump_to_next() == after(5)
        assert await clock.jump_to_next() == after(5)

    assert bot.woken == [(after(2), after(2)), (after(5), after(5))]


async def test_a_raw_jump_skips_what_was_due(clock):
    async with Sleeper(clock, [after(1), after(2)]) as bot:
        await clock.settled()
        clock.jump_to(after(6))
        await clock.settled()

    assert bot.woken == [(after(1), after(6)), (after(2), after(6))]


async def test_unpaused_without_a_speed_it_jumps_by_itself(clock):
    async with Sleeper(clock, [after(1), after(2)]) as bot:
        clock.paused = False
        await asyncio.wait_for(bot.done.wait(), 5)

    assert bot.woken == [(after(1), after(1)), (after(2), after(2))]
    assert clock.now == after(2)


async def test_with_a_speed_it_flows_and_never_passes_what_is_due():
    clock = StageClock(START, speed=36_000, paused=False)
    async with Sleeper(clock, [after(1), after(2)]) as bot:
        await clock.settled()
        on_the_way = [clock.now for _ in range(3)]
        await asyncio.wait_for(bot.done.wait(), 5)
        clock.paused = True
        stopped = clock.now

    assert START < on_the_way[0] < on_the_way[1] < on_the_way[2] < after(1)
    assert bot.woken == [(after(1), after(1)), (after(2), after(2))]
    assert clock.now == stopped


async def test_a_hold_keeps_time_from_moving_by_itself(clock):
    async with Sleeper(clock, [after(1)]) as bot:
        async with clock.held():
            clock.paused = False
            await clock.settled()
            assert (bot.woken, clock.now) == ([], START)
        await asyncio.wait_for(bot.done.wait(), 5)

    assert bot.woken == [(after(1), after(1))]


async def test_a_script_acts_at_its_own_instants_between_the_bots(clock):
    acted = []

    async def script():
        for hours in (0, 0.5, 1.5):
            async with clock.at(after(hours)):
                await clock.settled()
                acted.append(clock.now)

    async with Sleeper(clock, [after(1), after(2)]) as bot:
        playing = asyncio.create_task(script())
        await clock.advance_to(after(3))
        await playing

    assert acted == [after(0), after(0.5), after(1.5)]
    assert bot.woken == [(after(1), after(1)), (after(2), after(2))]


async def test_a_script_that_is_called_off_leaves_no_trace(clock):
    async def wait():
        async with clock.at(after(1)):
            pass

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert clock.next_instant() is None


def test_the_clock_needs_a_zone_and_a_positive_speed(clock):
    with pytest.raises(ValueError, match="aware"):
        StageClock(datetime(2026, 11, 28))  # noqa: DTZ001 - the wrong kind, on purpose
    with pytest.raises(ValueError, match="positive"):
        clock.speed = 0
    assert StageClock(START.astimezone(UTC)).now.tzinfo is UTC


async def test_the_protocol_over_http(served, clock, stage):
    async with aiohttp.ClientSession() as http:

        async def ask(report):
            async with http.post(f"{served.clock_url}/idle", json=report) as answer:
                return answer.status, await answer.json()

        async with http.get(served.clock_url) as answer:
            assert await answer.json() == {"now": "2026-11-28T14:00:00.000000+00:00"}
        resting = asyncio.create_task(ask({"until": "2026-11-28T16:00:00+01:00", "handled": None}))
        async with clock.held():
            await clock.settled()
        clock.jump_to(after(2))

        assert await resting == (200, {"now": "2026-11-28T16:00:00.000000+00:00"})
        assert await ask({"until": START.isoformat(), "handled": 3}) == (
            200,
            {"now": "2026-11-28T16:00:00.000000+00:00"},
        )
        assert (await ask({"until": "2026-11-28T16:00:00", "handled": None}))[0] == 400
        assert (await ask({"until": None, "handled": None, "bot": 5}))[0] == 400


async def test_with_two_bots_a_report_names_its_bot(clock, stage, ann):
    other = stage.bot("other_bot")

    with pytest.raises(LookupError, match="2 bots"):
        await clock.rest(None, None)
    resting = asyncio.create_task(clock.rest(None, None, other.id))
    await clock.settled()
    stage.phone("Ann", "other_bot").start()

    assert not clock.quiet
    resting.cancel()
    await asyncio.gather(resting, return_exceptions=True)


async def test_a_report_whose_connection_closes_no_longer_counts(served, clock):
    async with aiohttp.ClientSession() as http:
        resting = asyncio.create_task(http.post(f"{served.clock_url}/idle", json={"until": None, "handled": None}))
        await clock.settled()

        busy = asyncio.Event()
        clock.listeners.append(lambda: clock.quiet or busy.set())
        resting.cancel()
        await asyncio.gather(resting, return_exceptions=True)

        await asyncio.wait_for(busy.wait(), 5)
