"""The webhook: Telegram hears yes only when the update is in the database, and nobody else is heard."""

from __future__ import annotations

import io
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from intake.updates import said
from sqlalchemy.exc import InterfaceError
from telegram.error import NetworkError

from bot.intake.webhook import LARGEST, announce, webhook

SECRET = "a-secret_1"
SHOWN = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


async def ignore(_update):
    pass


@pytest.fixture
async def telegram(desk):
    async with TestClient(TestServer(webhook(desk.inbox(ignore), "https://bot.example/hook", SECRET))) as client:
        yield client


async def test_a_yes_means_that_it_is_stored(telegram, desk):
    answer = await telegram.post("/hook", json=said(7), headers=SHOWN)

    assert answer.status == 200
    assert [row.update_id for row in await desk.rows()] == [7]


async def test_what_comes_a_hundred_times_is_stored_once(telegram, desk):
    answers = [(await telegram.post("/hook", json=said(7), headers=SHOWN)).status for _ in range(100)]

    assert answers == [200] * 100
    assert [row.update_id for row in await desk.rows()] == [7]


@pytest.mark.parametrize("shown", [{}, {"X-Telegram-Bot-Api-Secret-Token": "a-secret_2"}])
async def test_who_does_not_know_the_secret_is_not_heard(telegram, desk, shown):
    answer = await telegram.post("/hook", json=said(7), headers=shown)

    assert answer.status == 403
    assert await desk.rows() == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'"x"', b"{}", b'{"update_id": "7"}', b"\xff\xfe"),
        *(b'{"update_id": true}', b'{"update_id": -1}', b'{"update_id": 9223372036854775808}', b"[" * 500_000),
    ],
)
async def test_what_is_not_an_update_is_refused(telegram, desk, body):
    answer = await telegram.post("/hook", data=body, headers=SHOWN)

    assert answer.status == 400
    assert await desk.rows() == []


async def test_more_than_a_megabyte_is_refused(telegram, desk):
    large = io.BytesIO(json.dumps(said(7, text="x" * LARGEST)).encode())

    answer = await telegram.post("/hook", data=large, headers=SHOWN)

    assert answer.status == 413
    assert await desk.rows() == []


async def test_what_comes_doubled_and_in_any_order_is_handled_once_and_in_its_own(desk):
    handled = []

    async def handle(update):
        handled.append(update["update_id"])

    inbox = desk.inbox(handle)
    async with TestClient(TestServer(webhook(inbox, "https://bot.example/hook", SECRET))) as telegram:
        for number in (9, 7, 9, 8, 7, 8):
            assert (await telegram.post("/hook", json=said(number), headers=SHOWN)).status == 200
        async with desk.working(inbox):
            await desk.settled(inbox)

    assert handled == [7, 8, 9]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_a_standby_took_in_the_leader_handles_even_a_new_one(desk):
    handled = []

    async def handle(update):
        handled.append(update["update_id"])

    standby, leader = desk.inbox(ignore), desk.inbox(handle)
    async with TestClient(TestServer(webhook(standby, "https://bot.example/hook", SECRET))) as telegram:
        await telegram.post("/hook", json=said(7), headers=SHOWN)
        async with desk.working(leader):
            await desk.settled(leader)
        await telegram.post("/hook", json=said(8), headers=SHOWN)  # while nobody leads
    successor = desk.inbox(handle)
    async with desk.working(successor):
        await desk.settled(successor)

    assert handled == [7, 8]


async def test_while_the_database_is_away_telegram_is_asked_to_try_again(telegram, desk, monkeypatch, caplog):
    def away():
        raise InterfaceError("BEGIN", None, Exception())

    monkeypatch.setattr(desk.database, "transaction", away)

    answers = [(await telegram.post("/hook", json=said(7), headers=SHOWN)).status for _ in range(5)]

    assert answers == [503] * 5
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_telegram_is_told_where_to_call_until_it_has_heard():
    class Deaf:
        def __init__(self):
            self.told = []

        async def set_webhook(self, url, **more):
            self.told.append((url, more["secret_token"]))
            if len(self.told) < 3:
                raise NetworkError("away")

    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    deaf = Deaf()
    await announce(deaf, "https://bot.example/hook", SECRET, pause=pause)

    assert deaf.told == [("https://bot.example/hook", SECRET)] * 3
    assert len(pauses) == 2


async def test_an_update_that_could_not_be_stored_is_not_acknowledged(telegram, desk, monkeypatch):
    def away():
        raise OSError

    monkeypatch.setattr(desk.database, "transaction", away)

    answer = await telegram.post("/hook", json=said(7), headers=SHOWN)

    assert answer.status == 500


async def test_other_paths_and_methods_do_not_exist(telegram):
    assert (await telegram.post("/", json=said(7), headers=SHOWN)).status == 404
    assert (await telegram.get("/hook", headers=SHOWN)).status == 405
