"""What people ask of the bot in a seed; each order is one update and is carried out in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text

from bot.delivery import outbox
from bot.delivery.memory import BUCKET
from bot.delivery.moments import plan_moment, withdraw_moments
from bot.intake.inbox import TRIES
from bot.storage.database import Transaction
from bot.storage.tables import Delivery, Moment
from bot.words import Lane, Origin, Verb


@dataclass(frozen=True)
class Places:
    """The rows that every seed begins with."""

    chats: tuple[UUID, ...]
    telegram_ids: tuple[int, ...]
    cohorts: tuple[UUID, ...]


@dataclass(frozen=True)
class Letter:
    key: str
    chat: int  # its place among the chats
    cohort: int
    kind: str
    lane: Lane
    due_at: datetime
    expires_at: datetime | None = None

    def row(self, places: Places, now: datetime) -> Delivery:
        return Delivery(
            key=self.key,
            origin=Origin.WINDOW,
            verb=Verb.SEND,
            kind=self.kind,
            lane=self.lane,
            chat_id=places.chats[self.chat],
            cohort_id=places.cohorts[self.cohort],
            due_at=self.due_at,
            expires_at=self.expires_at,
            made_at=now,
        )


@dataclass(frozen=True)
class Plan:
    letters: tuple[Letter, ...]

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        await outbox.plan(tx, [letter.row(places, now) for letter in self.letters])


@dataclass(frozen=True)
class PlanMoment:
    """At its hour a moment plans letters, as an opening does."""

    key: str
    due_at: datetime
    letters: tuple[Letter, ...] = field(default=(), compare=False)

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        await plan_moment(tx, Moment(key=self.key, kind="opening", due_at=self.due_at, step=self.key, tries=0))


@dataclass(frozen=True)
class WithdrawMoment:
    key: str

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        await withdraw_moments(tx, Moment.key == self.key, reason="moved")


@dataclass(frozen=True)
class Move:
    key: str
    to: datetime

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        found = await tx.scalar(select(Delivery.id).where(Delivery.key == self.key))
        if found is not None:
            await outbox.move(tx, found, due_at=self.to, expires_at=self.to + timedelta(hours=1))


@dataclass(frozen=True)
class Withdraw:
    key: str

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        await outbox.withdraw(tx, Delivery.key == self.key, reason="withdrawn")


@dataclass(frozen=True)
class Change:
    """Edit, pin or delete a message, which may still be on its way."""

    verb: Verb
    key: str
    due_at: datetime

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        target = (await tx.execute(select(Delivery).where(Delivery.key == self.key))).scalars().first()
        if target is not None:
            changed = Delivery(
                key=f"{self.verb}:{self.key}",
                origin=Origin.WINDOW,
                verb=self.verb,
                kind="prompt",
                lane=target.lane,
                chat_id=target.chat_id,
                cohort_id=target.cohort_id,
                target=target.id,
                due_at=self.due_at,
                made_at=now,
            )
            await outbox.plan(tx, [changed])


@dataclass(frozen=True)
class Stop:
    """Somebody wants nothing more, until they do."""

    chat: int
    stops: bool

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        chat = places.chats[self.chat]
        name = f"stopped:{chat.hex}"
        await tx.execute(delete(BUCKET).where(BUCKET.c.name == name))
        if self.stops:
            await tx.execute(insert(BUCKET).values(name=name, arrives_at=now))
        await note(tx, "stop" if self.stops else "go on", chat.hex)


@dataclass(frozen=True)
class Tap:
    """A press on a message, if it has arrived by now."""

    chat: int
    arrived: Callable[[], tuple[str, int] | None] = field(compare=False)

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        found = self.arrived()
        if found is not None:
            await outbox.prove(tx, UUID(found[0]), found[1], chat=places.telegram_ids[self.chat], now=now)


@dataclass(frozen=True)
class Stumble:
    """The handler fails this often before it succeeds, or always."""

    times: int
    tried: list[int] = field(default_factory=list, compare=False)

    @property
    def hopeless(self) -> bool:
        return self.times >= TRIES

    async def do(self, tx: Transaction, places: Places, now: datetime) -> None:
        self.tried.append(1)
        if self.hopeless or len(self.tried) <= self.times:
            raise ValueError("as the seed wants it")


Order = Plan | PlanMoment | WithdrawMoment | Move | Withdraw | Change | Stop | Tap | Stumble


async def note(tx: Transaction, what: str, row: str) -> None:
    """Write into the seed's history, in the transaction of what is noted."""
    await tx.execute(_NOTE, {"what": what, "row": row})


async def stopped(tx: Transaction, rows: Any, *, now: datetime) -> dict[UUID, str]:
    """The post office's last question: whose chat wants nothing."""
    names = set(await tx.scalars(select(BUCKET.c.name)))
    return {row.id: "stopped" for row in rows if f"stopped:{row.chat_id.hex}" in names}


_NOTE = text("INSERT INTO history (what, row) VALUES (:what, :row)")
