"""The database is killed, cut off or full while letters leave; a second process wants the same file."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest
from faults.disk import a_disk
from faults.fragile import Fragile
from faults.town import IN_FLIGHT, Enter, Town, Towns, a_town, come_true

from bot.storage.lock import DatabaseInUse, lock_beside

RATE = 25
UNDER_LOAD = 180.0  # seconds
FULL = 30.0  # seconds without room
ON_SQLITE = pytest.mark.parametrize("town_url", ["sqlite"], indirect=True)


@pytest.mark.faults
@pytest.mark.timeout(500)
async def test_a_postgresql_that_is_killed_again_and_again_loses_and_doubles_nothing(
    fragile: Fragile, tmp_path: Path, entered: Enter
) -> None:
    chance = random.Random(22)
    async with a_town(fragile.dsn, tmp_path, couples=50) as town:
        await town.plan_letters(int((UNDER_LOAD + 30) / 0.15), every=timedelta(seconds=0.15))
        town.stage.faults.add("delay", method="sendMessage", times=None, probability=0.5, seconds=0.1)
        life = await town.start()
        await town.heard()
        deaths, slowest, until = 0, 0.0, time.monotonic() + UNDER_LOAD

        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, chance.uniform(5, 20)))
            if chance.random() < 0.5:
                await asyncio.to_thread(fragile.cut)
            else:
                await asyncio.to_thread(fragile.kill)
                await asyncio.to_thread(fragile.start)
            deaths, back = deaths + 1, time.monotonic()
            await town.heard(2)  # the first may have been on its way
            slowest = max(slowest, time.monotonic() - back)
        await town.at_rest()

        assert life.lives
        assert await life.stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, deaths=deaths, slowest_recovery=f"{slowest:.1f} s")
        assert slowest <= 10
        assert len(verdict.in_doubt) <= IN_FLIGHT * deaths
        said = life.said.read_text()
        assert "reference" not in said
        assert "Traceback" not in said
        assert len(said.splitlines()) <= 4 * deaths  # that it went and that it came back, and Telegram's own pauses


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_an_outage_longer_than_the_lease_ends_nobody_and_a_stop_during_another_is_clean(
    fragile: Fragile, tmp_path: Path, entered: Enter
) -> None:
    async with a_town(fragile.dsn, tmp_path, couples=10) as town:
        await town.plan_letters(300, every=timedelta(seconds=0.25))
        life = await town.start()
        await town.heard(10)

        await asyncio.to_thread(fragile.kill)
        await asyncio.sleep(25)
        alive = life.lives
        await asyncio.to_thread(fragile.start)
        back = time.monotonic()
        await town.heard(5)
        recovered = time.monotonic() - back
        await asyncio.sleep(8)  # so long that it counts as over

        await asyncio.to_thread(fragile.kill)
        await asyncio.sleep(2)
        since = time.monotonic()
        code = await life.stop()
        took = time.monotonic() - since
        said = life.said.read_text()
        await asyncio.to_thread(fragile.start)
        await finish(town)

        entered(await town.verdict(rate=RATE), recovered_after=f"{recovered:.1f} s", stopped_after=f"{took:.1f} s")
        assert alive
        assert recovered <= 20
        assert (code, took <= 30) == (0, True)
        assert "Traceback" not in said
        assert said.count("the database cannot be used (") == 2


@pytest.mark.faults
@pytest.mark.timeout(200)
@ON_SQLITE
async def test_a_full_disk_says_nothing_false_and_is_over_when_there_is_room(
    town_url: str, tmp_path: Path, entered: Enter
) -> None:
    with a_disk(tmp_path, town_url) as disk:
        async with a_town(disk.url, tmp_path, couples=50) as town:
            await town.plan_letters(500, every=timedelta(seconds=0.1))
            life = await town.start()
            await town.heard(20)

            disk.fill(life)
            await asyncio.sleep(1)  # what was marked by then is on its way
            heard = len(town.accepted())
            await asyncio.sleep(FULL - 1)
            heard_while_full = len(town.accepted()) - heard
            alive = life.lives
            disk.make_room(life)
            room = time.monotonic()
            await town.heard()
            recovered = time.monotonic() - room
            await town.at_rest()

            assert await life.stop() == 0
            said = life.said.read_text().splitlines()
            verdict = await town.verdict(rate=RATE)
            entered(
                verdict,
                full_by=disk.how,
                heard_while_full=heard_while_full,
                recovered_after=f"{recovered:.1f} s",
                lines_said=len(said),
            )
            assert alive
            assert heard_while_full <= IN_FLIGHT
            assert recovered <= 10
            assert [line.split(": ", 1)[1].partition("(")[0].partition(",")[0] for line in said] == [
                "the database cannot be used ",
                "the database can be used again",
            ]


@ON_SQLITE
async def test_a_second_process_on_the_same_file_is_told_at_once_and_the_first_goes_on(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=4) as town:
        await town.plan_letters(16)
        first = await town.start()
        await town.heard()

        since = time.monotonic()
        second = await town.start()
        code = await second.bury()
        took = time.monotonic() - since
        await town.at_rest()

        assert await first.stop() == 0
        entered(await town.verdict(rate=RATE), second_told_after=f"{took:.1f} s")
        assert code == 2
        assert f"in use by another process (pid {first.process.pid})" in second.said.read_text()
        assert took <= 2


@pytest.mark.faults
@ON_SQLITE
async def test_the_lock_of_a_killed_process_is_free_at_once(settle: Towns) -> None:
    async with settle(couples=1) as town:
        life = await town.start()
        await come_true(lambda: town.stage.journal.polls)
        file = Path(town.url.removeprefix("sqlite:///"))
        with pytest.raises(DatabaseInUse):
            lock_beside(file)

        life.kill()
        await life.bury()

        lock_beside(file).close()


@pytest.mark.faults
async def test_a_stop_under_load_lets_calls_end_and_leaves_nothing_half_done(settle: Towns, entered: Enter) -> None:
    async with settle(couples=20) as town:
        await town.plan_letters(80)
        town.stage.faults.add("delay", method="sendMessage", times=None, seconds=0.5)
        life = await town.start()
        await town.heard(5)
        for someone in town.people[:20]:
            town.stage.phone(someone.name).say("Shall we bring a blanket?")

        since = time.monotonic()
        code = await life.stop()
        took = time.monotonic() - since
        states = [row.state for row in await town.rows()]
        await finish(town)

        entered(await town.verdict(rate=RATE), stopped_after=f"{took:.1f} s")
        assert code == 0
        assert took <= 30
        assert set(states) == {"planned", "sent"}
        assert town.ask("SELECT count(*) FROM draft") == 20


async def finish(town: Town) -> None:
    """Let a new process do what is left."""
    last = await town.start()
    await town.at_rest()
    assert await last.stop() == 0
