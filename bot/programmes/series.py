"""What a programme is in one session of a series: its own steps for that session, and those of what it wraps. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.programmes.schema import Programme
from bot.words import CohortKind


def wrap(outer: Programme, inner: Programme, kind: CohortKind) -> Programme:
    """A series around the programme of each session, for one kind of cohort; phases and window are the inner one's."""
    own = tuple(step for step in outer.steps if step.cohorts is None or kind in step.cohorts)
    return replace(outer, kind=kind, phases=inner.phases, window=inner.window, steps=(*own, *inner.steps), wraps={})


def in_session(programme: Programme, number: int) -> Programme:
    """The steps that belong to one session, counted from one over those that were not cancelled."""
    if all(step.sessions is None for step in programme.steps):
        return programme
    kept = tuple(step for step in programme.steps if step.sessions is None or number in step.sessions)
    return replace(programme, steps=kept)


def last_session(programme: Programme) -> int:
    """The last session that a step speaks of; one if none does."""
    return max((number for step in programme.steps for number in step.sessions or ()), default=1)
