"""What a step's message needs to know, and nothing about the partner but their name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select

from bot.checkins.rules import NotAnAnswer, NotOnTheScale, NotYours, Side, Value, typed
from bot.programmes.schema import Programme, Question, QuestionKind, Step
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import (
    Answer,
    Chat,
    Cohort,
    Delivery,
    Disclosure,
    Meeting,
    Member,
    Moment,
    Opening,
    Person,
    Response,
)
from bot.texts import pick
from bot.window.queries import consents_of, facilitators_of, held, is_paused, members_of, name_of, sessions_of
from bot.words import Choice, CohortKind, Consent, MemberState, OpeningState, Visibility

MOST_RECALLED = 10  # of a longer series the latest lines come back: one message holds no more
_FORGOTTEN = timedelta(days=7)
STILL_HERE = timedelta(hours=1)  # typed later than that, words may be meant for anybody


@dataclass(frozen=True)
class Page:
    """One member at one step."""

    delivery: Delivery
    member: Member
    person: Person
    cohort: Cohort
    meeting: Meeting
    programme: Programme
    digest: str
    step: Step
    response: Response | None
    answers: dict[str, Value]
    consents: frozenset[Consent]
    facilitator: str
    partner: str | None
    opens_at: datetime | None
    details: dict[str, str]
    thread: tuple[str, ...]  # one's own words from earlier sessions, if the step recalls them


async def page_of(tx: Transaction, delivery: Delivery) -> Page:
    """Everything the message of a planned step speaks of."""
    asked = {"member": delivery.member_id, "meeting": delivery.meeting_id}
    member, person, cohort, meeting = (await tx.execute(_SPOKEN_OF, asked)).one()
    programme, digest, step = await _step_of(tx, cohort, str(delivery.step))
    step = with_travellers(step, programme, (delivery.facts or {}).get("merged", []))
    partner = await _partner_in(tx, member, cohort, meeting)
    holders = await facilitators_of(tx, cohort.id)
    blank = Page(
        delivery=delivery,
        member=member,
        person=person,
        cohort=cohort,
        meeting=meeting,
        programme=programme,
        digest=digest,
        step=step,
        response=None,
        answers={},
        consents=await consents_of(tx, member.id),
        facilitator=name_of(tx, holders[0]) if holders else "",
        partner=tx.open(partner, "alias") if partner else None,
        opens_at=None,
        details=tx.open_json(meeting, "details") or {},
        thread=await _thread(tx, member, meeting, programme, step),
    )
    return await as_answered(tx, blank)


async def as_answered(tx: Transaction, page: Page) -> Page:
    """The page with what its member has said by now."""
    response = await response_of(tx, page.member.id, page.meeting.id, page.step.id)
    return replace(
        page,
        response=response,
        answers=await answers_of(tx, response) if response else {},
        opens_at=await opening_hour(tx, page.meeting.id, page.step.id) if page.step.is_sealed else None,
    )


async def _thread(
    tx: Transaction, member: Member, meeting: Meeting, programme: Programme, step: Step
) -> tuple[str, ...]:
    """What a member wrote at the step this one recalls, session by session; read from their answers each time.

    Nothing is copied, so what was skipped, taken back or erased does not come back, and nobody else's words ever do.
    """
    if step.recalls is None or (recalled := programme.step(step.recalls.step)) is None:
        return ()
    sessions = [
        each.id for each in held(await sessions_of(tx, member.cohort_id)) if each.starts_at <= meeting.starts_at
    ]
    asked_in = sessions if step.recalls.every else sessions[:-1][-1:]
    questions = [question.id for question in recalled.ask if question.kind is QuestionKind.TEXT]
    rows = await tx.execute(
        select(Response.meeting_id, Answer)
        .join(Answer, Answer.response_id == Response.id)
        .where(
            Response.member_id == member.id,
            Response.meeting_id.in_(asked_in),
            Response.step.in_((recalled.id, *recalled.rides_with)),
            Response.visibility == Visibility.ME,
            Answer.question.in_(questions),
        )
    )
    said = {
        (meeting_id, answer.question): json.loads(tx.open(answer, "value"))
        for meeting_id, answer in rows
        if answer.value is not None
    }
    order = ((session, question) for session in asked_in for question in questions)
    return tuple(str(said[each]) for each in order if said.get(each))[-MOST_RECALLED:]


async def _partner_in(tx: Transaction, member: Member, cohort: Cohort, meeting: Meeting) -> Member | None:
    """The other of the couple this session was planned for; who has left since is still named, or it would tell."""
    if cohort.kind is not CohortKind.COUPLE or cohort.unpaired_at is not None:
        return None
    others = [
        other
        for other in await members_of(tx, cohort.id)
        if other.id != member.id
        and other.admitted_at is not None
        and (other.left_at is None or other.left_at > meeting.made_at)
    ]
    return others[-1] if others else None


async def page_for(tx: Transaction, delivery_id: UUID, person: Person) -> Page:
    """The page behind a pressed button, for the person it was sent to.

    Raises:
        NotYours: it is somebody else's, or nothing at all.
    """
    delivery = await delivery_for(tx, delivery_id, person)
    if delivery.meeting_id is None or delivery.step is None:
        raise NotYours
    return await page_of(tx, delivery)


async def delivery_for(tx: Transaction, delivery_id: UUID, person: Person) -> Delivery:
    """What was sent to this person as an enrolled member.

    Raises:
        NotYours: it is somebody else's, or nothing at all.
    """
    found = await tx.execute(_SENT_TO, {"delivery": delivery_id, "person": person.id})
    delivery = found.scalar_one_or_none()
    if delivery is None:
        raise NotYours
    return delivery


async def response_of(tx: Transaction, member_id: UUID, meeting_id: UUID, step: str) -> Response | None:
    return await tx.scalar(_RESPONSE, {"member": member_id, "meeting": meeting_id, "at_step": step})


async def answers_of(tx: Transaction, response: Response) -> dict[str, Value]:
    rows = await tx.scalars(_ANSWERS, {"response": response.id})
    return {row.question: json.loads(tx.open(row, "value")) if row.value is not None else None for row in rows}


async def opening_hour(tx: Transaction, meeting_id: UUID, step: str) -> datetime | None:
    """When a step's envelopes open, or when that was decided, which may be earlier."""
    opening = await opening_of(tx, meeting_id, step)
    if opening is not None and opening.decided_at is not None:
        return min(opening.due_at, opening.decided_at)
    return await tx.scalar(select(Moment.due_at).where(Moment.key == opening_key(meeting_id, step)))


