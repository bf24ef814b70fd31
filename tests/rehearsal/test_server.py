"""The stage over HTTP: forms, JSON, multipart, tokens, files; two independent clients drive it end to end."""

from __future__ import annotations

import json
import logging
import time

import aiohttp
import pytest
import telegram
from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReactionTypeEmoji,
    ReplyParameters,
)
from telegram.request import HTTPXRequest

from bot.rehearsal.phone import SMALLEST_PICTURE
from bot.rehearsal.server import serve

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Open", callback_data="o")]])


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as http:
        yield http


async def test_aiogram_plays_a_whole_conversation(client, stage):
    phone = stage.phone("Ann")
    phone.open_link("https://t.me/understory_bot?start=seat")
    update = (await client.get_updates(timeout=5))[0]
    chat_id = update.message.chat.id

    sent = await client.send_message(chat_id, "<b>Welcome</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    phone.press(phone.last, "Open")
    tap = (await client.get_updates(offset=update.update_id + 1))[0].callback_query
    await client.answer_callback_query(tap.id, text="Opened")
    edited = await client.edit_message_text("Unfolded", chat_id=chat_id, message_id=sent.message_id)
    await client.send_document(
        chat_id,
        BufferedInputFile(b"BEGIN:VCALENDAR", "session.ics"),
        reply_parameters=ReplyParameters(message_id=sent.message_id),
    )
    album = [InputMediaPhoto(media=BufferedInputFile(SMALLEST_PICTURE, "a.png"), caption=word) for word in ("a", "b")]
    await client.send_media_group(chat_id, album)
    await client.set_message_reaction(chat_id, update.message.message_id, [ReactionTypeEmoji(emoji="🙏")])
    await client.pin_chat_message(chat_id, sent.message_id)
    await client.set_my_commands(
        [BotCommand(command="next", description="What comes")], BotCommandScopeChat(chat_id=chat_id)
    )
    await client.delete_message(chat_id, update.message.message_id)

    assert update.message.text == "/start seat"
    assert edited.text == "Unfolded"
    assert [toast.text for toast in phone.toasts] == ["Opened"]
    assert [message.words for message in phone.messages] == ["Unfolded", "", "a", "b"]
    assert phone.messages[1].document == b"BEGIN:VCALENDAR"
    assert phone.messages[1].reply_to == sent.message_id
    assert [message.words for message in phone.pinned] == ["Unfolded"]
    assert phone.commands == {"next": "What comes"}


async def test_aiogram_recognises_the_refusals(client, stage, ann):
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await client.send_message(5, "x")
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await client.send_message(ann.chat.id, "x" * 4097)
    stage.faults.add("too_many", seconds=7)
    with pytest.raises(TelegramRetryAfter) as wait:
        await client.send_message(ann.chat.id, "x")
    ann.block()
    with pytest.raises(TelegramForbiddenError, match="blocked by the user"):
        await client.send_message(ann.chat.id, "x")

    assert wait.value.retry_after == 7


async def test_aiogram_downloads_what_a_person_sent(served, bot, stage, ann):
    ann.send_document(b"understory: 1", "programme.yaml")
    api = TelegramAPIServer.from_base(served.url)
    async with AiogramBot(bot.token, session=AiohttpSession(api=api)) as client:
        document = (await client.get_updates())[0].message.document

        content = await client.download(document.file_id)

    assert (document.file_name, content.read()) == ("programme.yaml", b"understory: 1")


@pytest.fixture
async def ptb(served, bot):
    client = telegram.Bot(
        bot.token,
        base_url=f"{served.url}/bot",
        base_file_url=f"{served.file_url}/bot",
        request=HTTPXRequest(),
        get_updates_request=HTTPXRequest(),
    )
    async with client:
        yield client


async def test_python_telegram_bot_is_served_too(ptb, stage):
    phone = stage.phone("Ann")
    phone.start()
    updates = await ptb.get_updates(timeout=5, allowed_updates=telegram.Update.ALL_TYPES)
    markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Open", callback_data="o")]])

    sent = await ptb.send_message(phone.chat.id, "<i>Hello</i>", parse_mode="HTML", reply_markup=markup)
    photo = await ptb.send_photo(phone.chat.id, SMALLEST_PICTURE, caption="QR", protect_content=True)
    await ptb.edit_message_media(
        telegram.InputMediaDocument(b"text", filename="a.txt"), chat_id=phone.chat.id, message_id=photo.message_id
    )
    await ptb.set_my_commands([("next", "What comes")], scope=telegram.BotCommandScopeAllPrivateChats())
    poll = await ptb.send_poll(phone.chat.id, "Which day?", ["Fri", "Sat"], is_anonymous=False)
    chat = await ptb.get_chat(phone.chat.id)
    fetched = await ptb.get_file(phone.last.file.id if phone.last.file else phone.messages[-2].file.id)
    with pytest.raises(telegram.error.BadRequest, match="Message is not modified"):
        await ptb.edit_message_text(
            "Hello", phone.chat.id, sent.message_id, entities=sent.entities, reply_markup=markup
        )

    assert updates[0].message.text == "/start"
    assert sent.text == "Hello"
    assert poll.poll.question == "Which day?"
    assert chat.first_name == "Ann"
    assert await fetched.download_as_bytearray() == b"text"
    assert phone.commands == {"next": "What comes"}


async def test_the_same_call_as_form_json_and_multipart(http, served, bot, ann):
    url = f"{served.url}/bot{bot.token}/sendMessage"
    given = {"chat_id": ann.chat.id, "text": "Grüße 🌿", "disable_notification": True}
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in given.items():
        multipart.add_field(name, str(value))
    form = {name: str(value) for name, value in given.items()}

    for how in ({"json": given}, {"data": form}, {"data": multipart}, {"params": form}):
        async with http.post(url, **how) as answer:
            assert (await answer.json())["result"]["chat"]["id"] == ann.chat.id

    assert [(message.text, message.silent) for message in ann.received] == [("Grüße 🌿", True)] * 4


async def test_json_may_nest_what_forms_write_as_text(http, served, bot, ann):
    markup = {"inline_keyboard": [[{"text": "Open", "callback_data": "o"}]]}
    for given in (markup, json.dumps(markup)):
        body = {"chat_id": str(ann.chat.id), "text": "x", "reply_markup": given}
        async with http.post(f"{served.url}/bot{bot.token}/SENDMESSAGE", json=body) as answer:
            assert answer.status == 200

    assert [message.labels for message in ann.received] == [["Open"], ["Open"]]


@pytest.mark.parametrize(
    ("path", "code", "sentence"),
    [
        ("/bot700001:wrong-token/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 404, "Not Found"),
        ("/bot700001:stage-token-of-understory_bot/getNothing", 404, "Not Found"),
        ("/elsewhere", 404, "Not Found"),
        ("/file/bot700001:stage-token-of-understory_bot/documents/none", 404, "Not Found"),
        ("/file/bot700001:wrong-token/documents/none", 401, "Unauthorized"),
    ],
)
async def test_wrong_addresses(http, served, bot, path, code, sentence):
    async with http.post(f"{served.url}{path}") as answer:
        assert (answer.status, (await answer.json())["description"]) == (code, sentence)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
async def test_bodies_that_cannot_be_read(http, served, bot, body):
    kinds = {"Content-Type": "application/json"}
    async with http.post(f"{served.url}/bot{bot.token}/getMe", data=body, headers=kinds) as answer:
        assert answer.status == 400
    async with http.post(f"{served.url}/bot{bot.token}/sendMessage", data=b"text=\xff") as answer:
        assert answer.status == 400


async def test_neither_token_nor_words_are_logged(http, served, bot, ann, caplog):
    caplog.set_level(logging.DEBUG)

    for path in (bot.token, f"{bot.token[:-1]}x"):
        async with http.post(f"{served.url}/bot{path}/sendMessage", data={"chat_id": ann.chat.id, "text": "private"}):
            pass

    assert "stage-token" not in caplog.text
    assert "private" not in caplog.text
    assert "stage-token" not in repr(bot)


async def test_an_error_of_the_stage_is_raised_when_serving_ends(http, stage, clock, bot, ann):
    def fail(_):
        raise KeyError("a bug of ours")

    stage.journal.watchers.append(fail)

    with pytest.raises(KeyError, match="a bug of ours"):
        async with serve(stage, clock) as served, http.post(f"{served.url}/bot{bot.token}/getMe") as answer:
            assert answer.status == 500


async def test_serving_ends_at_once_although_a_poll_is_open(http, stage, clock, bot):
    async with serve(stage, clock) as served:
        poll = http.post(f"{served.url}/bot{bot.token}/getUpdates", json={"timeout": 50})
        async with http.get(f"{served.url}/phones"):
            pass
        begun = time.monotonic()
        poll.close()

    assert time.monotonic() - begun < 2
