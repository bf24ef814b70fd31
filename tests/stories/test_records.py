"""Taking one's data along, erasing it, and the journal: on the phones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import House
from scenes import berlin, folded, join, link_for
from sqlalchemy import select

from bot.rehearsal.message import Message
from bot.storage.tables import JournalEntry, Person, Response

GONE = "What stood here was erased by the person it came from."


@pytest.fixture
def beginnings(on_sqlite: object) -> object:
    """One database is enough for the screens: what they rest on is tested on both in tests/records."""
    return on_sqlite


async def share_a_moment(house: House) -> None:
    """Ann and Bob have each shared a moment, and both have opened the other's; Ann has a journal and wrote to Fay."""
    await house.until(berlin(29, 19, 0))
    for name in ("Ann", "Bob"):
        await house.press(name, folded(house, name)[-1], "Open")
        await house.say(name, f"A moment of {name}")
        await house.press_newest(name, "Share it then")
    await house.say("Ann", "The lake was very still")
    await house.press_newest("Ann", "Keep for me")
    await house.say("Ann", "Could we talk on Friday?")
    await house.press_newest("Ann", "Send to Fay")
    await house.until(berlin(30, 17, 0))
    for name in ("Ann", "Bob"):
        await house.press(name, folded(house, name)[-1], "Open")


async def take_along(house: House, name: str) -> dict[str, str]:
    """Press through to the files and return them by name."""
    await house.say(name, "/mydata")
    await house.press_newest(name, "Take it with me")
    files = [message for message in house.phone(name).received if message.document is not None][-2:]
    return {message.files[0].name or "": (message.document or b"").decode() for message in files}


async def erase(house: House, name: str) -> Message:
    await house.say(name, "/mydata")
    return await house.press_newest(name, "Erase everything", "Yes, erase everything")


# ── Taking it along ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_files_arrive_with_all_of_ones_own_and_nothing_of_the_partners(evening: House) -> None:
    await share_a_moment(evening)

    files = await take_along(evening, "Ann")

    assert list(files) == ["my-data-2026-11-30.md", "my-data-2026-11-30.json"]
    for content in files.values():
        for own in ("A moment of Ann", "The lake was very still", "Could we talk on Friday?"):
            assert own in content
        assert "A moment of Bob" not in content
    everything = json.loads(files["my-data-2026-11-30.json"])
    assert [row["words"] for row in everything["journal_entry"]] == ["The lake was very still"]
    assert [row["switch"] for row in everything["consent"]] == ["facilitator", "partner"]


async def test_a_facilitator_takes_nothing_of_what_members_wrote(evening: House) -> None:
    await share_a_moment(evening)

    files = await take_along(evening, "Fay")

    assert [own for own in ("A moment of", "The lake", "on Friday") if own in "".join(files.values())] == []


async def test_somebody_we_hardly_know_has_a_file_too(house: House) -> None:
    files = await take_along(house, "Bob")

    assert files["my-data-2026-11-21.md"].startswith("# Your data\n\nBob, 2026-11-21 10:00.")


async def test_who_has_left_can_still_take_everything_along(evening: House) -> None:
    await share_a_moment(evening)
    await evening.say("Ann", "/leave")
    await evening.press_newest("Ann", "Yes, leave")

    files = await take_along(evening, "Ann")

    assert "A moment of Ann" in files["my-data-2026-11-30.md"]
    assert "Left: 2026-11-30 17:00" in files["my-data-2026-11-30.md"]


# ── Erasing ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_asked_first_and_nothing_happens_until_then(evening: House) -> None:
    await share_a_moment(evening)
    await evening.say("Ann", "/mydata")

    asked = await evening.press_newest("Ann", "Erase everything")
    question = asked.words
    await evening.press("Ann", asked, "No, keep it")

    assert question.startswith("Erase everything?\n\nYour answers, journal, notes and places here are deleted at once.")
    assert "A moment of Ann" in "".join((await take_along(evening, "Ann")).values())