def opening_key(meeting_id: UUID, step: str) -> str:
    return f"opening:{meeting_id}:{step}"


async def opening_of(tx: Transaction, meeting_id: UUID, step: str) -> Opening | None:
    return await tx.scalar(select(Opening).where(Opening.meeting_id == meeting_id, Opening.step == step))


async def side_of(
    tx: Transaction, member: Member, meeting_id: UUID, step: str, *, now: datetime
) -> tuple[Side, Response | None]:
    """One partner as the decision sees them."""
    response = await response_of(tx, member.id, meeting_id, step)
    consents = await consents_of(tx, member.id)
    side = Side(
        answered=bool(response and response.finished_at and not response.withdrawn_at and not response.skipped_at),
        choice=response.choice if response else Choice.UNDECIDED,
        consents=Consent.PARTNER in consents,
        here=member.state is MemberState.ENROLLED and not is_paused(member, now) and member.unpaired_at is None,
        held=member.held_at is not None,
    )
    return side, response


@dataclass(frozen=True)
class Opened:
    """What one member reads when the envelopes open: the partner's words, or nothing."""

    disclosure: Disclosure
    step: Step
    partner: str
    words: dict[str, Value]


async def opened_for(tx: Transaction, opening_id: UUID, reader_id: UUID) -> Opened | None:
    """The partner's answer, read from what the decision recorded and from nowhere else."""
    disclosure = await tx.scalar(
        select(Disclosure).where(Disclosure.opening_id == opening_id, Disclosure.reader_id == reader_id)
    )
    if disclosure is None or disclosure.folded_at is not None:
        return None
    opening = await tx.get_one(Opening, opening_id)
    if opening.state is not OpeningState.OPENED:
        return None
    response = await tx.get_one(Response, disclosure.response_id)
    if response.withdrawn_at is not None:
        return None
    author = await tx.get_one(Member, disclosure.author_id)
    cohort = await tx.get_one(Cohort, opening.cohort_id)
    _, _, step = await _step_of(tx, cohort, opening.step)
    return Opened(disclosure, step, tx.open(author, "alias"), await answers_of(tx, response))


async def open_questions(tx: Transaction, person: Person, *, now: datetime) -> list[Page]:
    """The pages at which this person was asked something and has not answered yet, the latest first."""
    rows = await tx.execute(
        select(Response, Delivery)
        .join(Member, Member.id == Response.member_id)
        .join(Delivery, Delivery.id == Response.delivery_id)
        .where(
            Member.person_id == person.id,
            Member.state == MemberState.ENROLLED,
            Response.question.is_not(None),
            Response.skipped_at.is_(None),
            Response.touched_at > now - _FORGOTTEN,
        )
        .order_by(Response.touched_at.desc())
    )
    pages = [await page_of(tx, delivery) for _, delivery in rows.all()]
    return [page for page in pages if page.opens_at is None or page.opens_at > now]


