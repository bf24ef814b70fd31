"""How much one person is told: the messages of their days, counted. Pure.

Counted are prompts, practices and check-ins: two on each day before the session, four on its day, three on each of the
next three, then one a day, and after a week two a week; ninety minutes apart. Five messages of any kind fill a day.
Safety fills nothing and is never counted out.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.words import StepKind

GAP = timedelta(minutes=90)
MOST_A_DAY = 5  # of any kind
MOST_A_WEEK = 2  # from the eighth day on
COUNTED = frozenset({StepKind.PROMPT, StepKind.PRACTICE, StepKind.CHECK_IN})

_WEEK = 7


def most_on(day: int) -> int:
    """How many counted messages fit on a day, numbered from the session's day."""
    if day < 0:
        return 2
    if day == 0:
        return 4
    return 3 if day <= 3 else 1


def number_of(day: date, starts_on: date, released_on: date) -> int:
    """A day as a programme counts it: up to the start from the start, after the release from the release."""
    if day > released_on:
        return (day - released_on).days
    return min(0, (day - starts_on).days)


@dataclass(frozen=True)
class _Waiting:
    at: datetime
    day: date
    counted: bool


class Ledger:
    """What one person is told, by their local days."""

    def __init__(self, starts_on: date, released_on: date) -> None:
        self._starts_on = starts_on
        self._released_on = released_on
        self._all: Counter[date] = Counter()
        self._nudges: Counter[date] = Counter()
        self._counted: Counter[date] = Counter()
        self._weeks: Counter[int] = Counter()
        self._instants: list[datetime] = []
        self._waiting: list[_Waiting] = []

    def add(self, at: datetime, day: date, kind: StepKind | None) -> None:
        """Write down one message that is no safety message."""
        self._all[day] += 1
        if kind in COUNTED:
            self._counted[day] += 1
            self._weeks[self._week(day)] += 1
            insort(self._instants, at)

    def add_waiting(self, at: datetime, day: date, kind: StepKind | None) -> None:
        """Write down what still waits in another window: whatever would leave before it does not make room for it."""
        self._waiting.append(_Waiting(at, day, kind in COUNTED))

    def add_nudge(self, day: date) -> None:
        """Write down a reminder of this window: it never pushes a step, or a partner's hour would tell of a silence."""
        self._nudges[day] += 1

    def is_full_for_nudge(self, at: datetime, day: date) -> bool:
        """Whether one more reminder is too much for a day."""
        return self._nudges[day] + self._any(at, day) >= MOST_A_DAY

    def is_full(self, at: datetime, day: date, kind: StepKind | None, most_per_day: int | None = None) -> bool:
        """Whether one more of this kind is too much for its local day; a phase may hold less."""
        if self._any(at, day) >= MOST_A_DAY:
            return True
        if kind not in COUNTED:
            return False
        older = [waiting for waiting in self._waiting if waiting.at <= at]
        number = number_of(day, self._starts_on, self._released_on)
        most = most_on(number) if most_per_day is None else min(most_on(number), most_per_day)
        if self._counted[day] + sum(waiting.counted and waiting.day == day for waiting in older) >= most:
            return True
        if number <= _WEEK:
            return False
        week = self._week(day)
        waiting_too = sum(waiting.counted and self._week(waiting.day) == week for waiting in older)
        return self._weeks[week] + waiting_too >= MOST_A_WEEK

    def clear_of_others(self, at: datetime, kind: StepKind | None) -> datetime:
        """This instant, or the first later one that is ninety minutes from every counted message."""
        if kind not in COUNTED:
            return at
        index = bisect_right(self._instants, at - GAP)
        while index < len(self._instants) and self._instants[index] < at + GAP:
            at = max(at, self._instants[index] + GAP)
            index += 1
        near = [waiting.at for waiting in self._waiting if waiting.counted and at - GAP < waiting.at <= at]
        return self.clear_of_others(max(near) + GAP, kind) if near else at

    def _any(self, at: datetime, day: date) -> int:
        return self._all[day] + sum(waiting.day == day and waiting.at <= at for waiting in self._waiting)

    def _week(self, day: date) -> int:
        return (number_of(day, self._starts_on, self._released_on) - 1) // _WEEK
