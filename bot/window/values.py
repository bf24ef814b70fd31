"""What the window plans from, and what comes out of it. Pure values; every instant is an aware UTC datetime."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.programmes.schema import Step
from bot.words import Lane, MeetingKind, Pace, QuietHours, Role, StepKind

RELEASE_FALLBACK = timedelta(hours=3)  # after the planned end; then the planned end counts as the release


@dataclass(frozen=True)
class Party:
    """One member as the plan of one meeting sees them.

    Somebody who left, rests or goes lighter stays in the plan, because the others' hours must not tell.
    """

    member_id: UUID
    chat_id: UUID
    zone: ZoneInfo
    quiet: QuietHours
    role: Role
    since: datetime  # admitted; what was due before is not for them
    paused: tuple[tuple[datetime, datetime | None], ...] = ()  # from, until
    pace: Pace = Pace.FULL
    released_at: datetime | None = None  # left the meeting earlier than the others
    left_at: datetime | None = None  # left the cohort


@dataclass(frozen=True)
class Gathered:
    """A meeting and everybody in it. Without a release the planned end stands in for it."""

    meeting_id: UUID
    cohort_id: UUID
    kind: MeetingKind
    starts_at: datetime
    lasts: timedelta
    released_at: datetime | None
    zone: ZoneInfo  # the cohort's home
    next_eve: datetime | None  # from here on the next session speaks; this one only for safety
    parties: tuple[Party, ...]
    unpaired: bool = False  # no pair steps and no openings any more
    minimal: bool = False  # nothing is stored, so nothing can open
    session: int = 1  # which of the cohort's sessions it is, cancelled ones not counted

    @property
    def planned_end(self) -> datetime:
        return self.starts_at + self.lasts

    @property
    def release(self) -> datetime:
        """The recorded release, or the planned end until there is one."""
        return self.released_at or self.planned_end


@dataclass(frozen=True)
class Sent:
    """One message that a party need not or must not be given again, and that fills their days.

    Everything of this meeting that no longer waits (sent, on its way, unknown, skipped, failed) with its ``key``; of
    their other meetings and cohorts also what still waits. Never what still waits of this meeting itself.
    """

    member_id: UUID  # the party's, whichever cohort it came from
    at: datetime
    kind: StepKind | None  # none: no programme step (a nudge, an invitation, a broadcast)
    safety: bool = False
    key: str | None = None
    said: bool = True  # false: skipped or failed; it keeps its place, but nobody is reminded of it


class Why(StrEnum):
    """Why something is not sent, or not as the programme asks."""

    QUIET = "quiet"  # no waking hour while it is fresh
    CROWDED = "crowded"  # the budget of their days is full
    PHASE = "phase"  # the phase does not let it through
    PAST = "past"  # too old to make sense
    TOO_LATE = "too-late"  # after the hour by which it had to be said
    TOO_EARLY = "too-early"  # before its earliest hour, and nothing to travel in
    NOT_TONIGHT = "not-tonight"  # a safety step that cannot be said in time: ask the facilitator instead
    NO_SHARED_HOUR = "no-shared-hour"  # no instant at which everybody is awake: each at their own hour
    PARTNER_ABSENT = "partner-absent"
    FOLLOWS = "follows"  # what it follows does not happen
    NEXT_SESSION = "next-session"
    RESTING = "resting"  # paused
    LIGHTER = "lighter"  # a lighter pace leaves it out
    LEFT = "left"
    MERGED = "merged"  # travels in another step's message
    NOT_WANTED = "not-wanted"  # a change of roles, people, hours or programme


@dataclass(frozen=True)
class Wanted:
    """One message that should leave."""

    key: str
    step: str
    member_id: UUID
    chat_id: UUID
    kind: Literal["prompt", "remind"]  # which composer speaks
    step_kind: StepKind
    wished_at: datetime  # when the programme asks for it
    due_at: datetime  # when it can be: out of quiet hours, inside the budget
    expires_at: datetime
    lane: Lane
    silent: bool = False
    safety: bool = False
    together: bool = False  # at one instant with everybody else
    merged: tuple[str, ...] = ()  # steps whose questions travel in this message
    note: Why | None = None  # why ``due_at`` is not ``wished_at``
    held_until: datetime | None = None  # counts from a release that nobody has recorded yet

    @property
    def leaves_at(self) -> datetime:
        """When the post may have it: nothing counts from a release before there is one, or its fallback."""
        return max(self.due_at, self.held_until) if self.held_until else self.due_at


@dataclass(frozen=True)
class Decision:
    """A moment: the opening of one sealed step, decided once for both."""

    key: str
    kind: Literal["opening"]
    step: str
    due_at: datetime
    wished_at: datetime  # the hour its programme announces


@dataclass(frozen=True)
class Cannot:
    """What the facilitator hears before confirming; without a member it concerns everybody."""

    step: str
    member_id: UUID | None
    why: Why
    at: datetime | None = None  # when it would have been


@dataclass(frozen=True)
class Plan:
    """All that should still happen for one meeting, and honestly what cannot."""

    deliveries: tuple[Wanted, ...] = ()
    decisions: tuple[Decision, ...] = ()
    cannot: tuple[Cannot, ...] = ()
    dropped: dict[str, Why] = field(default_factory=dict)  # keys that will not be sent, and why


def key_of(kind: str, gathered: Gathered, step: Step, member_id: UUID) -> str:
    """The name under which one message is planned once; logistics are named by the start they speak of too."""
    key = f"{kind}:{gathered.meeting_id}:{step.id}:{member_id}"
    return f"{key}:{int(gathered.starts_at.timestamp()) // 60}" if step.again_after_move else key
