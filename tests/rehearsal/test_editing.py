"""Changing, removing, pinning, reacting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.rehearsal.files import Upload
from bot.rehearsal.phone import SMALLEST_PICTURE

PICTURE = Upload("qr.png", SMALLEST_PICTURE, "image/png")
BUTTONS = {"inline_keyboard": [[{"text": "Open", "callback_data": "o"}]]}
NOT_MODIFIED = (
    "400: Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


@pytest.fixture
def card(ann, call):
    """A message of the bot with a button; returns what names it in further calls."""
    sent = call("sendMessage", chat_id=ann.chat.id, text="Something small", reply_markup=BUTTONS)
    return {"chat_id": ann.chat.id, "message_id": sent["message_id"]}


def test_an_edit_changes_the_text_in_place_and_takes_the_buttons_away(ann, call, card, clock):
    clock.jump_to(clock.now + timedelta(minutes=1))

    edited = call("editMessageText", **card, text="<i>Folded</i>", parse_mode="HTML")

    assert (ann.last.text, ann.last.buttons) == ("Folded", [])
    assert edited["edit_date"] - edited["date"] == 60
    assert [version.content["text"] for version in ann.last.versions] == ["Something small", "Folded"]
    assert ann.ever_shown == ["/start", "Something small", "Folded"]
    assert [(message.id, version.at.minute) for message, version in ann.history[1:]] == [
        (ann.last.id, 0),
        (ann.last.id, 1),
    ]


def test_an_edit_that_changes_nothing_is_refused(call, card):
    outcome = call("editMessageText", **card, text="Something <b></b>small", parse_mode="HTML", reply_markup=BUTTONS)

    assert outcome == NOT_MODIFIED
    assert call("editMessageReplyMarkup", **card, reply_markup=BUTTONS) == NOT_MODIFIED


def test_taking_the_buttons_away_is_no_change_of_the_text(ann, call, card):
    edited = call("editMessageReplyMarkup", **card)

    assert "edit_date" not in edited
    assert ann.last.buttons == []


def test_an_edit_makes_no_sound(ann, call, card):
    call("editMessageText", **card, text="Now unfolded")

    assert [note.text for note in ann.notifications] == ["Something small"]


def test_messages_that_cannot_be_edited(ann, call, card):
    hers = ann.say("mine")
    photo = call("sendPhoto", chat_id=ann.chat.id, photo=PICTURE)["message_id"]
    call("deleteMessage", **card)

    def edit(number, method="editMessageText", **given):
        return call(method, chat_id=ann.chat.id, message_id=number, **given)

    assert edit(hers.id, text="x") == "400: Bad Request: message can't be edited"
    assert edit(card["message_id"], text="x") == "400: Bad Request: message to edit not found"
    assert edit(photo, text="x") == "400: Bad Request: there is no text in the message to edit"
    assert edit(None, text="x") == "400: Bad Request: message identifier is not specified"


def test_a_caption_and_a_picture_can_be_exchanged(ann, call):
    sent = call("sendPhoto", chat_id=ann.chat.id, photo=PICTURE, caption="old")
    it = {"chat_id": ann.chat.id, "message_id": sent["message_id"]}

    call("editMessageCaption", **it, caption="new")
    assert (ann.last.caption, ann.last.photo) == ("new", SMALLEST_PICTURE)

    call("editMessageMedia", **it, media={"type": "document", "media": "attach://d"}, d=Upload("a.txt", b"text"))
    assert (ann.last.caption, ann.last.photo, ann.last.document) == (None, None, b"text")


def test_a_text_has_no_caption(call, card):
    outcome = call("editMessageCaption", **card, caption="x")

    assert outcome == "400: Bad Request: there is no caption in the message to edit"


def test_a_deleted_message_is_gone_from_the_phone_but_not_from_its_past(ann, call, card):
    assert call("deleteMessage", **card) is True

    assert [message.text for message in ann.messages] == ["/start"]
    assert ann.ever_shown == ["/start", "Something small"]
    assert call("deleteMessage", **card) == "400: Bad Request: message to delete not found"


def test_in_a_private_chat_the_persons_words_can_be_deleted_too(ann, call):
    words = ann.say("something tender")

    call("deleteMessage", chat_id=ann.chat.id, message_id=words.id)

    assert [message.text for message in ann.messages] == ["/start"]


def test_after_48_hours_nothing_can_be_deleted(call, card, clock):
    clock.jump_to(clock.now + timedelta(hours=48))
    fresh = call("editMessageText", **card, text="still mine")
    clock.jump_to(clock.now + timedelta(seconds=1))

    outcome = call("deleteMessage", **card)

    assert fresh["text"] == "still mine"
    assert outcome == "400: Bad Request: message can't be deleted for everyone"


def test_several_deletions_skip_what_is_gone(ann, call, card):
    other = call("sendMessage", chat_id=ann.chat.id, text="other")["message_id"]

    assert call("deleteMessages", chat_id=ann.chat.id, message_ids=[999, card["message_id"], other]) is True
    assert [message.text for message in ann.messages] == ["/start"]
    outcome = call("deleteMessages", chat_id=ann.chat.id, message_ids=[])
    assert outcome == "400: Bad Request: there must be 1 to 100 message identifiers"


def test_pins_are_shown_newest_last_and_taken_off(ann, call, card):
    other = call("sendMessage", chat_id=ann.chat.id, text="other")["message_id"]
    call("pinChatMessage", **card)
    call("pinChatMessage", chat_id=ann.chat.id, message_id=other)

    assert [message.text for message in ann.pinned] == ["Something small", "other"]
    assert call("getChat", chat_id=ann.chat.id)["pinned_message"]["text"] == "other"
    assert len(ann.service_messages) == 2
    assert call.updates()[0]["message"]["pinned_message"]["text"] == "Something small"

    call("unpinChatMessage", chat_id=ann.chat.id)
    assert [message.text for message in ann.pinned] == ["Something small"]
    call("unpinAllChatMessages", chat_id=ann.chat.id)
    assert ann.pinned == []
    assert call("unpinChatMessage", chat_id=ann.chat.id) == "400: Bad Request: message to unpin not found"


def test_a_bot_puts_one_known_reaction_on_a_message(ann, call):
    words = ann.say("done")
    it = {"chat_id": ann.chat.id, "message_id": words.id}

    assert call("setMessageReaction", **it, reaction=[{"type": "emoji", "emoji": "🙏"}]) is True
    assert list(words.reactions.values()) == ["🙏"]
    two = [{"type": "emoji", "emoji": "🙏"}, {"type": "emoji", "emoji": "👍"}]
    assert call("setMessageReaction", **it, reaction=two) == "400: Bad Request: REACTIONS_TOO_MANY"
    odd = [{"type": "emoji", "emoji": "🪨"}]
    assert call("setMessageReaction", **it, reaction=odd) == "400: Bad Request: REACTION_INVALID"
    call("setMessageReaction", **it)
    assert words.reactions == {}


def test_a_persons_edit_reaches_the_bot_as_an_edit(ann, call):
    words = ann.say("frist")
    ann.edit(words, "first")

    kinds = [[key for key in update if key != "update_id"] for update in call.updates()]

    assert kinds == [["message"], ["edited_message"]]
    assert call.updates()[1]["edited_message"]["text"] == "first"
