"""When a programme's words fall: anchors to instants, and the phases of a window. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.programmes.schema import Anchor, At, Phase, Programme
from bot.window.quiet import local_instant

EVE = time(12, 0)


@dataclass(frozen=True)
class Anchors:
    """What a programme counts from, for one reader: start, release and whose days these are."""

    starts_at: datetime
    released_at: datetime
    zone: ZoneInfo


@dataclass(frozen=True)
class Span:
    """A phase between two instants; the second one is no longer in it."""

    begins_at: datetime
    ends_at: datetime
    phase: Phase


def instant_of(at: At, anchors: Anchors) -> datetime | None:
    """The instant a programme's *when* means, in UTC; none for what follows another step.

    Days after the release count from its local date, day 0 and the days before from the local date of the start.
    """
    if at.anchor is Anchor.START:
        return anchors.starts_at + at.offset
    if at.anchor is Anchor.RELEASE:
        return anchors.released_at + at.offset
    if at.anchor is Anchor.DAY:
        return local_instant(origin_of(at, anchors) + timedelta(days=at.day), at.clock or time(0), anchors.zone)
    return None


def eve_of(starts_at: datetime, zone: ZoneInfo) -> datetime:
    """From when a session has the word over the windows before it: noon of the day before, in the cohort's zone."""
    return local_instant(starts_at.astimezone(zone).date() - timedelta(days=1), EVE, zone)


def origin_of(at: At, anchors: Anchors) -> date:
    """The local date a programme's *when* counts from."""
    from_release = at.anchor is Anchor.RELEASE or (at.anchor is Anchor.DAY and at.day > 0)
    return (anchors.released_at if from_release else anchors.starts_at).astimezone(anchors.zone).date()


def spans(programme: Programme, anchors: Anchors) -> tuple[Span, ...]:
    """The phases as they lie for one reader."""
    bounds = ((instant_of(phase.begins, anchors), instant_of(phase.ends, anchors), phase) for phase in programme.phases)
    return tuple(Span(begins, ends, phase) for begins, ends, phase in bounds if begins and ends and begins < ends)


def span_at(laid: Sequence[Span], instant: datetime) -> Span | None:
    """The first span that holds this instant."""
    return next((span for span in laid if span.begins_at <= instant < span.ends_at), None)


def phase_at(
    programme: Programme,
    released_at: datetime,
    zone: ZoneInfo,
    instant: datetime,
    *,
    starts_at: datetime | None = None,
) -> Phase | None:
    """The phase somebody in ``zone`` is in at this instant; none before, between and after them."""
    anchors = Anchors((starts_at or released_at).astimezone(UTC), released_at, zone)
    span = span_at(spans(programme, anchors), instant)
    return span.phase if span else None
