"""What can be planned, moved, ended, and which instant a typed hour means. Pure.

Instants are aware UTC datetimes; clock times belong to the cohort's zone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.errors import Refused
from bot.window.quiet import is_quiet, local_instant, next_waking
from bot.window.values import RELEASE_FALLBACK
from bot.words import MeetingKind, MeetingState, QuietHours, Role, Rsvp

SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(hours=24)
FARTHEST = timedelta(days=2 * 366)
OLDEST_END = timedelta(hours=12)
LONGEST_TITLE = 80  # code points
LONGEST_DETAIL = 600
_ROLES = {
    **{role.value: role for role in Role},
    "empfangend": Role.RECEIVING,
    "unterstützend": Role.SUPPORTING,
    "abwesend": Role.ABSENT,
}
ASKS_AFTER = (timedelta(0), timedelta(minutes=30), timedelta(hours=2))  # from the planned end; only the first to one


class InThePast(Refused):
    """It would begin before now."""


class TooFarAhead(Refused):
    """It would begin in more than two years."""


class LengthOutOfRange(Refused):
    """Shorter than ten minutes or longer than a day."""


class TitleTooLong(Refused):
    pass


class Overlaps(Refused):
    """The cohort already meets at that time. Facts: number."""


class NoSuchMeeting(Refused):
    """There is none with that number. Facts: number."""


class ChangedMeanwhile(Refused):
    """Somebody has moved or cancelled it since the preview."""


class NotPlanned(Refused):
    """It has ended or was cancelled, so it cannot be moved, cancelled or answered any more."""


class EndsBeforeStart(Refused):
    """An end before the start."""


class EndsInFuture(Refused):
    """An end that has not come yet."""


class EndedTooLongAgo(Refused):
    """An end that cannot be meant: more than twelve hours from now, or from the end recorded so far."""


class AlreadyEnded(Refused):
    """Somebody has recorded the end already; it can be corrected."""


class StaleInvitation(Refused):
    """The invitation speaks of an earlier time."""


class HasBegun(Refused):
    """An invitation is answered before the meeting, not in it."""


class NothingPlanned(Refused):
    """A command speaks of the next meeting, and there is none."""


class DetailTooLong(Refused):
    """Facts: longest."""


class NotALink(Refused):
    """What was typed for the link is not an address of the web."""


class NoSuchMember(Refused):
    """Nobody here, or several, are called like this. Facts: names."""


class NothingToEnd(Refused):
    """No session of this cohort has begun."""


class NoSuchRole(Refused):
    """Neither receiving, supporting nor absent."""


@dataclass(frozen=True)
class Slot:
    """When a meeting is, and what the overlap rule needs to know of one that exists."""

    starts_at: datetime
    lasts: timedelta
    kind: MeetingKind = MeetingKind.SESSION
    number: int = 0
    id: UUID | None = None

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.lasts


class Shift(StrEnum):
    """What a clock change did to a typed hour."""

    NONE = "none"
    TWICE = "twice"  # the hour comes twice that day; the first was taken
    MISSING = "missing"  # the hour does not exist that day; it moved forward


@dataclass(frozen=True)
class Taken:
    """The instant that a local hour means."""

    at: datetime
    shift: Shift


def take(day: date, clock: time, zone: ZoneInfo) -> Taken:
    """The instant of a local hour, and whether a clock change had a say in it."""
    at = local_instant(day, clock, zone)
    if at.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, clock):
        return Taken(at, Shift.MISSING)
    if local_instant(day, clock, zone, second=True) != at:
        return Taken(at, Shift.TWICE)
    return Taken(at, Shift.NONE)


def check_slot(wanted: Slot, others: Iterable[Slot], *, now: datetime) -> None:
    """Refuse a time that cannot be meant or is taken.

    Raises:
        InThePast, TooFarAhead, LengthOutOfRange, Overlaps
    """
    if wanted.starts_at <= now:
        raise InThePast
    if wanted.starts_at > now + FARTHEST:
        raise TooFarAhead
    if not SHORTEST <= wanted.lasts <= LONGEST:
        raise LengthOutOfRange
    for other in others:
        if other.id != wanted.id and wanted.starts_at < other.ends_at and other.starts_at < wanted.ends_at:
            raise Overlaps(number=number_name(other.kind, other.number))


def check_title(title: str) -> str:
    if len(title) > LONGEST_TITLE:
        raise TitleTooLong(longest=LONGEST_TITLE)
    return title


def check_planned(state: MeetingState) -> None:
    if state is not MeetingState.PLANNED:
        raise NotPlanned


def check_end(starts_at: datetime, ended_at: datetime, *, recorded: datetime | None, now: datetime) -> None:
    """Refuse an end that cannot be meant; a correction is measured against the end ``recorded`` so far.

    Raises:
        EndsBeforeStart, EndsInFuture, EndedTooLongAgo
    """
    if ended_at <= starts_at:
        raise EndsBeforeStart
    if ended_at > now:
        raise EndsInFuture
    if abs(ended_at - (recorded or now)) > OLDEST_END:
        raise EndedTooLongAgo


def end_at(clock: time, starts_at: datetime, zone: ZoneInfo, *, now: datetime) -> datetime:
    """The instant that a typed end means: on the day of the start, or after midnight if that has come."""
    day = starts_at.astimezone(zone).date()
    same_day, next_day = (local_instant(day + timedelta(days=n), clock, zone) for n in (0, 1))
    return next_day if same_day <= starts_at and next_day <= now else same_day


def asks_at(slot: Slot) -> list[datetime]:
    """When the end is asked for, as long as nobody recorded it."""
    return [slot.ends_at + after for after in ASKS_AFTER]


def falls_back_at(slot: Slot) -> datetime:
    """When the planned end is taken as the end."""
    return slot.ends_at + RELEASE_FALLBACK


def said_at(now: datetime, quiet: QuietHours, zone: ZoneInfo, before: datetime) -> tuple[datetime, bool]:
    """When news of a meeting goes out, and whether silently: after quiet hours, or quietly now if that is too late."""
    waking = next_waking(now, quiet, zone)
    if waking < before:
        return waking, False
    return now, is_quiet(now, quiet, zone)


def proposed_role(rsvp: Rsvp, role: Role) -> Role | None:
    """What an RSVP suggests to the facilitator, if anything."""
    if rsvp is Rsvp.CANNOT and role is not Role.ABSENT:
        return Role.ABSENT
    if rsvp is not Rsvp.CANNOT and role is Role.ABSENT:
        return Role.RECEIVING
    return None


def concerns_facilitator(before: Rsvp | None, after: Rsvp, role: Role) -> bool:
    """Whether an RSVP is news: somebody cannot come or will be late, no longer so, or does not fit their role."""
    exceptional = bool({before, after} & {Rsvp.CANNOT, Rsvp.LATE})
    return before is not after and (exceptional or proposed_role(after, role) is not None)


def check_detail(field: str, words: str) -> str:
    """One detail as it is kept; nothing typed clears it.

    Raises:
        DetailTooLong, NotALink
    """
    if len(words) > LONGEST_DETAIL:
        raise DetailTooLong(longest=LONGEST_DETAIL)
    if field == "link" and words and not re.fullmatch(r"https?://[^\s<>\"]+\.[^\s<>\"]+", words):
        raise NotALink
    return words


def the_one_called(names: Iterable[str], beginning: str) -> str:
    """The name that is this, or the only one that begins like this.

    Raises:
        NoSuchMember
    """
    known = {name: unicodedata.normalize("NFC", name).casefold() for name in names}
    wanted = unicodedata.normalize("NFC", beginning).casefold()
    whole = [name for name, compared in known.items() if compared == wanted]
    begun = whole or [name for name, compared in known.items() if wanted and compared.startswith(wanted)]
    if len(begun) != 1:
        raise NoSuchMember(names=", ".join(known))
    return begun[0]


def read_role(words: str) -> Role:
    """A role as typed, in English or German, or a beginning of it.

    Raises:
        NoSuchRole: it is none.
    """
    short = words.strip().casefold()
    role = next((role for word, role in _ROLES.items() if short and word.startswith(short)), None)
    if role is None:
        raise NoSuchRole
    return role


def read_number(words: str) -> tuple[MeetingKind, int]:
    """A meeting's number as typed: "2" is a session, "g2" a gathering.

    Raises:
        NoSuchMeeting
    """
    found = re.fullmatch(r"(?:no\.?|#|(?P<gathering>g))? ?(?P<number>[0-9]{1,4})", words.strip().lower())
    if found is None:
        raise NoSuchMeeting(number=words)
    return (MeetingKind.GATHERING if found["gathering"] else MeetingKind.SESSION), int(found["number"])


def number_name(kind: MeetingKind, number: int) -> str:
    """The same, the other way round."""
    return f"g{number}" if kind is MeetingKind.GATHERING else str(number)


def minutes(instant: datetime) -> int:
    """An instant as whole minutes since 1970: what keys and buttons call it."""
    return int(instant.timestamp()) // 60


def from_minutes(number: int) -> datetime:
    return datetime.fromtimestamp(number * 60, UTC)
