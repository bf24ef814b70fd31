"""The Maple couple in Berlin, held by Fay in São Paulo, and the phones they use."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Token
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.buttons import decode
from bot.delivery.telegram import Call, Method
from bot.errors import Refused
from bot.intake.arrival import arrival
from bot.messages import Message, Withdrawn
from bot.programmes.shelf import library, pin
from bot.scheduling import actions, compose, queries
from bot.scheduling.actions import Proposal
from bot.storage.database import Database, Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Facilitation, Meeting, Member, Moment, Person
from bot.texts import Texts
from bot.words import (
    CohortKind,
    DeliveryState,
    MeetingKind,
    MemberState,
    MomentState,
    Pace,
    SecretsPolicy,
)
from handlers import scheduling
from handlers.context import Context, Said

BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
KOLKATA = ZoneInfo("Asia/Kolkata")

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday, 10:00 in Berlin
START = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)  # Saturday 14:00 in Berlin
THREE_HOURS = timedelta(hours=3)
END = START + THREE_HOURS
GATHERING_IN_TWO_DAYS = Proposal(MeetingKind.GATHERING, NOW + timedelta(days=2), timedelta(hours=1))
SESSION = Proposal(MeetingKind.SESSION, START, THREE_HOURS)


@dataclass
class Maple:
    """Ids of everybody, so that each transaction reads them anew."""

    database: Database
    cohort_id: UUID
    fay: UUID
    people: dict[str, UUID]
    members: dict[str, UUID]
    programme: str = ""

    async def planned(self, proposal: Proposal = SESSION, now: datetime = NOW) -> UUID:
        """Plan a meeting and return its id."""
        async with self.database.transaction() as tx:
            meeting, _ = await actions.schedule(tx, self.cohort_id, proposal, by=self.fay, now=now)
        return meeting.id

    async def meeting(self, meeting_id: UUID) -> Meeting:
        async with self.database.transaction() as tx:
            return await tx.get_one(Meeting, meeting_id)

    async def waiting(self, *kinds: str) -> list[Delivery]:
        """What has not left yet, of these kinds, by its hour."""
        return await self.deliveries(*kinds, states=[DeliveryState.PLANNED])

    async def deliveries(self, *kinds: str, states: Sequence[DeliveryState] = tuple(DeliveryState)) -> list[Delivery]:
        async with self.database.transaction() as tx:
            found = select(Delivery).where(Delivery.kind.in_(kinds), Delivery.state.in_(states))
            return list(await tx.scalars(found.order_by(Delivery.due_at, Delivery.made_at, Delivery.id)))

    async def send(self, *kinds: str, now: datetime = NOW) -> list[tuple[str, Message]]:
        """What the post office would do now: compose what waits and mark it as sent; whom it reached, and how."""
        sent = []
        for waiting in await self.waiting(*kinds):
            async with self.database.transaction() as tx:
                row = await tx.get_one(Delivery, waiting.id)
                person = await person_of(tx, row)
                letter = await compose.COMPOSERS[row.kind](tx, row, Texts("en", person.zone), now)
                if isinstance(letter, Withdrawn):
                    row.state, row.reason = DeliveryState.SKIPPED, letter.why
                    continue
                row.state, row.sent_at, row.attempts = DeliveryState.SENT, now, 1
                row.message_id = person.telegram_id * 1000 + len(sent)
                sent.append((tx.open(person, "name"), letter))
        return sent

    async def run_moments(self, now: datetime) -> list[str]:
        """Run what falls due, as the post office does; returns the kinds."""
        done = []
        while True:
            async with self.database.transaction() as tx:
                due = select(Moment).where(
                    Moment.state == MomentState.WAITING, Moment.due_at <= now, Moment.kind.in_(actions.MOMENTS)
                )
                moment = await tx.scalar(due.order_by(Moment.due_at).limit(1))
                if moment is None:
                    return done
                moment.state = MomentState.DONE
                await tx.flush()
                await actions.MOMENTS[moment.kind](tx, moment, now=max(now, moment.due_at))
                done.append(moment.kind)

    async def attendance(self, meeting_id: UUID) -> dict[str, Any]:
        async with self.database.transaction() as tx:
            return {one.name: one.attendance for one in await queries.present(tx, meeting_id)}


async def person_of(tx: Transaction, row: Delivery) -> Person:
    chat = await tx.get_one(Chat, row.chat_id)
    return await tx.get_one(Person, chat.person_id)


async def add_person(tx: Transaction, telegram_id: int, name: str, zone: ZoneInfo) -> Person:
    person = Person(telegram_id=telegram_id, language="en", zone=zone, zone_confirmed=True, met_at=NOW)
    tx.seal(person, "name", name)
    tx.add(person)
    await tx.flush()
    tx.add(Chat(telegram_id=telegram_id, person_id=person.id))
    await tx.flush()
    return person


async def add_member(tx: Transaction, cohort_id: UUID, person: Person, name: str, n: int = 0) -> Member:
    joined = NOW - timedelta(days=3) + timedelta(minutes=n)
    member = Member(
        cohort_id=cohort_id,
        person_id=person.id,
        state=MemberState.ENROLLED,
        pace=Pace.FULL,
        joined_at=joined,
        admitted_at=joined,
    )
    tx.seal(member, "alias", name)
    tx.add(member)
    await tx.flush()
    return member


async def found_maple(database: Database) -> Maple:
    async with database.transaction() as tx:
        fay = await add_person(tx, 1001, "Fay", SAO_PAULO)
        programme = await pin(tx, library()["couple-72h"].source, NOW)
        cohort = Cohort(
            kind=CohortKind.COUPLE,
            zone=BERLIN,
            language="en",
            seats=2,
            programme=programme.digest,
            secrets_policy=SecretsPolicy.KEPT,
            screened_at=NOW,
            screened_by=fay.id,
            created_at=NOW,
        )
        tx.seal(cohort, "name", "Maple")
        tx.add(cohort)
        await tx.flush()
        tx.add(Facilitation(cohort_id=cohort.id, person_id=fay.id, since=NOW - timedelta(days=9)))
        people = {}
        members = {}
        for n, name in enumerate(["Ann", "Bob"]):
            person = await add_person(tx, 1002 + n, name, BERLIN)
            people[name] = person.id
            members[name] = (await add_member(tx, cohort.id, person, name, n)).id
    return Maple(database, cohort.id, fay.id, people, members, programme.digest)


async def add_facilitator(maple: Maple, telegram_id: int, name: str) -> UUID:
    async with maple.database.transaction() as tx:
        person = await add_person(tx, telegram_id, name, BERLIN)
        tx.add(Facilitation(cohort_id=maple.cohort_id, person_id=person.id, since=NOW - timedelta(days=1)))
    return person.id


# ── Phones ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Marked:
    async def mark_handled(self, tx: Transaction, *, now: datetime) -> None:
        """There is no inbox here."""


@dataclass
class _Recorder:
    calls: list[Call] = field(default_factory=list)

    async def do(self, call: Call) -> None:
        self.calls.append(call)


class Phone:
    """What somebody types and presses, against the real handlers; Telegram is a list of calls."""

    def __init__(self, database: Database, telegram_id: int, now: datetime = NOW) -> None:
        self.now = now
        self.telegram_id = telegram_id
        self.screen = Message("")
        self.messages: list[Message] = []
        self.carrier = _Recorder()
        settings = SimpleNamespace(default_language="en", owner_ids=())
        bell = SimpleNamespace(ring=lambda: None)
        self.runtime = SimpleNamespace(
            database=database, carrier=self.carrier, settings=settings, bell=bell, bot_username="understory_bot"
        )

    async def command(self, line: str) -> Message:
        """Type "/session Maple …"."""
        command, _, words = line.removeprefix("/").partition(" ")
        return await self._do(scheduling.COMMANDS[command], text=words)

    async def types(self, words: str) -> Message:
        """Type words that a draft waits for."""
        from bot.storage.drafts import awaiting_draft

        async with self.runtime.database.transaction() as tx:
            me = await tx.scalar(select(Person).where(Person.telegram_id == self.telegram_id))
            draft = await awaiting_draft(tx, me.id, now=self.now)
        return await self._do(scheduling.TYPED[draft.awaits], text=words)

    async def press(self, label: str, on: Message | None = None) -> Message:
        """Press a button of the newest screen, or of another message."""
        shown = on or self.screen
        button = next(button for row in shown.buttons for button in row if button.label.removeprefix("✓ ") == label)
        return await self.taps(button.data)

    async def taps(self, data: str) -> Message:
        """Send callback data, made by us or forged."""
        tap = decode(data)
        return await self._do(scheduling.BUTTONS[tap.action], tap=tap, callback_id="1")

    async def _do(self, handler: Any, **said: Any) -> Message:
        heard = Said(self.telegram_id, "?", "en", self.telegram_id, private=True, message_id=7, **said)
        token: Token[Any] = arrival.set(_Marked())
        before = len(self.carrier.calls)
        try:
            await handler(Context(self.runtime, heard, self.now))
        finally:
            arrival.reset(token)
        shown = [call.message for call in self.carrier.calls[before:] if call.method in {Method.SEND, Method.EDIT}]
        self.messages += shown
        self.screen = shown[-1]
        return self.screen


def labels(message: Message) -> list[str]:
    return [button.label for row in message.buttons for button in row]


async def refusal(doing: Any) -> type[Refused] | None:
    """The polite no that comes of something, if one does."""
    try:
        await doing
    except Refused as no:
        return type(no)
    return None