async def test_recent_messages_leave_the_phone_and_the_last_one_says_what_telegram_keeps(evening: House) -> None:
    await share_a_moment(evening)
    recent = [message for message in evening.phone("Ann").received if message.sent_at > berlin(29, 0)]
    before = len([message for message in recent if "A moment of Bob" in message.words])

    last = await erase(evening, "Ann")

    assert before == 1
    assert last.words == (
        "Everything about you is erased here. A copy that whoever runs this bot has made may hold it until it is "
        "replaced.\n\n"
        "Messages older than two days stay with Telegram until you delete this chat on your phone."
    )
    assert [words for words in evening.shown("Ann") if "A moment of Bob" in words] == []


async def test_what_was_shared_folds_on_the_partners_phone_and_their_own_stays(evening: House) -> None:
    await share_a_moment(evening)

    await erase(evening, "Ann")

    assert [words for words in evening.shown("Bob") if "A moment of Ann" in words] == []
    assert "This was folded away. Screenshots may exist." in evening.shown("Bob")
    assert "A moment of Bob" in (await take_along(evening, "Bob"))["my-data-2026-11-30.md"]


async def test_the_partner_gets_everything_else_at_the_same_hours(evening: House) -> None:
    await share_a_moment(evening)
    await erase(evening, "Ann")

    await evening.until(berlin(30, 20, 30))
    asked = await evening.press("Bob", folded(evening, "Bob")[-1], "Open")
    words = asked.words
    await evening.say("Bob", "Two things")
    await evening.press_newest("Bob", "Share it then")
    await evening.until(berlin(1, 16, 30, month=12))
    inside = await evening.press("Bob", folded(evening, "Bob")[-1], "Open")

    assert words.startswith("Two things your partner did this week that you noticed. Small ones count.")
    assert "your partner reads it on Tue 1 Dec, 16:30, only if you both answer" in words
    assert inside.words == "Nothing to open this time. There can be many reasons, some of them mine."


async def test_the_facilitators_copies_are_withdrawn_and_they_read_which_seat_is_free(evening: House) -> None:
    await share_a_moment(evening)
    note = evening.newest("Fay", "Open")
    before = note.words
    await evening.say("Ann", "/call")

    await erase(evening, "Ann")

    assert before == "A note for you."
    assert note.words == GONE
    assert evening.shown("Fay").count(GONE) == 2  # the note and the call
    assert evening.shown("Fay")[-1] == (
        "The seat Ann in Maple is free: who had it has erased everything and gets nothing more. The others are not told."
    )


async def test_an_open_digest_folds_and_nothing_of_them_is_in_it_any_more(evening: House) -> None:
    await share_a_moment(evening)
    await evening.until(berlin(1, 17, 10, month=12))
    page = await evening.press("Fay", folded(evening, "Fay")[-1], "Open")
    before = page.words

    await erase(evening, "Ann")
    folded_now = page.words
    await evening.press("Fay", page, "Open")

    assert "\nAnn: " in before
    assert folded_now == "Maple, session 1: your page is folded."
    assert "Ann" not in page.words
    assert "\nBob: " in page.words


async def test_nothing_comes_any_more_and_a_new_link_begins_anew(evening: House) -> None:
    await share_a_moment(evening)
    await erase(evening, "Ann")
    after = len(evening.shown("Ann"))
    await evening.until(berlin(1, 20, 0, month=12))
    silent = len(evening.shown("Ann")) == after
    stranger = await evening.say("Ann", "/start")

    await evening.press_newest("Fay", "Seats and links", "New link for Ann")
    await join(evening, "Ann", link_for(evening, "Ann"))
    await evening.press_newest("Fay", "Admit")

    assert silent
    assert stranger.words.startswith("Hello, I only work with a personal link.")
    assert evening.shown("Ann")[-1].startswith("Your seat in Maple is open, Ann.")
    assert "A moment of Ann" not in "".join((await take_along(evening, "Ann")).values())


