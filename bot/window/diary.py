"""One person's days in one window: when they may be spoken to, and what they are told already. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from bot.programmes.schema import Programme
from bot.window.budget import Ledger
from bot.window.phases import Anchors, Span, span_at, spans
from bot.window.quiet import is_quiet, local_instant, next_waking
from bot.window.values import Gathered, Party, Why
from bot.window.wishes import plain_wishes
from bot.words import StepKind

_NOON = time(12, 0)
_DAY = timedelta(days=1)


class Diary:
    """What stands in one member's days, and where there is room."""

    def __init__(self, party: Party, anchors: Anchors, phases: Sequence[Span], ends_at: datetime) -> None:
        self.party = party
        self.anchors = anchors
        self.ends_at = ends_at
        self._phases = phases
        self._ledger = Ledger(self.day_of(anchors.starts_at), self.day_of(anchors.released_at))

    def day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.party.zone).date()

    def note(self, at: datetime, kind: StepKind | None, *, waits: bool = False) -> None:
        """Write down a message; one that still ``waits`` in another window makes way for what leaves before it."""
        note = self._ledger.add_waiting if waits else self._ledger.add
        note(at, self.day_of(at), kind)

    def note_nudge(self, at: datetime) -> None:
        self._ledger.add_nudge(self.day_of(at))

    def first_room(self, at: datetime, until: datetime, kind: StepKind) -> tuple[datetime | None, Why | None]:
        """The first instant from here on, before ``until``, with room for one more; and what stood in the way first."""
        why: Why | None = None
        while at < until:
            moved, obstacle = self._past_obstacle(at, kind)
            if moved == at:
                return at, why
            at, why = moved, why or obstacle
        return None, why

    def room_for_nudge(self, at: datetime, until: datetime, kind: StepKind) -> datetime | None:
        """The first waking instant from here on, if its day is not full."""
        while at < until:
            moved = self._past_silence(at, kind)[0]
            if moved == at:
                return None if self._ledger.is_full_for_nudge(at, self.day_of(at)) else at
            at = moved
        return None

    def is_quiet(self, at: datetime) -> bool:
        return is_quiet(at, self.party.quiet, self.party.zone)

    def is_evening(self, at: datetime, latest: time) -> bool:
        """Whether a safety step may still speak here, silently, although it is quiet."""
        return _NOON <= at.astimezone(self.party.zone).time() <= latest

    def next_waking(self, at: datetime) -> datetime:
        return next_waking(at, self.party.quiet, self.party.zone)

    def after_acute(self, at: datetime) -> datetime:
        """This instant, or the first later one outside the session and every phase that is only for safety."""
        if self.anchors.starts_at < at < self.anchors.released_at:
            return self.after_acute(self.anchors.released_at)
        span = span_at(self._phases, at)
        return self.after_acute(span.ends_at) if span and span.phase.only_safety else at

    def _past_silence(self, at: datetime, kind: StepKind) -> tuple[datetime, Why | None]:
        calm = self.after_acute(at)
        if calm != at:
            return calm, Why.PHASE
        span = span_at(self._phases, at)
        if span and span.phase.kinds is not None and kind not in span.phase.kinds:
            return span.ends_at, Why.PHASE
        return (self.next_waking(at), Why.QUIET) if self.is_quiet(at) else (at, None)

    def _past_obstacle(self, at: datetime, kind: StepKind) -> tuple[datetime, Why | None]:
        heard, why = self._past_silence(at, kind)
        if why:
            return heard, why
        clear = self._ledger.clear_of_others(at, kind)
        if clear != at:
            return clear, Why.CROWDED
        span = span_at(self._phases, at)
        day = self.day_of(at)
        if self._ledger.is_full(at, day, kind, span.phase.most_per_day if span else None):
            return local_instant(day + _DAY, time(0), self.party.zone), Why.CROWDED
        return at, None


def open_diaries(programme: Programme, gathered: Gathered) -> tuple[Diary, ...]:
    """A diary for everybody in a meeting's plan."""
    cohort = Anchors(gathered.starts_at, gathered.release, gathered.zone)
    common = plain_wishes(programme, cohort).values()
    laid: dict[Anchors, tuple[Sequence[Span], datetime]] = {}
    diaries = []
    for party in gathered.parties:
        own = replace(cohort, released_at=party.released_at or cohort.released_at, zone=party.zone)
        if own not in laid:
            phases = spans(programme, own)
            ends = [span.ends_at for span in phases] or [own.released_at + programme.window]
            laid[own] = (phases, max([*ends, *common, *plain_wishes(programme, own).values()]))
        diaries.append(Diary(party, own, *laid[own]))
    return tuple(diaries)
