"""Leadership: exactly one sends and fetches, and who lost it knows before the other begins."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from bot.delivery import leadership as leadership_module
from bot.delivery.leadership import MARGIN, RENEW, TTL, Leadership
from bot.delivery.realtime import real_now
from bot.storage.tables import Lease

# With SQLite the file's lock keeps everybody else out; what follows is about replicas.
replicas = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Watch:
    """Monotonic seconds; a pause lets them pass."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds

    async def pause(self, seconds):
        self.seconds += seconds


@pytest.fixture
def watch(monkeypatch):
    watch = Watch()
    monkeypatch.setattr(leadership_module, "monotonic", watch)
    return watch


async def run_out(database):
    """Time passes until the lease has ended."""
    async with database.transaction() as tx:
        await tx.execute(update(Lease).values(expires_on=real_now()))


async def test_the_first_to_stand_leads_at_once(database):
    first = Leadership(database)

    assert first.trusted() is False
    assert await first.win() == 1
    assert first.trusted() is True


async def test_every_start_has_a_new_term(database):
    terms = []
    for _ in range(3):
        one = Leadership(database)
        terms.append(await one.win())
        await one.resign()

    assert terms == [1, 2, 3]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_with_sqlite_a_restart_leads_at_once_however_the_last_one_ended(database):
    killed = Leadership(database)
    await killed.win()

    assert await Leadership(database).win() == 2


@replicas
async def test_a_standby_leads_only_when_the_lease_has_run_out(database):
    trusted = []

    async def pause(_seconds):
        trusted.append(standby.trusted())
        if len(trusted) == 3:
            await run_out(database)

    await Leadership(database).win()
    standby = Leadership(database, pause=pause)

    assert await standby.win() == 2
    assert trusted == [False, False, False]
    assert standby.trusted() is True


@replicas
async def test_who_was_replaced_learns_it_at_the_next_renewal(database, watch):
    old = Leadership(database, pause=watch.pause)
    await old.win()
    await run_out(database)
    await Leadership(database).win()

    await old.keep()

    assert old.trusted() is False


@replicas
async def test_a_renewed_lease_is_not_taken_over(database, watch):
    leader = Leadership(database)
    await leader.win()
    await run_out(database)
    watch.seconds += RENEW

    renewed = await leader._renew()

    assert renewed is True
    assert leader.trusted() is True
    assert await Leadership(database)._stand() is False


@replicas
async def test_a_frozen_leader_does_not_trust_itself_when_it_wakes(database, watch):
    leader = Leadership(database)
    await leader.win()

    before = leader.trusted()
    watch.seconds += TTL - MARGIN

    assert (before, leader.trusted()) == (True, False)


@replicas
async def test_without_its_database_a_leader_steps_down_before_another_can_begin(database, watch, monkeypatch):
    def away():
        raise OSError

    leader = Leadership(database, pause=watch.pause)
    await leader.win()
    won_at = watch.seconds
    monkeypatch.setattr(database, "transaction", away)

    await leader.keep()

    assert leader.trusted() is False
    assert watch.seconds - won_at <= TTL


@replicas
async def test_a_standby_outlives_the_absence_of_the_database(database, monkeypatch):
    there = database.transaction

    def away():
        raise OSError

    async def pause(_seconds):
        monkeypatch.setattr(database, "transaction", there)

    monkeypatch.setattr(database, "transaction", away)

    assert await Leadership(database, pause=pause).win() == 1


@replicas
async def test_of_ten_that_stand_together_one_leads(database):
    async with asyncio.TaskGroup() as tasks:
        stood = [tasks.create_task(Leadership(database)._stand()) for _ in range(10)]

    assert [task.result() for task in stood].count(True) == 1


def test_a_standby_takes_over_within_twenty_seconds():
    assert TTL + RENEW / 2 <= 20
    assert RENEW < TTL - MARGIN
