"""Groups of many and cohorts of one: one link for all, the waiting list, names, one person in several cohorts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from circles import come, enter, found_birch, has, newest_link, seat_birch, words_of
from house import House
from scenes import BERLIN, berlin, join, link_for
from sqlalchemy import select

from bot.storage.tables import Chat, Cohort, Delivery
from bot.words import DeliveryState, Lane

# ── One link ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_group_with_a_number_of_seats_has_one_link_for_all(house: House) -> None:
    link = await found_birch(house, "3")

    for name in ("Ann", "Bob", "Chidi"):
        await enter(house, name, link)

    assert len([message for message in house.phone("Fay").received if message.photo]) == 1
    page = await house.press_newest("Fay", "Back to the cohort")
    assert page.words.splitlines()[3:] == ["Ann: is in", "Bob: is in", "Chidi: is in", "3 of 3 seats are taken."]


async def test_a_group_with_names_has_a_link_for_each(house: House) -> None:
    await found_birch(house, "Ann Bob Chidi")

    links = {link_for(house, name) for name in ("Ann", "Bob", "Chidi")}

    assert len(links) == 3


async def test_the_link_of_a_group_shown_in_a_group_is_burnt_and_can_be_made_anew(house: House) -> None:
    link = await found_birch(house)
    chat = house.stage.groups.open("Friends", house.stage.named("Ann"), bots=[house.stage.bot_named()])
    house.stage.phone("Ann", chat).say(f"/start@understory_bot {link.partition('start=')[2]}")
    await house.settled()

    refused = await house.open("Bob", link)
    await house.press("Bob", refused, "Ask for a new link")
    await house.press_newest("Fay", "New link")
    shown = await house.open("Bob", newest_link(house))

    assert house.stage.phone("Ann", chat).last.text == (
        "A personal link was shown here, so I have made it useless. Please use links only in private."
    )
    assert refused.words == "I have asked. You will get the new link the same way as this one."
    assert newest_link(house) != link
    assert shown.words.startswith("Hello.")


# ── The waiting list ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_comes_when_all_seats_are_taken_waits_and_the_facilitator_sees_it(house: House) -> None:
    link = await seat_birch(house, "Ann", "Bob")
    house.stage.person("Chidi")

    waits = await house.open("Chidi", link)
    again = await house.say("Chidi", "/start")

    assert waits.words == again.words
    assert waits.words.startswith("Thank you for coming, Chidi. Every seat in Birch is taken at the moment")
    assert house.shown("Fay")[-1].startswith("Chidi has opened the link of Birch, where every seat is taken.")
    page = await house.press_newest("Fay", "Back to the cohort")
    assert page.words.splitlines()[-1] == "Chidi: on the waiting list"


async def test_a_seat_that_comes_free_goes_to_whom_the_facilitator_gives_it(house: House) -> None:
    link = await seat_birch(house, "Ann", "Bob")
    for name in ("Chidi", "Dana"):
        house.stage.person(name)
        await house.open(name, link)

    await house.say("Ann", "/leave")
    await house.press_newest("Ann", "Yes, leave")
    offered = house.newest("Fay", "Give Dana a seat")
    await house.press("Fay", offered, "Give Dana a seat")
    await house.press_newest("Dana", "Begin", "Go on", "Go on", "I am 18 or older, go on", "All right, go on")
    await house.press_newest("Fay", "Admit")

    assert [version.content["text"] for version in offered.versions][:1] == [
        "A seat in Birch is free. Who shall have it?"
    ]
    assert house.shown("Dana")[-1].startswith("Your seat in Birch is open, Dana.")
    assert house.shown("Chidi")[-1].startswith("Thank you for coming, Chidi.")


async def test_of_two_who_are_given_the_last_seat_the_second_stays_on_the_list(house: House) -> None:
    link = await seat_birch(house, "Ann", "Bob")
    for name in ("Chidi", "Dana"):
        house.stage.person(name)
        await house.open(name, link)
    await house.press_newest("Fay", "Back to the cohort", "Seats and links", "One more seat")

    page = house.phone("Fay").received[-1]
    stale = house.newest("Fay", "Give Dana a seat")
    house.phone("Fay").press(page, "Give Chidi a seat")
    house.phone("Fay").press(stale, "Give Dana a seat")
    await house.settled()

    assert house.toast("Fay") == "Every seat is taken again, so they stay on the list. Seats and links can add one."
    assert house.shown("Chidi")[-1].startswith("A seat in Birch is free for you.")
    assert house.shown("Dana")[-1].startswith("Thank you for coming, Dana.")


async def test_who_waits_may_go_off_the_list_and_nobody_is_told(house: House) -> None:
    link = await seat_birch(house, "Ann", "Bob")
    house.stage.person("Chidi")
    await house.open("Chidi", link)
    told = len(house.phone("Fay").received)

    off = await house.press_newest("Chidi", "Take me off the list")

    assert off.words == "Done, you are off the list. If you change your mind, open the link again."
    assert len(house.phone("Fay").received) == told
    assert (await house.open("Chidi", link)).words.startswith("Thank you for coming, Chidi.")


async def test_who_was_turned_away_does_not_come_back_by_the_same_link(house: House) -> None:
    link = await found_birch(house)
    await come(house, "Chidi", link)
    await house.press_newest("Fay", "Not this person", "Yes, not this person")

    again = await house.open("Chidi", link)

    assert again.words.startswith("This link was already used")
    assert (await house.open("Ann", link)).words.startswith("Hello.")


# ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_of_one_name_are_told_apart_and_each_may_choose_another(house: House) -> None:
    link = await seat_birch(house, "Bob")
    house.stage.person("BOB")
    await house.open("BOB", link)
    about = await house.press_newest("BOB", "Go on", "Go on", "I am 18 or older, go on")
    called = about.words.splitlines()[2]

    await house.press_newest("BOB", "Another name")
    taken = await house.say("BOB", "bob")
    like_fay = await house.say("BOB", "fay")
    chosen = await house.say("BOB", "@Linden <b>")

    assert called == "Name: BOB 2. Fay and your group read it."
    assert taken.words == "Somebody here is called bob already. Please choose a name that tells you apart."
    assert like_fay.words == "Somebody here is called fay already. Please choose a name that tells you apart."
    assert chosen.words.splitlines()[2] == "Name: ＠Linden <b>. Fay and your group read it."


async def test_a_name_can_be_changed_later_for_one_cohort_alone(maple: House) -> None:
    settings = await maple.say("Ann", "/settings")
    await maple.press("Ann", settings, "My place in Maple")
    await maple.press_newest("Ann", "Another name")

    taken = await maple.say("Ann", "Bob")
    place = await maple.say("Ann", "Linden")

    assert taken.words == "Somebody here is called Bob already. Please choose a name that tells you apart."
    assert "You are called Linden here." in place.words.splitlines()


# ── One alone ──────────────────────────────────────────────────────────────────────────────────────────────────────

_OTHERS = r"\b(?:partner|couple|pair\w*|group|circle|rounds?|the others?|both(?! know)|between (?:you|them)|each of)\b"


async def test_who_comes_alone_reads_no_word_of_others(house: House) -> None:
    await house.say("Fay", "/newcohort individual Linden Ann Europe/Berlin light-touch")
    await house.press_newest("Fay", "☐ Screened alone, off this bot", "Make the links")
    link = link_for(house, "Ann")
    await house.open("Ann", link)
    for _ in range(2):
        await house.press_newest("Ann", "Full text", "Fold", "Go on")
    await house.press_newest("Ann", "Full text", "Fold", "☐ My check-ins may be read by Fay")
    await house.press_newest("Ann", "I am 18 or older, go on", "Another name", "Back", "All right, go on")
    await house.press_newest("Fay", "Admit")
    await house.say("Fay", "/session Linden 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")
    await house.press_newest("Ann", "I'm coming")
    for words in ("/start", "/next", "/help", "/journal", "/mydata", "/settings"):
        await house.say("Ann", words)
    await house.press_newest("Ann", "My place in Linden", "Fewer", "All steps", "Pause 3 days", "Go on now")
    await house.press_newest("Ann", "Another name", "Back", "Leave", "Stay", "Leave", "Yes, leave")

    assert has(words_of(house, "Ann"), _OTHERS) == []
    assert "Ann has left Linden. Nothing more goes to them." in house.shown("Fay")


async def test_a_cohort_of_one_cannot_be_unpaired(house: House) -> None:
    await house.say("Fay", "/newcohort individual Linden Ann Europe/Berlin light-touch")
    await house.press_newest("Fay", "☐ Screened alone, off this bot", "Make the links")
    await join(house, "Ann", link_for(house, "Ann"), switches=())
    await house.press_newest("Fay", "Admit")

    refused = await house.say("Ann", "/unpair")

    assert has(refused.words, _OTHERS) == []


# ── One person, several cohorts ────────────────────────────────────────────────────────────────────────────────────


async def test_somebody_in_two_cohorts_is_asked_which_and_their_days_stay_one(maple: House) -> None:
    link = await found_birch(maple, "2")
    await enter(maple, "Ann", link)
    await enter(maple, "Chidi", link)
    asked = await maple.say("Ann", "/pause 3d")

    await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await maple.press_newest("Fay", "Confirm")
    await maple.say("Fay", "/session Birch 2026-11-28 18:30 1h")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(28, 17))
    await maple.press_newest("Fay", "It has ended now", "With a companion", "With a companion")
    await maple.until(berlin(28, 19, 30))
    await maple.press_newest("Fay", "It has ended now", "With a companion", "With a companion")
    await maple.until(berlin(2, 12, month=12))

    assert (asked.words, asked.labels) == ("Which one?", ["Maple", "Birch"])
    prompts = await steps_sent(maple, "Ann")
    assert {cohort for _, cohort in prompts} == {"Maple", "Birch"}
    hours = [at for at, _ in prompts]
    assert all(later - earlier >= timedelta(minutes=90) for earlier, later in pairwise(hours))
    assert all(8 <= at.astimezone(BERLIN).hour < 21 for at in hours)
    assert max(Counter(at.astimezone(BERLIN).date() for at in hours).values()) <= 4


async def steps_sent(house: House, name: str) -> list[tuple[datetime, str]]:
    """Every prompt, practice and check-in that reached somebody, apart from safety: when, and from which cohort."""
    async with house.bot.runtime.database.transaction() as tx:
        rows = await tx.execute(
            select(Delivery, Cohort)
            .join(Chat, Chat.id == Delivery.chat_id)
            .join(Cohort, Cohort.id == Delivery.cohort_id)
            .where(
                Chat.telegram_id == house.stage.named(name).id,
                Delivery.kind == "prompt",
                Delivery.state == DeliveryState.SENT,
                Delivery.lane > Lane.SAFETY,
            )
            .order_by(Delivery.sent_at)
        )
        return [(row.sent_at, tx.open(cohort, "name")) for row, cohort in rows if row.facts["kind"] != "reminder"]
