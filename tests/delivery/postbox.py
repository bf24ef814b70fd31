"""A small post office: Maple is a couple; letters come from a composer that says the delivery's step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from telegram import Bot

from bot.delivery.bell import Bell
from bot.delivery.governor import Limits
from bot.delivery.post import PostOffice
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.transport import Transport
from bot.messages import Message
from bot.storage.database import Database, Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Person, PinnedProgramme
from bot.texts import Texts
from bot.words import CohortKind, DeliveryState, Lane, Origin, SecretsPolicy, Verb

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
TOKEN = "123456789:AAaaBBbbCCccDDddEEeeFFffGGggHHhhIIi"

Answer = Callable[[str, dict[str, str]], Awaitable[web.StreamResponse | None]]


def ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def refusal(code: int, description: str, **parameters: Any) -> web.Response:
    body = {"ok": False, "error_code": code, "description": description}
    return web.json_response(body | ({"parameters": parameters} if parameters else {}), status=code)


@dataclass
class Telegram:
    """A server that writes down every call; ``script`` may answer for it."""

    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    accepted: list[tuple[int, str]] = field(default_factory=list)  # chat and text, in order
    script: Answer | None = None
    delay: float = 0.0
    url: str = ""
    at_once: int = 0
    most_at_once: int = 0
    _next_id: int = 100

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fields = await fields_in(request)
        self.calls.append((method, fields))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            answer = await self.script(method, fields) if self.script else None
            return answer if answer is not None else self.accept(method, fields)
        finally:
            self.at_once -= 1

    def accept(self, method: str, fields: dict[str, str]) -> web.Response:
        if not method.startswith(("send", "edit")):
            return ok(True)
        self._next_id += 1
        chat = int(fields["chat_id"])
        text = fields.get("text", fields.get("caption", ""))
        self.accepted.append((chat, text))
        message_id = int(fields.get("message_id", self._next_id))
        return ok({"message_id": message_id, "date": 1, "chat": {"id": chat, "type": "private"}, "text": text})

    def texts(self) -> list[str]:
        return [text for _, text in self.accepted]


@asynccontextmanager
async def serving(handle: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/bot"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def bot_at(url: str, read_timeout: float = 1.0) -> AsyncIterator[Bot]:
    transport = Transport(read_timeout)
    await transport.initialize()
    try:
        yield Bot(TOKEN, base_url=url, request=transport, get_updates_request=Transport())
    finally:
        await transport.shutdown()


FAST = Limits(whole=1000, private=(1000, 1), group=(1000, 1))


class StandingClock:
    """Business time that only a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.at = now
        self.rests: list[datetime | None] = []

    async def now(self) -> datetime:
        return self.at

    async def rest(self, until: datetime | None, handled: int | None, at_most: float) -> None:
        self.rests.append(until)
        await asyncio.sleep(at_most)

    async def close(self) -> None:
        pass


@dataclass
class Maple:
    """A couple's chats and rows for them."""

    database: Database
    cohort: UUID
    ann: UUID
    bob: UUID

    def row(self, key: str, chat: UUID | None = None, **values: Any) -> Delivery:
        usual = {
            "key": key,
            "origin": Origin.WINDOW,
            "verb": Verb.SEND,
            "kind": "prompt",
            "lane": Lane.PROMPTS,
            "chat_id": chat or self.ann,
            "cohort_id": self.cohort,
            "step": key,
            "due_at": NOON,
            "made_at": NOON - timedelta(days=1),
        }
        return Delivery(**(usual | values))

    async def stored(self, row: Delivery) -> Delivery:
        async with self.database.transaction() as tx:
            return await tx.get_one(Delivery, row.id)

    async def state(self, row: Delivery) -> tuple[DeliveryState, str | None]:
        stored = await self.stored(row)
        return stored.state, stored.reason


async def add_person(tx: Transaction, telegram_id: int, language: str = "en", zone: str = "Europe/Berlin") -> UUID:
    person = Person(telegram_id=telegram_id, language=language, zone=ZoneInfo(zone), met_at=NOON)
    tx.seal(person, "name", "Somebody")
    chat = Chat(telegram_id=telegram_id, person_id=person.id)
    tx.add(person)
    await tx.flush()
    tx.add(chat)
    await tx.flush()
    return chat.id


async def add_cohort(tx: Transaction, name: str = "Maple") -> UUID:
    if await tx.get(PinnedProgramme, "0" * 64) is None:
        tx.add(PinnedProgramme(digest="0" * 64, name="none", version=1, source="", pinned_at=NOON))
        await tx.flush()
    cohort = Cohort(
        kind=CohortKind.COUPLE,
        zone=ZoneInfo("Europe/Berlin"),
        language="de",
        seats=2,
        programme="0" * 64,
        secrets_policy=SecretsPolicy.KEPT,
        screened_at=NOON,
        screened_by=uuid4(),
        created_at=NOON,
    )
    tx.seal(cohort, "name", name)
    tx.add(cohort)
    await tx.flush()
    return cohort.id


async def say_the_step(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Message:
    return Message(f"{row.step}")


@dataclass
class Office:
    """Makes post offices over one database and one carrier, as a restart would."""

    database: Database
    carrier: Carrier
    clock: StandingClock
    bell: Bell
    ties: Ties

    def open(self, owner: str = "first", **options: Any) -> PostOffice:
        ties = options.pop("ties", self.ties)
        return PostOffice(self.database, self.carrier, self.clock, self.bell, ties, owner=owner, **options)


def fields_of(call: tuple[str, dict[str, str]], *names: str) -> dict[str, Any]:
    def read(value: str) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            return value

    return {name: read(call[1][name]) for name in names if name in call[1]}


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something holds; fail if it does not come to pass."""
    for _ in range(int(seconds / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to pass")


async def fields_in(request: web.Request) -> dict[str, str]:
    """The parameters of a call as texts, whether it came as JSON or as a form."""
    if request.content_type == "application/json":
        given = await request.json()
    else:
        given = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
