"""The thread: one's own line comes back to its author alone, and nothing of it is kept a second time."""

from __future__ import annotations

from datetime import timedelta

from couple import NOON, Maple, add_maple
from sqlalchemy import delete

from bot.checkins import actions, compose, queries
from bot.messages import Message, Withdrawn
from bot.programmes.shelf import library, pin_for
from bot.storage.database import Database, Transaction
from bot.storage.tables import Answer, Delivery, Meeting, Member
from bot.texts import Texts
from bot.window.queries import private_chat
from bot.words import CohortKind, DeliveryState, Lane, MeetingKind, MeetingState, Origin, Verb

T = Texts("en")


async def a_series(tx: Transaction) -> tuple[Maple, Meeting]:
    """Maple in a series, its first session held and the second a week later."""
    maple = await add_maple(tx)
    maple.cohort.programme = (await pin_for(tx, library(), "series-6", CohortKind.COUPLE, NOON)).digest
    following = Meeting(
        cohort_id=maple.cohort.id,
        number=2,
        kind=MeetingKind.SESSION,
        state=MeetingState.PLANNED,
        starts_at=maple.meeting.starts_at + timedelta(days=7),
        lasts=timedelta(hours=3),
        made_by=maple.fay.id,
        made_at=NOON,
    )
    tx.add(following)
    await tx.flush()
    return maple, following


async def told(tx: Transaction, member: Member, meeting: Meeting, step: str, *merged: str) -> Delivery:
    row = Delivery(
        key=f"prompt:{meeting.id}:{step}:{member.id}",
        origin=Origin.WINDOW,
        verb=Verb.SEND,
        kind="prompt",
        lane=Lane.PROMPTS,
        chat_id=(await private_chat(tx, member.person_id)).id,
        cohort_id=member.cohort_id,
        member_id=member.id,
        meeting_id=meeting.id,
        step=step,
        facts={"kind": "prompt", "merged": list(merged)},
        due_at=NOON,
        state=DeliveryState.SENT,
        made_at=NOON,
    )
    tx.add(row)
    await tx.flush()
    return row


async def write(tx: Transaction, member: Member, meeting: Meeting, line: str) -> None:
    """Answer the ten lines and the line that rides with them."""
    row = await told(tx, member, meeting, "capture", "one-line")
    for words in ("ten lines", line):
        page = await queries.page_of(tx, row)
        question = queries.asked_at(page) or page.step.ask[0]
        await actions.keep_answer(tx, page, question, words, now=NOON)


async def eve(tx: Transaction, member: Member, meeting: Meeting) -> str:
    row = await told(tx, member, meeting, "theme-body")
    page = await queries.page_of(tx, row)
    pushed = await compose.prompt(tx, row, T, NOON)
    assert isinstance(pushed, Message)
    assert pushed.text == "Something small for you today."
    return compose.unfolded(page, T, now=NOON).text


async def test_a_line_rides_with_the_ten_and_comes_back_to_its_author_alone(database: Database) -> None:
    async with database.transaction() as tx:
        maple, following = await a_series(tx)
        await write(tx, maple.ann, maple.meeting, "the heron & the <reeds>")

        anns, bobs = [await eve(tx, member, following) for member in (maple.ann, maple.bob)]

        assert 'Last time you wrote: "the heron &amp; the &lt;reeds&gt;"' in anns
        assert "heron" not in bobs
        assert "Last time" not in bobs
        assert "ten lines" not in anns


async def test_a_message_that_brings_words_back_is_always_sent_folded(database: Database) -> None:
    async with database.transaction() as tx:
        maple, following = await a_series(tx)
        page = await queries.page_of(tx, await told(tx, maple.ann, maple.meeting, "capture", "one-line"))
        page.person.discreet = False
        await tx.flush()
        await write_line_only(tx, page)

        assert "heron" in await eve(tx, maple.ann, following)


async def write_line_only(tx: Transaction, page: queries.Page) -> None:
    await actions.keep_answer(tx, page, page.step.ask[-1], "the heron", now=NOON)


async def test_what_was_erased_does_not_come_back(database: Database) -> None:
    async with database.transaction() as tx:
        maple, following = await a_series(tx)
        await write(tx, maple.ann, maple.meeting, "the heron")
        await tx.execute(delete(Answer))

        assert "Last time" not in await eve(tx, maple.ann, following)


async def test_after_the_last_all_lines_come_back_as_one_and_nothing_is_sent_to_who_wrote_none(
    database: Database,
) -> None:
    async with database.transaction() as tx:
        maple, following = await a_series(tx)
        await write(tx, maple.ann, maple.meeting, "the heron")
        await write(tx, maple.ann, following, "the reeds")

        anns = await told(tx, maple.ann, following, "the-thread")
        bobs = await told(tx, maple.bob, following, "the-thread")

        shown = compose.unfolded(await queries.page_of(tx, anns), T, now=NOON).text
        assert shown.startswith("The lines you took along, one after the other: \n· the heron\n· the reeds")
        assert await compose.prompt(tx, bobs, T, NOON) == Withdrawn("nothing to recall")
        assert compose.unfolded(await queries.page_of(tx, bobs), T, now=NOON).text == "Nothing is kept here any more."


async def test_a_cancelled_session_does_not_break_the_thread(database: Database) -> None:
    async with database.transaction() as tx:
        maple, following = await a_series(tx)
        await write(tx, maple.ann, maple.meeting, "the heron")
        between = Meeting(
            cohort_id=maple.cohort.id,
            number=3,
            kind=MeetingKind.SESSION,
            state=MeetingState.CANCELLED,
            starts_at=following.starts_at - timedelta(days=2),
            lasts=timedelta(hours=3),
            made_by=maple.fay.id,
            made_at=NOON,
        )
        tx.add(between)
        await tx.flush()

        assert "the heron" in await eve(tx, maple.ann, following)
