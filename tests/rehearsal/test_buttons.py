"""Buttons: what a keyboard may carry and what a tap brings back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

TOO_OLD = "400: Bad Request: query is too old and response timeout expired or query ID is invalid"


def inline(*buttons):
    return {"inline_keyboard": [list(buttons)]}


def button(text="Open", data="o"):
    return {"text": text, "callback_data": data}


def send(call, phone, markup):
    return call("sendMessage", chat_id=phone.chat.id, text="Something small", reply_markup=markup)


@pytest.mark.parametrize("data", ["a", "x" * 64, "ü" * 32])
def test_callback_data_has_one_to_64_bytes(ann, call, data):
    send(call, ann, inline(button(data=data)))

    assert ann.last.keyboard == [[{"text": "Open", "callback_data": data}]]


@pytest.mark.parametrize(
    ("markup", "sentence"),
    [
        (inline(button(data="")), "BUTTON_DATA_INVALID"),
        (inline(button(data="x" * 65)), "BUTTON_DATA_INVALID"),
        (inline(button(data="ü" * 33)), "BUTTON_DATA_INVALID"),
        (inline({"text": "Open"}), "Text buttons are unallowed in the inline keyboard"),
        (inline(button(text=" ")), "inline keyboard button text must not be empty"),
        (inline({**button(), "color": "red"}), "unknown field color in inline keyboard button"),
        (inline({"text": "x", "url": "nowhere"}), "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
        ({"inline_keyboard": [[button()]] * 101}, "reply markup is too long"),
        ({"inline_keyboard": [[button(text="x" * 1000)]] * 11}, "reply markup is too long"),
        ({"buttons": []}, "can't parse reply keyboard markup JSON object"),
        ("{", "can't parse reply_markup JSON object"),
        (
            {"force_reply": True, "input_field_placeholder": "x" * 65},
            "input field placeholder must be 1 to 64 characters long",
        ),
    ],
)
def test_keyboards_that_telegram_refuses(ann, call, markup, sentence):
    assert send(call, ann, markup) == f"400: Bad Request: {sentence}"


def test_a_hundred_buttons_fit(ann, call):
    send(call, ann, {"inline_keyboard": [[button()] * 4] * 25})

    assert len(ann.last.labels) == 100


def test_of_two_actions_telegram_takes_the_first_in_its_order(ann, call):
    send(call, ann, inline({"text": "x", "callback_data": "d", "url": "https://example.org", "style": "primary"}))

    assert ann.last.keyboard == [[{"text": "x", "url": "https://example.org", "style": "primary"}]]


def test_a_tap_brings_its_data_and_the_message_and_is_answered_once(ann, call):
    sent = send(call, ann, json.dumps(inline(button())))

    tap = ann.press(ann.last, "Open")
    query = call.updates()[0]["callback_query"]

    assert (query["data"], query["message"]["message_id"], query["from"]["id"]) == (
        "o",
        sent["message_id"],
        ann.person.id,
    )
    assert call("answerCallbackQuery", callback_query_id=query["id"], text="Kept", show_alert=True) is True
    assert (tap.answered.text, tap.answered.alert) == ("Kept", True)
    assert [toast.text for toast in ann.toasts] == ["Kept"]
    assert call("answerCallbackQuery", callback_query_id=query["id"]) == TOO_OLD


def test_a_tap_can_be_answered_for_150_seconds(ann, call, clock):
    send(call, ann, inline(button()))
    first, second = ann.press(ann.last, "Open"), ann.press(ann.last, "o")

    clock.jump_to(clock.now + timedelta(seconds=150))
    assert call("answerCallbackQuery", callback_query_id=first.id) is True
    clock.jump_to(clock.now + timedelta(seconds=1))
    assert call("answerCallbackQuery", callback_query_id=second.id) == TOO_OLD
    assert call.updates() == []


def test_an_answer_to_a_tap_has_at_most_200_characters(ann, call):
    send(call, ann, inline(button()))
    tap = ann.press(ann.last, "Open")

    assert call("answerCallbackQuery", callback_query_id=tap.id, text="x" * 201) == "400: Bad Request: MESSAGE_TOO_LONG"
    assert call("answerCallbackQuery", callback_query_id="1") == TOO_OLD


def test_only_visible_buttons_can_be_tapped(ann, call):
    sent = send(call, ann, inline(button()))
    call("editMessageReplyMarkup", chat_id=ann.chat.id, message_id=sent["message_id"])

    with pytest.raises(LookupError, match="no button 'Open'"):
        ann.press(ann.last, "Open")


def test_a_forged_tap_reaches_the_bot(ann, call):
    ann.forge(999, "v1:anything")

    query = call.updates()[0]["callback_query"]

    assert query["data"] == "v1:anything"
    assert query["message"] == {"chat": ann.chat.as_json(), "message_id": 999, "date": 0}


def test_a_deep_link_on_a_button_is_opened(ann, call):
    send(call, ann, inline({"text": "Join", "url": "https://t.me/understory_bot?start=abc"}))

    ann.press(ann.last, "Join")

    assert ann.last.text == "/start abc"


def test_a_reply_keyboard_stays_until_it_is_removed(ann, call):
    send(call, ann, {"keyboard": [[{"text": "Yes"}, {"text": "No"}]], "resize_keyboard": True})
    assert ann.keyboard == [["Yes", "No"]]

    send(call, ann, {"remove_keyboard": True})
    assert ann.keyboard == []
