"""Help and alerts, on the phones: the whole bot against the stage."""

from __future__ import annotations

from datetime import timedelta

from couple import NOON
from house import House

MINUTE = timedelta(minutes=1)
CARD = "I am a program: not a person, not an emergency service, and nobody watches this chat around the clock."


def heard(house: House, name: str, since: int) -> list[str]:
    """The first lines of what the bot wrote to somebody from their message number ``since`` on."""
    return [message.words.splitlines()[0] for message in house.phone(name).received[since:]]


async def test_a_stranger_gets_the_help_card_too(maple: House):
    maple.stage.person("Sam", language="en", id=1009)

    card = await maple.say("Sam", "/help")

    assert card.words == (
        f"{CARD}\n\n"
        "If you or somebody else is in danger, call 112 or 911 or your local emergency number.\n\n"
        "To talk to somebody now:\n• lines in every country: findahelpline.com"
    )
    assert card.buttons == [["More lines, by country"]]


async def test_ann_asks_for_a_call_fay_reads_it_and_ann_reads_that(maple: House):
    await maple.say("Ann", "/call")
    again = await maple.say("Ann", "/call")
    assert heard(maple, "Fay", 1) == ["Somebody needs you."]
    assert again.words == "Fay was told at 13:00 and has not confirmed it yet. I can't know when it is read."

    alert = maple.phone("Fay").received[-1]
    await maple.press("Fay", alert, "Open")
    assert alert.words == "Ann (Maple) asks you to get in touch.\nMon 30 Nov, 09:00, a moment ago."
    await maple.press("Fay", alert, "I've read it")
    assert maple.phone("Ann").received[-1].words == "Fay read it at 13:00."
    await maple.press("Fay", alert, "We spoke")

    assert alert.words == "Somebody needed you. This is closed."
    assert (await maple.say("Fay", "/alerts")).words == "Nobody is waiting for you."
    assert heard(maple, "Bob", 1) == []


async def test_i_need_help_now_shows_the_card_at_once_and_repeats_until_fay_reads_it(maple: House):
    card = await maple.say("Ann", "/help")
    await maple.press("Ann", card, "I need help now")
    assert sorted(heard(maple, "Ann", 2)) == [
        "Fay has been told. I can't know when it is read.",
        f"You are here with Fay. {CARD}",
    ]

    await maple.until(NOON + 31 * MINUTE)
    assert heard(maple, "Fay", 1) == ["Somebody needs you.", *["Somebody needs you. Nobody has read it yet."] * 6]
    assert maple.phone("Ann").received[-1].words.startswith("Nobody has confirmed yet; please don't wait.")

    alert = maple.phone("Fay").received[-1]
    await maple.press("Fay", alert, "Open")
    await maple.press("Fay", alert, "I've read it")
    assert maple.phone("Ann").received[-1].words == "Fay read it at 13:31."
    assert {message.words for message in maple.phone("Fay").received[1:-1]} == {
        "Somebody needs you. One of you has read it."
    }
    await maple.until(NOON + 60 * MINUTE)
    assert len(heard(maple, "Fay", 1)) == 7

    await maple.press("Fay", alert, "We spoke")
    await maple.press("Fay", alert, "Resume their programme")
    assert alert.labels == ["Fold"]
    assert set(heard(maple, "Bob", 1)) <= {"Something small for you today."}


async def test_in_a_group_help_belongs_to_nobody_and_nothing_private_is_said(maple: House):
    stage = maple.stage
    fay, ann = stage.named("Fay"), stage.named("Ann")
    group = stage.groups.open("Friends", fay, [ann], bots=[stage.bot_named("understory_bot")])
    shown = {}
    for who, words in (("Ann", "/help"), ("Ann", "/call"), ("Fay", "/alerts")):
        phone = stage.phone(who, group)
        phone.say(words)
        await maple.settled()
        shown[words] = phone.received[-1].words.splitlines()[0]

    assert shown == {
        "/help": CARD,
        "/call": CARD,
        "/alerts": "This is between you and me. Please send it in our own chat.",
    }


async def test_blocking_the_bot_is_shown_to_fay(maple: House):
    maple.phone("Ann").block()
    await maple.settled()

    alert = maple.phone("Fay").received[-1]
    await maple.press("Fay", alert, "Open")

    assert alert.words.splitlines()[0] == "Ann (Maple) cannot be reached on Telegram."


async def test_a_forged_tap_on_somebody_elses_alert_reveals_nothing(maple: House):
    await maple.say("Ann", "/call")
    alert = maple.phone("Fay").received[-1]
    data = alert.keyboard[0][0]["callback_data"]

    bob = maple.phone("Bob")
    bob.forge(bob.received[-1].id, data)
    await maple.settled()

    assert bob.toasts[-1].text == "This is not here any more. /alerts shows who waits for you."
    assert len(bob.received) == 1
