"""A post office of values: it keeps rows as the database does, sends what is due and replans whenever asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from uuid import UUID

from bot.programmes.schema import Programme
from bot.window.plan import plan
from bot.window.reconcile import Changes, Existing, ExistingMoment, reconcile
from bot.window.values import Gathered, Plan, Sent, Wanted
from bot.words import DeliveryState, MomentState

WAITING_STATES = (DeliveryState.PLANNED, DeliveryState.CANCELLED)


@dataclass
class Office:
    programme: Programme
    gathered: Gathered
    now: datetime
    lighter: Programme | None = None
    rows: dict[UUID, Existing] = field(default_factory=dict)
    wanted: dict[UUID, Wanted] = field(default_factory=dict)
    moments: dict[UUID, ExistingMoment] = field(default_factory=dict)
    said: list[tuple[datetime, Wanted]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def replan(self) -> Changes:
        changes = self.changes()
        for wanted in changes.plan:
            self._store(UUID(int=next(self._ids)), wanted, DeliveryState.PLANNED)
        for move in changes.move:
            self._store(move.existing.id, move.wanted, DeliveryState.PLANNED)
        for gone in changes.withdraw:
            self.rows[gone.existing.id] = replace(gone.existing, state=DeliveryState.CANCELLED)
        for decision in changes.decide:
            name = UUID(int=next(self._ids))
            self.moments[name] = ExistingMoment(name, decision.key, MomentState.WAITING, decision.due_at)
        for moved in changes.move_moments:
            name = moved.existing.id
            self.moments[name] = replace(moved.existing, due_at=moved.decision.due_at, state=MomentState.WAITING)
        for moment in changes.withdraw_moments:
            self.moments[moment.id] = replace(moment, state=MomentState.WITHDRAWN)
        return changes

    def plan(self) -> Plan:
        return plan(self.programme, self.gathered, lighter=self.lighter, now=self.now, already=self.already())

    def changes(self) -> Changes:
        return reconcile(self.plan(), list(self.rows.values()), list(self.moments.values()), now=self.now)

    def already(self) -> list[Sent]:
        return [
            Sent(
                self.wanted[row.id].member_id,
                row.due_at,
                self.wanted[row.id].step_kind if self.wanted[row.id].kind == "prompt" else None,
                self.wanted[row.id].safety,
                row.key,
            )
            for row in self.rows.values()
            if row.state not in WAITING_STATES
        ]

    def wait_until(self, instant: datetime, state: DeliveryState = DeliveryState.SENT) -> None:
        """Let time pass; whatever falls due leaves, or is skipped when it is stale."""
        while (next_at := self._next_at()) is not None and next_at <= instant:
            self.now = max(self.now, next_at)
            for moment in list(self.moments.values()):
                if moment.state is MomentState.WAITING and moment.due_at <= self.now:
                    self.moments[moment.id] = replace(moment, state=MomentState.DONE)
            for row in list(self.rows.values()):
                if row.state is DeliveryState.PLANNED and row.due_at <= self.now:
                    self._let_go(row, state)
        self.now = max(self.now, instant)

    def _next_at(self) -> datetime | None:
        waiting = [row.due_at for row in self.rows.values() if row.state is DeliveryState.PLANNED]
        waiting += [moment.due_at for moment in self.moments.values() if moment.state is MomentState.WAITING]
        return min(waiting, default=None)

    def _let_go(self, row: Existing, state: DeliveryState) -> None:
        if row.expires_at is not None and row.expires_at <= self.now:
            self.rows[row.id] = replace(row, state=DeliveryState.SKIPPED)
            return
        self.rows[row.id] = replace(row, state=state, due_at=self.now)
        self.said.append((self.now, self.wanted[row.id]))

    def _store(self, name: UUID, wanted: Wanted, state: DeliveryState) -> None:
        self.wanted[name] = wanted
        self.rows[name] = Existing(
            name,
            wanted.key,
            state,
            wanted.leaves_at,
            wanted.expires_at,
            wanted.step,
            wanted.member_id,
            wanted.silent,
            wanted.merged,
        )
