"""What was measured, and whether it is what we want."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.telegram import Telegram

DELAYS = (0.05, 0.0)  # seconds until the server answers: as Telegram does, and at once


@dataclass(frozen=True)
class Ground:
    """What a measurement stands on."""

    telegram: Telegram
    place: Path
    quick: bool
    tell: Callable[[str], None]

    def runs(self, usually: int) -> int:
        return 1 if self.quick else usually

    def many(self, usually: int, quick: int) -> int:
        return quick if self.quick else usually


@dataclass(frozen=True)
class Figure:
    """One line of the table: the median of its runs, and the least and the most of them.

    Where none may be (lost, doubled, refused) the worst run counts.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        return max(self.values) if self.at_most == 0 else median(self.values)

    @property
    def goal(self) -> str | None:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else None

    @property
    def holds(self) -> bool | None:
        """None for what is shown beside the others and has no goal."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


def figure(
    name: str, values: Iterable[float], unit: str, *, at_least: float | None = None, at_most: float | None = None
) -> Figure:
    return Figure(name, tuple(values), unit, at_least, at_most)


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of all stays below: 0.95 is the 95th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def answering(delay: float) -> str:
    return f"answers after {delay * 1000:.0f} ms" if delay else "answers at once"
