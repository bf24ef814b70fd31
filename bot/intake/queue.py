"""Whose turn it is: of updates that share a person or a chat, only the one with the smallest id.

Pure: seconds of a monotonic clock come in. Taking and finishing cost the same however many wait.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

Key = tuple[str, int]


@dataclass
class Waiting:
    """An update that is stored and not finished."""

    update_id: int
    keys: frozenset[Key]  # those that share one are handled one after the other
    content: dict[str, Any] | None = None  # as it came; none: it has to be read
    not_before: float = 0.0


class Queue:
    """Updates that wait, and those that are being handled."""

    def __init__(self) -> None:
        self._all: dict[int, Waiting] = {}
        self._ids: list[int] = []  # a heap; finished ones are dropped when they come up
        self._lines: dict[Key, list[int]] = {}  # of each person and chat, in order
        self._first: list[int] = []  # a heap of those that may be first in all their lines
        self._later: list[tuple[float, int]] = []  # a heap of those that rest until a second
        self._begun: set[int] = set()
        self._busy: set[Key] = set()  # the lines of those

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, update_id: int) -> bool:
        return update_id in self._all

    @property
    def oldest(self) -> int | None:
        """The smallest id that is not finished."""
        while self._ids and self._ids[0] not in self._all:
            heappop(self._ids)
        return self._ids[0] if self._ids else None

    @property
    def begun(self) -> int:
        """How many are being handled."""
        return len(self._begun)

    def add(self, one: Waiting) -> None:
        """Take an update up, if it is not here already."""
        if one.update_id in self._all:
            return
        self._all[one.update_id] = one
        heappush(self._ids, one.update_id)
        for key in one.keys:
            insort(self._lines.setdefault(key, []), one.update_id)
        heappush(self._first, one.update_id)

    def begin(self, now: float, most: int) -> list[Waiting]:
        """Those whose turn it is, oldest first: they are being handled from here on."""
        while self._later and self._later[0][0] <= now:
            heappush(self._first, heappop(self._later)[1])
        taken: list[Waiting] = []
        while self._first and len(taken) < most:
            one = self._all.get(heappop(self._first))
            if one is not None and self._may_begin(one, now):
                self._begun.add(one.update_id)
                self._busy |= one.keys
                taken.append(one)
        return taken

    def finish(self, one: Waiting) -> None:
        """It is done: whoever stood behind it may be next."""
        del self._all[one.update_id]
        for key in one.keys:
            self._lines[key].remove(one.update_id)
            if not self._lines[key]:
                del self._lines[key]
        self._end(one)

    def rest(self, one: Waiting, until: float) -> None:
        """It has to be tried again, and holds up those behind it until then."""
        one.not_before = until
        heappush(self._later, (until, one.update_id))
        self._end(one)

    def next_at(self) -> float | None:
        """The second at which somebody has rested enough."""
        return self._later[0][0] if self._later else None

    def _end(self, one: Waiting) -> None:
        self._begun.discard(one.update_id)
        self._busy -= one.keys
        for key in one.keys & self._lines.keys():
            heappush(self._first, self._lines[key][0])

    def _may_begin(self, one: Waiting, now: float) -> bool:
        is_first = all(self._lines[key][0] == one.update_id for key in one.keys)
        return is_first and one.not_before <= now and not one.keys & self._busy and one.update_id not in self._begun
