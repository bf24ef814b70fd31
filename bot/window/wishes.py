"""When each step would like to speak, before anybody's nights and days are looked at. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.programmes.schema import Anchor, Programme, Step
from bot.window.phases import Anchors, instant_of
from bot.window.quiet import local_instant
from bot.words import StepKind

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Wish:
    """One step's hour for one reader, and its bounds on that day."""

    at: datetime
    latest: datetime | None = None  # from ``not_after``
    too_early: bool = False  # it lay before ``not_before``, which it now waits for


def wish_of(step: Step, anchors: Anchors, followed: datetime | None = None) -> Wish | None:
    """When a step wants to be; ``followed`` is the instant of the step it comes after. None if that is missing.

    ``not_after`` speaks of the evening of the day it counts from: release + 4h after a late session is still that day.
    """
    if step.at.anchor is Anchor.AFTER:
        if followed is None:
            return None
        at, day = followed + step.at.offset, followed.astimezone(anchors.zone).date()
    else:
        at = instant_of(step.at, anchors) or anchors.starts_at
        day = at.astimezone(anchors.zone).date()
        if step.at.anchor is Anchor.RELEASE:
            day = anchors.released_at.astimezone(anchors.zone).date() + timedelta(days=step.at.offset.days)
    latest = local_instant(day, step.not_after, anchors.zone) if step.not_after else None
    if step.not_before:
        earliest = local_instant(at.astimezone(anchors.zone).date(), step.not_before, anchors.zone)
        if at < earliest:
            return Wish(earliest, latest, too_early=True)
    return Wish(at, latest)


def stale_at(step: Step, wish: Wish, starts_at: datetime) -> datetime:
    """From when a step makes no sense any more; one meant for before the session does not once it has begun."""
    stale = wish.at + step.fresh_for
    return min(stale, starts_at + _MINUTE) if wish.at <= starts_at else stale


def plain_wishes(programme: Programme, anchors: Anchors) -> Mapping[str, datetime]:
    """When every step would be if nothing moved."""
    found: dict[str, datetime] = {}
    steps = {step.id: step for step in programme.steps}
    for step in programme.steps:
        if step.rides_with:
            continue
        at, chain = step.at, [step.id]
        span = timedelta()
        while at.anchor is Anchor.AFTER and at.step in steps and at.step not in chain:
            span += at.offset
            chain.append(at.step)
            at = steps[at.step].at
        instant = instant_of(at, anchors)
        if instant is not None:
            found[step.id] = instant + span
    return found


def resting_at_lighter_pace(programme: Programme) -> frozenset[str]:
    """What a lighter pace leaves out: every second prompt or practice, in the order of the file.

    Check-ins, reminders and safety stay.
    """
    paced = [
        step.id for step in programme.steps if step.kind in {StepKind.PROMPT, StepKind.PRACTICE} and not step.safety
    ]
    return frozenset(paced[1::2])
