"""Whatever people type, press, send twice or forge: a kind word with a remedy, one effect, nothing lost. On the phones."""

from __future__ import annotations

import pytest
from house import House
from scenes import SATURDAY_MORNING, add_facilitator, berlin, folded, found_maple, unfold

NOT_YOURS = "There is nothing like that here for you. Send /start to see what is."
FROM_EARLIER = "This button is from an earlier time. Send /start to see what is here now."
NO_SUCH_TIME = (
    "I did not understand that time. Try 2026-11-28 14:00 3h, or Sat 6pm, or tomorrow 14:00. "
    "/cancel leaves it as it is."
)
NO_SUCH_MEETING = "There is no meeting with the number 9. Sessions are 1, 2, 3, gatherings g1, g2; /cohorts lists them."
NO_SUCH_KIND = (
    "Please begin with couple, group or individual, such as: /newcohort couple Maple Ann Bob. "
    "Or send /newcohort alone, and use buttons."
)
ALREADY_DONE = "This was already done, or it waited too long. Please begin it again."


# ── Typed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TYPED = [
    ("/session Maple 2026-13-45 14:00 3h", NO_SUCH_TIME),
    ("/session Maple soonish", NO_SUCH_TIME),
    ("/session Maple 2026-11-20 14:00 3h", "That time has passed. Please choose a later one."),
    ("/session Maple 2036-11-28 14:00 3h", "That is more than two years away. Please check the year."),
    (
        "/session Maple 2026-11-28 14:00 99h",
        "A meeting can last from 10 minutes to 24 hours. Please choose another length.",
    ),
    (
        "/session Maple Mon 2026-11-28 14:00 3h",
        "That weekday and that date are different days. Which one is it?",
    ),
    (
        f"/session Maple 2026-11-28 14:00 3h {'t' * 300}",
        "A title has at most 80 characters. Please send it again, shorter.",
    ),
    ("/session Birch 2026-11-28 14:00 3h", "No cohort of yours begins like that. Yours are: Maple."),
    ("/move Maple 9 2026-11-28 15:00", NO_SUCH_MEETING),
    ("/cancel Maple 9", NO_SUCH_MEETING),
    ("/details Maple 9", NO_SUCH_MEETING),
    ("/details Maple", "Nothing is planned for them. /session plans something; /cohorts lists what was."),
    ("/ended Maple", "No session has begun that could end now."),
    ("/board Birch", "No cohort of yours begins like that. Yours are: Maple."),
    ("/broadcast Birch hello", "No cohort of yours begins like that. Yours are: Maple."),
    ("/newcohort trio Elm A B C", NO_SUCH_KIND),
    (
        "/newcohort couple Elm A B Europe/Berln",
        "I do not know this time zone. Close to it: Europe/Berlin, Europe/Dublin, Europe/Helsinki, Europe/Guernsey.",
    ),
    (
        "/newcohort couple Elm A A Europe/Berlin",
        "Two seats cannot both be called A. Please add a letter to one of them.",
    ),
    (
        f"/newcohort couple {'E' * 100} A B Europe/Berlin",
        "That name is too long, 32 letters fit. Please type a shorter one.",
    ),
    (
        "/newcohort couple \u202e\u200b A B Europe/Berlin",
        "A name is still needed, with at least one letter that can be seen. Please type it again.",
    ),
]


@pytest.mark.parametrize(("typed", "answer"), TYPED, ids=[typed[:40] for typed, _ in TYPED])
async def test_what_cannot_be_done_is_said_with_a_remedy(maple: House, typed: str, answer: str) -> None:
    refused = await maple.say("Fay", typed)

    assert refused.words == answer


@pytest.mark.parametrize(
    ("name", "command", "answer"),
    [
        ("Ann", "/newcohort couple Elm A B", NOT_YOURS),
        ("Ann", "/cohorts", NOT_YOURS),
        ("Ann", "/board Maple", NOT_YOURS),
        ("Ann", "/session Maple 2026-11-28 14:00 3h", NOT_YOURS),
        ("Ann", "/ended Maple", NOT_YOURS),
        ("Ann", "/appoint", NOT_YOURS),
        ("Ann", "/programmes", NOT_YOURS),
        ("Ann", "/broadcast Maple hello", "There is no group here that you hold."),
        ("Gus", "/session Maple 2026-11-28 14:00 3h", NOT_YOURS),
        ("Gus", "/board Maple", NOT_YOURS),
        ("Gus", "/appoint", NOT_YOURS),
    ],
)
async def test_a_command_from_the_wrong_person_reveals_nothing(
    maple: House, name: str, command: str, answer: str
) -> None:
    await add_facilitator(maple, "Gus")

    refused = await maple.say(name, command)

    assert refused.words == answer


async def test_an_edited_command_never_acts(maple: House) -> None:
    phone = maple.phone("Fay")
    typed = phone.say("/cohorts")
    await maple.settled()
    before = maple.shown("Fay")

    phone.edit(typed, "/newcohort couple Elm A B Europe/Berlin")
    await maple.settled()

    assert maple.shown("Fay") == before


