"""The plan of a programme for people who do not exist yet, as a table; made by the very code that plans for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.programmes.schema import Programme
from bot.window.plan import plan
from bot.window.values import Gathered, Party, Plan, Wanted, Why
from bot.words import MeetingKind, Pace, QuietHours, Role, StepKind

_LONG_BEFORE = timedelta(days=365)


@dataclass(frozen=True)
class Guest:
    """Somebody to try a programme on."""

    label: str
    zone: ZoneInfo
    quiet: QuietHours = QuietHours()  # noqa: RUF009 - a frozen value
    role: Role = Role.RECEIVING
    pace: Pace = Pace.FULL


@dataclass(frozen=True)
class Row:
    """One message for one guest, in their own local time."""

    step: str
    label: str
    at: datetime
    expires_at: datetime
    kind: StepKind
    is_reminder: bool
    together: bool
    silent: bool
    opens_at: datetime | None  # when sealed answers to it open
    merged: tuple[str, ...]  # steps that travel in it
    note: Why | None


@dataclass(frozen=True)
class Doubt:
    """What cannot be kept, for one guest or for everybody, in local time."""

    step: str
    label: str | None
    why: Why
    at: datetime | None


@dataclass(frozen=True)
class Simulation:
    rows: tuple[Row, ...]
    doubts: tuple[Doubt, ...]
    plan: Plan


def simulate(
    programme: Programme,
    *,
    starts_at: datetime,
    lasts: timedelta,
    zone: ZoneInfo,
    guests: Sequence[Guest],
    lighter: Programme | None = None,
    released_at: datetime | None = None,
    next_eve: datetime | None = None,
) -> Simulation:
    """Plan one session for these guests as if it had been scheduled a year before; instants are aware UTC."""
    people = {UUID(int=number): guest for number, guest in enumerate(guests, start=1)}
    long_before = starts_at - _LONG_BEFORE
    parties = tuple(
        Party(member, member, guest.zone, guest.quiet, guest.role, long_before, pace=guest.pace)
        for member, guest in people.items()
    )
    gathered = Gathered(
        meeting_id=UUID(int=0),
        cohort_id=UUID(int=0),
        kind=MeetingKind.SESSION,
        starts_at=starts_at,
        lasts=lasts,
        released_at=released_at,
        zone=zone,
        next_eve=next_eve,
        parties=parties,
    )
    made = plan(programme, gathered, lighter=lighter, now=long_before)
    opens = {decision.step: decision.due_at for decision in made.decisions}
    doubts = [
        Doubt(
            cannot.step,
            people[cannot.member_id].label if cannot.member_id else None,
            cannot.why,
            cannot.at.astimezone(people[cannot.member_id].zone if cannot.member_id else zone) if cannot.at else None,
        )
        for cannot in made.cannot
    ]
    rows = [_row(wanted, people[wanted.member_id], opens.get(wanted.step)) for wanted in made.deliveries]
    return Simulation(tuple(rows), tuple(doubts), made)


def _row(wanted: Wanted, guest: Guest, opens_at: datetime | None) -> Row:
    return Row(
        step=wanted.step,
        label=guest.label,
        at=wanted.due_at.astimezone(guest.zone),
        expires_at=wanted.expires_at.astimezone(guest.zone),
        kind=wanted.step_kind,
        is_reminder=wanted.kind == "remind",
        together=wanted.together,
        silent=wanted.silent,
        opens_at=opens_at.astimezone(guest.zone) if opens_at else None,
        merged=wanted.merged,
        note=wanted.note,
    )
