"""The little languages inside a programme file. Pure.

A span is ``45m``, ``2h``, ``1h 30m``, ``3d`` or ``1w``; a clock time is ``"18:30"``; an hour is ``start - 3h``,
``release + 2h``, ``day 1 at 09:30``, ``day -1 at 18:00`` or ``after capture + 90m``; a threshold is ``">= 8"`` or
``"<= 2"``; sessions are ``3``, ``2..6`` or ``1..2, 5``; what comes back is ``line`` or ``every line``.
"""

from __future__ import annotations

import re
from datetime import time, timedelta

from bot.programmes.schema import Anchor, At, Recall, Threshold
from bot.words import Level

LONGEST_SPAN = timedelta(days=366)
FARTHEST_DAY = 366
MOST_SESSIONS = 52
LONGEST_STEP_ID = 32
LONGEST_SHORT_ID = 16  # questions and options travel in buttons of 64 bytes

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_SPAN = re.compile(r"\d{1,5}[wdhm](?: ?\d{1,5}[wdhm])*", re.ASCII)
_PART = re.compile(r"(\d+)([wdhm])", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_WHEN = re.compile(r"(?P<anchor>start|release)(?: *(?P<sign>[+-]) *(?P<span>.+))?")
_DAY = re.compile(r"day (?P<day>[+-]?\d{1,4}) at (?P<clock>.+)", re.ASCII)
_ID = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_THRESHOLD = re.compile(r"(?P<sign>>=|<=) ?(?P<number>\d{1,3})", re.ASCII)
_SESSIONS = re.compile(r"(?P<first>\d{1,3})(?: ?\.\. ?(?P<last>\d{1,3}))?", re.ASCII)
_RECALL = re.compile(r"(?P<every>every )?(?P<step>.+)")
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)


class Unreadable(Exception):  # noqa: N818 - it becomes a remark in the margin
    """A word the file's grammar does not know, and what to write instead."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def quoted(word: str) -> str:
    """A word as it is shown back to its author: in quotes, one line, not too long."""
    line = " ".join(word.split())
    return f'"{line}"' if len(line) <= 40 else f'"{line[:39]}…"'


def span(words: str) -> timedelta:
    parts = _PART.findall(words) if _SPAN.fullmatch(words) else []
    units = [unit for _, unit in parts]
    if not parts or len(set(units)) != len(units):
        raise Unreadable(f"{quoted(words)} is not a length of time.", "Write it like 45m, 2h, 1h 30m, 3d or 1w.")
    length = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if length > LONGEST_SPAN:
        raise Unreadable(f"{quoted(words)} is longer than a year.", "Write a shorter time.")
    return length


def clock(words: str) -> time:
    found = _CLOCK.fullmatch(words)
    if not found:
        raise Unreadable(
            f"{quoted(words)} is not a time of day.", 'Write hours and minutes with two digits each, like "09:30".'
        )
    return time(int(found[1]), int(found[2]))


def when(words: str) -> At:
    """An hour counted from the session, its release, a day, or another step."""
    if found := _WHEN.fullmatch(words):
        offset = span(found["span"]) if found["span"] else timedelta()
        if found["anchor"] == "release" and found["sign"] == "-":
            raise Unreadable(
                "nobody knows the release before it happens.",
                'Count from the start: "start + 2h".',
            )
        return At(Anchor(found["anchor"]), -offset if found["sign"] == "-" else offset)
    if found := _DAY.fullmatch(words):
        day = int(found["day"])
        if abs(day) > FARTHEST_DAY:
            raise Unreadable(f"day {day} is more than a year away.", "Write a nearer day.")
        return At(Anchor.DAY, day=day, clock=clock(found["clock"]))
    if words.startswith(("after ", "after: ")):
        return after(words.removeprefix("after").removeprefix(":"))
    raise Unreadable(
        f"{quoted(words)} is not an hour.",
        'Write "start - 3h", "release + 2h", "day 1 at 09:30" or "after some-step + 90m".',
    )


def after(words: str) -> At:
    """An hour counted from another step: ``capture + 90m``."""
    step, plus, length = (part.strip() for part in words.partition("+"))
    if not _ID.fullmatch(step):
        raise Unreadable(f"{quoted(words)} does not name a step.", 'Write "after: some-step + 90m".')
    return At(Anchor.AFTER, span(length) if plus else timedelta(), step=step)


def identifier(words: str, longest: int) -> str:
    if not _ID.fullmatch(words):
        raise Unreadable(
            f"{quoted(words)} cannot be an id.",
            'Use small letters, digits and hyphens: "first-evening".',
        )
    if len(words) > longest:
        raise Unreadable(f"the id {quoted(words)} is too long.", f"Use at most {longest} characters.")
    return words


def number(words: str) -> int:
    if not _NUMBER.fullmatch(words):
        raise Unreadable(f"{quoted(words)} is not a whole number.", "Write digits only.")
    return int(words)


def yes(words: str) -> bool:
    if words not in {"true", "false"}:
        raise Unreadable(f"{quoted(words)} is neither true nor false.", "Write true, or leave the line out.")
    return words == "true"


def threshold(level: Level, words: str) -> Threshold:
    found = _THRESHOLD.fullmatch(words)
    if not found:
        raise Unreadable(f"{quoted(words)} is not a threshold.", 'Write ">= 8" or "<= 2", in quotes.')
    limit = int(found["number"])
    return Threshold(level, least=limit) if found["sign"] == ">=" else Threshold(level, most=limit)


def sessions(words: str) -> frozenset[int]:
    """Which sessions of a series: ``3``, ``2..6`` or ``1..2, 5``."""
    found: set[int] = set()
    for part in words.split(","):
        numbers = _SESSIONS.fullmatch(part.strip())
        if not numbers:
            raise Unreadable(f"{quoted(words)} does not number sessions.", 'Write 1, "2..6" or "1..2, 5".')
        first, last = int(numbers["first"]), int(numbers["last"] or numbers["first"])
        if not 1 <= first <= last <= MOST_SESSIONS:
            remedy = f"Count from 1 to {MOST_SESSIONS}, the smaller number first."
            raise Unreadable(f"there are no sessions {quoted(words)}.", remedy)
        found |= set(range(first, last + 1))
    return frozenset(found)


def recall(words: str) -> Recall:
    """Whose words come back: ``line``, or ``every line``."""
    found = _RECALL.fullmatch(words)
    if not found or not _ID.fullmatch(found["step"]):
        raise Unreadable(f"{quoted(words)} does not name a step.", 'Write "recalls: line" or "recalls: every line".')
    return Recall(found["step"], every=bool(found["every"]))
