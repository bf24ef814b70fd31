"""The plan of one meeting: who should read what, and when. Pure: the same values always make the same plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.programmes.schema import Programme
from bot.programmes.series import in_session
from bot.window.draft import in_order
from bot.window.placing import Planning
from bot.window.values import (
    Cannot,
    Decision,
    Gathered,
    Party,
    Plan,
    Sent,
    Wanted,
    Why,
    key_of,
)
from bot.words import Pace, Visibility

__all__ = ["Cannot", "Decision", "Gathered", "Party", "Plan", "Sent", "Wanted", "Why", "key_of", "plan"]


def plan(
    programme: Programme,
    gathered: Gathered,
    *,
    lighter: Programme | None = None,
    now: datetime,
    already: Sequence[Sent] = (),
) -> Plan:
    """Everything that should still happen for one meeting.

    Members at the light-touch pace are planned by ``lighter``, they alone; safety stays as it is for everybody. Of a
    series only the steps of this session count.
    """
    programme = in_session(programme, gathered.session)
    lighter = in_session(lighter, gathered.session) if lighter else None
    if lighter is None:
        return Planning(programme, gathered, now, already).made()
    whole = Planning(programme, gathered, now, already, other=lighter, without_light_touch=True).made()
    light = tuple(replace(party, pace=Pace.FULL) for party in gathered.parties if party.pace is Pace.LIGHT_TOUCH)
    if not light:
        return whole
    everybody = len(light) == len(gathered.parties)
    has_safety = any(step.safety for step in programme.steps)
    steps = tuple(
        step
        for step in lighter.steps
        if not (step.safety and has_safety) and (everybody or step.visible_to is not Visibility.PAIR)
    )
    apart = Planning(
        replace(lighter, steps=steps), replace(gathered, parties=light), now, already, other=programme
    ).made()
    return Plan(
        in_order(whole.deliveries + apart.deliveries),
        whole.decisions + apart.decisions,
        whole.cannot + apart.cannot,
        {**apart.dropped, **whole.dropped},
    )
