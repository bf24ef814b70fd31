"""One short hour, and a misfortune at every single step of it: no seed has to be lucky to find the place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from orders import Letter, Plan, PlanMoment
from seeds import COUPLES, GROUP, Doom, Story
from virtual import BEGINS
from world import Ground, play

from bot.words import Lane

HOUR = 10.0
STEPS = 121  # a little more than the trips to the database that the hour takes
SAID = HOUR - 0.4  # so that storing, handling, claiming, marking and settling lie close together


def an_hour(**misfortune: object) -> Story:
    """Prompts and an opening for a couple, three letters to a group, all at one instant."""
    due = BEGINS + timedelta(seconds=HOUR)
    prompts = tuple(Letter(f"prompt-{chat}", chat, 0, "prompt", Lane.PROMPTS, due) for chat in COUPLES[0])
    rounds = tuple(Letter(f"round-{n}", GROUP, 2, "prompt", Lane.PROMPTS, due) for n in range(3))
    opening = tuple(Letter(f"opening-{chat}", chat, 0, "opening", Lane.PROMPTS, due) for chat in COUPLES[0])
    story = Story(0, calm=False, hours=[HOUR], disk=0.02)
    story.said = [(SAID, 0, Plan(prompts + rounds)), (SAID + 0.1, 1, PlanMoment("opening", due, opening))]
    for name, value in misfortune.items():
        setattr(story, name, value)
    return story


@pytest.mark.parametrize("part", range(4))
def test_it_may_be_killed_at_any_step(part: int, ground: Ground, tmp_path: Path) -> None:
    for trips in range(1 + part, STEPS, 4):
        world = play(trips, ground, tmp_path, an_hour(dooms=[Doom("trip", SAID - 0.05, trips)]))

        assert world.complaints == [], trips
        assert world.telegram.calls[-1].left_at - world.begins < HOUR + 25, trips  # an opening may leave once more


@pytest.mark.parametrize("part", range(4))
def test_the_database_may_go_away_at_any_step(part: int, ground: Ground, tmp_path: Path) -> None:
    """A commit that fails then is written all the same: whoever asked cannot know."""
    for trips in range(1 + part, STEPS, 4):
        world = play(trips, ground, tmp_path, an_hour(away_at=(SAID - 0.05, trips)))

        assert world.complaints == [], trips
        assert world.telegram.calls[-1].left_at - world.begins < HOUR + 25, trips
