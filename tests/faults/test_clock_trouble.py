"""Business time jumps by an hour in either direction while the bot runs: nothing leaves early, nothing is forgotten."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from faults.processes import CROOKED
from faults.town import Enter, Town, Towns, come_true

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
RATE = 25
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("town_url", ["sqlite"], indirect=True)
async def test_a_clock_that_jumps_ahead_and_back_makes_nothing_early_and_loses_nothing(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=20, stage_clock=True, SEND_RATE=str(RATE)) as town:
        begins = town.now
        await town.plan_letters(40, due_at=begins + timedelta(minutes=30))
        await town.plan_letters(40, due_at=begins + timedelta(minutes=90))
        life = await town.start()
        await come_true(lambda: town.stage.journal.polls)

        ahead = await heard_after(town, 40, lambda: town.clock.jump_to(begins + HOUR))
        town.clock.jump_to(begins)  # back by an hour: the second forty still wait
        before = len(town.accepted())
        there = await heard_after(town, 40, lambda: town.clock.jump_to(begins + 2 * HOUR))
        await town.at_rest()

        assert await life.stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, noticed_after=f"{max(ahead, there):.1f} s")
        assert (before, verdict.accepted) == (40, 80)
        assert max(ahead, there) <= 3


@pytest.mark.parametrize("town_url", ["sqlite", "postgresql"], indirect=True)
async def test_a_machine_whose_clock_is_set_ahead_and_back_sends_nothing_early_and_everything_once(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=20) as town:
        begins, file = town.now, town.folder / "offset.txt"

        def set_clock(hours: int) -> None:
            draft = file.with_suffix(".new")
            draft.write_text(str(hours * 3600))
            draft.replace(file)  # the bot reads all of it or the one before
            town.steps.append((time.monotonic(), hours * HOUR))

        set_clock(0)
        await town.plan_letters(40, due_at=begins + timedelta(minutes=30))
        await town.plan_letters(40, due_at=begins + timedelta(minutes=90))
        await town.plan_letters(20, due_at=begins)
        life = await town.start((*CROOKED, str(file)))
        await town.heard(20)

        ahead = await heard_after(town, 40, lambda: set_clock(1))
        set_clock(-1)
        back = await polls_again(town)
        before = len(town.accepted())
        there = await heard_after(town, 40, lambda: set_clock(2))
        await town.at_rest()

        assert await life.stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, noticed_after=f"{max(ahead, there):.1f} s", asked_again_after=f"{back:.1f} s")
        assert (before, verdict.accepted) == (60, 100)
        assert max(ahead, there) <= 3


async def polls_again(town: Town) -> float:
    """Wait until the bot fetches what somebody says: it lives, whatever its clock shows."""
    since, polls = time.monotonic(), town.stage.journal.polls
    town.stage.phone(town.people[0].name).say("Shall we bring a blanket?")
    await come_true(lambda: town.stage.journal.polls > polls)
    return time.monotonic() - since


async def heard_after(town: Town, letters: int, jump: object) -> float:
    """Jump, and wait until that many letters have arrived; how long the first of them took."""
    first = town.at_call(1, lambda: None)
    rest = town.at_call(letters, lambda: None)
    since = time.monotonic()
    jump()  # type: ignore[operator]  # a function of no arguments
    await first
    took = time.monotonic() - since
    await rest
    return took
