"""A town of couples in a database, the stage with their phones, letters for them, and the bot's processes.

Every letter is a row of its own that the post office cannot tell from others; its words name it, so that the stage's
journal and the database can be compared.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from couple import add_cohort, add_member, add_person
from faults.ledger import Accepted, Row, Verdict, balance
from faults.processes import UNDERSTORY, BotProcess, start
from house import FAY, KEY, TOKEN
from sqlalchemy import select

from bot.buttons import decode
from bot.delivery.outbox import plan
from bot.rehearsal.clock import StageClock
from bot.rehearsal.journal import Call
from bot.rehearsal.server import Served
from bot.rehearsal.server import serve as serve_stage
from bot.rehearsal.stage import Stage
from bot.storage.database import Database, Transaction, open_database
from bot.storage.keys import read_keys
from bot.storage.tables import Broadcast, Chat, Delivery, Facilitation, Note
from bot.words import BroadcastState, Lane, Origin, Verb

BERLIN = ZoneInfo("Europe/Berlin")
IN_FLIGHT = 10  # messages on the wire at once, and so in doubt after a crash, at most
RESTS_WITHIN = 180.0  # real seconds for everything to come to its end: two repeats and a dead leader's calls
COPIES = {("broadcast", Lane.SAFETY): 3, ("note", Lane.PROMPTS): 3, ("opening", Lane.PROMPTS): 2}  # docs/delivery.md
LETTERS = ("broadcast", "note", "opening")  # kinds of deliveries that the ledger follows
FOLDED = ("open", "unseal")  # actions behind the one button of a message that tells nothing

_UNFINISHED = (
    "SELECT (SELECT count(*) FROM delivery WHERE state IN ('planned', 'claimed', 'sending')"
    " OR (state = 'unknown' AND lease_until IS NOT NULL))"
    " + (SELECT count(*) FROM inbox WHERE state = 'waiting')"
    " + (SELECT count(*) FROM moment WHERE state = 'waiting' AND kind <> 'broadcast-report')"
)


Towns = Callable[..., AbstractAsyncContextManager["Town"]]
Enter = Callable[..., None]


def today() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the processes read the machine's clock


async def come_true(claim: Callable[[], object], within: float = 30.0) -> None:
    """Wait, in real time, until something is so."""
    async with asyncio.timeout(within):
        while True:
            if claim():
                return
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Someone:
    """A member with a phone."""

    name: str
    telegram_id: int
    chat_id: UUID
    member_id: UUID
    cohort_id: UUID


@dataclass
class Town:
    stage: Stage
    served: Served
    clock: StageClock
    url: str
    folder: Path
    settings: dict[str, str]
    people: list[Someone] = field(default_factory=list)
    fay: UUID | None = None
    lives: list[BotProcess] = field(default_factory=list)
    own_clock: bool = True  # the processes read the machine's clock, not the stage's
    began: tuple[datetime, float] = field(default_factory=lambda: (today(), time.monotonic()))
    planned: int = 0
    letters: tuple[str, ...] = LETTERS
    steps: list[tuple[float, timedelta]] = field(
        default_factory=list
    )  # how far the machine's clock was off, since when

    @property
    def now(self) -> datetime:
        return today() if self.own_clock else self.clock.now

    @property
    def couples(self) -> list[tuple[Someone, Someone]]:
        return list(zip(self.people[::2], self.people[1::2], strict=True))

    # The database, while no process has it (PostgreSQL: always)

    @asynccontextmanager
    async def records(self) -> AsyncIterator[Database]:
        database = open_database(self.url, read_keys(KEY))
        try:
            yield database
        finally:
            await database.close()

    async def settle_down(self, couples: int, zones: tuple[ZoneInfo, ZoneInfo] = (BERLIN, BERLIN)) -> None:
        """Let couples move in, held by Fay; nobody ever sleeps, so that every letter is due at once."""
        async with self.records() as database, database.transaction() as tx:
            fay = await add_person(tx, "Fay", FAY, BERLIN)
            self.fay = fay.id
            for number in range(couples):
                cohort = await add_cohort(tx, f"House {number}", fay.id, today() - timedelta(days=10))
                tx.add(Facilitation(cohort_id=cohort.id, person_id=fay.id, since=today() - timedelta(days=10)))
                for one in (2 * number, 2 * number + 1):
                    person = await add_person(tx, f"Person {one}", 2000 + one, zones[one % 2])
                    person.quiet_begins = person.quiet_ends = hour(0)
                    member = await add_member(tx, cohort, person, person_name := f"Person {one}")
                    chat = (await tx.scalars(select(Chat.id).where(Chat.person_id == person.id))).one()
                    self.people.append(Someone(person_name, 2000 + one, chat, member.id, cohort.id))
        for someone in self.people:
            self.stage.person(someone.name, id=someone.telegram_id)
            self.stage.phone(someone.name).chat.started = True

    async def open_circle(self) -> Someone:
        """A group that all of the first house sit in, as somebody to write to."""
        host = self.people[0]
        group = self.stage.groups.open("Circle", owner=self.stage.named(host.name), bots=[self.stage.bot_named()])
        async with self.records() as database, database.transaction() as tx:
            tx.add(chat := Chat(telegram_id=group.id, zone=BERLIN, language="en"))
        return Someone("Circle", group.id, chat.id, host.member_id, host.cohort_id)

    async def plan_letters(
        self,
        number: int,
        *,
        lane: Lane = Lane.PROMPTS,
        kind: str = "broadcast",
        to: Sequence[Someone] | None = None,
        due_at: datetime | None = None,
        every: timedelta = timedelta(0),
        expires_after: timedelta | None = None,
        **more: Any,
    ) -> list[UUID]:
        """Plan letters for the people in turn, couple by couple, all due now or one after the other."""
        due_at = due_at or self.now
        readers = to or self.people
        async with self.records() as database, database.transaction() as tx:
            rows = []
            for one in range(number):
                reader = readers[one % len(readers)]
                at = due_at + one * every
                ref = await self._letter(tx, kind, reader)
                row = Delivery(
                    key=f"letter:{ref}",
                    origin=Origin.BROADCASTS,
                    verb=Verb.SEND,
                    kind=kind,
                    lane=lane,
                    chat_id=reader.chat_id,
                    cohort_id=reader.cohort_id,
                    member_id=reader.member_id,
                    ref=ref,
                    due_at=at,
                    expires_at=at + expires_after if expires_after else None,
                    made_at=self.now,
                    **more,
                )
                rows.append(row)
            await tx.flush()
            await plan(tx, rows)
        return [row.id for row in rows]

    async def _letter(self, tx: Transaction, kind: str, reader: Someone) -> UUID:
        self.planned += 1
        assert self.fay is not None
        letter: Note | Broadcast
        if kind == "note":
            letter = Note(
                cohort_id=reader.cohort_id, member_id=reader.member_id, author_id=self.fay, written_at=self.now
            )
        else:
            letter = Broadcast(author_id=self.fay, state=BroadcastState.LEAVING, made_at=self.now)
        tx.seal(letter, "words", f"Letter {self.planned}")
        tx.add(letter)
        return letter.id

    # The bot

    async def start(self, command: Sequence[str] = UNDERSTORY, **settings: str) -> BotProcess:
        """Start the bot; it is ended with the town at the latest."""
        life = await start(self.settings | settings, self.folder, command)
        self.lives.append(life)
        return life

    def at_call(self, number: int, act: Callable[[], object]) -> asyncio.Future[None]:
        """Act in the very instant in which the stage accepts the n-th letter from now on, before it answers."""
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left = number

        def watch(call: Call) -> None:
            nonlocal left
            if call.method == "sendMessage" and call.accepted and _tag_of_call(call) and not come.done():
                left -= 1
                if left <= 0:
                    come.set_result(None)
                    act()

        watchers = self.stage.journal.watchers
        watchers.append(watch)
        come.add_done_callback(lambda _: watchers.remove(watch))
        return come

    async def heard(self, number: int = 1) -> None:
        """Wait until the stage has accepted so many letters from now on."""
        await asyncio.wait_for(self.at_call(number, lambda: None), RESTS_WITHIN)

    async def at_rest(self, within: float = RESTS_WITHIN) -> None:
        """Wait, while the bot runs, until nothing is left to do."""
        async with asyncio.timeout(within):
            while left := await asyncio.to_thread(self._unfinished):
                if self.lives and not any(life.lives for life in self.lives):
                    raise AssertionError(f"no bot lives, {left} things are left: {self.lives[-1].said.read_text()}")
                await asyncio.sleep(0.1)

    def _unfinished(self) -> int:
        return self.ask(_UNFINISHED, default=1)

    def ask(self, question: str, default: int = 0) -> int:
        """One number out of the database, beside a running bot; the default while it cannot be read."""
        try:
            if self.url.startswith("sqlite"):
                file = f"file:{self.url.removeprefix('sqlite:///')}?mode=ro"
                with closing(sqlite3.connect(file, uri=True)) as connection:
                    return int(connection.execute(question).fetchone()[0])
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                found = connection.execute(question.encode()).fetchone()
                return int(found[0]) if found else default
        except (sqlite3.OperationalError, psycopg.OperationalError):
            return default

    # Afterwards

    async def rows(self) -> list[Row]:
        """Every letter as the database has it, in the order in which they were planned."""
        async with self.records() as database, database.transaction() as tx:
            found = await tx.execute(
                select(Delivery, Chat.telegram_id)
                .join(Chat, Chat.id == Delivery.chat_id)
                .where(Delivery.kind.in_(self.letters))
                .order_by(Delivery.id)
            )
            return [
                Row(
                    tag=await _tag(tx, row, chat),
                    chat=chat,
                    lane=row.lane,
                    due_at=row.due_at,
                    state=row.state,
                    reason=row.reason,
                    copies=COPIES.get((row.kind, Lane(row.lane)), 1),
                    attempts=row.attempts,
                    repeated=row.resends > 0,
                    expires_at=row.expires_at,
                )
                for row, chat in found
            ]

    def accepted(self) -> list[Accepted]:
        calls = [call for call in self.stage.journal.calls if is_message(call) and call.accepted]
        found = [(call, _tag_of_call(call)) for call in calls if call.method == "sendMessage"]
        return [Accepted(tag, int(call.chat_id or 0), self._at(call), call.real) for call, tag in found if tag]

    def _at(self, call: Call) -> datetime:
        if not self.own_clock:
            return call.at
        began, real = self.began
        off = next((off for since, off in reversed(self.steps) if since <= call.real), timedelta(0))
        return began + timedelta(seconds=call.real - real) + off

    def calls(self) -> list[tuple[int, float]]:
        return [(int(call.chat_id or 0), call.real) for call in self.stage.journal.calls if is_message(call)]

    async def verdict(self, *, rate: int | None = None, punctual: timedelta | None = None) -> Verdict:
        """Compare what the stage accepted with what the database says; the bot has been stopped."""
        return balance(await self.rows(), self.accepted(), self.calls(), rate=rate, punctual=punctual)

    def complaints(self) -> list[str]:
        return [line for life in self.lives for line in life.complaints()]


def is_message(call: Call) -> bool:
    """Whether a call counts against the limits on messages."""
    return call.method.startswith(("send", "edit"))


async def _tag(tx: Transaction, row: Delivery, chat: int) -> str:
    if row.kind == "note":
        return f"note {row.ref} to {chat}"
    if row.kind != "broadcast":
        return f"folded {row.id} to {chat}"
    return f"{tx.open(await tx.get_one(Broadcast, row.ref), 'words')} to {chat}"


def _tag_of_call(call: Call) -> str | None:
    """Which letter a call carried; other messages (screens, reports) carry none."""
    words = str(call.params.get("text", ""))
    if words.startswith("From "):
        return f"{words.partition(chr(10))[2]} to {call.chat_id}"
    rows = (call.result.get("reply_markup") or {}).get("inline_keyboard") or [[{}]]
    tap = decode(rows[0][0].get("callback_data", "x::"))
    if tap.action in FOLDED:
        return f"folded {tap.ref} to {call.chat_id}"
    return f"note {tap.ref} to {call.chat_id}" if tap.action == "note-open" else None


@asynccontextmanager
async def a_town(
    url: str,
    folder: Path,
    couples: int,
    *,
    stage_clock: bool = False,
    begins: datetime | None = None,
    zones: tuple[ZoneInfo, ZoneInfo] = (BERLIN, BERLIN),
    **settings: str,
) -> AsyncIterator[Town]:
    """A town whose stage listens; nothing of it is left running afterwards.

    With ``begins`` its clock stands there until somebody drives it.
    """
    stage_clock = stage_clock or begins is not None
    clock = StageClock(begins or today(), speed=1.0, paused=begins is not None or not stage_clock)
    stage = Stage(clock)
    bot = stage.bot("understory_bot", token=TOKEN)
    stage.person("Fay", id=FAY)
    stage.phone("Fay").chat.started = True
    async with serve_stage(stage, clock) as served:
        given = {
            "BOT_TOKEN": bot.token,
            "BOT_API_URL": served.url,
            "DATABASE_URL": url,
            "ENCRYPTION_KEYS": KEY,
            "OWNER_IDS": str(FAY),
            **({"CLOCK_URL": served.clock_url} if stage_clock else {}),
            **settings,
        }
        town = Town(stage, served, clock, url, folder, given, own_clock=not stage_clock)
        if couples:
            await town.settle_down(couples, zones)
        try:
            yield town
        finally:
            for life in town.lives:
                await life.end()
