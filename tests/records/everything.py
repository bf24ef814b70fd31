"""A couple of whom everything is stored that can be: each of them leaves a word of their own in every sealed column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from couple import NOON, Maple, add_maple, arrive
from sqlalchemy import select

from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import (
    Alert,
    Answer,
    Appointment,
    Attempt,
    Attendance,
    Base,
    Broadcast,
    BroadcastCohort,
    Candle,
    Chat,
    ChatAlias,
    ConsentGiven,
    Delivery,
    Disclosure,
    Draft,
    InboxUpdate,
    Invitation,
    JournalEntry,
    Member,
    Moment,
    Note,
    Opening,
    Person,
    Response,
    Round,
    Seat,
    Turn,
)
from bot.words import (
    AlertCause,
    AlertState,
    BroadcastState,
    Choice,
    Consent,
    DeliveryState,
    InboxState,
    Lane,
    Level,
    MomentState,
    Office,
    OpeningState,
    Origin,
    Role,
    RoundState,
    Verb,
    Visibility,
)

LONG_AGO = NOON - timedelta(days=5)
JUST_NOW = NOON - timedelta(hours=1)


@dataclass
class Filled:
    maple: Maple
    ann: Person
    bob: Person
    disclosures: dict[str, Disclosure]
    deliveries: dict[str, Delivery]


def word(name: str, what: str) -> str:
    """A word that only one of them ever wrote, in one place."""
    return f"canary of {name}: {what}"


async def fill(tx: Transaction) -> Filled:
    maple = await add_maple(tx)
    tx.add(Appointment(person_id=maple.fay.id, office=Office.OWNER, appointed_at=LONG_AGO))
    opening = Opening(
        cohort_id=maple.cohort.id,
        meeting_id=maple.meeting.id,
        step="close-moment",
        due_at=JUST_NOW,
        state=OpeningState.OPENED,
        decided_at=JUST_NOW,
    )
    round_ = Round(
        cohort_id=maple.cohort.id,
        meeting_id=maple.meeting.id,
        step="turn",
        closes_at=NOON,
        state=RoundState.OPEN,
    )
    tx.add_all([opening, round_])
    await tx.flush()
    responses, deliveries = {}, {}
    for number, (name, member) in enumerate((("Ann", maple.ann), ("Bob", maple.bob)), start=1):
        responses[name], deliveries[name] = await _fill_one(tx, maple, name, member, round_, opening, number)
    disclosures = {
        "Ann": _disclosure(tx, opening, responses["Ann"], maple.ann, maple.bob, "Bob"),
        "Bob": _disclosure(tx, opening, responses["Bob"], maple.bob, maple.ann, "Ann"),
    }
    await _fill_fay(tx, maple)
    await tx.flush()
    turns = {turn.member_id: turn for turn in await tx.scalars(select(Turn))}
    tx.add(Candle(turn_id=turns[maple.bob.id].id, member_id=maple.ann.id, lit_at=NOON))
    tx.add(Candle(turn_id=turns[maple.ann.id].id, member_id=maple.bob.id, lit_at=NOON))
    await tx.flush()
    return Filled(
        maple,
        await tx.get_one(Person, maple.ann.person_id),
        await tx.get_one(Person, maple.bob.person_id),
        disclosures,
        deliveries,
    )


async def _fill_one(
    tx: Transaction, maple: Maple, name: str, member: Member, round_: Round, opening: Opening, number: int
) -> tuple[Response, Delivery]:
    person = await tx.get_one(Person, member.person_id)
    chat = (await tx.scalars(select(Chat).where(Chat.person_id == person.id))).one()
    seat = Seat(cohort_id=maple.cohort.id, number=number, issue=1, issued_at=LONG_AGO, expires_at=NOON)
    seat.fingerprint = f"seat {number}".encode()
    tx.seal(seat, "label", f"Chair {number}")
    tx.add(seat)
    await tx.flush()
    member.seat_id = seat.id
    tx.seal(person, "name", word(name, "name"))
    tx.seal(member, "alias", word(name, "alias"))
    tx.add(ChatAlias(telegram_id=-number, chat_id=chat.id))
    tx.add(
        Invitation(
            office=Office.FACILITATOR, fingerprint=name.encode(), made_at=NOON, expires_at=NOON, used_by=person.id
        )
    )
    tx.add(
        ConsentGiven(
            member_id=member.id,
            switch=Consent.FACILITATOR,
            granted=True,
            version="v1",
            language="en",
            given_at=LONG_AGO,
        )
    )
    tx.add(Attendance(meeting_id=maple.meeting.id, member_id=member.id, role=Role.RECEIVING))
    tx.add(Moment(key=f"silence:{name}", kind="silence", due_at=NOON, member_id=member.id, state=MomentState.WAITING))
    tx.add(Turn(round_id=round_.id, member_id=member.id, taken_at=NOON))
    delivery = _delivery(maple, chat, member, f"opening:{name}", "opening", opening.id)
    reached = _delivery(maple, chat, member, f"prompt:{name}", "prompt", None)
    waiting = _delivery(maple, chat, member, f"later:{name}", "prompt", None)
    tx.add_all([delivery, reached, waiting])
    await tx.flush()
    tx.add(Attempt(delivery_id=reached.id, number=1, owner="o", term=1, started_at=NOON))
    await arrive(tx, delivery, 100 + number, JUST_NOW)
    await arrive(tx, reached, 110 + number, LONG_AGO)
    response = Response(
        member_id=member.id,
        meeting_id=maple.meeting.id,
        step="close-moment",
        programme=maple.cohort.programme,
        delivery_id=reached.id,
        visibility=Visibility.PAIR,
        choice=Choice.SHARE,
        begun_at=LONG_AGO,
        touched_at=LONG_AGO,
        finished_at=LONG_AGO,
    )
    tx.add(response)
    await tx.flush()
    answer = Answer(response_id=response.id, question="moment", given_at=LONG_AGO)
    tx.seal_json(answer, "value", word(name, "answer"))
    entry = JournalEntry(person_id=person.id, written_at=LONG_AGO)
    tx.seal(entry, "words", word(name, "journal"))
    draft = Draft(person_id=person.id, kind="words", made_at=NOON, expires_at=NOON + timedelta(days=1))
    tx.seal_json(draft, "content", {"text": word(name, "draft")})
    update = InboxUpdate(update_id=number, received_at=NOON, person_key=person.telegram_id, state=InboxState.WAITING)
    update.row, update.chat_key = draft.id, person.telegram_id
    tx.seal(update, "payload", word(name, "update"))
    tx.add_all([answer, entry, draft, update])
    await _fill_letters(tx, maple, name, member, person)
    await record(tx, actor_id=person.id, action="waits", subject_id=member.id, now=NOON)
    return response, delivery


async def _fill_letters(tx: Transaction, maple: Maple, name: str, member: Member, person: Person) -> None:
    """To Fay, unread; from Fay; and an alert that nobody has read."""
    written, answered = (
        Note(cohort_id=maple.cohort.id, member_id=member.id, author_id=author, written_at=NOON)
        for author in (person.id, maple.fay.id)
    )
    tx.seal(written, "words", word(name, "letter"))
    tx.seal(answered, "words", f"Fay wrote to {name}")
    alert = Alert(
        cohort_id=maple.cohort.id,
        member_id=member.id,
        level=Level.AMBER,
        cause=AlertCause.CALL,
        state=AlertState.OPEN,
        raised_at=NOON,
    )
    tx.add_all([written, answered, alert])
    fay = (await tx.scalars(select(Chat).where(Chat.person_id == maple.fay.id))).one()
    await tx.flush()
    for number, (kind, ref) in enumerate((("note", written.id), ("alert", alert.id))):
        copy = _delivery(maple, fay, member, f"{kind}:{name}", kind, ref)
        tx.add(copy)
        await arrive(tx, copy, (200 if name == "Ann" else 210) + number, JUST_NOW)


async def _fill_fay(tx: Transaction, maple: Maple) -> None:
    broadcast = Broadcast(author_id=maple.fay.id, state=BroadcastState.SENT, made_at=NOON)
    tx.seal(broadcast, "words", word("Fay", "broadcast"))
    tx.add(broadcast)
    await tx.flush()
    tx.add(BroadcastCohort(broadcast_id=broadcast.id, cohort_id=maple.cohort.id))


def _disclosure(
    tx: Transaction, opening: Opening, response: Response, author: Member, reader: Member, name: str
) -> Disclosure:
    disclosure = Disclosure(
        opening_id=opening.id, response_id=response.id, author_id=author.id, reader_id=reader.id, opened_at=JUST_NOW
    )
    tx.seal_json(disclosure, "reply", word(name, "reply"))
    disclosure.replied_at = NOON
    tx.add(disclosure)
    return disclosure


def _delivery(maple: Maple, chat: Chat, member: Member, key: str, kind: str, ref: object) -> Delivery:
    return Delivery(
        key=key,
        origin=Origin.WINDOW,
        verb=Verb.SEND,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=chat.id,
        cohort_id=maple.cohort.id,
        member_id=member.id,
        meeting_id=maple.meeting.id,
        step="close-moment",
        ref=ref,
        due_at=NOON + timedelta(hours=1),
        state=DeliveryState.PLANNED,
        made_at=NOON,
    )


def tables() -> list[type[Base]]:
    return [mapper.class_ for mapper in Base.registry.mappers]
