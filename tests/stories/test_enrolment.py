"""Founding a cohort, seats and their links, joining, offices and menus: on the phones."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from house import House, run_house
from scenes import SATURDAY_MORNING, found_maple, join, link_for

from bot.enrolment.compose import picture

WORDS = re.compile(r"(?:Your two words|Say the words aloud to each other): (.+)")


# ── Founding ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cohort_is_founded_by_buttons_all_the_way(house: House) -> None:
    await house.say("Fay", "/start")
    await house.press_newest("Fay", "New cohort", "Couple")
    await house.say("Fay", "Maple")
    await house.press_newest("Fay", "No names, just numbers", "London · 10:00")
    review = house.phone("Fay").received[-1]
    await house.press_newest(
        "Fay", "☐ Each was screened alone, off this bot", "○ I keep no secrets between them", "Make the links"
    )

    assert review.words == (
        "Maple is there. 2 links are on their way to you, each with a picture. "
        "Forward each one to the person it names, in private."
    )
    assert [words.partition(",")[0] for words in house.shown("Fay")[-2:]] == ["Seat 1", "Seat 2"]


async def test_one_line_founds_a_cohort_and_shows_it_before_it_is_made(house: House) -> None:
    review = await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin couple-72h")

    assert review.words.splitlines()[:3] == [
        "Maple, Couple: Ann, Bob",
        "Time zone: Europe/Berlin, 11:00 there now",
        "Programme: A couple's 72 hours",
    ]


async def test_a_name_with_blanks_is_quoted(house: House) -> None:
    review = await house.say("Fay", '/newcohort couple "Red Maple" Ann Bob Europe/Berlin')

    assert review.words.splitlines()[0] == "Red Maple, Couple: Ann, Bob"


async def test_there_are_no_links_before_screening_and_policy_are_said(house: House) -> None:
    await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    await house.press_newest("Fay", "Make the links")
    policy_missing = house.toast("Fay")
    await house.press_newest("Fay", "○ It stays with me", "Make the links")

    assert policy_missing == "First, please choose what happens with what one of them tells you alone."
    assert house.toast("Fay") == "First, please confirm that each was screened alone, off this bot."
    assert len(house.phone("Fay").received) == 1


async def test_each_link_comes_with_its_picture_and_a_text_to_forward(house: House) -> None:
    links = await found_maple(house)

    for_ann, for_bob = house.phone("Fay").received[-2:]
    assert for_ann.words == (
        f"Ann, this link is for you alone:\n{links['Ann']}\n\n"
        "Open it on your own phone, in private, or scan the picture with its camera. It works once, until "
        "Sat 28 Nov, 11:00. Please do not pass it on."
    )
    assert for_ann.photo == picture(links["Ann"])
    assert for_bob.photo == picture(links["Bob"])


async def test_the_home_of_a_facilitator_has_a_button_for_everything(maple: House) -> None:
    home = await maple.say("Fay", "/start")
    cohort = await maple.press("Fay", home, "Maple")

    assert cohort.labels == [
        *("Sessions", "Board", "Broadcast", "Seats and links", "Co-facilitator", "Group chat", "Home"),
    ]
    await maple.press("Fay", cohort, "Home")
    assert home.labels == [
        *("Set my time zone", "Maple", "New cohort", "Board", "Broadcast", "Programmes"),
        *("Appoint a facilitator", "Settings", "Help"),
    ]


async def test_the_same_name_twice_is_refused_and_what_was_typed_can_be_changed(maple: House) -> None:
    refused = await maple.say("Fay", "/newcohort couple maple Chidi Dana Europe/Berlin")

    assert refused.words == "You already have a cohort called maple. Please choose another name."


# ── Joining ────────────────────────────────────────────────────────────────────────────────────────────────────────

SCREENS = {
    "welcome": (),
    "readers": ("Go on",),
    "switches": ("Go on", "Go on"),
    "a switch": ("Go on", "Go on", "☐ I may open single answers to my partner"),
    "about": ("Go on", "Go on", "I am 18 or older, go on"),
    "waiting": ("Go on", "Go on", "I am 18 or older, go on", "All right, go on"),
}


@pytest.mark.parametrize("presses", SCREENS.values(), ids=SCREENS.keys())
async def test_joining_goes_on_at_every_screen_where_it_stopped(house: House, presses: tuple[str, ...]) -> None:
    links = await found_maple(house)
    await house.open("Ann", links["Ann"])
    stopped_at = await house.press_newest("Ann", *presses)

    await house.restart()
    by_start = await house.say("Ann", "/start")
    by_link = await house.open("Ann", links["Ann"])

    assert (by_start.words, by_start.buttons) == (stopped_at.words, stopped_at.buttons)
    assert (by_link.words, by_link.buttons) == (stopped_at.words, stopped_at.buttons)


async def test_both_sides_read_the_same_two_words(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])

    for_ann = WORDS.search(house.shown("Ann")[-1])
    for_fay = WORDS.search(house.shown("Fay")[-1])

    assert for_ann is not None
    assert for_fay is not None
    assert for_ann[1] == for_fay[1]


async def test_nothing_is_open_until_the_facilitator_admits(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    before = len(house.phone("Ann").received)

    await house.press_newest("Fay", "Admit")

    assert len(house.phone("Ann").received) == before + 1
    assert house.shown("Ann")[-1].startswith("Your seat in Maple is open, Ann.")


async def test_a_typed_city_sets_clock_and_country(house: House) -> None:
    links = await found_maple(house)
    await house.open("Bob", links["Bob"])
    await house.press_newest("Bob", "Go on", "Go on", "I am 18 or older, go on", "Another time")

    about = await house.say("Bob", "kolkata")

    assert "It is 15:30 for you, right? (Kolkata)" in about.words
    assert "Country: India." in about.words


async def test_a_place_nobody_knows_loses_nothing(house: House) -> None:
    links = await found_maple(house)
    await house.open("Bob", links["Bob"])
    await house.press_newest("Bob", "Go on", "Go on", "I am 18 or older, go on", "Another time")

    unknown = await house.say("Bob", "Qwxzy on Sea")
    about = await house.say("Bob", "Asia/Kolkata")

    assert unknown.words == (
        "I know no place of that name. Please type a larger city nearby, or a zone such as Europe/Berlin."
    )
    assert "It is 15:30 for you, right? (Kolkata)" in about.words


async def test_a_member_who_is_not_recognised_loses_the_seat_and_the_link_is_new(house: House) -> None:
    links = await found_maple(house)
    house.stage.person("Eve")
    await join(house, "Eve", links["Ann"])

    await house.press_newest("Fay", "Not this person", "Yes, not this person")

    assert house.shown("Eve")[-1].startswith("Your seat was not opened")
    assert link_for(house, "Ann") != links["Ann"]


# ── Links ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_used_link_is_refused_to_a_stranger_who_learns_nothing(house: House) -> None:
    links = await found_maple(house)
    await house.open("Ann", links["Ann"])
    house.stage.person("Eve")

    refused = await house.open("Eve", links["Ann"])

    assert refused.words == (
        "This link was already used; it works once. If that was not you, please ask for a new one."
    )


async def test_an_invented_link_sounds_like_any_other(house: House) -> None:
    refused = await house.open("Ann", "https://t.me/understory_bot?start=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

    assert refused.words == (
        "This link does not work, or no longer. Please ask the person who gave it to you for a new one."
    )


async def test_an_old_link_offers_to_ask_for_another_and_that_one_works(house: House) -> None:
    links = await found_maple(house)
    await house.until(SATURDAY_MORNING + timedelta(days=8))

    old = await house.open("Ann", links["Ann"])
    await house.press("Ann", old, "Ask for a new link")
    await house.press_newest("Fay", "New link")
    first = await house.open("Ann", link_for(house, "Ann"))

    assert old.words == "I have asked. You will get the new link the same way as this one."
    assert first.words.startswith("Hello. Fay keeps a seat for you: Maple.")


async def test_a_link_that_is_opened_in_a_group_is_burnt(house: House) -> None:
    links = await found_maple(house)
    ann = house.stage.named("Ann")
    group = house.stage.groups.open("Family", owner=ann, bots=[house.stage.bot_named()])

    house.stage.phone("Ann", group).open_link(links["Ann"].replace("?start=", "?startgroup="), group)
    await house.settled()
    afterwards = await house.open("Ann", links["Ann"])

    assert house.stage.phone("Ann", group).received[-1].words == (
        "A personal link was shown here, so I have made it useless. Please use links only in private."
    )
    assert afterwards.labels == ["Ask for a new link"]
    assert house.shown("Fay")[-1].startswith("The link for Ann in Maple no longer works")


async def test_a_facilitator_takes_no_seat_and_the_link_stays_free(house: House) -> None:
    links = await found_maple(house)

    refused = await house.open("Fay", links["Ann"])
    taken = await house.open("Ann", links["Ann"])

    assert refused.words == (
        "Nobody holds a seat in a cohort that they facilitate. The link still works for its person."
    )
    assert taken.words.startswith("Hello. Fay keeps a seat for you: Maple.")


async def test_nobody_takes_both_seats(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])

    refused = await house.open("Ann", links["Bob"])
    taken = await house.open("Bob", links["Bob"])

    assert refused.words == "You already have a seat there, so this link stays free for its person."
    assert taken.words.startswith("Hello. Fay keeps a seat for you: Maple.")


# ── Offices and menus ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_printed_link_makes_the_first_owner_once(database_url: str) -> None:
    async with run_house(database_url, start=SATURDAY_MORNING, owner_ids="") as house:
        link = house.printed[0].split()[-1]

        before = await house.say("Fay", "/appoint")
        home = await house.open("Fay", link)
        again = await house.open("Ann", link)

        assert before.words == "There is nothing like that here for you. Send /start to see what is."
        assert "Appoint a facilitator" in home.labels
        assert again.words == (
            "This link was already used; it works once. If that was not you, please ask for a new one."
        )


async def test_an_owner_appoints_a_facilitator_with_a_link(house: House) -> None:
    house.stage.person("Gus")
    shown = await house.say("Fay", "/appoint")

    home = await house.open("Gus", shown.words.split()[0])

    assert home.labels == ["Set my time zone", "New cohort", "Board", "Broadcast", "Programmes", "Settings", "Help"]


async def test_a_cofacilitator_holds_the_cohort_too(maple: House) -> None:
    maple.stage.person("Gus")
    shown = await maple.say("Fay", "/cofacilitator Maple")

    home = await maple.open("Gus", shown.words.split()[0])

    assert "Maple" in home.labels


async def test_telegram_offers_each_role_its_own_commands(house: House) -> None:
    for_everybody = list(house.phone("Ann").commands)
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await house.press_newest("Fay", "Admit")
    await house.say("Fay", "/start")

    assert for_everybody == ["start", "help"]
    assert list(house.phone("Ann").commands) == [
        *("start", "next", "journal", "call", "pause", "resume", "settings", "mydata", "leave", "help"),
    ]
    assert list(house.phone("Fay").commands) == [
        *("start", "cohorts", "board", "alerts", "newcohort", "session", "ended", "broadcast", "link"),
        "programmes",
        *("settings", "appoint", "help"),
    ]


async def test_the_commands_are_offered_in_the_language_of_the_phone(house: House) -> None:
    house.stage.person("Grete", language="de")

    offered = house.phone("Grete").commands

    assert list(offered) == ["start", "help"]
    assert offered != house.phone("Ann").commands


async def test_a_menu_that_cannot_be_set_stops_nothing(house: House) -> None:
    links = await found_maple(house)
    house.stage.faults.add("refused", method="setMyCommands", code=400, sentence="Bad Request", times=None)
    await join(house, "Ann", links["Ann"])

    await house.press_newest("Fay", "Admit")

    assert house.shown("Ann")[-1].startswith("Your seat in Maple is open, Ann.")
