"""When an alert repeats, whom it reaches, and what the member may be told. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.errors import Refused
from bot.words import AlertCause, Level, Office

REPEAT_EVERY = timedelta(minutes=5)  # a red alert that nobody has read
BEYOND_AFTER = 3  # repeats until the backup, the owners and the operator's webhook hear of it too
UNTOLD_AFTER = timedelta(minutes=30)  # until the member reads that nobody has confirmed

_ASKED_BY_THE_MEMBER = {AlertCause.CALL, AlertCause.UNSAFE, AlertCause.ANSWER}


class NobodyToCall(Refused):
    """Somebody without a facilitator asked for one."""


class NotYourAlert(Refused):
    """The alert is not there, or speaks of somebody this person does not hold."""


class AlertClosed(Refused):
    """It was resolved already."""


class NobodyElse(Refused):
    """There is no other facilitator to hand it to."""


@dataclass(frozen=True)
class Roster:
    """Who answers for a cohort, by person."""

    facilitators: tuple[UUID, ...]
    responder: UUID | None  # none if nobody of them can be written to
    backup: UUID | None
    owners: tuple[UUID, ...]


def recipients(level: Level, repeats: int, roster: Roster) -> list[UUID]:
    """Whom an alert reaches: the responder; a red one all facilitators; one that stays unread the house around them."""
    people: list[UUID | None] = [roster.responder]
    if level is Level.RED or roster.responder is None:
        people += roster.facilitators
    if repeats >= BEYOND_AFTER or roster.responder is None:
        people += [roster.backup, *roster.owners]
    return list(dict.fromkeys(person for person in people if person is not None))


def may_handle(person_id: UUID, offices: Collection[Office], repeats: int, roster: Roster) -> bool:
    """Whether somebody may open an alert: it is about their cohort, or it went beyond to them."""
    if person_id in {*roster.facilitators, roster.backup}:
        return True
    return Office.OWNER in offices and (repeats >= BEYOND_AFTER or roster.responder is None)


def is_told(cause: AlertCause) -> bool:
    """Whether the member set this off by their own hand, and so reads what became of it."""
    return cause in _ASKED_BY_THE_MEMBER


def is_news(known: Level, level: Level) -> bool:
    """Whether raising an alert that nobody has read yet once more says something new: it turns red."""
    return known is Level.AMBER and level is Level.RED


@dataclass(frozen=True)
class DutyHours:
    """When somebody looks at alerts, in the cohort's zone; equal ends mean always."""

    begins: time
    ends: time
    zone: ZoneInfo

    def holds_at(self, now: datetime) -> bool:
        clock = now.astimezone(self.zone).time()
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def on_the_day_of(self, now: datetime) -> tuple[datetime, datetime]:
        """Both ends as instants of the cohort's today, so that any reader can see them in their own hours."""
        today = now.astimezone(self.zone).date()
        return (
            datetime.combine(today, self.begins, tzinfo=self.zone),
            datetime.combine(today, self.ends, tzinfo=self.zone),
        )


def others(roster: Roster, me: UUID) -> list[UUID]:
    """To whom an alert can be handed.

    Raises:
        NobodyElse: there is none but me.
    """
    found = [person for person in (*roster.facilitators, roster.backup) if person is not None and person != me]
    if not found:
        raise NobodyElse
    return list(dict.fromkeys(found))
