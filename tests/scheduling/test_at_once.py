"""Two facilitators at the same moment: both are heard, one after the other, and nothing has to be tried again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from maple import NOW, SESSION, START, Maple, add_facilitator

from bot.scheduling import actions
from bot.scheduling.actions import Proposal
from bot.scheduling.queries import meetings
from bot.scheduling.rules import Overlaps

A_WEEK = timedelta(weeks=1)


async def test_two_sessions_planned_at_once_have_a_number_each(maple: Maple) -> None:
    gus = await add_facilitator(maple, 1009, "Gus")

    await asyncio.gather(
        *(
            _schedule(maple, replace(SESSION, starts_at=START + n * A_WEEK), by=by)
            for n, by in enumerate([maple.fay, gus] * 4)
        )
    )

    async with maple.database.transaction() as tx:
        assert sorted(meeting.number for meeting in await meetings(tx, maple.cohort_id)) == list(range(1, 9))


async def test_of_two_sessions_planned_at_once_for_one_hour_the_second_is_refused_with_the_number_of_the_first(
    maple: Maple,
) -> None:
    gus = await add_facilitator(maple, 1009, "Gus")

    done = await asyncio.gather(*(_schedule(maple, SESSION, by=by) for by in (maple.fay, gus)), return_exceptions=True)

    refused = [one for one in done if one is not None]
    assert [type(one) for one in refused] == [Overlaps]
    assert [one.facts for one in refused if isinstance(one, Overlaps)] == [{"number": "1"}]


async def test_planning_and_moving_at_once_do_not_wait_for_each_other_in_a_circle(maple: Maple) -> None:
    first = await maple.planned()

    await asyncio.gather(
        *(_schedule(maple, replace(SESSION, starts_at=START + n * A_WEEK), by=maple.fay) for n in range(1, 5)),
        *(_move(maple, first, hours) for hours in range(1, 5)),
    )

    async with maple.database.transaction() as tx:
        assert len(await meetings(tx, maple.cohort_id)) == 5


async def _schedule(maple: Maple, proposal: Proposal, *, by: UUID) -> None:
    async with maple.database.transaction() as tx:
        await actions.schedule(tx, maple.cohort_id, proposal, by=by, now=NOW)


async def _move(maple: Maple, meeting: UUID, hours: int) -> None:
    async with maple.database.transaction() as tx:
        await actions.move(tx, meeting, START + timedelta(hours=hours), by=maple.fay, now=NOW)
