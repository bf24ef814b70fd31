from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web
from postbox import Telegram, bot_at, fields_of, refusal

from bot.delivery.governor import Governor, Limits
from bot.delivery.telegram import Call, Carrier, Method, Unsendable
from bot.delivery.turnstile import Turnstile
from bot.messages import Attachment, Button, Message
from bot.words import Lane, OutcomeKind

HELLO = Message("<b>Hello</b> &amp; welcome")


async def test_a_message_carries_everything_it_was_given(carrier: Carrier, telegram: Telegram) -> None:
    message = Message(
        HELLO.text,
        buttons=((Button("Open", data="open::"), Button("Read", url="https://example.org")),),
        silent=True,
        protected=True,
        reply_to=41,
    )

    outcome = await carrier.do(Call(Method.SEND, 1001, message, topic_id=3))

    method, _ = telegram.calls[0]
    assert method == "sendMessage"
    assert telegram.calls[0][1]["text"] == HELLO.text
    assert fields_of(
        telegram.calls[0],
        *("chat_id", "parse_mode", "disable_notification", "protect_content", "message_thread_id"),
        *("reply_parameters", "link_preview_options", "reply_markup"),
    ) == {
        "chat_id": 1001,
        "parse_mode": "HTML",
        "disable_notification": True,
        "protect_content": True,
        "message_thread_id": 3,
        "reply_parameters": {"message_id": 41, "allow_sending_without_reply": True},
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "Open", "callback_data": "open::"}, {"text": "Read", "url": "https://example.org"}]
            ]
        },
    }
    assert outcome.message_id == 101


@pytest.mark.parametrize("kind", ["photo", "voice", "document", "animation"])
async def test_an_attachment_goes_with_its_caption(kind: str, carrier: Carrier, telegram: Telegram) -> None:
    ours = replace(HELLO, attachment=Attachment(kind, "maple.bin", b"bytes"))
    theirs = replace(HELLO, attachment=Attachment(kind, file_id="AgAC"))

    outcomes = [await carrier.do(Call(Method.SEND, 1001, message)) for message in (ours, theirs)]

    assert [method.lower() for method, _ in telegram.calls] == [f"send{kind}"] * 2
    assert [fields["caption"] for _, fields in telegram.calls] == [HELLO.text] * 2
    assert telegram.calls[1][1][kind] == "AgAC"
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}


async def test_a_message_is_edited_in_place(carrier: Carrier, telegram: Telegram) -> None:
    text = await carrier.do(Call(Method.EDIT, 1001, HELLO, 55))
    caption = await carrier.do(Call(Method.EDIT, 1001, HELLO, 56, captioned=True))

    assert [method for method, _ in telegram.calls] == ["editMessageText", "editMessageCaption"]
    assert (text.message_id, caption.message_id) == (55, 56)


async def test_deleting_pinning_and_answering_go_through_the_same_door(carrier: Carrier, telegram: Telegram) -> None:
    calls = [
        Call(Method.DELETE, 1001, message_id=5),
        Call(Method.PIN, 1001, message_id=5),
        Call(Method.ANSWER, 1001, callback_id="77", notice="Kept.", alert=True),
    ]

    outcomes = [await carrier.do(call) for call in calls]

    assert [method for method, _ in telegram.calls] == ["deleteMessage", "pinChatMessage", "answerCallbackQuery"]
    assert telegram.calls[2][1] == {"callback_query_id": "77", "text": "Kept.", "show_alert": "true"}
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}


async def test_text_that_telegram_cannot_parse_goes_once_as_plain_text(carrier: Carrier, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        if "parse_mode" in fields:
            return refusal(400, "Bad Request: can't parse entities: Unsupported start tag")
        return None

    telegram.script = script

    outcome = await carrier.do(Call(Method.SEND, 1001, HELLO))

    assert outcome.kind is OutcomeKind.DONE
    assert telegram.accepted == [(1001, "Hello & welcome")]
    assert len(telegram.calls) == 2


UNSENDABLE = {
    "empty": Message("  "),
    "text": Message("x" * 4097),
    "caption": Message("x" * 1025, attachment=Attachment("photo", content=b"x")),
    "no action": Message("x", ((Button("dead"),),)),
    "two actions": Message("x", ((Button("both", data="a::", url="https://example.org"),),)),
    "data": Message("x", ((Button("long", data="x" * 65),),)),
}


@pytest.mark.parametrize("fault", UNSENDABLE)
async def test_what_telegram_would_refuse_never_reaches_the_wire(
    fault: str, carrier: Carrier, telegram: Telegram
) -> None:
    with pytest.raises(Unsendable):
        await carrier.do(Call(Method.SEND, 1001, UNSENDABLE[fault]))

    assert telegram.calls == []


async def test_the_longest_text_counts_what_is_seen(carrier: Carrier) -> None:
    outcome = await carrier.do(Call(Method.SEND, 1001, Message("<b>" + "&amp;" * 4096 + "</b>")))

    assert outcome.kind is OutcomeKind.DONE


async def test_a_limited_chat_is_left_alone(carrier: Carrier, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response:
        return refusal(429, "Too Many Requests: retry after 30", retry_after=30)

    telegram.script = script
    await carrier.do(Call(Method.SEND, 1001, HELLO))

    outcome = await carrier.do(Call(Method.SEND, 1001, HELLO))

    assert outcome.kind is OutcomeKind.LIMITED
    assert outcome.detail == "busy"
    assert len(telegram.calls) == 1


async def test_a_refused_token_silences_the_whole_bot_for_a_while(carrier: Carrier, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response:
        return refusal(401, "Unauthorized")

    telegram.script = script
    await carrier.do(Call(Method.SEND, 1001, HELLO))

    await carrier.do(Call(Method.SEND, 1002, HELLO))
    await carrier.do(Call(Method.ANSWER, 1002, callback_id="1"))

    assert len(telegram.calls) == 1


async def test_a_reply_to_a_tap_overtakes_a_broadcast(telegram: Telegram) -> None:
    import asyncio

    async with bot_at(telegram.url) as bot:
        carrier = Carrier(bot, Turnstile(Governor(Limits(whole=20)), in_flight=50))
        broadcast = [
            asyncio.create_task(carrier.do(Call(Method.SEND, 2000 + n, Message(str(n)), lane=Lane.BROADCAST)))
            for n in range(30)
        ]
        await asyncio.sleep(0.2)

        await carrier.do(Call(Method.SEND, 1001, Message("reply")))

        place = telegram.texts().index("reply")
        for task in broadcast:
            task.cancel()
        await asyncio.gather(*broadcast, return_exceptions=True)
    assert place < 12
