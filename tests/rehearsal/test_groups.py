"""Groups: members and roles, what the bot sees, topics, the move to a supergroup."""

from __future__ import annotations

import pytest


@pytest.fixture
def maple(stage, bot):
    """A basic group of Fay's with Ann and the bot; nothing waits."""
    group = stage.groups.open("Maple", stage.named("Fay"), [stage.named("Ann")], bots=[bot])
    bot.updates.drop()
    return group


def write(call, group, **given):
    outcome = call("sendMessage", chat_id=group.id, text="Hello all", **given)
    return outcome if isinstance(outcome, str) else "sent"


def test_a_bot_hears_that_it_was_added(stage, bot, call):
    group = stage.groups.open("Maple", stage.named("Fay"), bots=[bot])

    added, service = call.updates()

    assert added["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert added["my_chat_member"]["from"]["first_name"] == "Fay"
    assert service["message"]["new_chat_members"][0]["id"] == bot.id
    assert write(call, group) == "sent"


def test_everybody_in_a_group_reads_it(stage, maple, call):
    write(call, maple)
    stage.phone("Fay", maple).say("welcome")

    assert [message.text for message in stage.phone("Ann", maple).messages] == ["Hello all", "welcome"]
    assert [note.text for note in stage.phone("Ann", maple).notifications] == ["Hello all", "welcome"]


def test_privacy_shows_the_bot_only_what_is_meant_for_it(stage, maple, call):
    ann = stage.phone("Ann", maple)
    sent = call("sendMessage", chat_id=maple.id, text="Hello")

    ann.say("just talking")
    ann.say("/next")
    ann.say("/next@other_bot")
    ann.say("/next@understory_bot")
    ann.say("thank you", reply_to=maple.messages[sent["message_id"]])

    assert [update["message"]["text"] for update in call.updates()] == ["/next", "/next@understory_bot", "thank you"]


def test_with_two_bots_a_bare_command_is_for_the_one_that_spoke_last(stage, maple, call):
    other = stage.bot("other_bot")
    stage.groups.add(maple, other)
    stage.bot_named("understory_bot").updates.drop()
    ann = stage.phone("Ann", maple)

    ann.say("/next")
    write(call, maple)
    ann.say("/later")

    assert [update["message"]["text"] for update in call.updates()] == ["/later"]


def test_an_administrator_bot_sees_everything(stage, maple, bot, call):
    stage.groups.promote(maple, bot)
    bot.updates.drop()

    stage.phone("Ann", maple).say("just talking")

    assert [update["message"]["text"] for update in call.updates()] == ["just talking"]


def test_who_hides_behind_the_group_is_no_person(stage, maple, bot, call):
    stage.groups.promote(maple, bot)
    bot.updates.drop()

    stage.phone("Fay", maple).say_anonymously("/link Maple")

    message = call.updates()[0]["message"]
    assert message["from"]["username"] == "GroupAnonymousBot"
    assert message["sender_chat"]["id"] == maple.id


def test_a_bot_that_was_thrown_out_hears_it_and_may_not_write(stage, maple, bot, call):
    stage.groups.remove(maple, bot, by=stage.named("Fay"))

    assert call.updates()[-1]["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert write(call, maple) == "403: Forbidden: bot was kicked from the group chat"


def test_a_bot_that_left_is_not_a_member(stage, maple, call):
    assert call("leaveChat", chat_id=maple.id) is True

    assert write(call, maple) == "403: Forbidden: bot is not a member of the group chat"


def test_a_deleted_group_and_a_muted_bot(stage, maple, bot, call):
    stage.groups.restrict(maple, bot)
    muted = write(call, maple)
    stage.groups.delete(maple)

    assert muted == "400: Bad Request: not enough rights to send text messages to the chat"
    assert write(call, maple) == "403: Forbidden: the group chat was deleted"


def test_a_group_moves_to_a_supergroup_and_says_where(stage, maple, call):
    new = stage.groups.migrate(maple)

    refusal = call.full("sendMessage", chat_id=maple.id, text="x")
    services = [update["message"] for update in call.updates()]

    assert refusal["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert refusal["parameters"] == {"migrate_to_chat_id": new.id}
    assert services[0]["migrate_to_chat_id"] == new.id
    assert services[1]["migrate_from_chat_id"] == maple.id
    assert write(call, new) == "sent"


def test_switching_topics_on_moves_a_basic_group(stage, maple):
    forum = stage.groups.enable_topics(maple)

    assert maple.migrated_to is forum
    assert forum.as_json() == {"id": forum.id, "type": "supergroup", "title": "Maple", "is_forum": True}


def test_topics_are_opened_by_administrators_and_written_into(stage, maple, bot, call):
    forum = stage.groups.enable_topics(maple)
    refused = call("createForumTopic", chat_id=forum.id, name="Session 1")
    stage.groups.promote(forum, bot)

    topic = call("createForumTopic", chat_id=forum.id, name="Session 1")
    sent = call("sendMessage", chat_id=forum.id, text="Hello", message_thread_id=topic["message_thread_id"])

    assert refused == "400: Bad Request: not enough rights to create a topic"
    assert sent["message_thread_id"] == topic["message_thread_id"]
    assert call.updates()[-1]["message"]["message_thread_id"] == topic["message_thread_id"]
    outcome = call("sendMessage", chat_id=forum.id, text="x", message_thread_id=999)
    assert outcome == "400: Bad Request: message thread not found"


def test_message_ids_of_a_supergroup_are_its_own(stage, ann, bot, call):
    group = stage.groups.open("Maple", stage.named("Fay"), bots=[bot], supergroup=True)

    first = call("sendMessage", chat_id=group.id, text="one")["message_id"]
    call("sendMessage", chat_id=ann.chat.id, text="elsewhere")

    assert call("sendMessage", chat_id=group.id, text="two")["message_id"] == first + 1


def test_members_and_administrators_can_be_looked_up(stage, maple, bot, call):
    stage.groups.promote(maple, bot, ["can_pin_messages"])

    admins = call("getChatAdministrators", chat_id=maple.id)
    me = call("getChatMember", chat_id=maple.id, user_id=bot.id)

    assert {admin["user"]["first_name"]: admin["status"] for admin in admins} == {
        "Fay": "creator",
        "Understory": "administrator",
    }
    assert (me["can_pin_messages"], me["can_delete_messages"]) == (True, False)
    assert call("getChatMember", chat_id=maple.id, user_id=stage.named("Bob").id)["status"] == "left"
    assert call("getChatMember", chat_id=maple.id, user_id=1) == "400: Bad Request: invalid user_id specified"
    assert call("getChatMemberCount", chat_id=maple.id) == 3
    assert call("getChat", chat_id=maple.id)["title"] == "Maple"


def test_pinning_and_deleting_in_a_group_need_the_right(stage, maple, bot, call):
    words = stage.phone("Ann", maple).say("/hello")
    it = {"chat_id": maple.id, "message_id": words.id}

    refused = [call("pinChatMessage", **it), call("deleteMessage", **it)]
    stage.groups.promote(maple, bot)

    assert refused == [
        "400: Bad Request: not enough rights to manage pinned messages in the chat",
        "400: Bad Request: message can't be deleted",
    ]
    assert call("pinChatMessage", **it, disable_notification=True) is True
    assert call("deleteMessage", **it) is True


def test_joining_and_leaving_members_are_told_to_an_administrator_who_asked(stage, maple, bot, call):
    stage.groups.promote(maple, bot)
    call.updates(allowed_updates=["chat_member"])
    bot.updates.drop()

    stage.groups.add(maple, stage.named("Bob"))
    stage.groups.remove(maple, stage.named("Bob"))

    statuses = [update["chat_member"]["new_chat_member"]["status"] for update in call.updates()]
    assert statuses == ["member", "left"]
    with pytest.raises(ValueError, match="only members"):
        stage.phone("Bob", maple).say("hello?")


def test_a_tap_in_a_group_names_the_person(stage, maple, call):
    markup = {"inline_keyboard": [[{"text": "I pass", "callback_data": "p"}]]}
    call("sendMessage", chat_id=maple.id, text="Your turn", reply_markup=markup)

    ann = stage.phone("Ann", maple)
    ann.press(ann.last, "I pass")

    query = call.updates()[0]["callback_query"]
    assert (query["from"]["first_name"], query["message"]["chat"]["id"]) == ("Ann", maple.id)
