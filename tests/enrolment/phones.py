"""Phones without Telegram: what somebody does goes straight to the handlers, what they would see is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from seating import NOON
from sqlalchemy import or_, select

from bot.buttons import decode
from bot.delivery.bell import Bell
from bot.delivery.outcomes import Outcome
from bot.delivery.telegram import Call, Method, check
from bot.enrolment.compose import COMPOSERS
from bot.intake.arrival import arrival
from bot.messages import Message
from bot.runtime import Runtime
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.drafts import awaiting_draft
from bot.storage.tables import Chat, Delivery, Person
from bot.texts import Texts
from bot.words import OutcomeKind
from handlers import enrolment
from handlers.context import Context, Said

TOKEN = "123456789:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
GROUP = -1000


class _Arrival:
    async def mark_handled(self, tx: Any, *, now: datetime) -> None:
        pass


@dataclass
class Wire:
    """Instead of Telegram: holds every call to its limits and remembers it."""

    calls: list[Call] = field(default_factory=list)

    @property
    def bot(self) -> Wire:
        return self

    async def set_my_commands(self, *_: object, **__: object) -> None:
        """Menus are seen in the stories."""

    async def do(self, call: Call, **_: Any) -> Outcome:
        check(call)
        self.calls.append(call)
        return Outcome(OutcomeKind.DONE, message_id=len(self.calls))


class Phones:
    """Everybody's phone; ``say`` and ``press`` return the screen that follows."""

    def __init__(self, database: Database, owner: int) -> None:
        self.wire = Wire()
        settings = Settings.read({"BOT_TOKEN": TOKEN, "OWNER_IDS": str(owner)})
        self.runtime = Runtime(
            settings=settings,
            database=database,
            clock=cast("Any", SimpleNamespace()),
            carrier=cast("Any", self.wire),
            bell=Bell(),
            bot_id=1,
            bot_username="a_bot",
        )
        self.database = database
        self.now = NOON
        self.screens: dict[int, Message] = {}

    async def say(self, who: int, words: str, *, group: bool = False, language: str = "en") -> Message:
        if words.startswith("/"):
            command, _, rest = words[1:].partition(" ")
            return await self._do(who, enrolment.COMMANDS[command], text=rest, group=group, language=language)
        async with self.database.transaction() as tx:
            person = await tx.scalar(select(Person).where(Person.telegram_id == who))
            assert person is not None
            draft = await awaiting_draft(tx, person.id, now=self.now)
        assert draft is not None
        assert draft.awaits is not None
        return await self._do(who, enrolment.TYPED[draft.awaits], text=words, language=language)

    async def press(self, who: int, label: str, *, language: str = "en") -> Message:
        found = [b for row in self.screens[who].buttons for b in row if label in b.label]
        assert len(found) == 1, (label, self.labels(who))
        return await self.press_data(who, found[0].data or "", language=language)

    async def press_data(self, who: int, data: str, *, language: str = "en") -> Message:
        tap = decode(data)
        return await self._do(who, enrolment.BUTTONS[tap.action], tap=tap, language=language)

    def labels(self, who: int) -> list[str]:
        return [button.label for row in self.screens[who].buttons for button in row]

    async def delivered(self, who: int) -> list[Message]:
        """Everything that was planned for somebody, composed now; the last one is on the screen."""
        shown = []
        async with self.database.transaction() as tx:
            rows = await tx.scalars(
                select(Delivery)
                .join(Chat, Chat.id == Delivery.chat_id)
                .where(Chat.telegram_id == who, or_(Delivery.expires_at.is_(None), Delivery.expires_at > self.now))
                .order_by(Delivery.made_at, Delivery.key)
            )
            for row in rows:
                person = (await tx.scalars(select(Person).where(Person.telegram_id == who))).one()
                said = await COMPOSERS[row.kind](tx, row, Texts(person.language, person.zone), self.now)
                if isinstance(said, Message):
                    check(Call(Method.SEND, who, said))
                    shown.append(said)
        if shown:
            self.screens[who] = shown[-1]
        return shown

    def later(self, span: timedelta) -> None:
        self.now += span

    async def _do(
        self, who: int, handler: Any, *, text: str = "", tap: Any = None, group: bool = False, language: str = "en"
    ) -> Message:
        heard = Said(
            telegram_id=who,
            name={100: "Fay", 200: "Ann", 300: "Bob"}.get(who, "Eve"),
            language_code=language,
            chat_id=GROUP if group else who,
            private=not group,
            text=text,
            message_id=7,
            tap=tap,
            callback_id="c" if tap else None,
        )
        before = len(self.wire.calls)
        with _handling():
            await handler(Context(self.runtime, heard, self.now))
        shown = [call.message for call in self.wire.calls[before:] if call.message is not None]
        if not group:
            self.screens[who] = shown[-1]
        return shown[-1]


@contextmanager
def _handling() -> Iterator[None]:
    token = arrival.set(cast("Any", _Arrival()))
    try:
        yield
    finally:
        arrival.reset(token)