async def test_an_edited_answer_never_changes_what_was_kept(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    page = await unfold(released, "Ann")
    typed = released.phone("Ann").say("good", reply_to=page)
    await released.settled()
    before = page.words

    released.phone("Ann").edit(typed, "7")
    await released.settled()

    assert page.words == before


# ── Too long ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_that_is_too_long_stays_in_the_chat_to_be_shortened(released: House) -> None:
    await released.until(berlin(29, 11))
    await unfold(released, "Ann")

    refused = await released.say("Ann", "\U0001f341" * 4096)

    assert refused.words == (
        "That is 4096 characters, and 3000 fit here. Your message is still above: shorten it and send it again."
    )
    assert released.phone("Ann").messages[-2].words == "\U0001f341" * 4096


@pytest.mark.parametrize("letter", ["\U0001f341", "&", "<"], ids=["emoji", "ampersands", "brackets"])
async def test_the_longest_message_is_kept_whole_whatever_it_is_made_of(maple: House, letter: str) -> None:
    asked = await maple.say("Ann", letter * 4096)
    await maple.press("Ann", asked, "Send to Fay")
    note = await maple.press_newest("Fay", "Open")
    read = note.words.count(letter)
    while "›" in note.labels:
        await maple.press("Fay", note, "›")
        read += note.words.count(letter)

    assert read == 4096


async def test_a_broadcast_that_would_be_cut_is_refused_before_it_leaves(maple: House) -> None:
    refused = await maple.say("Fay", f"/broadcast Maple {'&' * 4079}")

    assert refused.words.endswith("Please shorten it.")
    assert maple.phone("Fay").received[-1].labels == []


# ── Odd names and odd things ───────────────────────────────────────────────────────────────────────────────────────


async def type_a_name(house: House, name: str) -> str:
    """Ann says how she wants to be called; what she reads then."""
    links = await found_maple(house)
    await house.open("Ann", links["Ann"])
    await house.press_newest("Ann", "Go on", "Go on", "I am 18 or older, go on", "Another name")
    return (await house.say("Ann", name)).words


async def test_a_name_with_markup_is_shown_letter_by_letter(house: House) -> None:
    await type_a_name(house, "A<b>nn & \U0001f341 {name}")
    await house.press_newest("Ann", "All right, go on")

    assert house.shown("Fay")[-1].splitlines()[0] == "A<b>nn & \U0001f341 {name} has opened a seat in Maple (Ann)."


async def test_a_name_from_right_to_left_is_kept(house: House) -> None:
    about = await type_a_name(house, "\u05d0\u05b7\u05e0\u05b8\u05bc\u05d4")

    assert "\u05d0\u05b7\u05e0" in about


@pytest.mark.parametrize("name", ["A\u200bnn", "A\u2066nn"], ids=["no width", "direction"])
async def test_a_name_with_characters_that_cannot_be_seen_is_asked_for_again(house: House, name: str) -> None:
    refused = await type_a_name(house, name)

    assert refused == "That name contains characters that cannot be seen. Please type it by hand."


@pytest.mark.parametrize("thing", ["sticker", "voice", "photo"])
async def test_a_thing_where_words_were_asked_for_loses_nothing(house: House, thing: str) -> None:
    await house.say("Fay", "/newcohort")
    await house.press_newest("Fay", "Couple")
    getattr(house.phone("Fay"), f"send_{thing}")()
    await house.settled()
    refused = house.shown("Fay")[-1]

    following = await house.say("Fay", "Maple")

    assert refused == "A name is still needed, with at least one letter that can be seen. Please type it again."
    assert following.words.startswith("Who are the two?")


async def test_a_thing_where_an_hour_was_asked_for_loses_nothing(maple: House) -> None:
    await maple.say("Fay", "/session Maple")
    maple.phone("Fay").send_photo()
    await maple.settled()
    refused = maple.shown("Fay")[-1]

    following = await maple.say("Fay", "Sat 6pm")

    assert refused == NO_SUCH_TIME
    assert following.words.startswith("Saturday, 21 November, 18:00")


async def test_an_anonymous_administrator_is_nobody(maple: House) -> None:
    ann = maple.stage.named("Ann")
    group = maple.stage.groups.open("Family", owner=ann, bots=[maple.stage.bot_named()])

    maple.stage.phone("Ann", group).say_anonymously("/call@understory_bot")
    await maple.settled()

    written = maple.stage.phone("Ann", group).received
    assert [message.words for message in written] == ["/call@understory_bot"]
    assert maple.phone("Fay").received == []


# ── Taps ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "data",
    [
        "nonsense",
        "open:",
        "open:AAAAAAAAAAAAAAAAAAAAAA",
        "answer:AAAAAAAAAAAAAAAAAAAAAA:mood.99",
        "x" * 64,
        "admit:AAAAAAAAAAAAAAAAAAAAAA:",
        "\U0001f341" * 16,
    ],
)
async def test_a_forged_tap_does_nothing_and_says_so(released: House, data: str) -> None:
    await released.say("Ann", "/start")
    before = released.shown("Ann")

    released.phone("Ann").forge(released.phone("Ann").received[-1].id, data)
    await released.settled()

    assert released.toast("Ann") in {
        FROM_EARLIER,
        NOT_YOURS,
        "This button belongs to another message. Send /start to see yours.",
    }
    assert released.shown("Ann") == before


