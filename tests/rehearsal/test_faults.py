"""Everything on the fault menu happens as it says, over real connections."""

from __future__ import annotations

import time

import aiohttp
import pytest

from bot.rehearsal.faults import Faults


@pytest.fixture
async def post(served, bot, ann):
    """Send a message to Ann over HTTP; returns (status, body) or the name of the client's error."""
    async with aiohttp.ClientSession() as http:

        async def post(method="sendMessage", seconds=10.0, **given):
            given = given or {"chat_id": ann.chat.id, "text": "Hello"}
            limit = aiohttp.ClientTimeout(total=seconds)
            try:
                async with http.post(f"{served.url}/bot{bot.token}/{method}", data=given, timeout=limit) as answer:
                    return answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                return type(error).__name__

        yield post


def heard(ann):
    return [message.text for message in ann.received]


@pytest.mark.parametrize(
    ("kind", "error", "texts"),
    [
        ("accept_then_reset", "ClientOSError", ["Hello"]),
        ("reset_before", "ClientOSError", []),
        ("accept_then_hang_up", "ServerDisconnectedError", ["Hello"]),
        ("hang_up_before", "ServerDisconnectedError", []),
        ("half_reply", "ClientPayloadError", ["Hello"]),
    ],
)
async def test_connections_that_break(stage, ann, post, kind, error, texts):
    stage.faults.add(kind, method="sendMessage")

    assert await post() == error
    assert heard(ann) == texts
    assert stage.journal.calls[-1].fault == kind
    assert stage.journal.calls[-1].accepted == bool(texts)
    assert (await post())[0] == 200


async def test_a_late_reply_is_accepted_before_the_client_gives_up(stage, ann, post):
    stage.faults.add("delay", seconds=30)

    assert await post(seconds=0.1) == "TimeoutError"
    assert heard(ann) == ["Hello"]


async def test_a_late_start_is_not_accepted_when_the_client_gives_up(stage, ann, post):
    stage.faults.add("delay_before", seconds=30)

    assert await post(seconds=0.1) == "TimeoutError"
    assert (await post(text="second", chat_id=ann.chat.id))[0] == 200
    assert heard(ann) == ["second"]


async def test_a_slow_drip_arrives_whole(stage, ann, post):
    stage.faults.add("slow_drip", seconds=0.2)
    begun = time.monotonic()

    status, body = await post()

    assert (status, '"text":"Hello"' in body) == (200, True)
    assert time.monotonic() - begun >= 0.2


async def test_too_many_names_the_wait_in_body_and_header(stage, ann, served, bot):
    stage.faults.add("too_many", seconds=30, chat=ann.chat.id)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{served.url}/bot{bot.token}/sendMessage", json={"chat_id": ann.chat.id, "text": "x"}) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
        assert await answer.json() == {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 30",
            "parameters": {"retry_after": 30},
        }


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        ({"kind": "refused", "code": 401, "sentence": "Unauthorized"}, 401, "Unauthorized"),
        (
            {"kind": "refused", "code": 403, "sentence": "Forbidden: user is deactivated"},
            403,
            "Forbidden: user is deactivated",
        ),
        (
            {"kind": "refused", "code": 400, "sentence": "Bad Request: chat not found"},
            400,
            "Bad Request: chat not found",
        ),
        ({"kind": "migrate", "to": -100123}, 400, '"migrate_to_chat_id":-100123'),
        ({"kind": "conflict"}, 409, "terminated by other getUpdates request"),
    ],
)
async def test_refusals_on_purpose(stage, ann, post, fault, code, sentence):
    stage.faults.add(**fault)

    status, body = await post()

    assert (status, sentence in body, heard(ann)) == (code, True, [])


@pytest.mark.parametrize("code", [500, 502, 504])
@pytest.mark.parametrize(("body", "beginning"), [("json", '{"ok":false'), ("html", "<html>"), ("empty", "")])
@pytest.mark.parametrize("accepted", [True, False])
async def test_broken_answers(stage, ann, post, code, body, beginning, accepted):
    stage.faults.add("broken", code=code, body=body, accepted=accepted)

    status, said = await post()

    assert (status, said[: len(beginning)]) == (code, beginning)
    assert heard(ann) == (["Hello"] if accepted else [])


async def test_a_conflict_for_the_poller(stage, post):
    stage.faults.add("conflict", method="getUpdates")

    assert (await post("getUpdates", timeout=5))[0] == 409
    assert (await post("getUpdates", timeout=0))[0] == 200


async def test_faults_choose_their_chat_their_turn_and_their_number(stage, ann, post):
    bob = stage.phone("Bob")
    bob.start()
    fault = stage.faults.add("too_many", chat=ann.chat.id, skip=1, times=2)

    codes = [(await post())[0] for _ in range(4)]
    other = (await post(chat_id=bob.chat.id, text="x"))[0]

    assert (codes, other, fault.happened) == ([200, 429, 429, 200], 200, 2)


def test_faults_without_a_method_leave_polling_alone():
    faults = Faults()
    fault = faults.add("too_many", times=None)

    assert faults.strike("getUpdates", None) is None
    assert faults.strike("getMe", None) is fault
    faults.remove(fault)
    assert faults.strike("getMe", None) is None


def test_a_seed_repeats_the_same_misfortune():
    def strikes(seed):
        faults = Faults()
        faults.seed(seed)
        faults.add("too_many", probability=0.3, times=None)
        return [faults.strike("sendMessage", 1) is not None for _ in range(100)]

    assert strikes(7) == strikes(7)
    assert 10 < sum(strikes(7)) < 50


def test_a_fault_that_does_not_exist_names_those_that_do():
    with pytest.raises(ValueError, match="there is no fault explode; there are accept_then_reset"):
        Faults().add("explode")


def test_updates_are_repeated_and_reordered(stage, ann, call):
    for words in ("one", "two", "three"):
        ann.say(words)
    first = call.updates(limit=1)[0]["update_id"]

    stage.faults.add("duplicate_updates")
    repeated = [update["update_id"] - first for update in call.updates(offset=first + 1)]
    stage.faults.seed(1)
    stage.faults.add("reorder_updates")
    shuffled = [update["update_id"] - first for update in call.updates()]

    assert repeated == [0, 1, 2, 1, 2]
    assert sorted(shuffled) == [1, 2]
    assert shuffled != [1, 2]
