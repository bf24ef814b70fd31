"""The plan of a programme for people who do not exist yet, as a table; made by the very code that plans for real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.programmes.schema import Programme
from bot.window.phases import eve_of
from bot.window.plan import plan
from bot.window.values import Gathered, Party, Plan, Sent, Wanted, Why
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
    session: int = 1


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
    people = _people(guests)
    long_before = starts_at - _LONG_BEFORE
    gathered = _gathered(people, starts_at, lasts, zone, since=long_before, number=1)
    gathered = replace(gathered, released_at=released_at, next_eve=next_eve)
    made = plan(programme, gathered, lighter=lighter, now=long_before)
    return _simulation(made, people, zone, session=1)


def simulate_series(
    programme: Programme,
    *,
    starts: Sequence[datetime],
    lasts: timedelta,
    zone: ZoneInfo,
    guests: Sequence[Guest],
    lighter: Programme | None = None,
) -> tuple[Simulation, ...]:
    """Plan several sessions, one after the other, as if all had been scheduled a year before the first.

    What one window tells somebody fills their days in the others, and the next eve cuts the older one short. They are
    planned a second time, as every release does: then the earlier ones know of the later ones too.
    """
    people, long_before = _people(guests), starts[0] - _LONG_BEFORE
    made: dict[int, Plan] = {}
    for number, starts_at in [*enumerate(starts, start=1)] * 2:
        gathered = _gathered(people, starts_at, lasts, zone, since=long_before, number=number)
        if number < len(starts):
            gathered = replace(gathered, next_eve=eve_of(starts[number], zone))
        others = [_sent(wanted) for other, each in made.items() if other != number for wanted in each.deliveries]
        made[number] = plan(programme, gathered, lighter=lighter, now=long_before, already=others)
    return tuple(_simulation(each, people, zone, session=number) for number, each in made.items())


def _people(guests: Sequence[Guest]) -> dict[UUID, Guest]:
    return {UUID(int=number): guest for number, guest in enumerate(guests, start=1)}


def _gathered(
    people: Mapping[UUID, Guest], starts_at: datetime, lasts: timedelta, zone: ZoneInfo, *, since: datetime, number: int
) -> Gathered:
    return Gathered(
        meeting_id=UUID(int=number),
        cohort_id=UUID(int=0),
        kind=MeetingKind.SESSION,
        starts_at=starts_at,
        lasts=lasts,
        released_at=None,
        zone=zone,
        next_eve=None,
        parties=tuple(
            Party(member, member, guest.zone, guest.quiet, guest.role, since, pace=guest.pace)
            for member, guest in people.items()
        ),
        session=number,
    )


def _sent(wanted: Wanted) -> Sent:
    """What waits in one window, as the next one sees it."""
    kind = wanted.step_kind if wanted.kind == "prompt" else None
    return Sent(wanted.member_id, wanted.due_at, kind, wanted.safety)


def _simulation(made: Plan, people: Mapping[UUID, Guest], zone: ZoneInfo, *, session: int) -> Simulation:
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
    return Simulation(tuple(rows), tuple(doubts), made, session)


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
