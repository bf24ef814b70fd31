"""What the plan wants against what stands already: what to add, move, withdraw and leave alone. Pure.

Only a row that was withdrawn before it left may be planned again under its key. Whatever was claimed, is on its way,
has arrived, may have arrived, failed or was skipped is never planned again. A waiting row is moved in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.window.values import Cannot, Decision, Plan, Wanted, Why
from bot.words import DeliveryState, MomentState

SAID = frozenset({DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN})


@dataclass(frozen=True)
class Existing:
    """One row of this meeting that the window planned earlier, in whatever state."""

    id: UUID
    key: str
    state: DeliveryState
    due_at: datetime
    expires_at: datetime | None
    step: str | None = None
    member_id: UUID | None = None
    silent: bool = False
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExistingMoment:
    """One decision of this meeting that the window planned earlier."""

    id: UUID
    key: str
    state: MomentState
    due_at: datetime


@dataclass(frozen=True)
class Move:
    """A waiting row takes over what is wanted now: ``leaves_at``, ``expires_at``, silence, merged steps."""

    existing: Existing
    wanted: Wanted


@dataclass(frozen=True)
class Withdrawal:
    existing: Existing
    why: Why


@dataclass(frozen=True)
class MoveMoment:
    """A moment gets another hour; one that was withdrawn waits again."""

    existing: ExistingMoment
    decision: Decision


@dataclass(frozen=True)
class Changes:
    """What to do, in the transaction that changed the meeting."""

    plan: tuple[Wanted, ...] = ()
    move: tuple[Move, ...] = ()
    withdraw: tuple[Withdrawal, ...] = ()
    keep: tuple[Existing, ...] = ()
    decide: tuple[Decision, ...] = ()
    move_moments: tuple[MoveMoment, ...] = ()
    withdraw_moments: tuple[ExistingMoment, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (
            self.plan or self.move or self.withdraw or self.decide or self.move_moments or self.withdraw_moments
        )


def reconcile(
    wanted: Plan, existing: Sequence[Existing], moments: Sequence[ExistingMoment] = (), *, now: datetime
) -> Changes:
    """Compare a plan with the rows of its meeting (origin window only, every state)."""
    standing = {row.key: row for row in existing if row.state is not DeliveryState.CANCELLED}
    wishes = {delivery.key: delivery for delivery in wanted.deliveries}
    waiting = [row for row in standing.values() if row.state is DeliveryState.PLANNED]
    both = [(row, wishes[row.key]) for row in waiting if row.key in wishes]
    # A waiting row that has expired by itself is left for the post, which records it as skipped.
    unwanted = [row for row in waiting if row.key not in wishes and not _is_over(row.expires_at, now)]
    decide, move_moments, withdraw_moments = _moments(wanted.decisions, moments)
    leaving = {row.id for row in unwanted} | {row.id for row, wish in both if _differs(row, wish, now)}
    return Changes(
        plan=tuple(wish for key, wish in wishes.items() if key not in standing and not _is_over(wish.expires_at, now)),
        move=tuple(Move(row, wish) for row, wish in both if row.id in leaving),
        withdraw=tuple(Withdrawal(row, wanted.dropped.get(row.key, Why.NOT_WANTED)) for row in unwanted),
        keep=tuple(row for row in standing.values() if row.id not in leaving),
        decide=decide,
        move_moments=move_moments,
        withdraw_moments=withdraw_moments,
    )


def _moments(
    decisions: Iterable[Decision], moments: Iterable[ExistingMoment]
) -> tuple[tuple[Decision, ...], tuple[MoveMoment, ...], tuple[ExistingMoment, ...]]:
    known = {moment.key: moment for moment in moments}
    wanted = {decision.key: decision for decision in decisions}
    pairs = [(known[key], decision) for key, decision in wanted.items() if key in known]
    return (
        tuple(decision for key, decision in wanted.items() if key not in known),
        tuple(
            MoveMoment(moment, decision)
            for moment, decision in pairs
            if moment.state is MomentState.WITHDRAWN
            or (moment.state is MomentState.WAITING and moment.due_at != decision.due_at)
        ),
        tuple(moment for moment in known.values() if moment.state is MomentState.WAITING and moment.key not in wanted),
    )


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now


def _differs(row: Existing, wish: Wanted, now: datetime) -> bool:
    about_to_leave = row.due_at <= now and wish.leaves_at <= now
    return (
        (row.due_at != wish.leaves_at and not about_to_leave)
        or row.expires_at != wish.expires_at
        or row.silent != wish.silent
        or row.merged != wish.merged
    )


@dataclass(frozen=True)
class Impact:
    """What a change would do, for the preview: counts are lengths, names are looked up by step and member."""

    stay: tuple[Existing, ...]  # said already, or on their way
    move: tuple[Move, ...]
    new: tuple[Wanted, ...]
    withdrawn: tuple[Withdrawal, ...]
    waits: tuple[Wanted, ...]  # of those that will be sent, what waits for the end of quiet hours
    skipped: tuple[Cannot, ...]  # too old by now
    cannot: tuple[Cannot, ...]  # everything else that cannot be kept


def impact(changes: Changes, plan: Plan) -> Impact:
    """Say what a change does before anybody confirms it; what was too old already before it is not said again."""
    coming = {wanted.key for wanted in changes.plan} | {move.wanted.key for move in changes.move}
    gone = {(each.existing.step, each.existing.member_id) for each in changes.withdraw}
    is_first = not (changes.keep or changes.move or changes.withdraw)
    return Impact(
        stay=tuple(row for row in changes.keep if row.state in SAID),
        move=tuple(move for move in changes.move if move.existing.due_at != move.wanted.leaves_at),
        new=changes.plan,
        withdrawn=tuple(each for each in changes.withdraw if each.why is not Why.PAST),
        waits=tuple(wanted for wanted in plan.deliveries if wanted.key in coming and wanted.note is Why.QUIET),
        skipped=tuple(
            cannot
            for cannot in plan.cannot
            if cannot.why is Why.PAST and (is_first or (cannot.step, cannot.member_id) in gone)
        ),
        cannot=tuple(cannot for cannot in plan.cannot if cannot.why is not Why.PAST),
    )
