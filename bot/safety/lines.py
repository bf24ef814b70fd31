"""Whom to call in which country, from a table that carries the day it was last verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DIRECTORY = "findahelpline.com"  # lists lines for the countries that the table does not have
STALE_AFTER = timedelta(days=183)  # six months: numbers die

_TABLE = Path(__file__).with_name("lines.yaml")


@dataclass(frozen=True)
class Line:
    """Somebody who answers when one calls or writes."""

    name: str
    call: str | None = None
    text_to: str | None = None
    text_word: str | None = None
    at_home: bool = False  # for anybody who is not safe at home
    not_everywhere: bool = False  # answers in several countries of the region, not in all


@dataclass(frozen=True)
class HelpLines:
    """What the help card of one country says."""

    emergency: tuple[str, ...] = ("112", "911")
    lines: tuple[Line, ...] = ()
    known: bool = False  # whether the country is in the table


def lines_for(country: str | None) -> HelpLines:
    """The lines of a country (ISO 3166); for one we do not know, the common emergency numbers."""
    table = _table()
    union = table["european_union"]
    entry = table["countries"].get(country) or (union if country in union["members"] else None)
    if entry is None:
        return HelpLines()
    return HelpLines(tuple(entry["emergency"]), tuple(Line(**line) for line in entry["lines"]), known=True)


def verified_on() -> date:
    """The day on which somebody last read the table through."""
    day: date = _table()["verified_on"]
    return day


def is_stale(today: date) -> bool:
    """Whether the table is older than six months on this day."""
    return today - verified_on() > STALE_AFTER


@cache
def _table() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(_TABLE)
    return content
