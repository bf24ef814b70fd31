"""The board, the digest and the shelf of programmes: on Fay's phone."""

from __future__ import annotations

import pytest
from house import House
from scenes import berlin, folded, plan_the_session

from bot.programmes.shelf import library
from bot.rehearsal.message import Message

NOT_HERE = "There is nothing like that here for you. Send /start to see what is."


@pytest.fixture
def beginnings(on_sqlite: object) -> object:
    """One database is enough for the screens: what they rest on is tested on both in tests/desk."""
    return on_sqlite


def lines_of(message: Message) -> list[str]:
    return [line for line in message.words.split("\n") if line]


async def checked_in(house: House, name: str) -> None:
    """The first morning's five taps."""
    await house.press(name, folded(house, name)[-1], "Open")
    await house.press_newest(name, "7", "6", "2", "Good", "No, thank you")


async def test_a_board_without_anybody_leads_to_a_first_cohort(house: House) -> None:
    screen = await house.say("Fay", "/board")

    assert (screen.words, screen.labels) == ("You hold nobody yet. Begin with a new cohort.", ["New cohort"])


async def test_the_board_shows_every_cohort_by_its_own_clock_and_leads_to_each(maple: House) -> None:
    await maple.say("Fay", "/newcohort individual Birch Cy Asia/Kolkata")
    await maple.press_newest("Fay", "☐ Screened alone, off this bot", "Make the links")
    await plan_the_session(maple)

    overview = await maple.say("Fay", "/board")
    lines = lines_of(overview)
    opened = await maple.press("Fay", overview, "Maple")

    assert lines == [
        "Nobody has called for you.",
        "Maple, Berlin time",
        "Next session: Sat 28 Nov, 14:00",
        "Next message: Fri 27 Nov, 18:00",
        "Birch, Kolkata time",
        "No session is planned.",
    ]
    assert lines_of(opened)[0] == "Maple, Berlin time"


async def test_a_cohort_is_found_by_its_beginning_and_by_its_quoted_name(house: House) -> None:
    await house.say("Fay", '/newcohort couple "Red Maple" Ann Bob Europe/Berlin')
    await house.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")

    assert lines_of(await house.say("Fay", "/board red"))[0] == "Red Maple, Berlin time"
    assert lines_of(await house.say("Fay", '/board "Red Maple"'))[0] == "Red Maple, Berlin time"
    assert lines_of(await house.say("Fay", "/board “red maple”"))[0] == "Red Maple, Berlin time"
    assert (await house.say("Fay", "/board Birch")).words == (
        "No cohort of yours begins like that. Yours are: Red Maple."
    )


async def test_a_member_has_no_board_and_learns_nothing_by_asking(maple: House) -> None:
    board = await maple.say("Fay", "/board Maple")
    data = board.keyboard[0][0]["callback_data"]

    asked = [
        (await maple.say("Ann", words)).words for words in ("/board", "/board Maple", "/board Nothing", "/programmes")
    ]
    maple.phone("Ann").forge(maple.phone("Ann").received[-1].id, data)
    await maple.settled()

    assert set(asked) == {NOT_HERE}
    assert maple.toast("Ann") == NOT_HERE


