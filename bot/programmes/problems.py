"""What is wrong with a programme file, said so that its author can mend it: line, place, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol

from bot.errors import Wrong

MOST_PROBLEMS = 100  # after so many the file is probably something else


@dataclass(frozen=True)
class Problem:
    """One thing to mend. Lines and columns count from one; ``where`` names the step, or is empty."""

    line: int
    column: int
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.where}" if self.where else "")
        return f"{place}: {self.what} {self.remedy}".rstrip()


class ProgrammeProblems(Wrong):
    """A programme file cannot be used; ``found`` lists everything that is wrong with it, from top to bottom."""

    def __init__(self, name: str, found: Iterable[Problem]) -> None:
        self.name = name
        self.found = tuple(found)
        super().__init__(*(f"{name}, {problem}" for problem in self.found))


def describe(found: Collection[Problem]) -> str:
    """All problems as lines for a terminal or a chat; no problems, no lines."""
    return "\n".join(f"· {problem}" for problem in found)


class Placed(Protocol):
    """Anything that stands somewhere in a file."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass
class Margin:
    """The margin of a file, where remarks are written while it is read."""

    where: str = ""
    notes: list[Problem] = field(default_factory=list)

    def beside(self, where: str) -> Margin:
        """The same margin, for remarks about one part of the file."""
        return Margin(where, self.notes)

    def note(self, place: Placed, what: str, remedy: str) -> None:
        if not self.full:
            self.notes.append(Problem(place.line, place.column, self.where, what, remedy))

    @property
    def full(self) -> bool:
        return len(self.notes) >= MOST_PROBLEMS

    def sorted(self) -> tuple[Problem, ...]:
        return tuple(sorted(self.notes, key=lambda problem: (problem.line, problem.column)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A guess at what an unknown word should have been, or all that would do."""
    choices = sorted(known)
    close = get_close_matches(word[:40], choices, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(choices)}."
