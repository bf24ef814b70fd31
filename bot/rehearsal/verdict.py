"""What the phones have seen, collected after the last scene.

Screens and the stage's journal say what arrived and when; the bot's own database is asked only for what was due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from bot.programmes.schema import Programme
from bot.programmes.shelf import pinned
from bot.rehearsal.play import Play, Player
from bot.rehearsal.stage import Stage
from bot.storage.database import Database, Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Opening, Person
from bot.words import DeliveryState, OpeningState, Origin, Verb


@dataclass(frozen=True)
class Leaf:
    """One delivery that arrived: what, to whom, when it was due, when the phone had it."""

    step: str
    kind: str
    who: str
    due_at: datetime
    shown_at: datetime
    real: float  # seconds on the monotonic clock
    silent: bool
    lane: int


@dataclass(frozen=True)
class Pair:
    """Both partners' copies of one thing, and how far apart they arrived in real time."""

    what: str
    due_at: datetime
    milliseconds: float


@dataclass(frozen=True)
class Hour:
    """One opening."""

    step: str
    due_at: datetime
    opened: bool


@dataclass
class Evidence:
    """Everything the promises are held against."""

    play: Play
    partners: Sequence[Player]
    programme: Programme
    leaves: list[Leaf]
    lost: list[str]  # steps that were planned and reached nobody's phone
    hours: list[Hour]
    pairs: list[Pair] = field(default_factory=list)

    @property
    def readers(self) -> list[tuple[Player, Player]]:
        """Author and reader, both ways."""
        one, other = self.partners
        return [(one, other), (other, one)]

    def shown(self, name: str) -> list[str]:
        """Everything that was ever to be read on a phone."""
        return self.play.phone(name).ever_shown


async def gather(play: Play, database: Database, partners: Sequence[Player]) -> Evidence:
    """Collect what arrived, and hold it beside what was due."""
    arrivals = _arrivals(play.stage)
    async with database.transaction() as tx:
        cohort = (await tx.scalars(select(Cohort))).first()
        if cohort is None:
            raise LookupError("the script made no cohort")
        programme = await pinned(tx, cohort.programme)
        hours = [
            Hour(one.step, one.due_at, one.state is OpeningState.OPENED)
            for one in await tx.scalars(select(Opening).order_by(Opening.due_at))
        ]
        leaves, lost = await _leaves(tx, play, arrivals)
    evidence = Evidence(play, partners, programme, leaves, lost, hours)
    evidence.pairs = _pairs(evidence)
    return evidence


async def _leaves(
    tx: Transaction, play: Play, arrivals: dict[tuple[int, int], tuple[datetime, float]]
) -> tuple[list[Leaf], list[str]]:
    found = await tx.execute(
        select(Delivery, Person)
        .join(Chat, Chat.id == Delivery.chat_id)
        .join(Person, Person.id == Chat.person_id)
        .where(Delivery.verb == Verb.SEND, Delivery.state != DeliveryState.CANCELLED)
        .order_by(Delivery.due_at, Delivery.id)
    )
    leaves, lost = [], []
    for row, person in found.all():
        arrived = arrivals.get((person.telegram_id, row.message_id or 0))
        if arrived is not None:
            who = play.stage.people[person.telegram_id].name
            leaves.append(Leaf(row.step or "", row.kind, who, row.due_at, *arrived, row.silent, row.lane))
        elif row.origin is Origin.WINDOW and row.kind == "prompt":
            lost.append(row.step or "")
    return leaves, lost


def _arrivals(stage: Stage) -> dict[tuple[int, int], tuple[datetime, float]]:
    """When each message was accepted, in business and in real time, by chat and message."""
    return {
        (int(call.chat_id), call.message_id): (call.at, call.real)
        for call in stage.journal.accepted()
        if call.chat_id is not None and call.message_id is not None and call.method.lower().startswith("send")
    }


def _pairs(evidence: Evidence) -> list[Pair]:
    names = {player.name for player in evidence.partners}
    found: dict[tuple[datetime, str], list[Leaf]] = {}
    for leaf in evidence.leaves:
        if leaf.who in names and leaf.kind in {"prompt", "opening"}:
            what = leaf.step if leaf.kind == "prompt" else f"{leaf.step} (opening)"
            found.setdefault((leaf.due_at, what), []).append(leaf)
    return [
        Pair(what, due_at, abs(copies[0].real - copies[1].real) * 1000)
        for (due_at, what), copies in found.items()
        if len(copies) == 2
    ]
