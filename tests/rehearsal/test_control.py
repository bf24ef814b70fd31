"""The phones over HTTP: what the page draws and what it can do."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta

import aiohttp
import pytest
from conftest import START

from bot.rehearsal.phone import SMALLEST_PICTURE
from bot.rehearsal.server import serve


@pytest.fixture
async def page(served):
    async with aiohttp.ClientSession(served.url) as http:
        yield http


async def do(page, path, **wish):
    async with page.post(path, json=wish) as answer:
        return answer.status, await answer.json()


async def ann_chat(page):
    async with page.get("/phones") as answer:
        phones = (await answer.json())["phones"]
    assert [phone["person"] for phone in phones] == ["Ann", "Bob", "Fay"]
    return phones[0]["chats"][0]


async def test_the_phones_as_the_page_draws_them(page, ann, call):
    markup = {
        "inline_keyboard": [[{"text": "Open", "callback_data": "o"}, {"text": "Map", "url": "https://example.org"}]]
    }
    call(
        "sendMessage",
        chat_id=ann.chat.id,
        text="<b>Hi</b>",
        parse_mode="HTML",
        reply_markup=markup,
        protect_content=True,
    )

    chat = await ann_chat(page)

    assert (chat["title"], chat["kind"], chat["blocked"]) == ("Understory", "private", False)
    assert chat["messages"][0]["mine"] is True
    assert chat["messages"][1] == {
        "id": ann.last.id,
        "mine": False,
        "from": "Understory",
        "at": "2026-11-28T14:00:00+00:00",
        "edited": None,
        "silent": False,
        "protected": True,
        "reply_to": None,
        "text": "Hi",
        "entities": [{"type": "bold", "offset": 0, "length": 2}],
        "buttons": [
            [
                {"text": "Open", "action": "callback_data", "value": "o"},
                {"text": "Map", "action": "url", "value": "https://example.org"},
            ]
        ],
        "reactions": [],
        "service": None,
    }


async def test_everything_a_hand_can_do_on_a_phone(page, ann, call):
    markup = {"inline_keyboard": [[{"text": "Open", "callback_data": "o"}]]}
    sent = call("sendMessage", chat_id=ann.chat.id, text="Something small", reply_markup=markup)["message_id"]
    picture = base64.b64encode(SMALLEST_PICTURE).decode()

    acts = [
        ("start", {}),
        ("say", {"text": "hello", "reply_to": sent}),
        ("open", {"link": "https://t.me/understory_bot?start=x"}),
        ("press", {"message": sent, "button": "Open"}),
        ("react", {"message": sent, "emoji": "🙏"}),
        ("photo", {"data": picture, "caption": "look"}),
        ("document", {"data": picture, "name": "a.png"}),
        ("voice", {"data": picture}),
        ("block", {}),
        ("unblock", {}),
    ]
    outcomes = [await do(page, f"/phones/Ann/{act}", **wish) for act, wish in acts]
    edit = await do(page, f"/phones/{ann.person.id}/edit", message=ann.messages[2].id, text="/begin")

    assert [status for status, _ in [*outcomes, edit]] == [200] * 11
    kinds = [next(key for key in update if key != "update_id") for update in call.updates()]
    assert kinds == ["message"] * 3 + ["callback_query"] + ["message"] * 3 + ["my_chat_member"] * 2 + ["edited_message"]
    assert ann.messages[3].reply_to == sent


async def test_a_file_can_be_looked_at(page, ann):
    ann.send_photo()
    file = (await ann_chat(page))["messages"][-1]["file"]

    async with page.get(file["url"]) as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", SMALLEST_PICTURE)


@pytest.mark.parametrize(
    ("path", "wish", "error"),
    [
        ("/phones/Zoe/start", {}, "nobody is called Zoe"),
        ("/phones/Ann/dance", {}, "phones cannot dance"),
        ("/phones/Ann/press", {"message": 99, "button": "Open"}, "there is no such message"),
        ("/phones/Ann/say", {"text": "  "}, "the apps do not send an empty text"),
        ("/phones/Ann/open", {"link": "https://example.org"}, "this link does not open a bot"),
        (
            "/clock/control",
            {"speed": -1},
            "speed is a positive number of business seconds per real second, or None for jumps",
        ),
    ],
)
async def test_what_cannot_be_done_is_said(page, bot, path, wish, error):
    assert await do(page, path, **wish) == (400, {"ok": False, "error": error})


async def test_a_group_is_played_by_its_number(page, stage, bot, call):
    group = stage.groups.open("Maple", stage.named("Fay"), [stage.named("Ann")], bots=[bot])

    await do(page, "/phones/Ann/say", text="/next", chat=group.id)

    assert stage.phone("Ann", group).last.text == "/next"


async def test_the_clock_is_paused_sped_up_and_jumped(page, clock):
    resting = asyncio.create_task(clock.rest(START + timedelta(hours=2), None))
    await do(page, "/clock/control", speed=600)
    later = asyncio.create_task(clock.rest(None, None))
    status, said = await do(page, "/clock/control", jump="next")
    stepped = await do(page, "/clock/control", jump="2026-11-29T00:00:00+00:00", paused=True)

    assert (status, said["clock"]["now"], said["clock"]["speed"]) == (200, "2026-11-28T16:00:00.000+00:00", 600)
    assert stepped[1]["clock"] == {
        "now": "2026-11-29T00:00:00.000+00:00",
        "next": None,
        "paused": True,
        "speed": 600.0,
        "flowing": False,
    }
    later.cancel()
    await asyncio.gather(resting, later, return_exceptions=True)


async def test_the_page_is_told_that_something_changed(page, ann, call):
    async with page.get("/events") as events:
        first = json.loads((await events.content.readline()).removeprefix(b"data: "))
        await events.content.readline()
        call("sendMessage", chat_id=ann.chat.id, text="new")
        second = json.loads((await events.content.readline()).removeprefix(b"data: "))

    assert (first["change"], second["change"]) == (1, 2)
    assert first["clock"] == {
        "now": "2026-11-28T14:00:00.000+00:00",
        "next": None,
        "paused": True,
        "speed": None,
        "flowing": False,
    }


async def test_another_site_cannot_play_with_the_phones(page, ann):
    async with page.post("/phones/Ann/start", json={}, headers={"Origin": "https://example.org"}) as answer:
        assert answer.status == 404
    assert len(ann.messages) == 1


async def test_the_files_of_the_page_are_served_and_nothing_else(stage, clock, tmp_path):
    (tmp_path / "index.html").write_text("<title>Phones</title>")
    (tmp_path / "page.css").write_text("body {}")
    async with serve(stage, clock, page=tmp_path) as served, aiohttp.ClientSession(served.url) as http:
        seen = []
        for path in ("/", "/page/page.css", "/page/none.css", "/page/..%2Fsecret", "/page/.env"):
            async with http.get(path) as answer:
                seen.append((answer.status, answer.content_type))

    assert seen == [(200, "text/html"), (200, "text/css"), *[(404, "application/json")] * 3]
