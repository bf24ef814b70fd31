"""The post office and the inbox through what cannot be arranged: every seed is another run of bad luck.

A seed is a story of minutes or days that passes in a tenth of a second: letters in all lanes, changes while they are on
their way, lost replies, pauses, crashes at any step, a database that is away, clocks that are set. Afterwards the books
of the bot are held against what Telegram has seen. Nothing depends on the machine: a seed that fails fails everywhere.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from faulty_telegram import FATES
from world import Ground, play

SEEDS = range(int(os.environ.get("SIMULATED_SEEDS", "200")))

# Seeds beyond those that found something, and what. Their stories change when `seeds.py` or the bot's way to its
# database does; what they find is better kept as a test of its own as well, see `test_any_step.py`.
KEPT = {
    351: "who waits for their chat is not overtaken",
    1485: "who waits for their chat is not overtaken either",
}

_met: Counter[str] = Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_bad_luck_breaks_a_promise(seed: int, ground: Ground, tmp_path: Path) -> None:
    world = play(seed, ground, tmp_path)
    _met.update({"a seed": 1, **Counter(call.fate for call in world.telegram.calls)})
    _met.update(doom.how for doom in world.story.dooms)

    assert world.complaints == []


def test_the_seeds_have_met_everything_that_can_go_wrong() -> None:
    if _met["a seed"] < len(SEEDS):
        pytest.skip("not all seeds were played")

    assert {*FATES, "trip", "second", "stop"} <= _met.keys()


@pytest.mark.parametrize("seed", KEPT, ids=KEPT.get)
def test_what_a_seed_once_found_holds(seed: int, ground: Ground, tmp_path: Path) -> None:
    assert play(seed, ground, tmp_path).complaints == []


@pytest.mark.parametrize("seed", [8, 30, 133])
def test_a_seed_is_the_same_story_every_time(seed: int, ground: Ground, tmp_path: Path) -> None:
    first = play(seed, ground, tmp_path)
    second = play(seed, ground, tmp_path)

    assert first.trace
    assert first.trace == second.trace
