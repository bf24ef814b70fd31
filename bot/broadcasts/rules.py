"""When words may arrive, who can be reached, and how long they may be. Pure.

A *letter* goes between one member and their facilitators; a *broadcast* goes from a facilitator to whole cohorts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.errors import Refused
from bot.messages import LONGEST_CAPTION, LONGEST_TEXT
from bot.window.quiet import next_waking
from bot.words import BroadcastState, DeliveryState, QuietHours

UNDO_FOR = timedelta(seconds=15)
FRESH_FOR = timedelta(hours=24)  # a broadcast that could not leave for so long is not sent any more
AWAITED_FOR = timedelta(hours=12)  # somebody who wrote or asked for help so recently waits for an answer
LONGEST_PAGE = 3000  # code points of somebody's words on one screen
_HEADING = 96  # room for "From …:" above a broadcast


class NotYourLetter(Refused):
    """The letter is not there, or between other people."""


class NobodyToWriteTo(Refused):
    """The member is not there, or somebody else holds them."""


class NothingWritten(Refused):
    """Neither words nor anything we can pass on."""


class BroadcastTooLong(Refused):
    """It would not fit into one message. Facts: ``limit``, ``too_many``."""


class BroadcastGone(Refused):
    """It is not there, or somebody else's."""


class BroadcastDecided(Refused):
    """It was sent, cancelled or stopped already."""


class NothingHeld(Refused):
    """Somebody who facilitates nobody wanted to broadcast."""


class NobodyToReach(Refused):
    """Nobody is in there who could read it."""


class Why(StrEnum):
    """Why somebody does not receive a broadcast."""

    BLOCKED = "blocked"
    PAUSED = "paused"
    HELD = "held"
    LEFT = "left"
    EXPIRED = "too late"
    STOPPED = "stopped"
    FAILED = "failed"  # Telegram refused it, for whatever reason


@dataclass(frozen=True)
class Reader:
    """One person a broadcast is for, as they stand now."""

    person_id: UUID
    member_id: UUID
    cohort_id: UUID
    chat_id: UUID
    name: str
    zone: ZoneInfo
    quiet: QuietHours
    why_not: Why | None = None


@dataclass(frozen=True)
class Tally:
    """What has become of a broadcast so far, by the names of its readers."""

    arrived: tuple[str, ...]
    waiting: tuple[str, ...]
    uncertain: tuple[str, ...]
    not_reached: tuple[tuple[str, Why], ...]

    @property
    def is_final(self) -> bool:
        return not self.waiting


def arrives_at(now: datetime, quiet: QuietHours, zone: ZoneInfo, *, acute_until: datetime | None) -> datetime:
    """When words that nobody asked for may arrive: outside the acute phase and outside quiet hours."""
    return next_waking(max(now, acute_until or now), quiet, zone)


def fits(words: str, *, with_attachment: bool) -> None:
    """Check that a broadcast fits into one message below its heading.

    Raises:
        BroadcastTooLong: it does not.
    """
    limit = (LONGEST_CAPTION if with_attachment else LONGEST_TEXT) - _HEADING
    if len(words) > limit:
        raise BroadcastTooLong(limit=limit, too_many=len(words) - limit)


def addressed(line: str) -> tuple[str, str]:
    """To whom and what: the first word, or several in quotes, and the rest with its lines as they were typed."""
    line = line.strip()
    if quoted := re.match(r"""["“„«](.+?)["”“»](?:\s+|$)""", line):
        return quoted[1], line[quoted.end() :]
    name, *rest = line.split(maxsplit=1)
    return name, rest[0] if rest else ""


def pages(words: str) -> tuple[str, ...]:
    """Somebody's words in pieces that one screen can show, broken between words where that is possible."""
    found: list[str] = []
    rest = words
    while len(rest) > LONGEST_PAGE:
        cut = max(rest.rfind("\n", 0, LONGEST_PAGE), rest.rfind(" ", 0, LONGEST_PAGE))
        cut = cut + 1 if cut > LONGEST_PAGE // 2 else LONGEST_PAGE
        found.append(rest[:cut])
        rest = rest[cut:]
    return (*found, rest)


def once_each(readers: Iterable[Reader]) -> list[Reader]:
    """Everybody once, although they may sit in several cohorts; where they can be reached, if anywhere."""
    chosen: dict[UUID, Reader] = {}
    for reader in readers:
        known = chosen.get(reader.person_id)
        if known is None or (known.why_not is not None and reader.why_not is None):
            chosen[reader.person_id] = reader
    return list(chosen.values())


def may_still(state: BroadcastState, *wanted: BroadcastState) -> None:
    """Check that a broadcast has not gone on meanwhile.

    Raises:
        BroadcastDecided: it has.
    """
    if state not in wanted:
        raise BroadcastDecided


_WAITING = {DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING}
_REASONS: Mapping[str, Why] = {why.value: why for why in Why}


def tally(outcomes: Sequence[tuple[str, DeliveryState, str | None]], unreached: Sequence[tuple[str, Why]]) -> Tally:
    """Sum up name, state and reason of every delivery, and those for whom there was none."""
    not_reached = [
        (name, Why.STOPPED if state is DeliveryState.CANCELLED else _REASONS.get(reason or "", Why.FAILED))
        for name, state, reason in outcomes
        if state in {DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.CANCELLED}
    ]
    return Tally(
        arrived=tuple(name for name, state, _ in outcomes if state is DeliveryState.SENT),
        waiting=tuple(name for name, state, _ in outcomes if state in _WAITING),
        uncertain=tuple(name for name, state, _ in outcomes if state is DeliveryState.UNKNOWN),
        not_reached=(*not_reached, *unreached),
    )