async def test_dots_fill_as_people_answer_and_silence_gets_its_age(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await checked_in(released, "Ann")
    morning = lines_of(await released.say("Fay", "/board Maple"))
    await released.until(berlin(30, 11, 0))

    later = lines_of(await released.say("Fay", "/board Maple"))

    assert [line for line in morning if "○" in line] == [
        "Ann: ○○○● · needs you",  # nobody said that they were home
        "Bob: ○○○○ · needs you · quiet 39 hours",
        "● answered or passed, ○ not yet",
    ]
    assert [line for line in later if "○" in line][:2] == [
        "Ann: ○○○● · needs you",
        "Bob: ○○○○ · needs you · quiet 65 hours",
    ]


async def test_a_call_is_on_the_board_until_it_is_closed(maple: House) -> None:
    await maple.say("Ann", "/call")
    called = lines_of(await maple.say("Fay", "/board Maple"))
    overview = (await maple.say("Fay", "/board")).labels
    await maple.press("Fay", folded(maple, "Fay")[-1], "Open")
    await maple.press_newest("Fay", "I've read it")
    await maple.press_newest("Fay", "We spoke")

    closed = lines_of(await maple.say("Fay", "/board Maple"))

    assert called[1] == "One alert is open."
    assert "Ann: needs you" in called
    assert overview[0] == "Who needs me"
    assert [line for line in closed if "needs you" in line or "alert" in line] == []


async def test_the_digest_comes_folded_and_opens_on_what_may_be_read(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await checked_in(released, "Ann")
    await released.until(berlin(1, 17, 10, month=12))
    push = folded(released, "Fay")[-1]
    said = push.words

    await released.press("Fay", push, "Open")
    page = lines_of(push)
    await released.press("Fay", push, "Fold away")

    assert said == "Maple: the window has closed. Your page is here."
    assert page[0] == "Maple, session 1, Berlin time"
    assert page[2:8] == [
        "Sun 29 Nov, 09:30",
        "How is your mood right now? 7 of 10",
        "How settled is your body? 6 of 10",
        "How much is too much right now? 2 of 10",
        "How was the night? Good",
        "Would you like Fay to get in touch? No, thank you",
    ]
    assert push.words == "Maple, session 1: your page is folded."


async def test_withdrawing_the_consent_empties_page_and_board_from_then_on(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await checked_in(released, "Ann")
    board = await released.say("Fay", "/board Maple")
    page = await released.press("Fay", board, "What they told you")
    before = page.words
    await released.say("Ann", "/settings")
    await released.press_newest("Ann", "My place in Maple", "☑ My check-ins may be read by Fay")

    await released.press("Fay", page, "Fold away")
    await released.press("Fay", page, "Open")

    assert "7 of 10" in before
    assert "7 of 10" not in page.words
    assert "Ann: 6 reached. Their check-ins stay with them." in page.words
    assert "Ann: needs you · keeps their check-ins" in lines_of(await released.say("Fay", "/board Maple"))


async def test_sealed_answers_and_journals_never_come_near_the_facilitators_phone(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await released.until(berlin(29, 19, 0))
    await released.press("Ann", folded(released, "Ann")[-1], "Open")
    await released.say("Ann", "CANARY sealed")
    await released.press_newest("Ann", "Share it then")
    await released.say("Ann", "/journal")
    await released.press_newest("Ann", "Write something")
    await released.say("Ann", "CANARY journal")
    await released.until(berlin(1, 17, 10, month=12))

    await released.press("Fay", folded(released, "Fay")[-1], "Open")
    await released.say("Fay", "/board")
    await released.say("Fay", "/board Maple")

    assert [words for words in released.phone("Fay").ever_shown if "CANARY" in words] == []


async def test_what_a_partner_does_with_an_envelope_changes_nothing_on_the_board(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await released.until(berlin(29, 19, 0))
    before = lines_of(await released.say("Fay", "/board Maple"))
    await released.press("Bob", folded(released, "Bob")[-1], "Open")
    opened = lines_of(await released.say("Fay", "/board Maple"))
    await released.say("Bob", "A moment")
    written = lines_of(await released.say("Fay", "/board Maple"))
    await released.press_newest("Bob", "Keep it mine")

    kept = lines_of(await released.say("Fay", "/board Maple"))

    assert before == opened == written == kept


async def test_the_digest_of_somebody_elses_cohort_stays_closed(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    board = await released.say("Fay", "/board Maple")
    data = next(b["callback_data"] for row in board.keyboard for b in row if b["text"] == "What they told you")

    released.phone("Bob").forge(released.phone("Bob").received[-1].id, data)
    await released.settled()

    assert released.toast("Bob") == NOT_HERE


async def test_the_shelf_says_what_a_cohort_can_be_carried_by(house: House) -> None:
    screen = await house.say("Fay", "/programmes")

    steps = {name: len(shelved.programme.steps) for name, shelved in library().items()}
    assert screen.words.split("\n\n") == [
        "Programmes",
        f"A couple's 72 hours\ncouple-72h, for couples, {steps['couple-72h']} steps",
        f"A group's 72 hours\ngroup-72h, for groups, {steps['group-72h']} steps",
        f"72 hours of one's own\nindividual-72h, for one person, {steps['individual-72h']} steps",
        f"A light touch\nlight-touch, for anybody, {steps['light-touch']} steps",
        f"A week to get ready, and 72 hours\nprep-week, for anybody, {steps['prep-week']} steps",
        f"Six sessions, each with its 72 hours\nseries-6, for anybody, {steps['series-6']} steps",
    ]
