"""Who may be written to, how people find the bot, what their phones show."""

from __future__ import annotations

import pytest


def write(call, phone):
    outcome = call("sendMessage", chat_id=phone.chat.id, text="Hello")
    return outcome if isinstance(outcome, str) else "sent"


def test_a_bot_cannot_write_first(stage, call):
    ann = stage.phone("Ann")

    assert write(call, ann) == "400: Bad Request: chat not found"
    ann.start()
    assert write(call, ann) == "sent"


def test_somebody_met_in_a_group_cannot_be_written_to_before_they_start(stage, bot, call):
    stage.groups.open("Maple", stage.named("Ann"), bots=[bot])

    assert write(call, stage.phone("Ann")) == "403: Forbidden: bot can't initiate conversation with a user"


@pytest.mark.parametrize("chat_id", [5, "@nobody", -17, -1001234567890])
def test_unknown_chats_are_not_found(call, chat_id):
    assert call("sendMessage", chat_id=chat_id, text="x") == "400: Bad Request: chat not found"


def test_bots_do_not_write_to_bots(stage, call):
    other = stage.bot("other_bot")

    assert call("sendMessage", chat_id=other.id, text="x") == "403: Forbidden: bots can't send messages to bots"


def test_a_deleted_account_cannot_be_written_to(ann, call):
    ann.person.deactivated = True

    assert write(call, ann) == "403: Forbidden: user is deactivated"


def test_blocking_is_told_and_refuses_until_it_is_lifted(ann, call):
    ann.block()
    refused = write(call, ann)
    with pytest.raises(ValueError, match="unblock"):
        ann.say("hello")
    ann.unblock()

    changes = [update["my_chat_member"]["new_chat_member"]["status"] for update in call.updates()]
    assert refused == "403: Forbidden: bot was blocked by the user"
    assert changes == ["kicked", "member"]
    assert write(call, ann) == "sent"


def test_starting_again_lifts_the_block(ann, call):
    ann.block()

    ann.start()

    assert write(call, ann) == "sent"


def test_a_deep_link_arrives_as_a_start_command(stage, call):
    stage.phone("Ann").open_link("https://t.me/understory_bot?start=Ab_9-x")

    message = call.updates()[0]["message"]

    assert message["text"] == "/start Ab_9-x"
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


@pytest.mark.parametrize("link", ["t.me/understory_bot?start=x", "tg://resolve?domain=understory_bot&start=x"])
def test_links_are_understood_in_every_spelling(stage, link):
    assert stage.phone("Ann").open_link(link).text == "/start x"


@pytest.mark.parametrize(
    "link", ["https://t.me/understory_bot?start=a.b", f"https://t.me/understory_bot?start={'x' * 65}"]
)
def test_start_tokens_have_at_most_64_plain_characters(stage, link):
    with pytest.raises(ValueError, match="1 to 64"):
        stage.phone("Ann").open_link(link)


def test_a_link_to_a_group_adds_the_bot_there(stage, call):
    fay = stage.phone("Fay")
    group = stage.groups.open("Maple", fay.person)

    fay.open_link("https://t.me/understory_bot?startgroup=tok", group)

    assert call.updates()[-1]["message"]["text"] == "/start@understory_bot tok"
    assert call.updates()[-1]["message"]["chat"]["id"] == group.id


def test_a_person_names_language_and_names_only_if_there_are_any(stage):
    dana = stage.person("Dana", language=None, username="dana_w", last_name="Weiss", id=55)

    assert dana.as_json() == {
        "id": 55,
        "is_bot": False,
        "first_name": "Dana",
        "last_name": "Weiss",
        "username": "dana_w",
    }


def test_a_long_text_is_sent_in_pieces(ann, call):
    ann.say("x" * 5000)

    assert [len(update["message"]["text"]) for update in call.updates()] == [4096, 904]


def test_pictures_voices_documents_and_stickers_reach_the_bot(ann, call):
    ann.send_photo(caption="look")
    ann.send_voice(seconds=7)
    ann.send_document(b"a: 1", "programme.yaml")
    ann.send_sticker("🙂")
    ann.send_audio(b"ID3", "rain.mp3")
    ann.send_video(b"mp4")
    ann.send_animation(b"mp4")

    messages = [update["message"] for update in call.updates()]
    assert messages[0]["caption"] == "look"
    assert messages[1]["voice"]["duration"] == 7
    assert messages[2]["document"]["file_name"] == "programme.yaml"
    assert messages[3]["sticker"]["emoji"] == "🙂"
    assert [list(message)[4] for message in messages[4:]] == ["audio", "video", "animation"]


