"""Random lives of deliveries in the real database: claims, calls, lost replies, deaths, withdrawals, taps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from postbox import NOON, Maple, add_cohort, add_person
from sqlalchemy import delete, func, select, update

from bot.delivery import claims, outbox
from bot.delivery.claims import Claimant
from bot.delivery.outcomes import NEVER, Outcome, Policy
from bot.delivery.settling import Result, settle
from bot.delivery.states import ARROWS
from bot.storage.database import Database, open_database
from bot.storage.keys import Keyring
from bot.storage.schema import bring_up_to_date
from bot.storage.tables import Attempt, Delivery
from bot.words import DeliveryState, Lane, OutcomeKind, Verb

T = TypeVar("T")
NO_COPY, ONE_COPY = NEVER, Policy(1, resend_after=0)
LONG_AGO = NOON.replace(year=2000)
FINAL = {state for state, to in ARROWS.items() if not to}


class Lives(RuleBasedStateMachine):
    """What the server has accepted is compared with what the database believes."""

    def __init__(self, runner: asyncio.Runner, maple: Maple) -> None:
        super().__init__()
        self.runner = runner
        self.maple = maple
        self.term = 1
        self.keys = 0
        self.hands: list[Delivery] = []  # claimed
        self.flying: list[tuple[Delivery, UUID, OutcomeKind]] = []  # marked; what the reply will say
        self.arrived: Counter[UUID] = Counter()
        self.newest: dict[UUID, int] = {}
        self.calls = 0
        self.seen: dict[UUID, DeliveryState] = {}
        self.run(self._clean())

    @property
    def me(self) -> Claimant:
        return Claimant("me", self.term)

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    async def _clean(self) -> None:
        async with self.maple.database.transaction() as tx:
            await tx.execute(delete(Delivery))

    @rule(again=st.booleans(), copies=st.sampled_from(["prompt", "opening"]))
    def plan(self, again: bool, copies: str) -> None:
        self.keys += 0 if again and self.keys else 1

        async def work() -> None:
            async with self.maple.database.transaction() as tx:
                await outbox.plan(tx, [self.maple.row(f"k{self.keys}", kind=copies)])

        self.run(work())

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        async def work() -> tuple[list[Delivery], list[Delivery]]:
            async with self.maple.database.transaction() as tx:
                orphans = await claims.rescue(tx, self.me)
                return orphans, await claims.claim_due(tx, NOON, {Lane.PROMPTS: limit}, self.me)

        orphans, claimed = self.run(work())
        in_hand = {row.id for row in self.hands}
        self.hands += [row for row in claimed if row.id not in in_hand]  # what is in hand already stays as it is
        self._bury(orphans)

    @rule(fate=st.sampled_from(["arrives", "is lost on its way", "is refused", "never leaves", "arrives unanswered"]))
    def call(self, fate: str) -> None:
        rows, self.hands = self.hands, []

        async def work() -> set[UUID]:
            async with self.maple.database.transaction() as tx:
                ours = await claims.still_claimed(tx, [row.id for row in rows], self.me)
                await claims.mark_sending(tx, [row for row in rows if row.id in ours], self.me, NOON)
                return ours

        ours = self.run(work()) if rows else set()
        reply = {
            "arrives": OutcomeKind.DONE,
            "arrives unanswered": OutcomeKind.UNKNOWN,
            "is lost on its way": OutcomeKind.UNKNOWN,
            "is refused": OutcomeKind.REFUSED,
            "never leaves": OutcomeKind.NOT_SENT,
        }[fate]
        for row in rows:
            if row.id in ours:
                self.calls += 1
                if fate.startswith("arrives"):
                    self.arrived[row.id] += 1
                    self.newest[row.id] = self.calls
                assert row.attempt_id is not None
                self.flying.append((row, row.attempt_id, reply))

    @rule(which=st.integers(0, 5))
    def reply(self, which: int) -> None:
        if which < len(self.flying):
            row, attempt, kind = self.flying.pop(which)
            message = self.newest.get(row.id) if kind is OutcomeKind.DONE else None
            self._settle(row, attempt, Outcome(kind, kind.value, message_id=message))

    @rule()
    def die(self) -> None:
        """A kill: what was in our hands or on the wire is forgotten; somebody new begins."""
        self.hands, self.flying = [], []
        self.term += 1

        async def work() -> list[Delivery]:
            async with self.maple.database.transaction() as tx:
                await claims.bury_former_boots(tx, self.me)
                return await claims.rescue(tx, self.me)

        self._bury(self.run(work()))

    @rule()
    def leases_end(self) -> None:
        """Real time passes; replies that are still on their way come late."""

        async def work() -> None:
            async with self.maple.database.transaction() as tx:
                leased = Delivery.lease_until.is_not(None)
                await tx.execute(update(Delivery).where(leased).values(lease_until=LONG_AGO))
                await tx.execute(update(Delivery).values(not_before=None))

        self.run(work())

    @rule(key=st.integers(1, 4))
    def withdraw(self, key: int) -> None:
        async def work() -> None:
            async with self.maple.database.transaction() as tx:
                await outbox.withdraw(tx, Delivery.key == f"k{key}", reason="paused")

        self.run(work())

    @rule(key=st.integers(1, 4))
    def move(self, key: int) -> None:
        async def work() -> None:
            async with self.maple.database.transaction() as tx:
                for row_id in await tx.scalars(select(Delivery.id).where(Delivery.key == f"k{key}")):
                    await outbox.move(tx, row_id, due_at=NOON - timedelta(minutes=1), expires_at=None)

        self.run(work())

    @rule(which=st.integers(0, 3))
    def tap(self, which: int) -> None:
        if which < len(self.newest):
            row_id, message_id = list(self.newest.items())[which]

            async def work() -> None:
                async with self.maple.database.transaction() as tx:
                    await outbox.prove(tx, row_id, message_id, chat=1001, now=NOON)

            self.run(work())

    @invariant()
    def the_database_tells_the_truth(self) -> None:
        async def look() -> tuple[list[Any], int]:
            async with self.maple.database.transaction() as tx:
                sends = select(Delivery.id, Delivery.state, Delivery.kind, Delivery.resends)
                attempts = await tx.scalar(select(func.count()).select_from(Attempt))
                return list(await tx.execute(sends.where(Delivery.verb == Verb.SEND))), attempts or 0

        rows, attempts = self.run(look())
        assert attempts == self.calls
        for row_id, state, kind, resends in rows:
            copies = self._policy(kind).resends
            assert self.arrived[row_id] <= 1 + resends <= 1 + copies
            if state is DeliveryState.SENT:
                assert self.arrived[row_id] >= 1
            if self.arrived[row_id] and state not in {DeliveryState.SENT, DeliveryState.UNKNOWN}:
                on_its_way = any(row.id == row_id for row, _, _ in self.flying)
                assert on_its_way or copies  # only what may be copied ever waits again after it may have arrived
            if self.seen.get(row_id) in FINAL:
                assert state is self.seen[row_id]
            self.seen[row_id] = state

    def _bury(self, orphans: list[Delivery]) -> None:
        for row in orphans:
            assert row.attempt_id is not None
            self._settle(row, row.attempt_id, Outcome(OutcomeKind.UNKNOWN, "no answer"))

    def _settle(self, row: Delivery, attempt: UUID, outcome: Outcome) -> None:
        async def work() -> None:
            async with self.maple.database.transaction() as tx:
                await settle(tx, [Result(row, attempt, outcome, self._policy(row.kind))], now=NOON)

        self.run(work())

    @staticmethod
    def _policy(kind: str) -> Policy:
        return ONE_COPY if kind == "opening" else NO_COPY


async def open_maple(url: str, keys: Keyring) -> Maple:
    database = open_database(url, keys)
    if database.is_sqlite:
        await bring_up_to_date(database)
    async with database.transaction() as tx:
        return Maple(database, await add_cohort(tx), await add_person(tx, 1001), await add_person(tx, 1002))


async def close(database: Database) -> None:
    await database.close()


def test_no_life_of_a_delivery_copies_loses_or_forges_anything(database_url: str, keys: Keyring) -> None:
    with asyncio.Runner() as runner:
        maple = runner.run(open_maple(database_url, keys))
        try:
            run_state_machine_as_test(
                lambda: Lives(runner, maple), settings=settings(max_examples=12, stateful_step_count=25, deadline=None)
            )
        finally:
            runner.run(close(maple.database))
