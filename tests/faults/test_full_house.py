"""Everybody at once: two hundred prompts due in one instant, and a great broadcast."""

from __future__ import annotations

from datetime import timedelta

import pytest
from faults.town import Enter, Towns, today

from bot.words import Lane

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RATE = 25


async def test_a_hundred_couples_get_their_prompt_together_and_on_time(settle: Towns, entered: Enter) -> None:
    async with settle(couples=100) as town:
        due_at = today() + timedelta(seconds=6)
        await town.plan_letters(200, due_at=due_at)
        life = await town.start()
        await town.heard(200)
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE, punctual=timedelta(seconds=200 / RATE + 3))
        after = {one.chat: (one.at - due_at).total_seconds() for one in town.accepted()}
        apart = [abs(after[one] - after[one + 1]) for one in sorted(after)[::2]]
        entered(verdict, first_after=f"{min(after.values()):.2f} s", furthest_apart=f"{max(apart):.2f} s")
        assert min(after.values()) <= 2
        assert len([skew for skew in apart if skew <= 2]) >= 99


async def test_a_call_for_help_overtakes_a_broadcast_to_a_thousand(settle: Towns, entered: Enter) -> None:
    async with settle(couples=500) as town:
        begins = today() + timedelta(seconds=20)  # how long the start takes is another question
        await town.plan_letters(1000, lane=Lane.BROADCAST, due_at=begins)
        await town.plan_letters(40, lane=Lane.SAFETY, due_at=begins, every=timedelta(seconds=0.5))
        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        rows = {row.tag: row for row in await town.rows()}
        late = sorted(
            (one.at - rows[one.tag].due_at).total_seconds()
            for one in town.accepted()
            if rows[one.tag].lane == Lane.SAFETY
        )
        entered(verdict, slowest_call_for_help=f"{late[-1]:.1f} s")
        assert late[int(len(late) * 0.99) - 1] <= 2
