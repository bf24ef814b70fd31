"""Planning, invitations, moves, the end of a session: on the phones."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
import vobject
from house import House
from scenes import (
    FOLDED,
    SATURDAY_MORNING,
    berlin,
    folded,
    found_maple,
    join,
    plan_the_session,
    unfold,
)
from sqlalchemy import select

from bot.rehearsal.message import Message
from bot.storage.tables import Chat, Delivery

A_LITTLE_LATER = timedelta(minutes=5)


async def seat_far_apart(house: House) -> None:
    """Ann lives in Berlin, Bob in Kolkata."""
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await house.press_newest("Fay", "Admit")
    await house.open("Bob", links["Bob"])
    await house.press_newest("Bob", "Go on", "Go on", "I am 18 or older, go on", "Another time")
    await house.say("Bob", "Kolkata")
    await house.press_newest("Bob", "All right, go on")
    await house.press_newest("Fay", "Admit")


def calendar_files(house: House, name: str) -> list[vobject.base.Component]:
    return [
        vobject.readOne(message.document.decode())
        for message in house.phone(name).received
        if message.document is not None and message.file is not None and message.file.name == "calendar.ics"
    ]


def questions(house: House) -> list[Message]:
    """Where Fay is asked whether the session has ended."""
    return [message for message in house.phone("Fay").received if "Has it ended?" in message.words]


# ── Planning ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_is_planned_by_buttons_all_the_way(maple: House) -> None:
    await maple.say("Fay", "/start")
    await maple.press_newest("Fay", "Maple", "Sessions", "New session", "28", "14:00")
    preview = await maple.press_newest("Fay", "3h")

    assert preview.words.splitlines()[:2] == [
        "Maple, session 1",
        "Saturday, 28 November, 14:00 to 17:00, Berlin time, 3h",
    ]
    await maple.press("Fay", preview, "Confirm")
    assert preview.words.splitlines()[0] == "It is planned."


async def test_a_typed_weekday_and_hour_are_understood(maple: House) -> None:
    await maple.say("Fay", "/session Maple")
    await maple.say("Fay", "Sat 6pm")

    preview = await maple.press_newest("Fay", "3h")

    assert preview.words.splitlines()[1] == "Saturday, 21 November, 18:00 to 21:00, Berlin time, 3h"


async def test_one_line_shows_names_counts_and_what_cannot_be_kept(maple: House) -> None:
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")

    assert preview.words == (
        "Maple, session 1\n"
        "Saturday, 28 November, 14:00 to 17:00, Berlin time, 3h\n"
        "Ann and Bob: 14:00 their time\n"
        "2 invitations go out.\n"
        "40 messages are planned, the first Fri 27 Nov, 18:00.\n"
        "Cannot be kept:\n"
        "rest: it would be too late that day (Ann and Bob)"
    )
    assert preview.labels == ["Confirm", "Change", "Cancel"]


async def test_everything_that_cannot_be_kept_is_named_far_apart(house: House) -> None:
    await seat_far_apart(house)

    preview = await house.say("Fay", "/session Maple 2026-11-28 18:00 3h")

    lines = preview.words.partition("Cannot be kept:\n")[2].splitlines()
    assert "safe home: cannot go out that evening; please ask Bob yourself" in lines
    assert "close moment: no hour suits all; each gets it at their own (everybody)" in lines
    assert not any(line.startswith("and ") for line in lines)


async def test_nothing_happens_before_confirm_and_nothing_after_cancel(maple: House) -> None:
    before = maple.shown("Ann")
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")

    await maple.press("Fay", preview, "Cancel")
    await maple.until(SATURDAY_MORNING + A_LITTLE_LATER)

    assert preview.words == "Nothing was changed."
    assert maple.shown("Ann") == before


async def test_nobody_else_plans_a_session_for_maple(maple: House) -> None:
    refused = await maple.say("Ann", "/session Maple 2026-11-28 14:00 3h")

    assert refused.words == "There is nothing like that here for you. Send /start to see what is."


# ── Invitations ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_everybody_is_invited_in_their_own_time(house: House) -> None:
    await seat_far_apart(house)
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")

    for_ann, for_bob = house.newest("Ann", "I'm coming"), house.newest("Bob", "I'm coming")

    question = "\n\nCan you make it? Only Fay reads your answer."
    assert for_ann.words == "Maple\nSat 28 Nov, 14:00 until 17:00, your time" + question
    assert for_bob.words == "Maple\nSat 28 Nov, 18:30 until 21:30, your time" + question
    for message, said in ((for_ann, "Sat 28 Nov, 14:00"), (for_bob, "Sat 28 Nov, 18:30")):
        instant = next(entity for entity in message.entities if entity["type"] == "date_time")
        assert message.words[instant["offset"] :][: instant["length"]] == said
        assert instant["unix_time"] == berlin(28, 14).timestamp()


async def test_only_the_facilitator_sees_who_comes(planned: House) -> None:
    before = planned.phone("Bob").ever_shown

    await planned.say("Fay", "/move Maple 1 2026-11-28 15:00")
    await planned.press_newest("Fay", "Confirm")
    invited = planned.phone("Bob").ever_shown
    await planned.press_newest("Ann", "I can't")

    assert planned.shown("Fay")[-1] == "Ann cannot come: Maple, session 1, Sat 28 Nov, 15:00."
    assert planned.phone("Bob").ever_shown == invited
    assert not any("Ann" in words for words in invited[len(before) :])


async def test_another_calendar_program_reads_the_file(planned: House) -> None:
    await planned.until(SATURDAY_MORNING + A_LITTLE_LATER)

    entry = calendar_files(planned, "Ann")[-1]

    assert entry.vevent.dtstart.value.astimezone(UTC) == berlin(28, 14)
    assert entry.vevent.dtend.value.astimezone(UTC) == berlin(28, 17)
    assert entry.vevent.summary.value == "Maple"
    assert entry.vtimezone.tzid.value == "Europe/Berlin"


async def test_a_move_is_told_with_both_hours_and_grows_the_calendar_entry(planned: House) -> None:
    await planned.until(SATURDAY_MORNING + A_LITTLE_LATER)
    preview = await planned.say("Fay", "/move Maple 1 2026-11-29 15:00")
    impact = preview.words
    await planned.press("Fay", preview, "Confirm")
    await planned.until(SATURDAY_MORNING + 2 * A_LITTLE_LATER)

    first, second = (entry.vevent for entry in calendar_files(planned, "Ann"))

    assert "Sat 28 Nov, 14:00 → Sun 29 Nov, 15:00, Berlin time" in impact
    assert "38 move, 2 are not sent any more." in impact
    assert planned.newest("Ann", "I'm coming").words == (
        "Maple\nMoved from Sat 28 Nov, 14:00 to\nSun 29 Nov, 15:00 until 18:00, your time\n\n"
        "Can you make it then? An earlier answer no longer counts. Only Fay reads it."
    )
    assert (second.uid.value, second.dtstart.value.astimezone(UTC)) == (first.uid.value, berlin(29, 15))
    assert int(second.sequence.value) > int(first.sequence.value)


async def test_a_cancelled_session_leaves_every_calendar_and_sends_nothing_more(planned: House) -> None:
    await planned.until(SATURDAY_MORNING + A_LITTLE_LATER)
    preview = await planned.say("Fay", "/cancel Maple 1")
    impact = preview.words
    await planned.press("Fay", preview, "Call it off")
    await planned.until(berlin(29, 12))

    entry = calendar_files(planned, "Bob")[-1]

    assert impact == (
        "Maple, session 1\nSat 28 Nov, 14:00, Berlin time\n"
        "2 people read that it is cancelled.\n40 are not sent any more."
    )
    assert (entry.method.value, entry.vevent.status.value) == ("CANCEL", "CANCELLED")
    assert folded(planned, "Bob") == []


async def test_an_old_invitation_cannot_be_answered_after_a_move(maple: House) -> None:
    await plan_the_session(maple)
    old = maple.phone("Ann").received[-1]
    tap = old.keyboard[0][1]["callback_data"]
    await maple.say("Fay", "/move Maple 1 2026-11-29 15:00")
    await maple.press_newest("Fay", "Confirm")
    moved = old.words

    maple.phone("Ann").forge(old.id, tap)
    await maple.settled()

    assert moved == "Maple\nSat 28 Nov, 14:00 moved to Sun 29 Nov, 15:00."
    assert maple.toast("Ann") == "This invitation is for an earlier time. The newest one is further down."
    assert not any("cannot come" in words for words in maple.shown("Fay"))


async def test_an_invitation_cannot_be_answered_once_it_has_begun(maple: House) -> None:
    await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(28, 14, 10))

    await maple.press_newest("Ann", "I'll be late")

    assert maple.toast("Ann") == (
        "It has begun already. What your facilitator should know now, just write here, or send /call."
    )


async def test_a_preview_that_waited_too_long_plans_nothing_in_the_past(maple: House) -> None:
    await maple.say("Fay", "/session Maple today 11:05 1h")
    await maple.until(SATURDAY_MORNING + 2 * A_LITTLE_LATER)

    await maple.press_newest("Fay", "Confirm")

    assert maple.toast("Fay") == "That time has passed. Please choose a later one."


async def test_details_are_said_and_empty_ones_drop_their_sentence(planned: House) -> None:
    await planned.say("Fay", "/details Maple 1")
    await planned.press_newest("Fay", "Place")
    await planned.say("Fay", "Linden Street 5 & garden")
    await planned.press_newest("Fay", "What to bring")
    await planned.say("Fay", "a soft blanket")
    await planned.until(berlin(27, 18))

    logistics = await unfold(planned, "Ann")

    assert logistics.words == (
        "Your session is on Saturday, 28 November at 14:00.\n"
        "The place: Linden Street 5 & garden\n"
        "Good to have with you: a soft blanket\n\n"
        "Is everything arranged, the way home too?\n\n"
        "Fay can read this."
    )


# ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_end_is_asked_for_at_once_after_half_an_hour_and_after_two(planned: House) -> None:
    asked = []

    for hour, minute in ((16, 59), (17, 0), (17, 29), (17, 30), (18, 59), (19, 0)):
        await planned.until(berlin(28, hour, minute))
        asked.append(len(questions(planned)))

    assert asked == [0, 1, 1, 2, 2, 3]


async def test_without_an_answer_the_planned_end_counts_after_three_hours(planned: House) -> None:
    await planned.until(berlin(28, 19, 59))
    before = planned.shown("Fay")[-1]
    await planned.until(berlin(28, 20, 0))
    board = await planned.say("Fay", "/board Maple")

    assert "Has it ended?" in before
    assert planned.newest("Fay", "Correct the end").words == (
        "Maple: nobody said when session 1 ended, so I count from its planned end, 17:00, Berlin time. "
        "You can correct this."
    )
    assert "3 hours since the session (its planned end; nobody recorded it)" in board.words


async def test_it_goes_on_asks_again_half_an_hour_later(planned: House) -> None:
    await planned.until(berlin(28, 17))
    goes_on = await planned.press_newest("Fay", "It goes on")
    await planned.until(berlin(28, 17, 29))
    quiet = len(questions(planned))
    await planned.until(berlin(28, 17, 30))

    assert goes_on.words == "Maple, session 1\nGood. I ask again at 17:30."
    assert len(questions(planned)) == quiet + 1


async def test_the_end_and_how_each_left_are_recorded(planned: House) -> None:
    await planned.until(berlin(28, 17, 10))

    recorded = await planned.say("Fay", "/ended Maple 17:05")
    await planned.press("Fay", recorded, "Alone")
    alone = recorded.words
    await planned.press("Fay", recorded, "With a driver")

    assert alone.startswith("Ann left alone. Perhaps call Ann this evening.")
    assert recorded.words == "Noted for Bob.\n\nThank you, that is all."


async def test_safe_home_goes_at_a_quarter_to_eleven_without_a_sound(maple: House) -> None:
    await maple.say("Fay", "/session Maple 2026-11-28 18:00 3h")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(28, 21, 5))
    await maple.press_newest("Fay", "It has ended now")
    for name in ("Ann", "Bob"):
        assert folded(maple, name)[-1].sent_at < berlin(28, 18)

    await maple.until(berlin(28, 23))

    for name in ("Ann", "Bob"):
        arrived = folded(maple, name)[-1]
        assert (arrived.sent_at, arrived.silent) == (berlin(28, 22, 45), True)
        opened = await maple.press(name, arrived, "Open")
        assert opened.words.startswith("Home and settled?")


async def test_where_safe_home_cannot_go_any_more_the_facilitator_is_asked_to_ask(maple: House) -> None:
    await maple.say("Fay", "/session Maple 2026-11-28 18:00 3h")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(28, 23))

    recorded = await maple.say("Fay", "/ended Maple 21:10")

    assert "safe home: cannot go out that evening; please ask Ann and Bob yourself" in recorded.words


async def test_a_corrected_end_moves_what_is_unsent_and_nothing_else(released: House) -> None:
    preview = await released.say("Fay", "/ended Maple 16:35")
    impact = preview.words
    await released.press("Fay", preview, "Confirm")
    await released.until(berlin(28, 18, 34))
    before = [message.sent_at for message in folded(released, "Ann")]
    await released.until(berlin(28, 18, 35))

    arrived = folded(released, "Ann")[-1]

    assert "It ended at 17:05 → 16:35, Berlin time" in impact
    assert before == []
    assert (arrived.words, arrived.sent_at) == (FOLDED, berlin(28, 18, 35))


async def test_two_facilitators_record_one_end(planned: House) -> None:
    planned.stage.person("Gus")
    link = (await planned.say("Fay", "/cofacilitator Maple")).words.split()[0]
    await planned.open("Gus", link)
    await planned.until(berlin(28, 17, 30))
    for_fay, for_gus = (planned.newest(name, "It has ended now") for name in ("Fay", "Gus"))

    planned.phone("Fay").press(for_fay, "It has ended now")
    planned.phone("Gus").press(for_gus, "It has ended now")
    await planned.settled()

    said = sorted([for_fay.words.splitlines()[0], for_gus.words.splitlines()[0]])
    assert said == [
        "Its end is recorded already. You can correct it.",
        "Recorded: ended at 17:30. From here everything else happens by itself.",
    ]


async def test_who_was_absent_gets_none_of_what_the_others_get_and_one_line_for_themselves(planned: House) -> None:
    await planned.say("Fay", "/role Maple Bob absent")
    await planned.until(berlin(28, 17, 5))
    await planned.press_newest("Fay", "It has ended now")
    already = len(folded(planned, "Bob"))

    await planned.until(berlin(29, 12))

    [line] = folded(planned, "Bob")[already:]
    opened = await planned.press("Bob", line, "Open")
    assert line.sent_at == berlin(29, 11)
    assert opened.words.startswith("You were not there this time, and there is nothing to make up for.")


# ── More than one ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_second_session_works_the_same_way(released: House) -> None:
    await released.until(berlin(6, 12, month=12))
    preview = await released.say("Fay", "/session Maple 2026-12-12 14:00 3h")
    number = preview.words.splitlines()[0]
    await released.press("Fay", preview, "Confirm")
    for name in ("Ann", "Bob"):
        await released.press_newest(name, "I'm coming")
    await released.until(berlin(12, 17, 5, month=12))
    await released.press_newest("Fay", "It has ended now")
    await released.until(berlin(12, 19, 5, month=12))

    assert number == "Maple, session 2"
    for name in ("Ann", "Bob"):
        arrived = folded(released, name)[-1]
        assert arrived.sent_at == berlin(12, 19, 5, month=12)
        opened = await released.press(name, arrived, "Open")
        assert opened.words.startswith("Home and settled?")


async def test_a_gathering_has_an_invitation_and_a_calendar_entry_but_no_window(maple: House) -> None:
    await maple.say("Fay", "/gathering Maple 2026-11-28 14:00 1h Preparation")
    await maple.press_newest("Fay", "Confirm")
    await maple.until(berlin(29, 12))

    assert len(calendar_files(maple, "Ann")) == 1
    assert folded(maple, "Ann") == []
    assert questions(maple) == []


@pytest.mark.parametrize("words", ["2026-11-28 14:00 3h", "28 Nov 14:00 3h", "28.11. 14 Uhr 3h", "next Sat 2pm 3h"])
async def test_dates_are_typed_as_people_type_them(maple: House, words: str) -> None:
    preview = await maple.say("Fay", f"/session Maple {words}")

    assert preview.words.splitlines()[1] == "Saturday, 28 November, 14:00 to 17:00, Berlin time, 3h"


async def test_the_plan_of_a_session_reaches_whoever_is_admitted_later(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await house.press_newest("Fay", "Admit")
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")

    await join(house, "Bob", links["Bob"])
    await house.press_newest("Fay", "Admit")

    assert house.newest("Bob", "I'm coming").words.startswith("Maple\nSat 28 Nov, 14:00 until 17:00")


@pytest.mark.parametrize(
    "buttons",
    [("/leave", "Yes, leave"), ("/mydata", "Erase everything", "Yes, erase everything")],
    ids=["leaves", "erases"],
)
async def test_whoever_goes_before_a_session_cannot_be_told_by_what_the_other_receives(
    planned: House, buttons: tuple[str, ...]
) -> None:
    before = await steps_of(planned, "Bob")

    await planned.say("Ann", buttons[0])
    await planned.press_newest("Ann", *buttons[1:])
    await planned.say("Fay", "/move Maple 1 2026-11-28 15:00")
    await planned.press_newest("Fay", "Confirm")

    assert await steps_of(planned, "Bob") == before


async def test_whoever_left_is_in_no_session_that_is_planned_afterwards(maple: House) -> None:
    await maple.say("Ann", "/leave")
    await maple.press_newest("Ann", "Yes, leave")
    await maple.until(SATURDAY_MORNING + A_LITTLE_LATER)

    await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await maple.press_newest("Fay", "Confirm")

    assert "close-moment" not in await steps_of(maple, "Bob")


async def steps_of(house: House, name: str) -> set[str]:
    """The steps that wait for somebody."""
    waiting = (
        select(Delivery.step)
        .join(Chat, Chat.id == Delivery.chat_id)
        .where(Chat.telegram_id == house.phone(name).chat.id, Delivery.state == "planned", Delivery.step.is_not(None))
    )
    async with house.bot.runtime.database.transaction() as tx:
        return set(await tx.scalars(waiting))