def test_notifications_show_new_messages_only(ann, call):
    call("sendMessage", chat_id=ann.chat.id, text="one")
    call("sendMessage", chat_id=ann.chat.id, text="two", disable_notification=True)
    ann.say("mine")

    assert [(note.text, note.silent) for note in ann.notifications] == [("one", False), ("two", True)]


def test_a_phone_finds_the_newest_message_that_says_something(ann, call):
    call("sendMessage", chat_id=ann.chat.id, text="Something small")
    call("sendMessage", chat_id=ann.chat.id, text="Something else")

    assert ann.find("Something").text == "Something else"
    with pytest.raises(LookupError, match="no message says"):
        ann.find("nothing")


def test_the_command_menu_is_the_narrowest_in_the_persons_language(stage, call):
    ann, dora = stage.phone("Ann"), stage.phone(stage.person("Dora", language="de"))
    ann.start()

    def menu(word, scope, **given):
        assert call("setMyCommands", commands=[{"command": "next", "description": word}], scope=scope, **given) is True

    menu("everywhere", {"type": "default"})
    menu("privately", {"type": "all_private_chats"})
    menu("hier", {"type": "all_private_chats"}, language_code="de")
    menu("for Ann", {"type": "chat", "chat_id": ann.chat.id})
    group = stage.groups.open("Maple", ann.person, bots=[stage.bot_named()])

    assert ann.commands == {"next": "for Ann"}
    assert dora.commands == {"next": "hier"}
    assert stage.phone("Bob").commands == {"next": "privately"}
    assert stage.phone("Ann", group).commands == {"next": "everywhere"}
    assert call("getMyCommands", language_code="de", scope={"type": "all_private_chats"})[0]["description"] == "hier"
    call("deleteMyCommands", scope={"type": "chat", "chat_id": ann.chat.id})
    assert ann.commands == {"next": "privately"}


@pytest.mark.parametrize(
    ("commands", "sentence"),
    [
        ([{"command": "Next", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "x" * 33, "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "next", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "next", "description": "x" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "next", "description": "x"}] * 101, "BOT_COMMANDS_TOO_MUCH"),
    ],
)
def test_commands_that_telegram_refuses(call, commands, sentence):
    assert call("setMyCommands", commands=commands) == f"400: Bad Request: {sentence}"


def test_a_command_scope_needs_a_chat_that_exists(call):
    scope = {"type": "chat", "chat_id": 5}

    assert call("setMyCommands", commands=[], scope=scope) == "400: Bad Request: chat not found"


def test_names_and_descriptions_per_language(call):
    call("setMyName", name="Understory")
    call("setMyDescription", description="Hallo", language_code="de")
    call("setMyShortDescription", short_description="short")

    assert call("getMyName", language_code="de") == {"name": "Understory"}
    assert call("getMyDescription", language_code="de") == {"description": "Hallo"}
    assert call("getMyShortDescription") == {"short_description": "short"}
    assert call("setMyName", name="x" * 65) == "400: Bad Request: name is too long"


def test_the_menu_button_of_a_chat(ann, call):
    assert call("setChatMenuButton", chat_id=ann.chat.id, menu_button={"type": "commands"}) is True
    assert call("getChatMenuButton", chat_id=ann.chat.id) == {"type": "commands"}
    assert call("setChatMenuButton", menu_button={"type": "x"}) == "400: Bad Request: MenuButton has unsupported type"


def test_a_reaction_is_told_to_who_asked_for_it(ann, call):
    words = call("sendMessage", chat_id=ann.chat.id, text="Hello")
    ann.react(ann.last, "👍")
    assert call.updates(allowed_updates=["message_reaction"]) == []

    ann.react(ann.last, "🙏")

    change = call.updates()[0]["message_reaction"]
    assert change["message_id"] == words["message_id"]
    assert [each["emoji"] for each in change["old_reaction"] + change["new_reaction"]] == ["👍", "🙏"]
