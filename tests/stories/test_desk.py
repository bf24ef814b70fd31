"""The board, the digest and the shelf of programmes: on Fay's phone."""

from __future__ import annotations

from house import House
from scenes import berlin, end_the_session, folded, plan_the_session, seat_maple

from bot.programmes.shelf import library
from bot.rehearsal.message import Message

NOT_HERE = "There is nothing like that here for you. Send /start to see what is."


def lines_of(message: Message) -> list[str]:
    return [line for line in message.words.split("\n") if line]


async def checked_in(house: House, name: str) -> None:
    """The first morning's five taps."""
    await house.press(name, folded(house, name)[-1], "Open")
    await house.press_newest(name, "7", "6", "2", "Good", "No, thank you")


async def first_morning(house: House) -> None:
    await seat_maple(house)
    await plan_the_session(house)
    await end_the_session(house)
    await house.until(berlin(29, 9, 30))


async def test_a_board_without_anybody_leads_to_a_first_cohort(house: House) -> None:
    screen = await house.say("Fay", "/board")

    assert (screen.words, screen.labels) == ("You hold nobody yet. Begin with a new cohort.", ["New cohort"])


async def test_the_board_shows_every_cohort_by_its_own_clock_and_leads_to_each(house: House) -> None:
    await seat_maple(house)
    await house.say("Fay", "/newcohort individual Birch Cy Asia/Kolkata")
    await house.press_newest("Fay", "☐ Screened alone, off this bot", "Make the links")
    await plan_the_session(house)

    overview = await house.say("Fay", "/board")
    lines = lines_of(overview)
    maple = await house.press("Fay", overview, "Maple")

    assert lines == [
        "Nobody has called for you.",
        "Maple, Berlin time",
        "Next session: Sat 28 Nov, 14:00",
        "Next message: Fri 27 Nov, 18:00",
        "Birch, Kolkata time",
        "No session is planned.",
    ]
    assert lines_of(maple)[0] == "Maple, Berlin time"


async def test_a_cohort_is_found_by_its_beginning_and_by_its_quoted_name(house: House) -> None:
    await house.say("Fay", '/newcohort couple "Red Maple" Ann Bob Europe/Berlin')
    await house.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")

    assert lines_of(await house.say("Fay", "/board red"))[0] == "Red Maple, Berlin time"
    assert lines_of(await house.say("Fay", '/board "Red Maple"'))[0] == "Red Maple, Berlin time"
    assert lines_of(await house.say("Fay", "/board “red maple”"))[0] == "Red Maple, Berlin time"
    assert (await house.say("Fay", "/board Birch")).words == (
        "No cohort of yours begins like that. Yours are: Red Maple."
    )


async def test_a_member_has_no_board_and_learns_nothing_by_asking(house: House) -> None:
    await seat_maple(house)
    board = await house.say("Fay", "/board Maple")
    data = board.keyboard[0][0]["callback_data"]

    asked = [
        (await house.say("Ann", words)).words for words in ("/board", "/board Maple", "/board Nothing", "/programmes")
    ]
    house.phone("Ann").forge(house.phone("Ann").received[-1].id, data)
    await house.settled()

    assert set(asked) == {NOT_HERE}
    assert house.toast("Ann") == NOT_HERE


async def test_dots_fill_as_people_answer_and_silence_gets_its_age(house: House) -> None:
    await first_morning(house)
    await checked_in(house, "Ann")
    morning = lines_of(await house.say("Fay", "/board Maple"))
    await house.until(berlin(30, 11, 0))

    later = lines_of(await house.say("Fay", "/board Maple"))

    assert [line for line in morning if "○" in line] == [
        "Ann: ○○○● · needs you",  # nobody said that they were home
        "Bob: ○○○○ · needs you · quiet 39 hours",
        "● answered or passed, ○ not yet",
    ]
    assert [line for line in later if "○" in line][:2] == [
        "Ann: ○○○● · needs you",
        "Bob: ○○○○ · needs you · quiet 65 hours",
    ]


