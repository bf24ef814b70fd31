"""Health: the operator sees numbers, and a dead database is not hidden."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import insert

from bot.health import Health
from bot.storage.tables import InboxUpdate, Moment
from bot.words import MomentState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class StoppedClock:
    async def now(self):
        return NOON


@pytest.fixture
def health(database):
    return Health(database, StoppedClock(), lambda: True)


@pytest.fixture
async def page(health):
    async with TestClient(TestServer(health.server())) as client:
        yield client


async def metrics(page):
    text = await (await page.get("/metrics")).text()
    return dict(re.findall(r'^(understory_\w+(?:\{state="[\w-]+"\})?) (\S+)$', text, re.MULTILINE))


async def test_a_living_process_says_so(page):
    answer = await page.get("/healthz")

    assert (answer.status, await answer.json()) == (200, {"alive": True})


async def test_ready_means_that_the_database_answers(page):
    answer = await page.get("/readyz")

    assert (answer.status, await answer.json()) == (200, {"ready": True, "leading": True})


async def test_without_its_database_it_is_alive_but_not_ready(page, database, monkeypatch):
    def away():
        raise OSError

    monkeypatch.setattr(database, "transaction", away)

    assert (await page.get("/readyz")).status == 503
    assert (await page.get("/healthz")).status == 200


async def test_the_numbers_are_those_of_the_latest_refresh(health, page, database):
    async with database.transaction() as tx:
        await tx.execute(
            insert(InboxUpdate).values(update_id=7, row=uuid4(), received_at=NOON, state="quarantined", tries=3)
        )
        tx.add(Moment(key="opening:1", kind="opening", due_at=NOON - timedelta(seconds=90), state=MomentState.WAITING))

    before = await metrics(page)
    await health.refresh()
    after = await metrics(page)

    assert "understory_inbox_updates" not in before
    assert before["understory_leading"] == "1.0"
    assert after['understory_inbox_updates{state="quarantined"}'] == "1.0"
    assert after['understory_inbox_updates{state="waiting"}'] == "0.0"
    assert after['understory_deliveries{state="planned"}'] == "0.0"
    assert after["understory_late_seconds"] == "90.0"
