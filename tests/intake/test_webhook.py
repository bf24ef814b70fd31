"""The webhook: Telegram hears yes only when the update is in the database, and nobody else is heard."""

from __future__ import annotations

import io
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from intake.updates import said

from bot.intake.webhook import LARGEST, webhook

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


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"update_id": "7"}', b"\xff\xfe"])
async def test_what_is_not_an_update_is_refused(telegram, desk, body):
    answer = await telegram.post("/hook", data=body, headers=SHOWN)

    assert answer.status == 400
    assert await desk.rows() == []


async def test_more_than_a_megabyte_is_refused(telegram, desk):
    large = io.BytesIO(json.dumps(said(7, text="x" * LARGEST)).encode())

    answer = await telegram.post("/hook", data=large, headers=SHOWN)

    assert answer.status == 413
    assert await desk.rows() == []


async def test_an_update_that_could_not_be_stored_is_not_acknowledged(telegram, desk, monkeypatch):
    def away():
        raise OSError

    monkeypatch.setattr(desk.database, "transaction", away)

    answer = await telegram.post("/hook", json=said(7), headers=SHOWN)

    assert answer.status == 500


async def test_other_paths_and_methods_do_not_exist(telegram):
    assert (await telegram.post("/", json=said(7), headers=SHOWN)).status == 404
    assert (await telegram.get("/hook", headers=SHOWN)).status == 405
