"""A cohort's Telegram group: who may connect it, what goes there, and what becomes of it."""

from __future__ import annotations

import pytest
from circles import newest_link
from house import House
from scenes import add_cofacilitator, berlin
from sqlalchemy import select

from bot.rehearsal.phone import Phone
from bot.rehearsal.state import AnonymousAdmin, Chat
from bot.storage.tables import Person

PRIVATELY = "I have written to you in our own chat."
HELLO = (
    "I post dates here, and nothing else. Everything personal stays in your own chats with me. "
    "I see only commands and replies to me."
)
NEXT = "A date: Sat 28 Nov, 14:00. Your invitation is in your own chat with me."


def open_group(house: House, **more: bool) -> Chat:
    """Fay's group with Ann and the bot in it."""
    stage = house.stage
    return stage.groups.open("The trees", stage.named("Fay"), [stage.named("Ann")], bots=[stage.bot_named()], **more)


async def connect(house: House, **more: bool) -> Chat:
    chat = open_group(house, **more)
    await say_there(house, "Fay", chat, "/link Maple")
    await house.press_newest("Fay", "Connect")
    return chat


async def say_there(house: House, name: str, chat: Chat, words: str, thread: int | None = None) -> None:
    house.stage.phone(name, chat).say(words, thread=thread)
    await house.settled()


def posts(house: House, chat: Chat) -> list[str]:
    """What the bot has said in a group."""
    return [message.words for message in chat.visible() if message.sender is house.stage.bot_named() and message.words]


async def plan(house: House) -> None:
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h Ketamine two")
    await house.press_newest("Fay", "Confirm")


# ── Connecting ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_connecting_a_group_first_says_in_private_what_goes_there_and_what_reaches_the_bot(maple: House) -> None:
    chat = open_group(maple)

    await say_there(maple, "Fay", chat, "/link Maple")
    asked = maple.phone("Fay").received[-1]

    assert posts(maple, chat) == [PRIVATELY]
    assert asked.words.startswith("Connect the group “The trees” with Maple?")
    assert "Never there: names, answers, who is coming" in asked.words
    assert "I am no administrator there" in asked.words
    await maple.press("Fay", asked, "Connect")
    assert posts(maple, chat) == [PRIVATELY, HELLO]


async def test_as_an_administrator_it_says_that_every_message_reaches_it(maple: House) -> None:
    chat = open_group(maple)
    maple.stage.groups.promote(chat, maple.stage.bot_named())

    await say_there(maple, "Fay", chat, "/link Maple")
    asked = maple.shown("Fay")[-1]
    await maple.press_newest("Fay", "Connect")

    assert "Telegram then hands me every message written there" in asked
    assert "As an administrator here I am handed every message" in posts(maple, chat)[-1]


async def test_only_a_facilitator_who_administers_the_group_by_telegrams_answer_connects_it(maple: House) -> None:
    stage = maple.stage
    chat = stage.groups.open("The trees", stage.named("Ann"), [stage.named("Fay")], bots=[stage.bot_named()])

    await say_there(maple, "Fay", chat, "/link Maple")
    of_fay = maple.shown("Fay")[-1]
    await say_there(maple, "Ann", chat, "/link Maple")

    assert of_fay.startswith("Telegram says that you are no administrator of that group.")
    assert posts(maple, chat) == [
        PRIVATELY,
        "That did not work here. Please send me /link in our own chat; I explain it there.",
    ]


async def test_who_is_no_administrator_any_more_does_not_connect_it_either(maple: House) -> None:
    stage = maple.stage
    chat = stage.groups.open("The trees", stage.named("Ann"), [stage.named("Fay")], bots=[stage.bot_named()])
    stage.groups.promote(chat, stage.named("Fay"))
    await say_there(maple, "Fay", chat, "/link Maple")
    stage.groups.demote(chat, stage.named("Fay"))

    await maple.press_newest("Fay", "Connect")
    await plan(maple)

    assert posts(maple, chat) == [PRIVATELY]


async def test_a_stranger_in_a_group_is_not_written_down_and_no_name_of_a_cohort_is_said(maple: House) -> None:
    maple.stage.person("Eve")
    chat = open_group(maple)
    maple.stage.groups.add(chat, maple.stage.named("Eve"))

    await say_there(maple, "Eve", chat, "/link M")
    await say_there(maple, "Fay", chat, "/link Oak")

    assert "Maple" not in "\n".join(posts(maple, chat))
    assert maple.shown("Fay")[-1] == "No cohort of yours begins like that. Yours are: Maple."
    async with maple.bot.runtime.database.transaction() as tx:
        known = [tx.open(person, "name") for person in await tx.scalars(select(Person))]
    assert sorted(known) == ["Ann", "Bob", "Fay"]