def is_fresh(page: Page, now: datetime) -> bool:
    """Whether somebody is still at this question: what they type now is meant for it."""
    return page.response is not None and now - page.response.touched_at <= STILL_HERE


async def page_replied_to(tx: Transaction, person: Person, telegram_chat: int, message_id: int) -> Page | None:
    """The page whose message somebody replied to, if it asks something: what was said already is not replaced."""
    delivery = await tx.scalar(
        select(Delivery)
        .join(Chat, Chat.id == Delivery.chat_id)
        .where(
            Chat.telegram_id == telegram_chat,
            Chat.person_id == person.id,
            Delivery.message_id == message_id,
            Delivery.kind.in_(("prompt", "remind")),
        )
    )
    if delivery is None:
        return None
    page = await page_for(tx, delivery.id, person)
    question = asked_at(page)
    return None if question is None or loses_words(page, question) else page


def asked_at(page: Page) -> Question | None:
    """The question somebody has before them; none before it was opened and after it was answered."""
    asked = page.response.question if page.response else None
    return next((question for question in page.step.ask if question.id == asked), None)


def asks_for_words(page: Page) -> bool:
    """Whether typed words would be kept here."""
    question = asked_at(page)
    return question is not None and question.kind is QuestionKind.TEXT and not loses_words(page, question)


def takes(page: Page, words: str) -> bool:
    """Whether words say which of the buttons here is meant: a number of the scale, or a label."""
    question = asked_at(page)
    if question is None or question.kind is QuestionKind.TEXT:
        return False
    try:
        typed(question, words)
    except (NotAnAnswer, NotOnTheScale):
        return False
    return True


def loses_words(page: Page, question: Question) -> bool:
    """Whether typed words would be taken and not kept."""
    return page.cohort.minimal and question.kind is QuestionKind.TEXT


def with_travellers(step: Step, programme: Programme, names: Sequence[str]) -> Step:
    """A step with the questions of those that travel in its message: too early for one of their own, or without any."""
    others = [other for name in names if (other := programme.step(name)) is not None]
    if not others:
        return step
    early = [other for other in others if not other.rides_with]
    texts = [step.text, *(other.text for other in early)]
    return replace(
        step,
        text={language: "\n\n".join(pick(text, language) for text in texts) for language in step.text},
        ask=(*step.ask, *(question for other in others for question in _asked_by(other))),
        visible_to=others[0].visible_to if step.visible_to is Visibility.NONE else step.visible_to,
    )


def _asked_by(traveller: Step) -> Sequence[Question]:
    """Its questions; of a step without a message of its own the text is what its first question says."""
    if not traveller.rides_with:
        return traveller.ask
    first, *others = traveller.ask
    return (replace(first, text=first.text or traveller.text), *others)


async def _step_of(tx: Transaction, cohort: Cohort, name: str) -> tuple[Programme, str, Step]:
    for digest in (cohort.programme, cohort.lighter_programme):
        if digest is None:
            continue
        programme = await pinned(tx, digest)
        step = programme.step(name)
        if step is not None:
            return programme, digest, step
    raise NotYours  # the cohort's programme was changed since; nothing can be answered here any more


# ── Statements of every press and every prompt, built once ─────────────────────────────────────────────────────────

_SENT_TO = (
    select(Delivery)
    .join(Chat, Chat.id == Delivery.chat_id)
    .join(Member, Member.id == Delivery.member_id)
    .where(
        Delivery.id == bindparam("delivery"),
        Chat.person_id == bindparam("person"),
        Member.person_id == bindparam("person"),
        Member.state == MemberState.ENROLLED,
    )
)
_SPOKEN_OF = (
    select(Member, Person, Cohort, Meeting)
    .join(Person, Person.id == Member.person_id)
    .join(Cohort, Cohort.id == Member.cohort_id)
    .join(Meeting, Meeting.id == bindparam("meeting"))
    .where(Member.id == bindparam("member"))
)
_RESPONSE = select(Response).where(
    Response.member_id == bindparam("member"),
    Response.meeting_id == bindparam("meeting"),
    Response.step == bindparam("at_step"),
)
_ANSWERS = select(Answer).where(Answer.response_id == bindparam("response"))
