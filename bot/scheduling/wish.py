"""A meeting that is being thought of, by command or button after button: what is known and what to ask next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from bot.scheduling.rules import check_title
from bot.scheduling.typed import NotUnderstood, Typed, read, read_length
from bot.words import MeetingKind


class Asks(StrEnum):
    COHORT = "cohort"
    DAY = "day"
    HOUR = "hour"
    LENGTH = "length"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Wish:
    """A new meeting of this ``kind``, or the one with ``meeting_id``, as it was at ``sequence``, that moves."""

    kind: MeetingKind
    cohort_id: UUID | None = None
    meeting_id: UUID | None = None
    sequence: int = 0
    day: date | None = None
    clock: time | None = None
    lasts: timedelta | None = None
    title: str = ""

    @property
    def asks(self) -> Asks:
        if self.cohort_id is None:
            return Asks.COHORT
        if self.day is None:
            return Asks.DAY
        if self.clock is None:
            return Asks.HOUR
        return Asks.LENGTH if self.lasts is None else Asks.NOTHING

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "cohort": str(self.cohort_id) if self.cohort_id else None,
            "meeting": str(self.meeting_id) if self.meeting_id else None,
            "sequence": self.sequence,
            "day": self.day.isoformat() if self.day else None,
            "clock": self.clock.isoformat() if self.clock is not None else None,
            "minutes": self.lasts // timedelta(minutes=1) if self.lasts is not None else None,
            "title": self.title,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Wish:
        return cls(
            MeetingKind(said["kind"]),
            UUID(said["cohort"]) if said["cohort"] else None,
            UUID(said["meeting"]) if said["meeting"] else None,
            said["sequence"],
            date.fromisoformat(said["day"]) if said["day"] else None,
            time.fromisoformat(said["clock"]) if said["clock"] else None,
            timedelta(minutes=said["minutes"]) if said["minutes"] is not None else None,
            said["title"],
        )


def hear_command(wish: Wish, words: str, here: datetime) -> Wish:
    """What follows the cohort in a command: day, hour, length and, after all three, a title.

    Raises:
        NotUnderstood: something else; a title has to wait for its time. Also DaysDisagree, TitleTooLong.
    """
    got = read(words, here)
    if got.rest and (wish.meeting_id is not None or None in {got.day, got.clock, got.lasts}):
        raise NotUnderstood
    return replace(_with(wish, got), title=check_title(got.rest))


def hear_reply(wish: Wish, words: str, here: datetime) -> Wish:
    """What was typed instead of pressing a button, to whichever question.

    Raises:
        NotUnderstood, DaysDisagree
    """
    if wish.asks is Asks.LENGTH:
        return replace(wish, lasts=read_length(words))
    got = read(words, here, day=wish.day)
    if got.rest or (got.day == wish.day and got.clock is None and got.lasts is None):
        raise NotUnderstood
    return _with(wish, got)


def _with(wish: Wish, got: Typed) -> Wish:
    lasts = wish.lasts if wish.meeting_id is not None else got.lasts or wish.lasts  # a move keeps its length
    return replace(wish, day=got.day or wish.day, clock=got.clock if got.clock is not None else wish.clock, lasts=lasts)