async def test_no_row_is_left_and_pressing_again_finds_nothing(evening: House) -> None:
    await share_a_moment(evening)
    asked = await evening.say("Ann", "/mydata")
    await evening.press("Ann", asked, "Erase everything")
    yes = asked.keyboard[1][0]["callback_data"]
    await evening.press("Ann", asked, "Yes, erase everything")

    async with evening.bot.runtime.database.transaction() as tx:
        people = set(await tx.scalars(select(Person.telegram_id)))
        entries = list(await tx.scalars(select(JournalEntry)))
        responses = {response.member_id for response in await tx.scalars(select(Response))}
    evening.phone("Ann").forge(asked.id, yes)
    await evening.settled()

    assert people == {1001, 1003}
    assert entries == []
    assert len(responses) == 1
    assert asked.words.startswith("Everything about you is erased here.")


async def test_the_file_and_its_log_hold_none_of_it(evening: House) -> None:
    database = evening.bot.runtime.database
    await share_a_moment(evening)
    async with database.transaction() as tx:
        entry = (await tx.scalars(select(JournalEntry))).one()
        sealed = entry.words
    file = Path(str(database.engine.url.database))
    before = is_held(sealed, file)

    await erase(evening, "Ann")

    assert before
    assert not is_held(sealed, file)


def is_held(sealed: bytes, file: Path) -> bool:
    """Whether these bytes stand in the database or in its log."""
    return sealed in file.read_bytes() + file.with_name(file.name + "-wal").read_bytes()


async def test_who_holds_people_alone_is_asked_to_hand_them_over_first(maple: House) -> None:
    await maple.say("Fay", "/mydata")

    await maple.press_newest("Fay", "Erase everything")

    assert maple.toast("Fay") == (
        "Nobody else holds Maple yet, and somebody has to be there for the people in it. Hand it over first: "
        "/cofacilitator makes a link for who shall hold it. Nothing was erased."
    )


async def test_the_only_owner_is_told_how_there_can_be_another(house: House) -> None:
    await house.say("Fay", "/mydata")

    await house.press_newest("Fay", "Erase everything")

    assert house.toast("Fay") == (
        "You are the only owner of this bot. Whoever runs it can make another one first, with OWNER_IDS or "
        "understory appoint. Nothing was erased."
    )


# ── The journal ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_written_is_kept_and_leaves_the_chat(house: House) -> None:
    await house.say("Ann", "/journal")
    asked = await house.press_newest("Ann", "Write something")
    promise = asked.words

    kept = await house.say("Ann", "The lake was very still")
    shown = await house.say("Ann", "/journal")

    assert promise == "Write it here as a message. Only you can read it; it leaves the chat once it is kept."
    assert kept.words == "Kept. Only you can read it, under /journal."
    assert "The lake was very still" not in [message.words for message in house.phone("Ann").messages]
    assert shown.words == "Sat 21 Nov, 10:00\nThe lake was very still\n\nOnly you can read this."


async def test_not_now_leaves_it_and_the_next_words_are_not_kept(maple: House) -> None:
    await maple.say("Ann", "/journal")
    await maple.press_newest("Ann", "Write something", "Not now")

    asked = await maple.say("Ann", "Just saying")

    assert asked.words.startswith("What shall I do with this?")


async def test_many_entries_have_pages_and_a_page_that_is_gone_is_the_last(house: House) -> None:
    for number in range(5):
        await house.say("Ann", "/journal")
        await house.press_newest("Ann", "Write something")
        await house.say("Ann", f"Entry {number}")
    shown = await house.say("Ann", "/journal")
    first = shown.words
    await house.press("Ann", shown, "Older")
    second = (shown.words, shown.labels)

    house.phone("Ann").forge(shown.id, "journal::99")
    await house.settled()

    assert [line for line in first.split("\n") if line.startswith("Entry")] == ["Entry 4", "Entry 3", "Entry 2"]
    assert [line for line in second[0].split("\n") if line.startswith("Entry")] == ["Entry 1", "Entry 0"]
    assert second[1] == ["Write something", "Newer", "Fold away"]
    assert (shown.words, shown.labels) == second


async def test_a_folded_journal_opens_again(house: House) -> None:
    await house.say("Ann", "/journal")
    await house.press_newest("Ann", "Write something")
    await house.say("Ann", "The lake")
    shown = await house.say("Ann", "/journal")

    await house.press("Ann", shown, "Fold away")
    away = shown.words
    await house.press("Ann", shown, "Open again")

    assert away == "Folded away."
    assert "The lake" in shown.words
