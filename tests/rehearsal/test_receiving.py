"""How updates reach a bot: offsets, long polling, expiry, webhooks."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiogram.exceptions import TelegramConflictError
from aiohttp import web

from bot.rehearsal.api import Api
from bot.rehearsal.faults import SECOND_POLLER
from bot.rehearsal.longpoll import LongPolls
from bot.rehearsal.server import serve
from bot.rehearsal.updates import KINDS


def texts(updates):
    return [update["message"]["text"] for update in updates]


@pytest.fixture
def three(ann):
    for words in ("one", "two", "three"):
        ann.say(words)
    return ann


def test_updates_stay_until_a_higher_offset_confirms_them(three, call):
    first = call.updates()
    again = call.updates(limit=2)
    later = call.updates(offset=str(first[1]["update_id"]))

    assert texts(first) == ["one", "two", "three"]
    assert texts(again) == ["one", "two"]
    assert texts(later) == ["two", "three"]
    assert texts(call.updates()) == ["two", "three"]


def test_update_ids_rise_by_one(three, call):
    numbers = [update["update_id"] for update in call.updates()]

    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_a_negative_offset_keeps_only_the_newest(three, call):
    assert texts(call.updates(offset=-1)) == ["three"]
    assert texts(call.updates()) == ["three"]


@pytest.mark.parametrize(("limit", "number"), [(0, 100), (-5, 1), (1, 1), (1000, 100)])
def test_at_most_a_hundred_updates_come_at_once(ann, call, limit, number):
    for _ in range(101):
        ann.say("x")

    assert len(call.updates(limit=limit)) == number


def test_updates_live_for_24_hours(three, call, clock):
    clock.jump_to(clock.now + timedelta(hours=24))
    still = call.updates()
    clock.jump_to(clock.now + timedelta(seconds=1))

    assert len(still) == 3
    assert call.updates() == []


def test_wanted_kinds_are_remembered_and_count_when_an_update_is_made(ann, call):
    ann.say("before")
    call.updates(allowed_updates='["callback_query"]')
    ann.say("unheard")
    ann.forge(1, "tap")
    call.updates()

    assert [set(update) - {"update_id"} for update in call.updates()] == [{"message"}, {"callback_query"}]
    assert call("getWebhookInfo")["allowed_updates"] == ["callback_query"]


def test_an_empty_list_asks_for_the_usual_kinds(ann, call, bot):
    call.updates(allowed_updates=["callback_query"])
    call.updates(allowed_updates=[])

    ann.say("heard")

    assert texts(call.updates()) == ["heard"]
    assert bot.updates.allowed == KINDS - {"chat_member", "message_reaction", "message_reaction_count"}


@pytest.fixture
def poll(stage, bot):
    """Begin a long poll; when the call returns it is waiting."""
    polls = LongPolls(Api(stage))

    async def begin(**given):
        polling = asyncio.create_task(polls.get(bot, given))
        await asyncio.sleep(0)
        return polling

    return begin


async def test_a_long_poll_answers_as_soon_as_something_comes(poll, ann):
    polling = await poll(timeout="30", offset="1")

    ann.say("here")
    answer = await asyncio.wait_for(polling, 5)

    assert texts(answer.body["result"]) == ["here"]


async def test_a_long_poll_ends_empty_after_its_timeout(client, ann):
    begun = time.monotonic()

    assert await client.get_updates(timeout=1) == []
    assert 0.9 < time.monotonic() - begun < 5


async def test_a_second_poller_ends_the_first_with_409(poll, ann):
    first = await poll(timeout=30)
    second = await poll(timeout=30)
    ann.say("for the second")

    ended, answer = await asyncio.wait_for(asyncio.gather(first, second), 5)

    assert (ended.code, ended.body["description"]) == (409, f"Conflict: {SECOND_POLLER}")
    assert texts(answer.body["result"]) == ["for the second"]


async def test_setting_a_webhook_ends_the_poll(poll, call):
    polling = await poll(timeout=30)
    call("setWebhook", url="https://example.org/hook")

    answer = await asyncio.wait_for(polling, 5)

    assert (answer.code, "webhook is active" in answer.body["description"]) == (409, True)


async def test_polling_is_refused_while_a_webhook_is_set(client):
    await client.set_webhook("https://example.org/hook")

    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await client.get_updates()
    await client.delete_webhook()
    assert await client.get_updates() == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "http://example.org"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "https://example.org:444"}, "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ({"url": "https://example.org", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "https://example.org", "max_connections": 101}, "max_connections must be 1 to 100"),
    ],
)
def test_webhooks_that_telegram_refuses(call, given, sentence):
    assert call("setWebhook", **given) == f"400: Bad Request: {sentence}"


def test_what_is_known_about_a_webhook(ann, call):
    call("setWebhook", url="https://example.org:8443/hook", secret_token="s", max_connections=1, ip_address="192.0.2.1")
    ann.say("waits")

    info = call("getWebhookInfo")

    assert info == {
        "url": "https://example.org:8443/hook",
        "has_custom_certificate": False,
        "pending_update_count": 1,
        "max_connections": 1,
        "ip_address": "192.0.2.1",
    }
    call("setWebhook", url="", drop_pending_updates=True)
    assert call("getWebhookInfo") == {"url": "", "has_custom_certificate": False, "pending_update_count": 0}


class Hook:
    """The bot's end of a webhook: answers with what `answers` holds, then with 200."""

    def __init__(self):
        self.got = []
        self.headers = []
        self.answers = []
        self.url = ""
        self.enough = asyncio.Event()
        self.wanted = 1

    async def __call__(self, request):
        self.got.append((await request.json())["message"]["text"])
        self.headers.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        if len(self.got) >= self.wanted:
            self.enough.set()
        return self.answers.pop(0) if self.answers else web.Response()

    async def until(self, number):
        self.wanted = number
        self.enough.clear()
        if len(self.got) < number:
            await asyncio.wait_for(self.enough.wait(), 10)


