"""The digest: one push without content, one page that folds again, several pages if there is much to read."""

from __future__ import annotations

from dataclasses import replace

from couple import NOON, add_facilitator, add_maple
from sqlalchemy import select
from test_board import OF_FAY, Board, T, set_up

from bot.desk import compose
from bot.desk.actions import send_digest
from bot.desk.digest import digest_of
from bot.messages import Message
from bot.storage.database import Database
from bot.storage.tables import Delivery, Moment
from bot.words import Verb, Visibility

EVENING = "evening-check"


async def test_every_facilitator_gets_one_push_that_says_only_which_cohort(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        await add_facilitator(tx, maple.cohort, "Gil", 1009)
        moment = Moment(
            key="digest", kind="digest", due_at=NOON, cohort_id=maple.cohort.id, meeting_id=maple.meeting.id
        )

        await send_digest(tx, moment, now=NOON)
        await send_digest(tx, moment, now=NOON)

        rows = list(await tx.scalars(select(Delivery).where(Delivery.kind == "digest")))
        said = [await compose.digest(tx, row, T, NOON) for row in rows]
    assert [one.text for one in said if isinstance(one, Message)] == [
        "Maple: the window has closed. Your page is here.",
        "Maple: the window has closed. Your page is here.",
    ]


async def test_the_page_says_what_was_asked_and_answered_in_short(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        await answer_all(board)

        page = await board.page()

    assert page.split("\n") == [
        "<b>Maple, session 1</b>, Sao Paulo time",
        "",
        "<b>Ann</b>: 2 reached, 2 answered to you",
        "<i>Sun 29 Nov, 06:10</i>",
        "How is your mood right now? <b>7 of 10</b>",
        "How was the night? <b>All right</b>",
        "Would you like Fay to get in touch? <b>No, thank you</b>",
        "<i>Mon 30 Nov, 07:10</i>",
        "Two circles, you and Bob: how much do they overlap today? <b>5 of 7</b>",
        "",
        "<b>Bob</b>: 0 reached, 0 answered to you",
        "",
        "<i>Journals and sealed answers are not here. Each person is shown alone, not compared.</i>",
    ]


async def answer_all(board: Board) -> None:
    morning = await board.reach(board.maple.ann, OF_FAY, 27)
    evening = await board.reach(board.maple.ann, EVENING, 2)
    await board.answer(morning, Visibility.FACILITATOR, ("mood", 7), ("sleep", "ok"), ("contact", "no"))
    await board.answer(evening, Visibility.FACILITATOR, ("closeness", 5))


async def test_a_long_digest_has_pages_and_a_page_that_is_not_there_is_the_last_one(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        await answer_all(board)
        digest = await digest_of(tx, board.maple.meeting)
        long = replace(digest, people=(replace(digest.people[0], told=digest.people[0].told * 12),))

        pages = [compose.digest_page(long, number, T) for number in (0, 1, 99)]

    labels = [[button.label for row in page.buttons for button in row] for page in pages]
    assert labels == [["›", "Fold away"], ["‹", "Fold away"], ["‹", "Fold away"]]
    assert pages[1] == pages[2]
    assert all(len(page.text) <= 3000 for page in pages)


async def test_folded_it_says_nothing_and_opens_again(database: Database) -> None:
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        row = Delivery(verb=Verb.EDIT, ref=maple.meeting.id)

        said = await compose.digest(tx, row, T, NOON)

        assert isinstance(said, Message)
        assert said.text == "Maple, session 1: your page is folded."
        assert [button.label for row in said.buttons for button in row] == ["Open"]
