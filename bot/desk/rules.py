"""What a facilitator may make of answers and silences. Pure: no ranking, no verdict, only facts and ages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET_AFTER = timedelta(hours=24)  # no answer for so long, although something was asked
DOTS = 6
LONGEST_PAGE = 3000  # code points of a digest's page, far below what a message holds


@dataclass(frozen=True)
class Asked:
    """One question that reached somebody, when it surely had, and whether they answered or passed."""

    at: datetime
    answered: bool


def dots(asked: Sequence[Asked]) -> tuple[bool, ...]:
    """The last few questions, the oldest first."""
    return tuple(one.answered for one in asked[-DOTS:])


def quiet_since(asked: Sequence[Asked], now: datetime) -> datetime | None:
    """Since when somebody is quiet: from the first question after their last answer, once it lies a day back."""
    since = None
    for one in reversed(asked):
        if one.answered:
            break
        since = one.at
    return since if since is not None and now - since >= QUIET_AFTER else None


def pages(blocks: Iterable[Sequence[str]], longest: int = LONGEST_PAGE) -> tuple[str, ...]:
    """Blocks of lines on pages; a block stays whole if it fits a page, and a line is never cut."""
    sheets: list[list[str]] = [[]]
    room = longest
    for block in blocks:
        whole = sum(len(line) + 1 for line in block) + 1
        if sheets[-1] and room < whole <= longest:
            sheets.append([])
            room = longest
        elif sheets[-1]:
            sheets[-1].append("")
        for line in block:
            if sheets[-1] and len(line) >= room:
                sheets.append([])
                room = longest
            sheets[-1].append(line)
            room -= len(line) + 1
        room -= 1
    return tuple("\n".join(sheet).strip("\n") for sheet in sheets)


def shortened(words: str, longest: int) -> str:
    """One line of somebody's words, cut at a blank."""
    line = " ".join(words.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:") + "…"