async def test_who_writes_in_the_name_of_the_group_is_nobody(maple: House) -> None:
    chat = open_group(maple)
    maple.stage.groups.promote(chat, maple.stage.bot_named())
    await maple.settled()

    maple.stage.phone("Fay", chat).say_anonymously("/link Maple")
    maple.stage.phone("Fay", chat).say_anonymously("/unlink")
    maple.stage.phone("Fay", chat).say_anonymously("how are you all")
    await maple.settled()

    assert posts(maple, chat) == ["I cannot see who wrote this. Please send it under your own name."] * 2


async def test_a_seats_link_shown_in_the_name_of_the_group_is_burnt_too(maple: House) -> None:
    await maple.say("Fay", "/newcohort group Birch 3 Europe/Berlin light-touch")
    await maple.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    link = newest_link(maple)
    chat = open_group(maple)

    maple.stage.phone("Fay", chat).say_anonymously(f"/start@understory_bot {link.partition('start=')[2]}")
    await maple.settled()

    assert posts(maple, chat)[0].startswith("A personal link was shown here")
    assert (await maple.open("Ann", link)).words.startswith("This link is too old, or was seen by others.")


async def test_commands_for_another_bot_and_talk_among_people_are_none_of_its(maple: House) -> None:
    chat = open_group(maple)
    maple.stage.groups.promote(chat, maple.stage.bot_named())

    for words in ("/link@other_bot Maple", "/unlink@other_bot", "/help@other_bot", "how are you all"):
        await say_there(maple, "Fay", chat, words)

    assert posts(maple, chat) == []


async def test_of_two_facilitators_who_connect_at_once_one_does(maple: House) -> None:
    await add_cofacilitator(maple, "Gil")
    stage = maple.stage
    chat = open_group(maple)
    other = stage.groups.open("The leaves", stage.named("Gil"), bots=[stage.bot_named()])
    await say_there(maple, "Fay", chat, "/link Maple")
    await say_there(maple, "Gil", other, "/link Maple")

    maple.phone("Fay").press(maple.newest("Fay", "Connect"), "Connect")
    maple.phone("Gil").press(maple.newest("Gil", "Connect"), "Connect")
    await maple.settled()

    linked = [HELLO in posts(maple, where) for where in (chat, other)]
    refusals = [maple.phone(name).toasts[-1].text for name in ("Fay", "Gil")]
    assert sorted(linked) == [False, True]
    assert "Somebody changed this in the meantime. Please send /link in the group again." in refusals


async def test_a_group_belongs_to_one_cohort_and_its_topics_to_one_each(maple: House) -> None:
    await maple.say("Fay", "/newcohort group Birch 3 Europe/Berlin light-touch")
    await maple.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    chat = open_group(maple, forum=True)
    topic = maple.stage.groups.open_topic(chat, "Birch")
    await say_there(maple, "Fay", chat, "/link Maple")
    await maple.press_newest("Fay", "Connect")

    await say_there(maple, "Fay", chat, "/link Birch")
    refused = maple.shown("Fay")[-1]
    await say_there(maple, "Fay", chat, "/link Birch", thread=topic.id)
    await maple.press_newest("Fay", "Connect")

    assert refused.startswith("That group or topic is connected already.")
    last = Phone(maple.stage, maple.stage.named("Fay"), chat).received[-1]
    assert (last.words, last.thread) == (HELLO, topic.id)


# ── What goes there ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_group_reads_when_they_meet_and_nothing_of_what_or_who(maple: House) -> None:
    chat = await connect(maple)

    await plan(maple)
    await maple.press_newest("Ann", "I'm coming")
    await maple.say("Fay", "/move Maple 1 2026-11-28 16:00")
    await maple.press_newest("Fay", "Confirm")
    await maple.say("Fay", "/cancel Maple 1")
    await maple.press_newest("Fay", "Call it off")

    assert posts(maple, chat)[2:] == [
        NEXT,
        "A date has moved: Sat 28 Nov, 14:00 becomes Sat 28 Nov, 16:00.",
        "The date on Sat 28 Nov, 16:00 is called off.",
    ]


async def test_a_date_that_was_known_before_is_said_once_when_the_group_is_connected(maple: House) -> None:
    await plan(maple)

    chat = await connect(maple)
    await maple.restart()
    await maple.until(berlin(22, 12))

    assert posts(maple, chat) == [PRIVATELY, HELLO, NEXT]


async def test_in_the_cohorts_night_the_group_is_left_in_peace(maple: House) -> None:
    chat = await connect(maple)
    await maple.until(berlin(21, 23))

    await plan(maple)
    at_night = posts(maple, chat)
    await maple.until(berlin(22, 8))

    assert at_night == [PRIVATELY, HELLO]
    assert posts(maple, chat)[2:] == [NEXT]


async def test_whoever_holds_it_may_want_no_dates_there(maple: House) -> None:
    chat = await connect(maple)

    await maple.press_newest("Fay", "☑ Post when you meet")
    await plan(maple)

    assert posts(maple, chat) == [PRIVATELY, HELLO]
    assert any("Sat 28 Nov, 14:00" in words for words in maple.shown("Ann"))


