"""The days after a session, step by step, on both phones."""

from __future__ import annotations

from datetime import datetime, timedelta

from house import House
from scenes import ENDED, FOLDED, answer, berlin, folded, found_maple, join, link_for, press_all, unfold


def december(day: int, hour: int, minute: int = 0) -> datetime:
    return berlin(day, hour, minute, month=12)


# Session on Saturday the 28th, 11:00 to 14:00, so that even the rest finds its hour.
EVERY_STEP = [
    (berlin(27, 18), "Your session is on Saturday, 28 November at 11:00."),
    (berlin(27, 19, 30), "One line, lightly held"),
    (berlin(28, 8), "Nothing to open this time."),  # a quiet night lies between the eve and its opening
    (berlin(28, 8), "Three taps before you set out."),
    (berlin(28, 10), "Nothing to achieve today."),
    (berlin(28, 16), "Home and settled?"),
    (berlin(28, 18), "Water, warmth, low light."),
    (berlin(29, 9, 30), "Good morning."),
    (berlin(29, 11), "Ten lines, on paper if you like"),
    (berlin(29, 18, 30), "One moment from yesterday or today"),
    (berlin(30, 9, 30), "Three quiet minutes."),
    (berlin(30, 17), "Nothing to open this time."),
    (berlin(30, 18, 30), "Listening in turns"),
    (berlin(30, 20), "Two things"),
    (december(1, 9, 30), "A part of you may want to close up"),
    (december(1, 16, 30), "Nothing to open this time."),
    (december(1, 18), "One tiny thing"),
    (december(1, 20), "Five taps to close these three days"),
    (december(2, 17), "Nothing to open this time."),
    (december(2, 18, 30), "Where in the body"),
    (december(5, 18, 30), "Your weekly twenty minutes."),
]


async def test_every_step_reaches_both_phones_at_the_same_instant(maple: House) -> None:
    await maple.say("Fay", "/session Maple 2026-11-28 11:00 3h")
    await maple.press_newest("Fay", "Confirm")
    said: dict[str, list[tuple[datetime, str]]] = {"Ann": [], "Bob": []}
    for instant in dict.fromkeys(at for at, _ in EVERY_STEP):
        await maple.until(instant)
        if instant == berlin(28, 10):
            await maple.until(berlin(28, 14))
            await maple.press_newest("Fay", "It has ended now")
        arrived = {name: folded(maple, name) for name in said}
        await press_all(maple, arrived, "Open")
        for name, messages in arrived.items():
            said[name] += [(message.sent_at, message.words) for message in messages]
        await press_all(maple, arrived, "Skip")

    for steps in said.values():
        begins = zip(sorted(steps), EVERY_STEP, strict=True)
        assert [(at, words[: len(begin)]) for (at, words), (_, begin) in begins] == EVERY_STEP
    for name in ("Ann", "Bob"):
        since = [note for note in maple.phone(name).notifications if note.at >= EVERY_STEP[0][0]]
        assert {note.text for note in since} == {FOLDED}


# ── One message ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_checkin_unfolds_goes_on_and_folds_in_one_message(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = folded(released, "Ann")[-1]
    count = len(released.phone("Ann").received)
    screens = [message.words]
    for label in ("Open", "7", "6", "2", "Good", "No, thank you"):
        await released.press("Ann", message, label)
        screens.append(message.words.splitlines()[0])

    assert screens == [
        FOLDED,
        "Good morning. Five taps, just as it is. Flat, tender, bright or nothing special are all welcome.",
        "How settled is your body?",
        "How much is too much right now?",
        "How was the night?",
        "Would you like Fay to get in touch?",
        "Thank you. Fay can read this.",
    ]
    assert len(released.phone("Ann").received) == count


async def test_each_question_says_who_can_read_it(released: House) -> None:
    await released.until(berlin(29, 9, 30))

    message = await unfold(released, "Ann")

    assert message.words.splitlines()[-1] == "Fay can read this."


