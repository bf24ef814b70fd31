"""When somebody may not simply go, and what of their words a screen shows. Pure."""

from __future__ import annotations

from bot.errors import Refused

LONGEST_EXCERPT = 900  # code points of one entry on the screen; the export has all of it
ENTRIES_ON_A_PAGE = 3


class LastToHold(Refused):
    """People sit in cohorts that nobody else holds. ``names``: which."""


class LastOwner(Refused):
    """Nobody else could appoint anybody any more."""


class NothingWritten(Refused):
    """The journal keeps words."""


def excerpt(words: str) -> str:
    """The beginning of an entry, as much of it as fits a screen."""
    return words if len(words) <= LONGEST_EXCERPT else words[:LONGEST_EXCERPT].rstrip() + "…"


def page_of_entries(count: int, wanted: int) -> int:
    """The page to show, however old the button is: entries come and go."""
    last = max(0, (count - 1) // ENTRIES_ON_A_PAGE)
    return min(max(wanted, 0), last)