async def test_the_buttons_of_one_partner_do_nothing_for_the_other(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    page = await unfold(released, "Ann")
    before = page.words
    tap = page.keyboard[0][0]["callback_data"]

    released.phone("Bob").forge(folded(released, "Bob")[-1].id, tap)
    await released.settled()

    assert released.toast("Bob") == "This button belongs to another message. Send /start to see yours."
    assert page.words == before


async def test_a_member_cannot_press_what_belongs_to_the_facilitator(planned: House) -> None:
    await planned.until(berlin(28, 17))
    tap = planned.newest("Fay", "It has ended now").keyboard[0][0]["callback_data"]

    planned.phone("Ann").forge(folded(planned, "Ann")[-1].id, tap)
    await planned.settled()

    assert planned.toast("Ann") == NOT_YOURS
    assert "Has it ended?" in planned.shown("Fay")[-1]


async def test_a_double_tap_has_one_effect(maple: House) -> None:
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")

    for _ in range(2):
        maple.phone("Fay").press(preview, "Confirm")
    await maple.settled()
    await maple.until(SATURDAY_MORNING)

    assert maple.toast("Fay") == ALREADY_DONE
    assert sum("I'm coming" in message.labels for message in maple.phone("Ann").received) == 1
    meetings = await maple.press_newest("Fay", "All meetings")
    assert meetings.words.count("session") == 1


async def test_a_double_tap_on_an_answer_answers_one_question(released: House) -> None:
    await released.until(berlin(29, 9, 30))
    page = await unfold(released, "Ann")

    for _ in range(2):
        released.phone("Ann").press(page, "7")
    await released.settled()

    assert page.words.splitlines()[0] == "How settled is your body?"


async def test_a_stale_preview_does_nothing(maple: House) -> None:
    first = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await maple.press("Fay", first, "Cancel")
    tap = (await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")).keyboard[0][0]["callback_data"]
    await maple.press_newest("Fay", "Cancel")

    maple.phone("Fay").forge(first.id, tap)
    await maple.settled()

    assert maple.toast("Fay") == ALREADY_DONE
    assert not any("I'm coming" in message.labels for message in maple.phone("Ann").received)


# ── Twice, out of order, and after a stop ──────────────────────────────────────────────────────────────────────────


async def test_updates_that_arrive_again_and_in_another_order_have_one_effect(maple: House) -> None:
    maple.stage.faults.add("duplicate_updates", times=5)
    maple.stage.faults.add("reorder_updates", times=5)

    for words in ("/call", "/help", "/next"):
        maple.phone("Ann").say(words)
    await maple.settled()
    await maple.say("Ann", "/journal")

    assert len(maple.phone("Ann").received) == 4
    assert maple.shown("Fay") == ["Somebody needs you."]


async def test_an_answer_that_arrives_five_times_is_kept_once(released: House) -> None:
    await released.until(berlin(29, 11))
    page = await unfold(released, "Ann")
    released.stage.faults.add("duplicate_updates", times=5)

    await released.say("Ann", "The heron")
    await released.press("Ann", page, "Change")

    assert page.words.startswith("Ten lines")
    assert len(released.phone("Ann").received) == len(folded(released, "Ann")) + 1


async def test_a_stop_in_the_middle_of_the_window_loses_and_doubles_nothing(released: House) -> None:
    await released.until(berlin(28, 19, 4))
    await released.restart()
    await released.until(berlin(28, 19, 5))
    await released.restart()
    arrived = [message.sent_at for message in folded(released, "Ann")]
    page = await unfold(released, "Ann")
    await released.restart()
    await released.press("Ann", page, "Yes")
    await released.until(berlin(29, 9, 30))

    assert arrived == [berlin(28, 19, 5)]
    assert page.words == "Thank you. Fay can read this."
    assert [message.sent_at for message in folded(released, "Ann")] == [berlin(29, 9, 30)]


async def test_what_was_typed_while_the_bot_was_away_is_answered_afterwards(maple: House) -> None:
    await maple.stop()
    maple.phone("Ann").say("/call")
    await maple.start()
    await maple.settled()

    assert maple.shown("Ann") == ["Fay has been told. I can't know when it is read."]
    assert maple.shown("Fay") == ["Somebody needs you."]


async def test_a_button_pressed_in_vain_while_the_bot_was_away_still_acts(released: House) -> None:
    await released.until(berlin(28, 19, 5))
    page = await unfold(released, "Ann")
    await released.stop()
    released.phone("Ann").press(page, "Yes")
    await released.start()
    await released.settled()

    assert page.words == "Thank you. Fay can read this."