@asynccontextmanager
async def listening():
    hook = Hook()
    runner = web.ServerRunner(web.Server(hook, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


@pytest.fixture
async def hook(stage, clock):
    async with listening() as hook, serve(stage, clock, webhook_retry=0.01):
        yield hook


async def test_a_webhook_gets_updates_in_order_with_its_secret(hook, ann, call):
    call("setWebhook", url=hook.url, secret_token="s3cret")
    ann.say("one")
    ann.say("two")

    await hook.until(2)

    assert (hook.got, hook.headers) == (["one", "two"], ["s3cret", "s3cret"])


async def test_what_the_webhook_did_not_take_is_repeated_before_the_next(hook, ann, call):
    hook.answers = [web.Response(status=500), web.Response(status=429, headers={"Retry-After": "0"})]
    ann.say("one")
    ann.say("two")

    call("setWebhook", url=hook.url)
    await hook.until(4)

    assert hook.got == ["one", "one", "one", "two"]


async def test_one_chats_trouble_does_not_keep_another_waiting(hook, stage, ann, call):
    hook.answers = [web.Response(status=500, headers={"Retry-After": "30"})]
    ann.say("stuck")
    stage.phone("Bob").say("free")

    call("setWebhook", url=hook.url, max_connections=2)
    await hook.until(2)

    assert hook.got == ["stuck", "free"]
    assert call("getWebhookInfo")["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


async def test_a_method_in_the_answer_is_executed(hook, ann, call, stage):
    said = {"method": "sendMessage", "chat_id": ann.chat.id, "text": "straight back"}
    hook.answers = [web.json_response(said), web.json_response({"method": "deleteWebhook"})]
    call("setWebhook", url=hook.url)

    ann.say("one")
    ann.say("two")
    await hook.until(2)

    assert ann.received[-1].text == "straight back"
    assert call("getWebhookInfo")["url"] == hook.url


async def test_a_repeated_delivery_is_a_fault_on_the_menu(hook, ann, call, stage):
    stage.faults.add("duplicate_updates")
    call("setWebhook", url=hook.url)

    ann.say("one")
    await hook.until(2)

    assert hook.got == ["one", "one"]
