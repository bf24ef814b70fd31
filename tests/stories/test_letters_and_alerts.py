"""Words nobody asked for, calls, urgent alerts, the help card, broadcasts, a blocked bot: on the phones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from house import House
from scenes import ENDED, FOLDED, SATURDAY_MORNING, add_cofacilitator, add_facilitator, berlin, folded, link_for

ALERT = "Somebody needs you."
AGAIN = "Somebody needs you. Nobody has read it yet."
A_CANARY = "The heron stood in the reeds"

ONE_MINUTE = timedelta(minutes=1)
FIVE_MINUTES = timedelta(minutes=5)


def told(house: House, name: str, words: Sequence[str] = (ALERT, AGAIN)) -> int:
    """How many alerts somebody has been told of, by the notifications of their phone."""
    return sum(note.text in words for note in house.phone(name).notifications)


# ── Words nobody asked for ─────────────────────────────────────────────────────────────────────────────────────────


async def test_unexpected_words_reach_the_facilitator_only_when_their_author_says_so(released: House) -> None:
    asked = await released.say("Ann", A_CANARY)
    before = released.phone("Fay").ever_shown

    await released.press("Ann", asked, "Send to Fay")
    note = await released.press_newest("Fay", "Open")

    assert not any(A_CANARY in words for words in before)
    assert asked.words == "Sent to Fay. I can't know when it is read."
    assert note.words == f"Ann (Maple), Sat 28 Nov, 17:05\n\n{A_CANARY}"
    assert released.phone("Fay").notifications[-1].text == "A note for you."
    assert not any(A_CANARY in words for words in released.shown("Ann"))


async def test_the_facilitator_answers_through_the_bot(released: House) -> None:
    asked = await released.say("Ann", "Is it normal to be tired?")
    await released.press("Ann", asked, "Send to Fay")
    await released.press_newest("Fay", "Open", "Answer")
    await released.say("Fay", "Yes. Rest as long as you like.")

    letter = await released.press_newest("Ann", "Open")

    assert "Rest as long as you like" not in released.phone("Ann").notifications[-1].text
    assert letter.words.splitlines()[2] == "Yes. Rest as long as you like."
    assert not any("Rest as long" in words for words in released.phone("Bob").ever_shown)


async def test_what_is_kept_nobody_else_ever_sees(released: House) -> None:
    asked = await released.say("Bob", A_CANARY)
    await released.press("Bob", asked, "Keep for me")

    journal = await released.say("Bob", "/journal")

    assert asked.words == "Kept. Only you can read it: /journal"
    assert A_CANARY in journal.words
    for name in ("Ann", "Fay"):
        assert not any(A_CANARY in words for words in released.phone(name).ever_shown)


async def test_a_voice_note_can_be_sent_and_a_sticker_cannot(released: House) -> None:
    phone = released.phone("Ann")
    phone.send_sticker()
    await released.settled()
    sticker = released.shown("Ann")[-1]
    phone.send_voice(b"OggS the voice of Ann")
    await released.settled()
    await released.press_newest("Ann", "Send to Fay")
    await released.press_newest("Fay", "Open")

    assert (
        sticker == "I can pass on words, pictures, voice notes and files. This is none of them, and I have not kept it."
    )
    assert released.phone("Fay").received[-1].voice == b"OggS the voice of Ann"


async def test_a_stranger_who_writes_reaches_nobody(released: House) -> None:
    released.stage.person("Eve")
    before = released.phone("Fay").ever_shown

    answered = await released.say("Eve", "Who is in Maple?")

    assert answered.words == "I did not expect words here, and I have not kept them. /start shows what there is."
    assert released.phone("Fay").ever_shown == before


async def test_a_mistyped_command_is_not_taken_for_words_and_names_help(released: House) -> None:
    answered = await released.say("Ann", "/hlep I am afraid")

    assert answered.words == "I do not know this command. /start shows what there is, and /help works at any time."
    assert answered.labels == ["Help"]


async def test_words_that_only_begin_with_a_slash_are_kept_whole(released: House) -> None:
    asked = await released.say("Bob", "/ the heron, again")
    await released.press("Bob", asked, "Keep for me")

    journal = await released.say("Bob", "/journal")

    assert "/ the heron, again" in journal.words


# ── Calls and alerts ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_reaches_the_facilitator_at_once_without_saying_whose(released: House) -> None:
    await released.say("Ann", "/call")
    notification = released.phone("Fay").notifications[-1]

    alert = await released.press_newest("Fay", "Open")

    assert (notification.text, notification.silent) == (ALERT, False)
    assert alert.words.splitlines()[0] == "Ann (Maple) asks you to get in touch."


async def test_the_member_reads_the_truth_about_who_has_read_it(released: House) -> None:
    await released.say("Ann", "/call")
    told_at_first = released.shown("Ann")[-1]
    await released.until(ENDED + 4 * ONE_MINUTE)
    alert = await released.press_newest("Fay", "Open")
    only_opened = released.shown("Ann")[-1]

    await released.press("Fay", alert, "I've read it")

    assert told_at_first == "Fay has been told. I can't know when it is read."
    assert only_opened == told_at_first
    assert released.shown("Ann")[-1] == "Fay read it at 17:09."


async def test_after_half_an_hour_the_member_is_told_once_that_nobody_has_confirmed(released: House) -> None:
    await released.say("Ann", "/call")
    untold = "Nobody has confirmed yet; please don't wait."

    await released.until(ENDED + 29 * ONE_MINUTE)
    before = [words for words in released.shown("Ann") if words.startswith(untold)]
    await released.until(ENDED + timedelta(hours=3))

    after = [words for words in released.shown("Ann") if words.startswith(untold)]
    assert before == []
    lines = (
        "If you or somebody else is in danger, call 112. "
        "To talk to somebody now: call 116 123 (in many countries of Europe, not in all)."
    )
    assert after == [f"{untold}\n\n{lines}"]


async def test_asking_twice_for_a_call_is_one_alert(released: House) -> None:
    await released.say("Ann", "/call")
    again = await released.say("Ann", "/call")

    assert told(released, "Fay") == 1
    assert again.words == "Fay was told at 17:05 and has not confirmed it yet. I can't know when it is read."


async def test_an_urgent_alert_repeats_every_five_minutes_until_it_is_read(released: House) -> None:
    asked = await released.say("Ann", "I cannot do this")
    await released.press("Ann", asked, "I need help now")
    counts = []
    for minutes in (0, 4, 5, 10):
        await released.until(ENDED + minutes * ONE_MINUTE)
        counts.append(told(released, "Fay"))

    await released.press_newest("Fay", "Open", "I've read it")
    await released.until(ENDED + timedelta(hours=1))

    assert counts == [1, 1, 2, 3]
    assert told(released, "Fay") == 3


async def test_after_three_repeats_the_owner_hears_of_it_too(maple: House) -> None:
    await add_facilitator(maple, "Gus")
    await maple.say("Gus", "/newcohort individual Linden Chidi Europe/Berlin")
    await maple.press_newest("Gus", "☐ Screened alone, off this bot", "Make the links")
    maple.stage.person("Chidi")
    await maple.open("Chidi", link_for(maple, "Chidi", on="Gus"))
    await maple.press_newest("Chidi", "Go on", "Go on", "I am 18 or older, go on", "All right, go on")
    await maple.press_newest("Gus", "Admit")
    await maple.say("Chidi", "/help")
    await maple.press_newest("Chidi", "I need help now")
    await maple.until(SATURDAY_MORNING + 14 * ONE_MINUTE)
    before = told(maple, "Fay")

    await maple.until(SATURDAY_MORNING + 15 * ONE_MINUTE)

    assert before == 0
    assert (told(maple, "Fay"), told(maple, "Gus")) == (1, 4)


async def test_help_comes_before_anything_else_and_the_messages_rest(released: House) -> None:
    await released.say("Ann", "/help")
    card = await released.press_newest("Ann", "I need help now")
    await released.press_newest("Fay", "Open", "I've read it")
    await released.until(berlin(29, 12))

    assert "If you or somebody else is in danger, call 112." in card.words
    assert folded(released, "Ann") == []
    assert folded(released, "Bob") != []


async def test_a_held_programme_goes_on_when_the_facilitator_says_so(released: House) -> None:
    await released.say("Ann", "/help")
    await released.press_newest("Ann", "I need help now")
    await released.press_newest("Fay", "Open", "I've read it", "Resume their programme")

    await released.until(berlin(28, 19, 5))

    assert folded(released, "Ann")[-1].sent_at == berlin(28, 19, 5)


async def test_outside_the_duty_hours_that_is_said_first(released: House) -> None:
    await released.until(berlin(28, 23, 30))

    receipt = await released.say("Ann", "/call")

    assert receipt.words == (
        "It is outside the hours in which Fay looks here (08:00 to 21:00, your time).\n\n"
        "Fay has been told. I can't know when it is read."
    )


async def test_an_answer_that_asks_for_somebody_is_an_alert_without_content(released: House) -> None:
    await released.until(berlin(28, 19, 5))
    await released.press_newest("Ann", "Open", "Please call me")
    notification = released.phone("Fay").notifications[-1].text

    alert = await released.press_newest("Fay", "Open")

    assert notification == ALERT
    assert alert.words.splitlines()[0] == "Ann (Maple) gave an answer that asks for you."


async def test_silence_where_a_sign_is_awaited_becomes_an_alert(released: House) -> None:
    await released.until(berlin(28, 19, 5))
    await released.press_newest("Bob", "Open", "Yes")
    await released.until(berlin(28, 20, 34))
    before = told(released, "Fay")
    await released.until(berlin(28, 20, 35))

    alert = await released.press_newest("Fay", "Open")

    assert (before, told(released, "Fay")) == (0, 1)
    assert alert.words.splitlines()[0] == "Ann (Maple) has not answered something that waits for a sign."


async def test_an_alert_is_handed_to_the_cofacilitator(released: House) -> None:
    await add_cofacilitator(released, "Gus")
    await released.say("Ann", "/call")
    await released.press_newest("Fay", "Open", "Hand over", "Gus")

    await released.press_newest("Gus", "Open", "I've read it")

    assert released.shown("Ann")[-1] == "Gus read it at 17:05."


async def test_a_facilitator_of_another_cohort_cannot_open_an_alert(released: House) -> None:
    await add_facilitator(released, "Hal")
    await released.say("Ann", "/call")
    alert = released.newest("Fay", "Open")
    data = alert.keyboard[0][0]["callback_data"]

    released.phone("Hal").forge(released.phone("Hal").received[-1].id, data)
    await released.settled()

    assert released.toast("Hal") == "This is not here any more. /alerts shows who waits for you."


# ── The help card ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_help_card_is_there_for_a_stranger(house: House) -> None:
    house.stage.person("Eve")

    card = await house.say("Eve", "/help")

    assert "If you or somebody else is in danger, call 112 or 911 or your local emergency number." in card.words
    assert "findahelpline.com" in card.words


@pytest.mark.parametrize("before", ["/leave", "/pause", "/session Maple"])
async def test_the_help_card_of_ones_country_is_there_in_any_state(maple: House, before: str) -> None:
    who = "Fay" if before.startswith("/session") else "Ann"
    await maple.say(who, before)
    if before == "/leave":
        await maple.press_newest("Ann", "Yes, leave")

    card = await maple.say(who, "/help")

    assert "To talk to somebody now:" in card.words
    assert ("call 112." in card.words) == (who == "Ann")


async def test_in_a_group_help_shows_nothing_of_anybody(maple: House) -> None:
    ann = maple.stage.named("Ann")
    group = maple.stage.groups.open("Family", owner=ann, bots=[maple.stage.bot_named()])

    maple.stage.phone("Ann", group).say("/help@understory_bot")
    await maple.settled()

    card = maple.stage.phone("Ann", group).received[-1]
    assert "Fay" not in card.words
    assert "In our own chat, /help also shows the lines of your country and who is there for you." in card.words


# ── Broadcasts ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_broadcast_is_shown_with_names_and_count_before_it_leaves(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you <soon> & well")

    sample, preview = maple.phone("Fay").received[-2:]

    assert sample.words == "From Fay:\nSee you <soon> & well"
    assert preview.words == (
        "This reaches 2 people.\nAt once: Ann and Bob\n"
        "Answers come to you and whoever holds the group with you, one by one."
    )
    assert not any("See you" in words for name in ("Ann", "Bob") for words in maple.shown(name))


async def test_a_broadcast_can_be_undone_for_fifteen_seconds(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you soon")
    await maple.press_newest("Fay", "Send")
    await maple.until(SATURDAY_MORNING + timedelta(seconds=14))

    undone = await maple.press_newest("Fay", "Undo")
    await maple.until(SATURDAY_MORNING + FIVE_MINUTES)

    assert undone.words == "Cancelled. Nobody has received it."
    assert not any("See you" in words for name in ("Ann", "Bob") for words in maple.phone(name).ever_shown)


async def test_a_broadcast_arrives_after_fifteen_seconds_and_is_reported(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you soon")
    await maple.press_newest("Fay", "Send")
    await maple.until(SATURDAY_MORNING + timedelta(seconds=15))
    arrived = {name: maple.phone(name).received[-1] for name in ("Ann", "Bob")}

    await maple.until(SATURDAY_MORNING + FIVE_MINUTES)

    assert [message.words for message in arrived.values()] == ["From Fay:\nSee you soon"] * 2
    assert maple.shown("Fay")[-1] == "2 people have it.\nAnn and Bob"


async def test_what_waits_for_the_morning_can_be_stopped(maple: House) -> None:
    await maple.until(berlin(21, 23))
    await maple.say("Fay", "/broadcast Maple See you soon")
    preview = maple.shown("Fay")[-1]
    await maple.press_newest("Fay", "Send")
    await maple.until(berlin(21, 23, 5))
    await maple.press_newest("Fay", "How far is it?", "Stop the rest")
    await maple.until(berlin(22, 12))

    assert "Ann: Sun 22 Nov, 08:00, when it is awake there" in preview
    assert not any("See you" in words for name in ("Ann", "Bob") for words in maple.phone(name).ever_shown)


async def test_nothing_is_broadcast_into_the_first_hours(released: House) -> None:
    await released.say("Fay", "/broadcast Maple See you soon")
    await released.press_newest("Fay", "Send")

    await released.until(ENDED + FIVE_MINUTES)

    assert not any("See you" in words for name in ("Ann", "Bob") for words in released.phone(name).ever_shown)


async def test_a_picture_is_broadcast_in_reply_to_it(maple: House) -> None:
    picture = maple.phone("Fay").send_photo(caption="The lake")
    await maple.settled()
    await maple.say("Fay", "/broadcast Maple", reply_to=picture)
    await maple.press_newest("Fay", "Send")
    await maple.until(SATURDAY_MORNING + FIVE_MINUTES)

    for name in ("Ann", "Bob"):
        arrived = maple.phone(name).received[-1]
        assert (arrived.words, arrived.photo) == ("From Fay:\nThe lake", picture.photo)


async def test_an_answer_to_a_broadcast_reaches_the_facilitator(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you soon")
    await maple.press_newest("Fay", "Send")
    await maple.until(SATURDAY_MORNING + FIVE_MINUTES)
    broadcast = maple.phone("Ann").received[-1]

    asked = await maple.say("Ann", "Looking forward to it", reply_to=broadcast)
    await maple.press("Ann", asked, "Send to Fay")
    note = await maple.press_newest("Fay", "Open")

    assert note.words.splitlines()[-1] == "Looking forward to it"
    assert not any("Looking forward" in words for words in maple.phone("Bob").ever_shown)


# ── Who cannot be reached ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_blocked_bot_is_told_once_and_the_partner_learns_nothing(released: House) -> None:
    released.phone("Ann").block()
    await released.until(berlin(28, 19, 5))
    await released.press_newest("Bob", "Open", "Yes")
    await released.until(berlin(30, 12))
    unreachable = [message for message in released.phone("Fay").received if message.words == ALERT]

    alert = await released.press("Fay", unreachable[0], "Open")

    assert len(unreachable) == 1
    assert alert.words.splitlines()[0] == "Ann (Maple) cannot be reached on Telegram."
    assert not any("Ann" in note.text for note in released.phone("Bob").notifications)


async def test_unblocking_resumes(released: House) -> None:
    released.phone("Ann").block()
    await released.until(berlin(29, 10))
    released.phone("Ann").unblock()
    await released.settled()

    await released.until(berlin(29, 11))

    assert (folded(released, "Ann")[-1].words, folded(released, "Ann")[-1].sent_at) == (FOLDED, berlin(29, 11))