async def test_a_call_is_on_the_board_until_it_is_closed(house: House) -> None:
    await seat_maple(house)
    await house.say("Ann", "/call")
    called = lines_of(await house.say("Fay", "/board Maple"))
    overview = (await house.say("Fay", "/board")).labels
    await house.press("Fay", folded(house, "Fay")[-1], "Open")
    await house.press_newest("Fay", "I've read it")
    await house.press_newest("Fay", "We spoke")

    closed = lines_of(await house.say("Fay", "/board Maple"))

    assert called[1] == "One alert is open."
    assert "Ann: needs you" in called
    assert overview[0] == "Who needs me"
    assert [line for line in closed if "needs you" in line or "alert" in line] == []


async def test_the_digest_comes_folded_and_opens_on_what_may_be_read(house: House) -> None:
    await first_morning(house)
    await checked_in(house, "Ann")
    await house.until(berlin(1, 17, 10, month=12))
    push = folded(house, "Fay")[-1]
    said = push.words

    await house.press("Fay", push, "Open")
    page = lines_of(push)
    await house.press("Fay", push, "Fold away")

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


async def test_withdrawing_the_consent_empties_page_and_board_from_then_on(house: House) -> None:
    await first_morning(house)
    await checked_in(house, "Ann")
    board = await house.say("Fay", "/board Maple")
    page = await house.press("Fay", board, "What they told you")
    before = page.words
    await house.say("Ann", "/settings")
    await house.press_newest("Ann", "My place in Maple", "☑ My check-ins may be read by Fay")

    await house.press("Fay", page, "Fold away")
    await house.press("Fay", page, "Open")

    assert "7 of 10" in before
    assert "7 of 10" not in page.words
    assert "Ann: 6 reached. Their check-ins stay with them." in page.words
    assert "Ann: needs you · keeps their check-ins" in lines_of(await house.say("Fay", "/board Maple"))


async def test_sealed_answers_and_journals_never_come_near_the_facilitators_phone(house: House) -> None:
    await first_morning(house)
    await house.until(berlin(29, 19, 0))
    await house.press("Ann", folded(house, "Ann")[-1], "Open")
    await house.say("Ann", "CANARY sealed")
    await house.press_newest("Ann", "Share it then")
    await house.say("Ann", "/journal")
    await house.press_newest("Ann", "Write something")
    await house.say("Ann", "CANARY journal")
    await house.until(berlin(1, 17, 10, month=12))

    await house.press("Fay", folded(house, "Fay")[-1], "Open")
    await house.say("Fay", "/board")
    await house.say("Fay", "/board Maple")

    assert [words for words in house.phone("Fay").ever_shown if "CANARY" in words] == []


async def test_what_a_partner_does_with_an_envelope_changes_nothing_on_the_board(house: House) -> None:
    await first_morning(house)
    await house.until(berlin(29, 19, 0))
    before = lines_of(await house.say("Fay", "/board Maple"))
    await house.press("Bob", folded(house, "Bob")[-1], "Open")
    opened = lines_of(await house.say("Fay", "/board Maple"))
    await house.say("Bob", "A moment")
    written = lines_of(await house.say("Fay", "/board Maple"))
    await house.press_newest("Bob", "Keep it mine")

    kept = lines_of(await house.say("Fay", "/board Maple"))

    assert before == opened == written == kept


async def test_the_digest_of_somebody_elses_cohort_stays_closed(house: House) -> None:
    await first_morning(house)
    board = await house.say("Fay", "/board Maple")
    data = next(b["callback_data"] for row in board.keyboard for b in row if b["text"] == "What they told you")

    house.phone("Bob").forge(house.phone("Bob").received[-1].id, data)
    await house.settled()

    assert house.toast("Bob") == NOT_HERE


async def test_the_shelf_says_what_a_cohort_can_be_carried_by(house: House) -> None:
    screen = await house.say("Fay", "/programmes")

    steps = {name: len(shelved.programme.steps) for name, shelved in library().items()}
    assert screen.words.split("\n\n")[:3] == [
        "Programmes",
        f"A couple's 72 hours\ncouple-72h, for couples, {steps['couple-72h']} steps",
        f"A light touch\nlight-touch, for anybody, {steps['light-touch']} steps",
    ]
