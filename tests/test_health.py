"""Health: the operator sees numbers, a dead database is not hidden, and a loop that stands still is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text

from bot.delivery.calls import Method
from bot.delivery.leadership import Leadership
from bot.delivery.telegram import Tally
from bot.delivery.turnstile import Turnstile
from bot.health import Health
from bot.heart import Heart
from bot.storage.tables import InboxUpdate, Moment
from bot.words import MomentState, OutcomeKind

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class StoppedClock:
    async def now(self):
        return NOON


class Seconds:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def heart(seconds):
    return Heart(seconds)


@pytest.fixture
def leadership(database):
    return Leadership(database)


@pytest.fixture
def carrier():
    return SimpleNamespace(tally=Tally(), turnstile=Turnstile())


@pytest.fixture
def health(database, leadership, carrier, heart):
    return Health(database, StoppedClock(), leadership, carrier, heart)


@pytest.fixture
async def page(health):
    async with TestClient(TestServer(health.server())) as client:
        yield client


async def metrics(page):
    said = await (await page.get("/metrics")).text()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
        if sample.name.startswith("understory")
    }


async def asked(page, name):
    answer = await page.get(name)
    return answer.status, await answer.json()


async def test_a_living_process_says_so(page):
    assert await asked(page, "/healthz") == (200, {"alive": True, "stuck": []})


async def test_a_loop_that_stands_still_is_named(page, heart, seconds):
    heart.beat("post office", 120)
    heart.beat("polling", 60)
    heart.beat("inbox", 60)
    heart.rest("polling")
    seconds.now = 61

    assert await asked(page, "/healthz") == (503, {"alive": False, "stuck": ["inbox"]})
    assert (await metrics(page))["understory_loops_stuck",] == 1


async def test_while_the_database_is_away_waiting_for_it_is_not_being_stuck(page, heart, seconds, database):
    heart.beat("post office", 60)
    seconds.now = 61
    database.outage.failed(OSError())

    assert (await page.get("/healthz")).status == 200


async def test_ready_means_that_the_database_answers_and_it_is_known_who_leads(page, leadership):
    before = await asked(page, "/readyz")
    await leadership.win()

    assert before == (503, {"ready": False, "role": None, "why": "it is not known yet who leads"})
    assert await asked(page, "/readyz") == (200, {"ready": True, "role": "leader"})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_standby_is_ready_too(page, database, leadership):
    await Leadership(database).win()
    await leadership._stand()

    assert await asked(page, "/readyz") == (200, {"ready": True, "role": "standby"})


async def test_a_schema_of_another_version_is_not_ready(page, database, leadership):
    await leadership.win()
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    status, said = await asked(page, "/readyz")

    async with database.transaction() as tx:  # the next test gets this database as it is
        await tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert (status, said["why"]) == (503, "the database has schema 9999, this version needs 0001")


async def test_without_its_database_it_is_alive_but_not_ready(page, database, monkeypatch):
    def away():
        raise OSError

    monkeypatch.setattr(database, "transaction", away)

    assert (await page.get("/readyz")).status == 503
    assert (await page.get("/healthz")).status == 200


async def test_what_is_in_the_database_is_counted_at_the_latest_refresh(health, page, database):
    async with database.transaction() as tx:
        rows = [
            {"update_id": 7, "row": uuid4(), "received_at": NOON, "state": "quarantined", "tries": 3},
            {
                "update_id": 8,
                "row": uuid4(),
                "received_at": NOON - timedelta(seconds=5),
                "state": "waiting",
                "tries": 0,
            },
        ]
        await tx.execute(insert(InboxUpdate), rows)
        for key, state in (("opening:1", MomentState.WAITING), ("opening:2", MomentState.FAILED)):
            tx.add(Moment(key=key, kind="opening", due_at=NOON - timedelta(seconds=90), state=state))

    before = await metrics(page)
    await health.refresh()
    after = await metrics(page)

    assert before["understory_inbox_quarantined",] == 0
    assert after["understory_inbox_quarantined",] == 1
    assert after["understory_inbox_waiting",] == 1
    assert after["understory_inbox_oldest_seconds",] == 5
    assert after["understory_moment_overdue_seconds",] == 90
    assert after["understory_moments_failed",] == 1
    assert after["understory_delivery_overdue_seconds",] == 0
    assert after["understory_refreshed_timestamp_seconds",] == NOON.timestamp()


async def test_what_the_process_did_is_shown_at_once(page, carrier, leadership):
    await leadership.win()
    carrier.tally.calls[Method.SEND, OutcomeKind.DONE] += 3
    carrier.tally.limits["chat"] += 1
    carrier.turnstile.limited(None, 30)

    shown = await metrics(page)

    assert shown["understory_calls_total", "send", "done"] == 3
    assert shown["understory_calls_total", "send", "unknown"] == 0
    assert shown["understory_rate_limits_total", "chat"] == 1
    assert 29 < shown["understory_pause_seconds",] <= 30
    assert (shown["understory_leading",], shown["understory_leadership_term",]) == (1, 1)


async def test_strict_parsers_read_every_line(page):
    for accepted in ("text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"):
        answer = await page.get("/metrics", headers={"Accept": accepted})
        said = await answer.text()
        read = openmetrics if "openmetrics" in answer.content_type else None
        families = list((read.text_string_to_metric_families if read else text_string_to_metric_families)(said))

        ours = [family for family in families if family.name.startswith("understory")]
        assert len(ours) >= 18
        assert [family.name for family in ours if not family.documentation or family.type == "unknown"] == []


async def test_no_label_has_a_value_that_somebody_chose(page):
    said = await (await page.get("/metrics")).text()
    families = [each for each in text_string_to_metric_families(said) if each.name.startswith("understory_")]
    values = {value for each in families for sample in each.samples for value in sample.labels.values()}

    ours = {*Method, *OutcomeKind, "chat", "whole"}
    assert {value for value in values if not value[0].isdigit()} <= ours  # what is left is our version
