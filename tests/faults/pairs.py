"""Couples of the town with something of their own: sealed answers that both chose to share, a journal, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from faults.town import Someone, Town
from sqlalchemy import func, select

from bot.delivery.moments import plan_moment
from bot.enrolment.consent import VERSION
from bot.storage.database import Transaction
from bot.storage.tables import (
    Answer,
    ConsentGiven,
    Delivery,
    Disclosure,
    JournalEntry,
    Meeting,
    Member,
    Moment,
    Opening,
    Response,
)
from bot.words import (
    Choice,
    Consent,
    DeliveryState,
    Lane,
    MeetingKind,
    MeetingState,
    MomentState,
    OpeningState,
    Origin,
    Verb,
    Visibility,
)

STEP, QUESTION = "close-moment", "moment"


async def both_share(town: Town, couples: Sequence[Sequence[Someone]], due_at: datetime) -> list[UUID]:
    """Let these couples have sealed and shared an answer each, to be opened at that instant; their meetings."""
    async with town.records() as database, database.transaction() as tx:
        return [await _share(tx, town, couple, due_at) for couple in couples]


async def _share(tx: Transaction, town: Town, couple: Sequence[Someone], due_at: datetime) -> UUID:
    assert town.fay is not None
    ended = due_at - timedelta(days=2)
    meeting = Meeting(
        cohort_id=couple[0].cohort_id,
        number=1,
        kind=MeetingKind.SESSION,
        state=MeetingState.RELEASED,
        starts_at=ended - timedelta(hours=3),
        lasts=timedelta(hours=3),
        made_by=town.fay,
        made_at=ended - timedelta(days=5),
        released_at=ended,
    )
    tx.add(meeting)
    await tx.flush()
    for one in couple:
        await _answer(tx, one, meeting, due_at - timedelta(hours=20))
    await plan_moment(
        tx,
        Moment(
            key=f"opening:{meeting.id}:{STEP}",
            kind="opening",
            due_at=due_at,
            cohort_id=meeting.cohort_id,
            meeting_id=meeting.id,
            step=STEP,
            state=MomentState.WAITING,
        ),
    )
    return meeting.id


async def _answer(tx: Transaction, one: Someone, meeting: Meeting, at: datetime) -> None:
    asked = Delivery(
        key=f"step:{meeting.id}:{STEP}:{one.member_id}",
        origin=Origin.WINDOW,
        verb=Verb.SEND,
        kind="prompt",
        lane=Lane.PROMPTS,
        chat_id=one.chat_id,
        cohort_id=one.cohort_id,
        member_id=one.member_id,
        meeting_id=meeting.id,
        step=STEP,
        due_at=at,
        state=DeliveryState.SENT,
        made_at=at,
    )
    response = Response(
        member_id=one.member_id,
        meeting_id=meeting.id,
        step=STEP,
        programme="as it was",
        visibility=Visibility.PAIR,
        choice=Choice.SHARE,
        begun_at=at,
        touched_at=at,
        finished_at=at,
    )
    consent = ConsentGiven(
        member_id=one.member_id, switch=Consent.PARTNER, granted=True, version=VERSION, language="en", given_at=at
    )
    tx.add_all([asked, response, consent])
    await tx.flush()
    answer = Answer(response_id=response.id, question=QUESTION, given_at=at)
    tx.seal_json(answer, "value", f"what {one.name} saw")
    tx.add(answer)
    await tx.flush()


async def write_journals(town: Town, people: Sequence[Someone]) -> None:
    """A line in the journal of each."""
    async with town.records() as database, database.transaction() as tx:
        for one in people:
            entry = JournalEntry(person_id=await _person(tx, one), written_at=town.now)
            tx.seal(entry, "words", f"for {one.name} alone")
            tx.add(entry)


async def _person(tx: Transaction, one: Someone) -> UUID:
    return (await tx.get_one(Member, one.member_id)).person_id


@dataclass(frozen=True)
class Decided:
    """What there is of one opening's decision."""

    openings: int
    disclosures: int
    letters: int
    done: bool  # its moment

    @property
    def whole(self) -> bool:
        return self in (NOTHING, EVERYTHING)


NOTHING, EVERYTHING = Decided(0, 0, 0, done=False), Decided(1, 2, 2, done=True)


async def decided(town: Town, meeting: UUID) -> Decided:
    """What the database says of the opening of this meeting's step."""
    async with town.records() as database, database.transaction() as tx:
        openings = list(await tx.scalars(select(Opening).where(Opening.meeting_id == meeting)))
        assert all(one.state is OpeningState.OPENED for one in openings)
        ids = [one.id for one in openings]
        disclosures = await tx.scalar(select(func.count()).where(Disclosure.opening_id.in_(ids)))
        letters = await tx.scalar(
            select(func.count()).where(Delivery.meeting_id == meeting, Delivery.kind == "opening")
        )
        state = await tx.scalar(select(Moment.state).where(Moment.meeting_id == meeting))
    return Decided(len(ids), disclosures or 0, letters or 0, done=state is MomentState.DONE)