# ── Disconnecting ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_disconnecting_ends_the_posts_and_a_second_time_there_is_nothing_to_end(maple: House) -> None:
    chat = await connect(maple)

    await say_there(maple, "Ann", chat, "/unlink")
    await say_there(maple, "Fay", chat, "/unlink")
    await plan(maple)
    await say_there(maple, "Fay", chat, "/unlink")
    in_private = await maple.say("Fay", "/unlink Maple")

    nothing = "No group is connected here, so there is nothing to end. /link connects one."
    assert posts(maple, chat)[2:] == [
        "That did not work here. Please send me /link in our own chat; I explain it there.",
        "Done. I post nothing here any more.",
        PRIVATELY,
    ]
    assert maple.shown("Fay")[-2] == nothing
    assert in_private.words == nothing


# ── The group changes ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("change", ["migrate", "enable_topics"])
async def test_a_group_with_a_new_number_loses_and_doubles_nothing(maple: House, change: str) -> None:
    chat = await connect(maple)
    await maple.until(berlin(21, 23))
    await plan(maple)  # waits for the morning

    new = getattr(maple.stage.groups, change)(chat)
    await maple.until(berlin(22, 12))
    await maple.say("Fay", "/move Maple 1 2026-11-28 16:00")
    await maple.press_newest("Fay", "Confirm")

    assert posts(maple, chat) == [PRIVATELY, HELLO]
    assert posts(maple, new) == [NEXT, "A date has moved: Sat 28 Nov, 14:00 becomes Sat 28 Nov, 16:00."]


async def test_a_group_that_moves_while_the_bot_is_away_loses_and_doubles_nothing(maple: House) -> None:
    chat = await connect(maple)
    await maple.stop()
    new = maple.stage.groups.migrate(chat)

    await maple.start()
    await plan(maple)

    assert posts(maple, new) == [NEXT]


async def test_put_out_of_the_group_the_facilitator_hears_it_once_and_the_dates_come_in_private(maple: House) -> None:
    chat = await connect(maple)

    maple.stage.groups.remove(chat, maple.stage.bot_named(), by=maple.stage.named("Fay"))
    await plan(maple)
    await maple.until(berlin(22, 12))

    lost = [words for words in maple.shown("Fay") if words.startswith("I cannot write in the Telegram group of Maple")]
    assert len(lost) == 1
    assert any("Sat 28 Nov, 14:00" in words for words in maple.shown("Ann"))


async def test_put_out_by_somebody_who_hides_it_is_heard_all_the_same(maple: House) -> None:
    chat = await connect(maple)
    maple.stage.groups.remove(chat, maple.stage.bot_named(), by=AnonymousAdmin())

    await maple.until(berlin(22, 12))

    assert maple.shown("Fay")[-1].startswith("I cannot write in the Telegram group of Maple any more.")


async def test_muted_it_is_silent_and_says_so_once_and_goes_on_when_it_may(maple: House) -> None:
    chat = await connect(maple)
    bot = maple.stage.bot_named()

    maple.stage.groups.restrict(chat, bot)
    await maple.until(berlin(21, 12))
    await plan(maple)
    maple.stage.groups.demote(chat, bot)
    await maple.settled()
    await maple.say("Fay", "/move Maple 1 2026-11-28 16:00")
    await maple.press_newest("Fay", "Confirm")

    assert len([words for words in maple.shown("Fay") if words.startswith("I cannot write in the Telegram")]) == 1
    assert posts(maple, chat)[2:] == ["A date: Sat 28 Nov, 16:00. Your invitation is in your own chat with me."]


async def test_a_group_that_is_only_rebuilt_is_no_news(maple: House) -> None:
    chat = await connect(maple)
    bot = maple.stage.bot_named()

    maple.stage.groups.remove(chat, bot, by=maple.stage.named("Fay"))
    maple.stage.groups.add(chat, bot)
    await maple.until(berlin(21, 12))

    assert not any(words.startswith("I cannot write") for words in maple.shown("Fay"))


async def test_made_an_administrator_it_says_what_that_means(maple: House) -> None:
    chat = await connect(maple)

    maple.stage.groups.promote(chat, maple.stage.bot_named())
    await maple.settled()

    assert maple.shown("Fay")[-1].startswith("I was made an administrator in the Telegram group of Maple.")


async def test_when_its_topic_is_gone_the_group_itself_reads_the_dates(maple: House) -> None:
    chat = open_group(maple, forum=True)
    topic = maple.stage.groups.open_topic(chat, "Dates")
    await say_there(maple, "Fay", chat, "/link Maple", thread=topic.id)
    await maple.press_newest("Fay", "Connect")

    del chat.topics[topic.id]
    await plan(maple)

    last = Phone(maple.stage, maple.stage.named("Fay"), chat).received[-1]
    assert (last.words, last.thread) == (NEXT, None)
    assert posts(maple, chat).count(NEXT) == 1
    assert any(words.startswith("The topic for Maple is gone") for words in maple.shown("Fay"))
