"""A programme as values: what ``reading`` makes of a file and ``window.plan`` makes deliveries of. Pure.

Spans are ``timedelta``; clock times are local to whoever reads the step; texts are ``Words``, one per language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from bot.words import CohortKind, Level, Pacing, Role, StepKind, Visibility

Words = Mapping[str, str]  # language -> text

EVERYBODY_PRESENT = frozenset({Role.RECEIVING, Role.SUPPORTING})


class Anchor(StrEnum):
    START = "start"  # the planned start of the session
    RELEASE = "release"  # its recorded end
    DAY = "day"  # a clock time on a day counted from release (day 1), up to the session from its start (day 0, -1)
    AFTER = "after"  # another step


@dataclass(frozen=True)
class At:
    """When: ``start - 3h``, ``release + 2h``, ``day 1 at 09:30``, ``after: step + 90m``."""

    anchor: Anchor
    offset: timedelta = timedelta()
    day: int = 0
    clock: time | None = None
    step: str | None = None


class QuestionKind(StrEnum):
    SCALE = "scale"  # 0 to 10, or least to most
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"


@dataclass(frozen=True)
class Option:
    """One button of a choice; some raise an alert."""

    id: str
    label: Words
    alert: Level | None = None


@dataclass(frozen=True)
class Threshold:
    """A scale answer that raises an alert: at or above ``least``, at or below ``most``."""

    level: Level
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Question:
    id: str
    kind: QuestionKind
    text: Words = field(default_factory=dict)  # empty: the step's own text asks
    options: tuple[Option, ...] = ()
    least: int = 0
    most: int = 10
    ends: tuple[Words, Words] | None = None  # what the two ends of a scale mean
    longest: int = 1500  # code points of a text answer
    alerts: tuple[Threshold, ...] = ()


@dataclass(frozen=True)
class Silence:
    """What a step that nobody answers raises, counted from its confirmed send."""

    after: timedelta
    alert: Level


@dataclass(frozen=True)
class Remind:
    """One reminder, only to the silent, never in quiet hours: at the next such clock time, or after a span."""

    text: Words
    at: time | None = None
    after: timedelta | None = None


@dataclass(frozen=True)
class Then:
    """What follows an opening: a small way to respond."""

    text: Words
    replies: tuple[Option, ...] = ()


WHEN_BOTH = "when-both"


@dataclass(frozen=True)
class Recall:
    """One's own words from another step come back: those of the session before, or those of ``every`` one so far."""

    step: str
    every: bool = False


@dataclass(frozen=True)
class Step:
    id: str
    at: At
    kind: StepKind
    text: Words
    fresh_for: timedelta
    visible_to: Visibility = Visibility.NONE
    pace: Pacing = Pacing.LOCAL
    tolerance: timedelta = timedelta(minutes=30)
    not_after: time | None = None  # latest local hour of its day: a safety step goes at it, any other is skipped
    not_before: time | None = None  # earliest local hour of its day: a step due earlier waits for it, unless it merges
    merge_into: str | None = None  # due before ``not_before``, it travels in that later step's message instead
    roles: frozenset[Role] = EVERYBODY_PRESENT
    ask: tuple[Question, ...] = ()
    silence: Silence | None = None
    opens: At | str | None = None  # an hour, or WHEN_BOTH
    then: Then | None = None
    remind: Remind | None = None
    safety: bool = False  # may speak in the acute phase, beats the budget, is silent at night
    again_after_move: bool = False  # logistics: keyed by the start it speaks of
    silent: bool = False
    both_confirm: bool = False  # a small agreement: the opening shows it as agreed only if both confirm
    sessions: frozenset[int] | None = None  # of a series, counted from one; none: every session
    cohorts: frozenset[CohortKind] | None = None  # none: whatever kind the programme is for
    rides_with: tuple[str, ...] = ()  # it has no message of its own: it is asked at the end of one of these steps
    recalls: Recall | None = None

    @property
    def asks(self) -> bool:
        return bool(self.ask)

    @property
    def asks_for_words(self) -> bool:
        return any(question.kind is QuestionKind.TEXT for question in self.ask)

    @property
    def is_sealed(self) -> bool:
        return self.visible_to is Visibility.PAIR and self.opens is not None


@dataclass(frozen=True)
class Stretch:
    """A name for some hours inside a phase, shown on the clock and deciding nothing."""

    label: Words
    begins: At
    ends: At


@dataclass(frozen=True)
class Phase:
    """A stretch of the window; ``until`` is a span from release or a clock time on a day."""

    key: str
    label: Words
    begins: At
    ends: At
    most_per_day: int | None = None
    kinds: frozenset[StepKind] | None = None  # none: all kinds
    only_safety: bool = False
    sharing_may_widen: bool = True  # not in the acute and landing phases
    stretches: tuple[Stretch, ...] = ()


@dataclass(frozen=True)
class Programme:
    id: str
    version: int
    title: Words
    kind: CohortKind | None  # none: any cohort
    phases: tuple[Phase, ...]
    steps: tuple[Step, ...]
    window: timedelta = timedelta(hours=72)
    wraps: Mapping[CohortKind, str] = field(default_factory=dict)  # the programme of each session, by kind of cohort

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.id == name), None)
