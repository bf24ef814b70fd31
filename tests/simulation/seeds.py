"""A seed becomes a story: who is written to at which hours, what is changed meanwhile, and what goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from faulty_telegram import FATES
from orders import Change, Letter, Move, Order, Plan, PlanMoment, Stop, Stumble, Tap, Withdraw, WithdrawMoment
from virtual import BEGINS

from bot.words import Lane, Verb

COUPLES = ((0, 1), (2, 3))
GROUP = 4
EVERYBODY = ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2))  # chat and its cohort


@dataclass(frozen=True)
class Doom:
    """How a life of the bot ends: killed at a trip to the database or at a second, or stopped."""

    how: str  # "trip", "second", "stop"
    at: float  # seconds after the beginning
    trips: int = 0  # to the database from then on
    down: float = 1.0  # seconds until somebody starts it again


@dataclass
class Story:
    """Everything that was decided before it began."""

    seed: int
    calm: bool
    hours: list[float] = field(default_factory=list)  # seconds after the beginning at which things fall due
    said: list[tuple[float, int, Order]] = field(default_factory=list)  # second, who (their chat), what
    dooms: list[Doom] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    away_at: tuple[float, int] | None = None  # so many trips after that second, for a moment
    steps: list[tuple[float, float]] = field(default_factory=list)
    rate: int = 25
    in_flight: int = 10
    fault: float = 0.0  # how likely a call meets one
    fates: list[str] = field(default_factory=list)
    disk: float = 0.0  # seconds a commit takes, at most

    @property
    def ends(self) -> float:
        last = max([at for at, _, _ in self.said] + self.hours)
        return last + 60 + sum(max(0.0, -by) for _, by in self.steps)


def tell(seed: int, arrived: Callable[[int], tuple[str, int] | None]) -> Story:
    """The story of a seed; ``arrived`` says which delivery's message lies in a chat, for taps."""
    dice = random.Random(f"story {seed}")
    story = Story(seed, calm=seed % 8 == 0)
    at = dice.uniform(5, 30)
    for _ in range(dice.choice([1, 1, 2])):
        story.hours.append(round(at, 3))
        at += dice.choice([40.0, 90.0, 3 * 3600.0, 35 * 3600.0]) * dice.uniform(0.8, 1.2)
    for number, hour in enumerate(story.hours):
        _an_hour(dice, story, number, hour, arrived)
    if not story.calm:
        _misfortune(dice, story)
    return story


def _an_hour(
    dice: random.Random, story: Story, number: int, hour: float, arrived: Callable[[int], tuple[str, int] | None]
) -> None:
    due = BEGINS + timedelta(seconds=hour)
    before = hour - dice.uniform(0.5, 5)
    batches: list[tuple[Letter, ...]] = []

    def letters(name: str, to: list[tuple[int, int]], lane: Lane, *, stale: float | None = None) -> tuple[Letter, ...]:
        expires = due + timedelta(seconds=stale) if stale else None
        return tuple(Letter(f"{name}-{number}-{chat}", chat, cohort, name, lane, due, expires) for chat, cohort in to)

    couples = dice.sample([0, 1], k=2)
    stale = dice.choice([None, 20.0, 3600.0])
    batches += [letters("prompt", [(chat, c) for chat in COUPLES[c]], Lane.PROMPTS, stale=stale) for c in couples]
    if dice.random() < 0.6:
        batches.append(letters("news", list(EVERYBODY), Lane.BROADCAST, stale=dice.choice([None, 3600.0])))
    if dice.random() < 0.5:
        batches.append(letters("alert", [dice.choice(EVERYBODY)], Lane.SAFETY))
    if dice.random() < 0.3:
        batches.append(letters("receipt", [dice.choice(EVERYBODY)], Lane.INTERACTIVE))
    if dice.random() < 0.3:
        batches += [letters(f"round{n}", [(GROUP, 2)], Lane.PROMPTS) for n in range(dice.randint(2, 3))]
    for batch in batches:
        story.said.append((round(before + dice.uniform(0, 0.3), 3), batch[0].chat, Plan(batch)))
    if dice.random() < 0.6:
        couple = dice.choice([0, 1])
        opening = letters("opening", [(chat, couple) for chat in COUPLES[couple]], Lane.PROMPTS)
        moment = PlanMoment(f"opening-{number}", due, opening)
        story.said.append((round(before, 3), COUPLES[couple][0], moment))
        if not story.calm and dice.random() < 0.2:
            story.said.append((round(hour + dice.uniform(-0.5, 0.5), 3), GROUP, WithdrawMoment(moment.key)))
    planned = [letter for batch in batches for letter in batch]
    for _ in range(0 if story.calm else dice.randint(1, 3)):
        letter = dice.choice(planned)
        soon = round(hour + dice.uniform(-0.6, 4), 3)
        story.said.append((soon, letter.chat, _change(dice, letter, due, arrived)))
    if not story.calm and dice.random() < 0.15:
        story.said.append((round(hour, 3), dice.choice(range(4)), Stumble(dice.choice([1, 2, 3]))))


def _change(
    dice: random.Random, letter: Letter, due: datetime, arrived: Callable[[int], tuple[str, int] | None]
) -> Order:
    later = due + timedelta(seconds=dice.uniform(-1, 30))
    match dice.choice(["move", "withdraw", "edit", "edit", "pin", "delete", "stop", "tap", "tap"]):
        case "move":
            return Move(letter.key, later)
        case "withdraw":
            return Withdraw(letter.key)
        case "stop":
            return Stop(letter.chat, stops=dice.random() < 0.7)
        case "tap":
            return Tap(letter.chat, lambda: arrived(letter.chat))
        case verb:
            return Change(Verb(verb), letter.key, due + timedelta(seconds=dice.uniform(0, 2)))


def _misfortune(dice: random.Random, story: Story) -> None:
    story.rate = dice.choice([2, 5, 25])
    story.in_flight = dice.choice([1, 3, 10])
    story.fault = dice.choice([0.0, 0.2, 0.5])
    story.fates = dice.choices(list(FATES), weights=list(FATES.values()), k=3)
    story.disk = dice.choice([0.0, 0.02, 0.2])
    for _ in range(dice.choice([0, 1, 1, 2])):
        hour = dice.choice(story.hours)
        how = dice.choice(["trip", "trip", "second", "stop"])
        at = hour + dice.uniform(-0.4, 4)
        down = dice.choice([0.05, 1.0, 10.0, 70.0])
        story.dooms.append(Doom(how, round(at, 3), dice.randint(1, 40), down))
    story.dooms.sort(key=lambda doom: doom.at)
    if dice.random() < 0.25:
        story.outages.append((dice.choice(story.hours) + dice.uniform(-0.5, 2), dice.choice([0.3, 3.0])))
    if dice.random() < 0.25:
        by = dice.choice([-400.0, -10.0, 5.0, 90.0, 4000.0])
        story.steps.append((dice.choice(story.hours) + dice.uniform(-3, 3), by))
