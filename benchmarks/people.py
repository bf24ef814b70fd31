"""Couples and what they are owed, written straight into an empty database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bot.clock import new_id
from bot.programmes.shelf import digest_of
from bot.storage.database import Database, Transaction
from bot.storage.keys import Keyring, Place
from bot.storage.tables import Base, Chat, Cohort, Delivery, Facilitation, Meeting, Member, Person, PinnedProgramme
from bot.words import (
    CohortKind,
    DeliveryState,
    Lane,
    MeetingKind,
    MeetingState,
    MemberState,
    Origin,
    Pace,
    SecretsPolicy,
    Verb,
)

FIRST_MEMBER = 10_000  # Telegram ids from here on
FAY = 5000  # the facilitator's
STEP, QUESTION, OPTION = "logistics", "ready", "ready"  # a step of couple-72h that everybody has, and an answer to it
_AT_ONCE = 2000
_BERLIN = ZoneInfo("Europe/Berlin")


class Couples:
    """So many couples held by one facilitator, all released from a session an hour ago."""

    def __init__(
        self,
        number: int,
        now: datetime,
        keys: Keyring,
        *,
        source: str = "",
        name: str = "none",
        first_member: int = FIRST_MEMBER,
        facilitator: int = FAY,
    ) -> None:
        self._now = now
        self._keys = keys
        digest = digest_of(source or name)
        self._programme = {"digest": digest, "name": name, "version": 1, "source": source, "pinned_at": now}
        self.facilitator = new_id()
        self._facilitator_id = facilitator
        self.members = [
            {
                "telegram_id": first_member + 2 * couple + seat,
                "person": new_id(),
                "chat": new_id(),
                "member": new_id(),
                "couple": couple,
            }
            for couple in range(number)
            for seat in range(2)
        ]
        self._cohorts = [new_id() for _ in range(number)]
        self._meetings = [new_id() for _ in range(number)]

    async def move_in(self, database: Database) -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(PinnedProgramme), [self._programme])
            await _put(tx, Person, [self._person(self.facilitator, self._facilitator_id)])
            await _put(tx, Person, (self._person(one["person"], one["telegram_id"]) for one in self.members))
            await _put(tx, Chat, [self._chat(new_id(), self._facilitator_id, self.facilitator)])
            await _put(tx, Chat, (self._chat(one["chat"], one["telegram_id"], one["person"]) for one in self.members))
            await _put(tx, Cohort, (self._cohort(cohort) for cohort in self._cohorts))
            await _put(tx, Facilitation, (self._held(cohort) for cohort in self._cohorts))
            await _put(tx, Member, (self._member(one) for one in self.members))
            meetings = zip(self._meetings, self._cohorts, strict=True)
            await _put(tx, Meeting, (self._meeting(meeting, cohort) for meeting, cohort in meetings))

    async def owe(self, database: Database, number: int, **usual: Any) -> list[UUID]:
        """Plan so many messages, one for each member in turn; returns their ids in that order."""
        ids: list[UUID] = []
        async with database.transaction() as tx:
            await _put(tx, Delivery, self._owed(number, ids, usual))
        return ids

    def _owed(self, number: int, ids: list[UUID], usual: dict[str, Any]) -> Iterator[dict[str, Any]]:
        name = usual.pop("name", "m")
        for n in range(number):
            one = self.members[n % len(self.members)]
            ids.append(row := new_id())
            yield {
                "id": row,
                "key": f"{name}:{n}",
                "origin": Origin.WINDOW,
                "verb": Verb.SEND,
                "kind": "prompt",
                "lane": Lane.PROMPTS,
                "chat_id": one["chat"],
                "cohort_id": self._cohorts[one["couple"]],
                "member_id": one["member"],
                "meeting_id": self._meetings[one["couple"]],
                "step": f"{name}:{n}",
                "due_at": self._now,
                "expires_at": self._now + timedelta(days=1),
                "state": DeliveryState.PLANNED,
                "made_at": self._now,
                **usual,
            }

    def _chat(self, row: UUID, telegram_id: int, person: UUID) -> dict[str, Any]:
        return {"id": row, "telegram_id": telegram_id, "person_id": person}

    def _held(self, cohort: UUID) -> dict[str, Any]:
        return {"cohort_id": cohort, "person_id": self.facilitator, "since": self._now}

    def _person(self, row: UUID, telegram_id: int) -> dict[str, Any]:
        name = self._seal("person", "name", row, "Ann")
        values = {"id": row, "telegram_id": telegram_id, "name": name, "language": "en", "zone": _BERLIN}
        return values | {"zone_confirmed": True, "discreet": False, "met_at": self._now}

    def _cohort(self, row: UUID) -> dict[str, Any]:
        return {
            "id": row,
            "kind": CohortKind.COUPLE,
            "name": self._seal("cohort", "name", row, "Maple"),
            "zone": _BERLIN,
            "language": "en",
            "seats": 2,
            "programme": self._programme["digest"],
            "secrets_policy": SecretsPolicy.KEPT,
            "screened_at": self._now,
            "screened_by": self.facilitator,
            "responder_id": self.facilitator,
            "created_at": self._now,
        }

    def _member(self, one: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": one["member"],
            "cohort_id": self._cohorts[one["couple"]],
            "person_id": one["person"],
            "alias": self._seal("member", "alias", one["member"], "Ann"),
            "state": MemberState.ENROLLED,
            "pace": Pace.FULL,
            "joined_at": self._now,
            "admitted_at": self._now,
        }

    def _meeting(self, row: UUID, cohort: UUID) -> dict[str, Any]:
        return {
            "id": row,
            "cohort_id": cohort,
            "number": 1,
            "kind": MeetingKind.SESSION,
            "state": MeetingState.RELEASED,
            "starts_at": self._now - timedelta(hours=4),
            "lasts": timedelta(hours=3),
            "made_by": self.facilitator,
            "made_at": self._now - timedelta(days=1),
            "released_at": self._now - timedelta(hours=1),
        }

    def _seal(self, table: str, column: str, row: UUID, words: str) -> bytes:
        return self._keys.seal(words, Place(table, column, row))


async def _put(tx: Transaction, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    pending = iter(rows)
    while some := list(islice(pending, _AT_ONCE)):
        await tx.execute(insert(table), some)
