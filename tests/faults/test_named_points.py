"""The bot dies right before or after each of its commits, and at each step of a call; the next one finishes the work."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.mortal import POINTS
from faults.processes import MORTAL
from faults.town import Enter, Town, Towns, a_town, come_true, today
from house import leases_run_out
from sqlalchemy import func, select

from bot.storage.tables import Broadcast, BroadcastCohort, Draft, Moment
from bot.words import BroadcastState, MomentState

pytestmark = pytest.mark.faults
WHERE = [point for point in POINTS if "migrating" not in point]
MIGRATING = [point for point in POINTS if "migrating" in point]


@pytest.mark.parametrize("point", WHERE)
async def test_death_at_a_commit(point: str, settle: Towns, entered: Enter) -> None:
    async with settle(couples=4) as town:
        await everything_at_once(town)

        doomed = await town.start((*MORTAL, point, "1"))
        assert await doomed.bury() == -9
        await the_next_one_finishes(town)

        entered(await town.verdict(), deaths=1)
        await nothing_is_left_undone(town)


@pytest.mark.parametrize("point", ["after marking", "before settling", "after claiming"])
async def test_death_at_a_later_commit_of_its_kind(point: str, settle: Towns, entered: Enter) -> None:
    async with settle(couples=4) as town:
        await everything_at_once(town)

        doomed = await town.start((*MORTAL, point, "2"))
        assert await doomed.bury() == -9
        await the_next_one_finishes(town)

        entered(await town.verdict(), deaths=1)
        await nothing_is_left_undone(town)


@pytest.mark.parametrize("nth", [1, 2, 7], ids=["the first", "between a couple's two", "in the middle"])
async def test_death_when_a_message_is_accepted_and_not_answered(nth: int, settle: Towns, entered: Enter) -> None:
    async with settle(couples=4) as town:
        await everything_at_once(town)
        doomed = await town.start()

        await town.at_call(nth, doomed.kill)
        await doomed.bury()
        await the_next_one_finishes(town)

        verdict = await town.verdict()
        entered(verdict, deaths=1)
        await nothing_is_left_undone(town)
        assert verdict.second_copies <= 1  # of the letters that may come again


async def test_death_when_a_call_is_on_its_way_and_not_accepted(settle: Towns, entered: Enter) -> None:
    async with settle(couples=4) as town:
        await everything_at_once(town)
        slow = [
            town.stage.faults.add("delay_before", method="sendMessage", chat=someone.telegram_id, seconds=20)
            for someone in town.people[4:]
        ]
        doomed = await town.start()
        await come_true(lambda: all(one.happened for one in slow))

        doomed.kill()
        await doomed.bury()
        town.stage.faults.clear()
        await the_next_one_finishes(town)

        verdict = await town.verdict()
        entered(verdict, deaths=1)
        await nothing_is_left_undone(town)
        assert len(slow) <= len(verdict.in_doubt) <= 10  # as many as are on the wire at once


@pytest.mark.parametrize("point", MIGRATING)
async def test_death_while_a_new_database_gets_its_tables(point: str, tmp_path: Path) -> None:
    """A file of nothing: the next start finds the old schema or the new one, never something between."""
    async with a_town(f"sqlite:///{tmp_path / 'new.db'}", tmp_path, couples=0) as town:
        doomed = await town.start((*MORTAL, point, "1"))
        assert await doomed.bury() == -9

        life = await town.start()
        await come_true(lambda: town.stage.journal.polls)

        assert await life.stop() == 0
        assert town.complaints() == []


async def everything_at_once(town: Town) -> None:
    """Letters of both kinds are due, a broadcast leaves, and four people write something."""
    await town.plan_letters(8)
    await town.plan_letters(4, kind="note")
    await a_broadcast_leaves(town)
    for someone in town.people[:4]:
        town.stage.phone(someone.name).say("Shall we bring a blanket?")


async def a_broadcast_leaves(town: Town) -> None:
    """Its fifteen seconds are over: the moment that plans a copy for each of two people is due."""
    now = today()
    async with town.records() as database, database.transaction() as tx:
        broadcast = Broadcast(author_id=town.fay, state=BroadcastState.WAITING, made_at=now, leaves_at=now)
        tx.seal(broadcast, "words", "To all of you")
        tx.add(broadcast)
        await tx.flush()
        tx.add(BroadcastCohort(broadcast_id=broadcast.id, cohort_id=town.people[0].cohort_id))
        moment = Moment(key=f"broadcast-leaves:{broadcast.id}", kind="broadcast-leaves", due_at=now, ref=broadcast.id)
        moment.state = MomentState.WAITING
        tx.add(moment)


async def the_next_one_finishes(town: Town) -> None:
    leases_run_out(town.url)
    life = await town.start()
    await town.at_rest()
    assert await life.stop() == 0


async def nothing_is_left_undone(town: Town) -> None:
    """The broadcast was planned once for each of its two, and what each of the four wrote is kept once."""
    rows = await town.rows()
    assert len([row for row in rows if row.tag.startswith("To all of you")]) == 2
    assert len(rows) == 8 + 4 + 2
    async with town.records() as database, database.transaction() as tx:
        assert await tx.scalar(select(func.count()).select_from(Draft)) == 4
        assert await tx.scalar(select(func.count()).where(Moment.state == MomentState.FAILED)) == 0
