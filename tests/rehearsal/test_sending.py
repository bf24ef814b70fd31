"""What Telegram takes and refuses when a bot writes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bot.rehearsal.files import Upload
from bot.rehearsal.phone import SMALLEST_PICTURE

PICTURE = Upload("qr.png", SMALLEST_PICTURE, "image/png")


def test_a_text_arrives_with_its_marks(ann, call):
    message = call("sendMessage", chat_id=ann.chat.id, text="<b>Hello</b> Ann", parse_mode="HTML")

    assert message["text"] == "Hello Ann"
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    assert ann.last.text == "Hello Ann"
    assert ann.last.id == message["message_id"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", "400: Bad Request: message text is empty"),
        (" \n ", "400: Bad Request: message text is empty"),
        ("<b></b>", "400: Bad Request: message text is empty"),
        ("🌿" * 4097, "400: Bad Request: message is too long"),
        ("\ud800", "400: Bad Request: strings must be encoded in UTF-8"),
        ("<b>x", "400: Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""),
    ],
)
def test_texts_that_telegram_refuses(ann, call, text, outcome):
    assert call("sendMessage", chat_id=ann.chat.id, text=text, parse_mode="HTML") == outcome


def test_length_counts_code_points_after_parsing(ann, call):
    message = call("sendMessage", chat_id=ann.chat.id, text=f"<b>{'🌿' * 4096}</b>", parse_mode="HTML")

    assert len(message["text"]) == 4096
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 8192}]


def test_captions_end_at_1024(ann, call):
    assert call("sendPhoto", chat_id=ann.chat.id, photo=PICTURE, caption="🌿" * 1024)["caption"] == "🌿" * 1024
    outcome = call("sendPhoto", chat_id=ann.chat.id, photo=PICTURE, caption="🌿" * 1025)
    assert outcome == "400: Bad Request: message caption is too long"


def test_an_unknown_parameter_is_refused(ann, call):
    outcome = call("sendMessage", chat_id=ann.chat.id, text="x", parsemode="HTML")

    assert outcome == "400: Bad Request: unknown parameter parsemode"


def test_an_unknown_field_inside_a_parameter_is_refused(ann, call):
    outcome = call("sendMessage", chat_id=ann.chat.id, text="x", link_preview_options={"disabled": True})

    assert outcome == "400: Bad Request: unknown field disabled in link preview options"


def test_a_missing_chat_is_refused(call):
    assert call("sendMessage", text="x") == "400: Bad Request: chat_id is empty"


def test_protection_effect_and_silence_reach_the_phone(ann, call):
    message = call(
        "sendMessage",
        chat_id=ann.chat.id,
        text="Something small for you today",
        protect_content="true",
        disable_notification="true",
        message_effect_id="5104841245755180586",
        allow_paid_broadcast="false",
        link_preview_options=json.dumps({"is_disabled": True}),
    )

    assert message["has_protected_content"] is True
    assert message["effect_id"] == "5104841245755180586"
    assert ann.last.protected
    assert [(note.text, note.silent) for note in ann.notifications] == [("Something small for you today", True)]


def test_a_reply_carries_what_it_answers(ann, call):
    question = ann.say("How long?")

    message = call(
        "sendMessage",
        chat_id=ann.chat.id,
        text="Two hours",
        reply_parameters={"message_id": question.id, "quote": "long"},
    )

    assert message["reply_to_message"]["text"] == "How long?"
    assert message["quote"] == {"text": "long", "position": 4, "is_manual": True}
    assert ann.last.reply_to == question.id


def test_a_reply_to_nothing_is_refused_unless_that_is_allowed(ann, call):
    refused = call("sendMessage", chat_id=ann.chat.id, text="x", reply_parameters={"message_id": 999})
    allowed = {"message_id": 999, "allow_sending_without_reply": True}
    sent = call("sendMessage", chat_id=ann.chat.id, text="x", reply_parameters=allowed)

    assert refused == "400: Bad Request: message to be replied not found"
    assert "reply_to_message" not in sent


def test_a_document_arrives_whole_and_can_be_sent_again_and_fetched(ann, call, stage):
    calendar = Upload("session.ics", b"BEGIN:VCALENDAR", "text/calendar")
    sent = call("sendDocument", chat_id=ann.chat.id, document=calendar, caption="Saturday")
    again = call("sendDocument", chat_id=ann.chat.id, document=sent["document"]["file_id"])
    fetched = call("getFile", file_id=sent["document"]["file_id"])

    assert (ann.last.document, ann.last.file.name) == (b"BEGIN:VCALENDAR", "session.ics")
    assert again["document"] == sent["document"]
    assert sent["document"]["mime_type"] == "text/calendar"
    assert stage.files.at(fetched["file_path"]).content == b"BEGIN:VCALENDAR"


def test_a_picture_attached_by_name_is_found(ann, call):
    call("sendPhoto", chat_id=ann.chat.id, photo="attach://one", one=PICTURE)

    assert ann.last.photo == SMALLEST_PICTURE


@pytest.mark.parametrize(
    ("method", "given", "outcome"),
    [
        ("sendPhoto", {}, "400: Bad Request: there is no photo in the request"),
        ("sendPhoto", {"photo": Upload("a.png", b"")}, "400: Bad Request: file must be non-empty"),
        ("sendPhoto", {"photo": Upload("a.png", b"text")}, "400: Bad Request: IMAGE_PROCESS_FAILED"),
        ("sendPhoto", {"photo": "https://example.org/a.png"}, "400: Bad Request: failed to get HTTP URL content"),
        (
            "sendPhoto",
            {"photo": "AgACAgIAAxkBAAIBY2unknown"},
            "400: Bad Request: wrong file identifier/HTTP URL specified",
        ),
        ("sendPhoto", {"photo": "attach://none"}, "400: Bad Request: file attached by attach:// is not in the request"),
        (
            "sendDocument",
            {"document": Upload("big", b"x" * (50 * 1024 * 1024 + 1))},
            "400: Bad Request: file is too big",
        ),
    ],
)
def test_files_that_telegram_refuses(ann, call, method, given, outcome):
    assert call(method, chat_id=ann.chat.id, **given) == outcome


def test_a_photo_is_no_document(ann, call):
    photo = call("sendPhoto", chat_id=ann.chat.id, photo=PICTURE)["photo"][0]["file_id"]

    outcome = call("sendDocument", chat_id=ann.chat.id, document=photo)

    assert outcome == "400: Bad Request: type of file mismatch: can't use file of type Photo as Document"


def test_a_file_above_20_megabytes_cannot_be_downloaded(ann, call):
    message = ann.send_document(b"x" * (20 * 1024 * 1024 + 1), "long.bin")

    assert call("getFile", file_id=message.file.id) == "400: Bad Request: file is too big"


def test_every_kind_of_file_is_described(ann, call):
    sound = Upload("sound.ogg", b"OggS")
    chat = ann.chat.id

    voice = call("sendVoice", chat_id=chat, voice=sound, duration="4")
    audio = call("sendAudio", chat_id=chat, audio=Upload("a.mp3", b"ID3"), title="Rain", performer="Sky")
    video = call("sendVideo", chat_id=chat, video=Upload("v.mp4", b"mp4"), width=3, height=2, thumbnail=PICTURE)
    animation = call("sendAnimation", chat_id=chat, animation=Upload("m.mp4", b"mp4"))

    assert voice["voice"]["duration"] == 4
    assert (audio["audio"]["title"], audio["audio"]["performer"]) == ("Rain", "Sky")
    assert (video["video"]["width"], video["video"]["thumbnail"]["width"]) == (3, 1)
    assert animation["animation"]["file_id"] == animation["document"]["file_id"]


def test_an_album_is_several_messages_of_one_group(ann, call):
    media = [
        {"type": "photo", "media": f"attach://p{n}", "caption": f"<i>{n}</i>", "parse_mode": "HTML"} for n in (1, 2)
    ]

    messages = call("sendMediaGroup", chat_id=ann.chat.id, media=json.dumps(media), p1=PICTURE, p2=PICTURE)

    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.caption for message in ann.received] == ["1", "2"]


@pytest.mark.parametrize("number", [1, 11])
def test_an_album_has_two_to_ten_media(ann, call, number):
    media = [{"type": "photo", "media": "attach://p"}] * number

    outcome = call("sendMediaGroup", chat_id=ann.chat.id, media=media, p=PICTURE)

    assert outcome == "400: Bad Request: there must be 2 to 10 media in an album"


def test_a_copy_has_no_author_and_a_forward_names_it(ann, call):
    said = ann.say("Please pass this on")

    copied = call("copyMessage", chat_id=ann.chat.id, from_chat_id=ann.chat.id, message_id=said.id)
    forwarded = call("forwardMessage", chat_id=ann.chat.id, from_chat_id=ann.chat.id, message_id=said.id)

    assert ann.chat.messages[copied["message_id"]].text == "Please pass this on"
    assert "forward_origin" not in ann.chat.messages[copied["message_id"]].as_json()
    assert forwarded["forward_origin"]["sender_user"]["first_name"] == "Ann"


def test_a_copied_picture_takes_a_new_caption(ann, call):
    photo = ann.send_photo(caption="old")

    call("copyMessage", chat_id=ann.chat.id, from_chat_id=ann.chat.id, message_id=photo.id, caption="new")

    assert (ann.last.photo, ann.last.caption) == (SMALLEST_PICTURE, "new")


def test_protected_messages_are_neither_copied_nor_forwarded(ann, call):
    sent = call("sendMessage", chat_id=ann.chat.id, text="between us", protect_content=True)
    it = {"chat_id": ann.chat.id, "from_chat_id": ann.chat.id, "message_id": sent["message_id"]}

    assert call("copyMessage", **it) == "400: Bad Request: message can't be copied"
    assert call("forwardMessage", **it) == "400: Bad Request: message can't be forwarded"


def test_message_ids_of_private_chats_share_one_counter(stage, call, ann):
    bob = stage.phone("Bob")
    bob.start()

    first = call("sendMessage", chat_id=ann.chat.id, text="one")["message_id"]
    second = call("sendMessage", chat_id=bob.chat.id, text="two")["message_id"]

    assert second == first + 1


def test_a_poll_is_voted_on_and_closed(stage, ann, call):
    sent = call(
        "sendPoll", chat_id=ann.chat.id, question="Which day?", options=["Fri", {"text": "Sat"}], is_anonymous=False
    )
    ann.vote(ann.last, 1)

    answer = call.updates()[0]["poll_answer"]
    closed = call("stopPoll", chat_id=ann.chat.id, message_id=sent["message_id"])

    assert answer["option_ids"] == [1]
    assert [option["voter_count"] for option in closed["options"]] == [0, 1]
    with pytest.raises(ValueError, match="closed"):
        ann.vote(ann.last, 0)


def test_an_action_shows_for_the_person(ann, call, clock):
    assert call("sendChatAction", chat_id=ann.chat.id, action="typing") is True
    assert ann.chat.actions == [(clock.now, "typing")]
    outcome = call("sendChatAction", chat_id=ann.chat.id, action="dancing")
    assert outcome == "400: Bad Request: wrong parameter action in request"


def test_the_journal_knows_what_was_taken_and_what_was_refused(ann, call, stage, clock):
    call("sendMessage", chat_id=str(ann.chat.id), text="one")
    clock.jump_to(clock.now + timedelta(hours=1))
    call("sendMessage", chat_id=ann.chat.id, text="")

    taken, refused = stage.journal.accepted("sendMessage", ann.chat.id), stage.journal.refused()

    assert [(entry.message_id, entry.params["text"]) for entry in taken] == [(ann.last.id, "one")]
    assert [(entry.code, entry.description) for entry in refused] == [(400, "Bad Request: message text is empty")]
    assert refused[0].at - taken[0].at == timedelta(hours=1)
    assert refused[0].real >= taken[0].real
