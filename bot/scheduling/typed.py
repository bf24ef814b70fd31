"""Dates, hours and lengths as people type them, in English and German. Pure: "now" is an argument.

    2026-11-28 14:00 3h · Sat 6pm · tomorrow 14:00 · 28.11. 14 Uhr · 28 Nov 18:30 · next Friday 10 · morgen um 9
    3h · 90m · 2h30 · 1.5 hours · 3 Std

Hours are wall-clock hours of the cohort's zone. A weekday is the coming one ("next" never means today), a date without
a year is the coming one, an hour without a day is the coming one. The preview shows what was understood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from bot.errors import Refused

T = TypeVar("T")


class NotUnderstood(Refused):
    """Typed words that are not a day, an hour or a length."""


class DaysDisagree(Refused):
    """A weekday and a date that do not belong together."""


@dataclass(frozen=True)
class Typed:
    """What was understood; ``rest`` is what follows it, as typed."""

    day: date | None = None
    clock: time | None = None
    lasts: timedelta | None = None
    rest: str = ""


@dataclass(frozen=True)
class _Weekday:
    number: int  # Monday is 0
    never_today: bool


_FLAGS = re.IGNORECASE
_BETWEEN = re.compile(r"(?:[\s,;@]|(?:at|um|on|am|den|the|for|für|from|von|ab)\b)+", _FLAGS)
_WORD = r"[^\W\d_]+"

_MONTHS = (
    ("january", "januar", "jänner"),
    ("february", "februar"),
    ("march", "märz", "maerz"),
    ("april",),
    ("may", "mai"),
    ("june", "juni"),
    ("july", "juli"),
    ("august",),
    ("september",),
    ("october", "oktober"),
    ("november",),
    ("december", "dezember"),
)
_WEEKDAYS = (
    ("monday", "montag"),
    ("tuesday", "dienstag"),
    ("wednesday", "mittwoch"),
    ("thursday", "donnerstag"),
    ("friday", "freitag"),
    ("saturday", "samstag"),
    ("sunday", "sonntag"),
)
_DAYS_AHEAD = {
    "today": 0,
    "heute": 0,
    "tomorrow": 1,
    "morgen": 1,
    "übermorgen": 2,
    "uebermorgen": 2,
    "day after tomorrow": 2,
}

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})(?:\.(\d{4}|\d{2})|\. (\d{4})|\.)?(?![\d:]| ?uhr)", _FLAGS)
_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th|\.)? ?({_WORD})\.?(?:,? (20\d\d))?(?![\d:])", _FLAGS)
_MONTH_DAY = re.compile(
    rf"({_WORD})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (20\d\d))?(?![\d:.]| ?(?:[ap]m|uhr|h))", _FLAGS
)
_AHEAD = re.compile(rf"({'|'.join(sorted(_DAYS_AHEAD, key=len, reverse=True))})\b", _FLAGS)
_IN_DAYS = re.compile(r"in (\d{1,3}) (days?|tag(?:en)?|weeks?|wochen?)\b", _FLAGS)
_ON_WEEKDAY = re.compile(rf"(?:(next|nächste[rnms]?|kommende[rnms]?)\s|(?:this|diese[rnms]?)\s)?({_WORD})\b\.?", _FLAGS)

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?: ?([ap])\.?m\b\.?)?(?: ?(?:uhr|h))?(?!\w|[:.]\d)", _FLAGS)
_AM_PM = re.compile(r"(\d{1,2}) ?([ap])\.?m\b\.?", _FLAGS)
_UHR = re.compile(r"(\d{1,2}) ?uhr(?: ?(\d{2}))?\b", _FLAGS)
_NOON = re.compile(r"(?:noon|mittags?)\b", _FLAGS)
_BARE_HOUR = re.compile(r"(\d{1,2})(?![\w:.,-]| ?(?:h|hours?|m|min|minutes?|std|stunden?|minuten)\b)", _FLAGS)

_HOURS = re.compile(
    r"(\d{1,2}(?:[.,]\d{1,2})?) ?(?:hours?|hrs?|h|stunden?|std)(?:\b|(?=\d))\.?"
    r"(?:(\d{1,2})m?\b(?![:.]\d)|(?: (?:and|und))? (\d{1,2}) ?(?:minutes?|minuten|min|m)\b\.?)?",
    _FLAGS,
)
_MINUTES = re.compile(r"(\d{1,3}) ?(?:minutes?|minuten|mins?|m)\b\.?", _FLAGS)


def read(words: str, here: datetime, *, day: date | None = None) -> Typed:
    """Read day, hour and length, in any order, from the beginning of what was typed.

    ``here`` is the naive wall-clock time in the cohort's zone; ``day`` is one that is already known.

    Raises:
        DaysDisagree: a weekday and a date that do not belong together.
    """
    rest = one_line(words)
    weekday: _Weekday | None = None
    found_day: date | None = None
    clock: time | None = None
    lasts: timedelta | None = None
    while rest and not ((found_day or weekday) and clock is not None and lasts is not None):
        begun = _begun(rest)
        if not (found_day or weekday) and (got := _date(begun, here.date())):
            found_day, rest = got
        elif not (found_day or weekday) and (on := _weekday(begun)):
            weekday, rest = on
            if got := _date(_begun(rest), here.date()):
                found_day, rest = got
        elif clock is None and (at := _hour(begun, bare=bool(day or found_day or weekday))):
            clock, rest = at
        elif lasts is None and (long := _length(begun)):
            lasts, rest = long
        else:
            break
    if found_day and weekday and found_day.weekday() != weekday.number:
        raise DaysDisagree
    if found_day is None and weekday is not None:
        found_day = _coming(weekday, here, clock)
    found_day = found_day or day
    if found_day is None and clock is not None:
        found_day = here.date() if clock > here.time() else here.date() + timedelta(days=1)
    return Typed(found_day, clock, lasts, _as_typed(words, rest.strip() if rest.strip(" ,;") else ""))


def _as_typed(words: str, rest: str) -> str:
    """The end of what was typed that reads like ``rest``, in its own letters."""
    rest, typed = rest.lstrip(" ,;"), words.split()
    tails = (" ".join(typed[start:]) for start in range(max(0, len(typed) - len(rest.split())), len(typed)))
    return next((tail for tail in tails if one_line(tail) == rest), rest)


def read_clock(words: str) -> time:
    """An hour alone: "18:30", "6pm", "18 Uhr", "18".

    Raises:
        NotUnderstood: it is something else.
    """
    return _whole(words, lambda begun: _hour(begun, bare=True))


def read_length(words: str) -> timedelta:
    """A length alone. A bare number up to 12 is hours, above it minutes.

    Raises:
        NotUnderstood: it is something else.
    """
    if re.fullmatch(r"\d{1,3}", bare := one_line(words)):
        number = int(bare)
        return timedelta(hours=number) if number <= 12 else timedelta(minutes=number)
    return _whole(words, _length)


def split_name(words: str) -> tuple[str, str]:
    """A name, in quotes if it has blanks, and what follows it."""
    line = one_line(words)
    if quoted := re.match(r"""["“„'«](.+?)["”“'»](?:\s+|$)""", line):
        return quoted[1], _as_typed(words, line[quoted.end() :])
    name, _, rest = line.partition(" ")
    return name, _as_typed(words, rest)


def one_line(words: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", words).split())


def _begun(s: str) -> str:
    """What was typed from the next word that means something."""
    return _BETWEEN.sub("", s, count=1) if _BETWEEN.match(s) else s


def _whole(words: str, reading: Callable[[str], tuple[T, str] | None]) -> T:
    got = reading(_begun(one_line(words)))
    if got is None or got[1].strip(" .,;"):
        raise NotUnderstood
    return got[0]


def _date(s: str, today: date) -> tuple[date, str] | None:
    if found := _ISO.match(s):
        return _real(int(found[1]), int(found[2]), int(found[3]), s[found.end() :])
    if found := _AHEAD.match(s):
        return today + timedelta(days=_DAYS_AHEAD[found[1].lower()]), s[found.end() :]
    if found := _IN_DAYS.match(s):
        days = int(found[1]) * (7 if found[2].lower().startswith("w") else 1)
        return today + timedelta(days=days), s[found.end() :]
    if found := _DOTTED.match(s):
        year = found[3] or found[4]
        got = _in_year(year, int(found[2]), int(found[1]), today, s[found.end() :])
        if got:
            return got
    if (found := _DAY_MONTH.match(s)) and (month := _numbered(found[2], _MONTHS, least=3)):
        return _in_year(found[3], month, int(found[1]), today, s[found.end() :])
    if (found := _MONTH_DAY.match(s)) and (month := _numbered(found[1], _MONTHS, least=3)):
        return _in_year(found[3], month, int(found[2]), today, s[found.end() :])
    return None


def _weekday(s: str) -> tuple[_Weekday, str] | None:
    found = _ON_WEEKDAY.match(s)
    number = _numbered(found[2], _WEEKDAYS, least=2) if found else 0
    if found is None or not number:
        return None
    return _Weekday(number - 1, never_today=found[1] is not None), s[found.end() :]


def _hour(s: str, *, bare: bool) -> tuple[time, str] | None:
    if found := _CLOCK.match(s):
        return _clock(int(found[1]), int(found[2]), found[3], s[found.end() :])
    if found := _AM_PM.match(s):
        return _clock(int(found[1]), 0, found[2], s[found.end() :])
    if found := _UHR.match(s):
        return _clock(int(found[1]), int(found[2] or 0), None, s[found.end() :])
    if found := _NOON.match(s):
        return time(12), s[found.end() :]
    if bare and (found := _BARE_HOUR.match(s)):
        return _clock(int(found[1]), 0, None, s[found.end() :])
    return None


def _length(s: str) -> tuple[timedelta, str] | None:
    if found := _HOURS.match(s):
        minutes = round(float(found[1].replace(",", ".")) * 60) + int(found[2] or found[3] or 0)
    elif found := _MINUTES.match(s):
        minutes = int(found[1])
    else:
        return None
    return timedelta(minutes=minutes), s[found.end() :]


def _clock(hour: int, minute: int, half: str | None, rest: str) -> tuple[time, str] | None:
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return (time(hour, minute), rest) if hour < 24 and minute < 60 else None


def _numbered(word: str, names: tuple[tuple[str, ...], ...], least: int) -> int:
    """Which of the names, counted from 1, a word shortens; 0 if none."""
    short = word.lower()
    if len(short) < least:
        return 0
    return next((i for i, same in enumerate(names, 1) if any(name.startswith(short) for name in same)), 0)


def _in_year(year: str | None, month: int, day: int, today: date, rest: str) -> tuple[date, str] | None:
    """A day of the written year (two digits are of this century), or the coming one if no year was written."""
    if year:
        return _real(int(year) + (2000 if len(year) == 2 else 0), month, day, rest)
    coming = (_real(today.year + ahead, month, day, rest) for ahead in range(9))  # 29 February may be 8 years away
    return next((got for got in coming if got and got[0] >= today), None)


def _real(year: int, month: int, day: int, rest: str) -> tuple[date, str] | None:
    try:
        return date(year, month, day), rest
    except ValueError:
        return None


def _coming(weekday: _Weekday, here: datetime, clock: time | None) -> date:
    days = (weekday.number - here.weekday()) % 7
    passed = clock is not None and clock <= here.time()
    if days == 0 and (weekday.never_today or passed):
        days = 7
    return here.date() + timedelta(days=days)
