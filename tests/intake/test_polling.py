"""Long polling: what Telegram is told that we have, we have."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from intake.updates import said
from telegram import Bot
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from bot.intake.polling import ALLOWED_UPDATES, TokenRefused, poll

TOKEN = "123456789:AAthisIsNotARealTokenButLooksLikeOne"


class Script(BaseRequest):
    """Telegram as a list of answers; when it is empty, it waits like a long poll."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.empty = asyncio.Event()

    @property
    def read_timeout(self):
        return 5.0

    async def initialize(self):
        pass

    async def shutdown(self):
        pass

    async def do_request(self, url, method, request_data: RequestData | None = None, read_timeout=0, **_more):
        call = url.rpartition("/")[2]
        asked = {key: json.loads(value) for key, value in request_data.json_parameters.items()}
        self.asked.append((call, asked, read_timeout))
        if call == "deleteWebhook":
            return 200, b'{"ok": true, "result": true}'
        if not self.answers:
            self.empty.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        code, body = answer
        return code, json.dumps(body).encode()

    def offsets(self):
        return [asked.get("offset") for call, asked, _ in self.asked if call == "getUpdates"]


def batch(*updates):
    return 200, {"ok": True, "result": list(updates)}


def refusal(code, description, **parameters):
    return code, {"ok": False, "error_code": code, "description": description, "parameters": parameters}


class Pauses:
    def __init__(self):
        self.taken = []

    async def __call__(self, seconds):
        self.taken.append(seconds)


class Shelf:
    """An inbox that only stores."""

    def __init__(self, wire=None):
        self.stored = []
        self.confirmed_before = []
        self.wire = wire
        self.failing = 0

    async def store(self, updates):
        if self.failing:
            self.failing -= 1
            raise OSError
        self.stored += [one["update_id"] for one in updates]
        self.confirmed_before.append(self.wire.offsets()[-1])


async def play(*answers, failing=0):
    """Poll until the script is over."""
    wire, pauses = Script(*answers), Pauses()
    shelf = Shelf(wire)
    shelf.failing = failing
    bot = Bot(TOKEN, request=wire, get_updates_request=wire)
    polling = asyncio.create_task(poll(bot, shelf, pause=pauses))
    over = asyncio.create_task(wire.empty.wait())
    await asyncio.wait([polling, over], return_when=asyncio.FIRST_COMPLETED, timeout=20)
    over.cancel()
    if polling.done():
        await polling
    polling.cancel()
    await asyncio.wait([polling])
    return wire, shelf, pauses.taken


async def test_an_update_is_confirmed_only_after_it_is_stored():
    wire, shelf, _ = await play(batch(said(7), said(9)), batch(said(10)))

    assert shelf.stored == [7, 9, 10]
    assert shelf.confirmed_before == [None, 10]
    assert wire.offsets() == [None, 10, 11]


async def test_what_could_not_be_stored_is_asked_for_again():
    wire, shelf, pauses = await play(batch(said(7)), batch(said(7)), failing=1)

    assert wire.offsets() == [None, None, 8]
    assert shelf.stored == [7]
    assert len(pauses) == 1


async def test_the_polls_are_long_and_name_what_we_want():
    wire, _, _ = await play()

    [removed, (call, asked, read_timeout)] = wire.asked
    assert removed[:2] == ("deleteWebhook", {"drop_pending_updates": False})
    assert call == "getUpdates"
    assert asked == {"timeout": 50, "allowed_updates": list(ALLOWED_UPDATES)}
    assert read_timeout == 60


async def test_after_a_quiet_poll_ids_may_begin_anywhere():
    wire, shelf, _ = await play(batch(said(900)), batch(), batch(said(5)))

    assert wire.offsets() == [None, 901, None, 6]
    assert shelf.stored == [900, 5]


async def test_a_second_poller_is_named_and_waited_for(caplog):
    caplog.set_level(logging.WARNING)
    conflict = refusal(409, "Conflict: terminated by other getUpdates request")

    wire, shelf, pauses = await play(conflict, conflict, conflict, batch(said(7)))

    assert shelf.stored == [7]
    assert 0.5 <= pauses[0] <= 1 <= pauses[1] <= 2 <= pauses[2] <= 4
    [told] = [record.getMessage() for record in caplog.records]  # once, however often it happens
    assert "another process fetches this bot's updates, or a webhook is set" in told
    assert [call for call, *_ in wire.asked].count("deleteWebhook") == 4


async def test_a_dead_network_is_waited_for_longer_and_longer_but_not_for_ever():
    _, shelf, pauses = await play(*[NetworkError("away")] * 12, batch(said(7)), NetworkError("away"))

    assert shelf.stored == [7]
    assert pauses[0] <= 1
    assert 15 <= pauses[11] <= 30
    assert pauses[12] <= 1


async def test_a_poll_that_times_out_is_no_news(caplog):
    caplog.set_level(logging.INFO)

    _, shelf, _ = await play(TimedOut(), batch(said(7)))

    assert shelf.stored == [7]
    assert caplog.records == []


async def test_a_network_that_swallows_everything_is_told_once(caplog):
    caplog.set_level(logging.INFO)

    await play(*[TimedOut()] * 8, batch(said(7)))

    [told] = [record.getMessage() for record in caplog.records]
    assert told.startswith("Telegram cannot be used (TimedOut)")


async def test_telegrams_own_pause_is_kept():
    _, _, pauses = await play(refusal(429, "Too Many Requests: retry after 17", retry_after=17))

    assert pauses == [17]


async def test_a_token_that_is_refused_three_times_ends_the_polling():
    refused = refusal(401, "Unauthorized")

    with pytest.raises(TokenRefused) as told:
        await play(refused, refused, refused)

    assert told.value.problems == (
        "BOT_TOKEN: Telegram refuses it. Ask @BotFather for the current one and start again.",
    )


async def test_one_refusal_may_be_a_proxys_and_is_not_believed():
    refused = refusal(404, "Not Found")

    _, shelf, pauses = await play(refused, refused, batch(said(7)), refused, refused)

    assert shelf.stored == [7]
    assert pauses == [20, 20, 20, 20]


async def test_no_failure_shows_the_token(caplog):
    caplog.set_level(logging.DEBUG, logger="bot")

    await play(NetworkError(f"https://api.telegram.org/bot{TOKEN}/getUpdates"), refusal(401, "Unauthorized"))

    assert len(caplog.records) == 2
    assert TOKEN not in caplog.text