async def test_back_returns_to_the_question_before(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = await unfold(released, "Ann")
    first = message.words

    await released.press("Ann", message, "7")
    await released.press("Ann", message, "Back")

    assert message.words == first


async def test_an_answered_checkin_can_be_changed(released: House) -> None:
    await released.until(berlin(28, 19, 5))
    message = await answer(released, "Ann", "Not yet", "Change")

    asked = message.words.splitlines()[0]
    await released.press("Ann", message, "Yes")

    assert asked == "Home and settled?"
    assert message.words == "Thank you. Fay can read this."


async def test_later_brings_it_back_in_an_hour(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await answer(released, "Ann", "Later", "In an hour")
    await released.until(berlin(29, 10, 29))
    waiting = len(folded(released, "Ann"))

    await released.until(berlin(29, 10, 30))

    assert len(folded(released, "Ann")) == waiting + 1
    assert (await unfold(released, "Ann")).words.startswith("Good morning.")


async def test_what_was_skipped_can_be_opened_again(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = await answer(released, "Ann", "Skip")
    skipped = message.words

    await released.press("Ann", message, "Open again")

    assert skipped == "Skipped. That is fine."
    assert message.words.startswith("Good morning.")


async def test_a_practice_folds_when_it_is_done(evening: House) -> None:
    await evening.until(berlin(30, 9, 30))

    message = await answer(evening, "Ann", "Done")

    assert message.words == "Done for now."


# ── Typing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_typed_answer_leaves_the_chat_once_it_is_kept(released: House) -> None:
    await released.until(berlin(29, 11))
    message = await unfold(released, "Ann")

    await released.say("Ann", "Ten lines about the heron")

    assert message.words == "Thank you. Only you can read this."
    assert not any("heron" in shown.words for shown in released.phone("Ann").messages)
    for name in ("Bob", "Fay"):
        assert not any("heron" in words for words in released.phone(name).ever_shown)


async def test_words_where_buttons_were_expected_are_asked_about_and_the_buttons_stay(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = await unfold(released, "Ann")

    asked = await released.say("Ann", "rather good")
    await released.press("Ann", message, "7")

    assert asked.labels == ["Send to Fay", "Keep for me", "I need help now"]
    assert message.words.splitlines()[0] == "How settled is your body?"


async def test_a_typed_number_is_taken_where_a_number_was_asked_for(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = await unfold(released, "Ann")

    await released.say("Ann", "7")

    assert message.words.splitlines()[0] == "How settled is your body?"
    assert not any(shown.words == "7" for shown in released.phone("Ann").messages)


async def test_words_in_reply_to_what_is_answered_replace_nothing(released: House) -> None:
    await released.until(berlin(29, 11))
    page = await unfold(released, "Ann")
    await released.say("Ann", "Ten lines about the heron")

    asked = await released.say("Ann", "and one more thing", reply_to=page)

    assert asked.labels == ["Send to Fay", "Keep for me", "I need help now"]
    assert page.words == "Thank you. Only you can read this."


async def test_words_in_reply_to_what_is_still_folded_answer_nothing_unseen(released: House) -> None:
    await released.until(berlin(29, 11))

    asked = await released.say("Ann", "not now", reply_to=folded(released, "Ann")[-1])

    assert asked.labels == ["Send to Fay", "Keep for me", "I need help now"]


async def test_words_in_reply_to_buttons_are_refused_kindly_and_stay(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    message = await unfold(released, "Ann")

    refused = await released.say("Ann", "rather good", reply_to=message)

    assert refused.words == "Please choose a number from 0 to 10."
    assert released.phone("Ann").messages[-2].words == "rather good"


async def test_with_two_open_questions_the_bot_asks_which_one_is_meant(released: House) -> None:
    await released.until(berlin(29, 18, 30))
    for message in folded(released, "Ann"):
        await released.press("Ann", message, "Open")
    lines, moment = (released.phone("Ann").find(words) for words in ("Ten lines", "One moment"))

    asked = await released.say("Ann", "The heron")
    answers = [label for label in asked.labels if label.startswith("It answers: ")]
    await released.press("Ann", asked, next(label for label in answers if "Ten lines" in label))

    assert len(answers) == 2
    assert lines.words == "Thank you. Only you can read this."
    assert moment.words.startswith("One moment from yesterday or today")
    assert not any("heron" in message.words for message in released.phone("Ann").messages)


async def test_where_no_words_are_kept_a_tap_is_enough_and_typed_words_are_not_swallowed(house: House) -> None:
    await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    await house.press_newest(
        *("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "☐ Minimal mode", "Make the links")
    )
    for name in ("Ann", "Bob"):
        await join(house, name, link_for(house, name), switches=())
        await house.press_newest("Fay", "Admit")
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")
    await house.until(berlin(27, 19, 30))
    page = await unfold(house, "Ann")

    typed = await house.say("Ann", "The heron", reply_to=page)
    asks = page.words.splitlines()[2]
    await house.press("Ann", page, "Done")

    assert typed.labels == ["Send to Fay", "Keep for me", "I need help now"]
    assert asks == "Say it to each other, or put it on paper: nothing is written here."
    assert page.words == "Thank you. Nothing of this is stored."


# ── Who gets what ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_who_has_not_answered_is_reminded(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    await answer(released, "Ann", "7", "7", "2", "Good", "No, thank you")
    before = {name: len(folded(released, name)) for name in ("Ann", "Bob")}
    await released.until(berlin(29, 10, 59))
    await released.until(berlin(29, 12, 30))

    new = {name: len(folded(released, name)) - before[name] for name in ("Ann", "Bob")}

    assert new == {"Ann": 1, "Bob": 2}  # one is the step of 11:00
    assert (await unfold(released, "Bob")).words.startswith("Good morning.")


async def test_who_accompanies_is_not_asked_what_only_concerns_who_received(planned: House) -> None:
    await planned.say("Fay", "/role Maple Bob supporting")
    await planned.until(berlin(28, 17, 5))
    await planned.press_newest("Fay", "It has ended now")
    already = {name: len(folded(planned, name)) for name in ("Ann", "Bob")}

    await planned.until(berlin(28, 19, 5))

    assert {name: len(folded(planned, name)) - already[name] for name in already} == {"Ann": 1, "Bob": 0}


async def test_nothing_but_safety_comes_in_the_first_hours_and_the_night(released: House) -> None:
    await released.until(berlin(29, 9, 29))

    assert [message.sent_at for message in folded(released, "Ann")] == [berlin(28, 19, 5)]


async def test_a_latecomer_receives_no_step_from_the_past(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await house.press_newest("Fay", "Admit")
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")
    await house.until(berlin(27, 20))
    await join(house, "Bob", links["Bob"])
    await house.press_newest("Fay", "Admit")

    await house.until(berlin(28, 11))

    assert [message.sent_at for message in folded(house, "Bob")] == [berlin(28, 11)]


async def test_a_step_that_would_be_too_early_travels_with_the_next(maple: House) -> None:
    await maple.say("Fay", "/session Maple 2026-11-28 09:30 3h")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(28, 8, 30))

    message = await unfold(maple, "Ann")

    assert message.words.startswith("Nothing to achieve today.")
    assert "How did you sleep?" in message.words


async def test_an_old_step_can_still_be_opened_but_promises_nothing(planned: House) -> None:
    await planned.until(berlin(28, 14))
    sealed = folded(planned, "Ann")[1]

    await planned.press("Ann", sealed, "Open")

    assert sealed.words == "The hour for this one has passed. You can still write it for yourself: /journal"


# ── The facilitator ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_digest_comes_when_the_window_closes(evening: House) -> None:
    closes = ENDED + timedelta(hours=72)
    await evening.until(closes - timedelta(minutes=1))
    before = len(evening.phone("Fay").received)
    await evening.until(closes)

    assert evening.shown("Fay")[before:] == ["Maple: the window has closed. Your page is here."]


async def test_the_board_shows_who_answered_and_never_what(evening: House) -> None:
    await evening.until(berlin(29, 18, 30))
    await unfold(evening, "Ann")
    await evening.say("Ann", "The heron")
    board = await evening.say("Fay", "/board Maple")

    assert "heron" not in board.words
    assert "Ann: " in board.words
