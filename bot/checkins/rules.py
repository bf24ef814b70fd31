"""What counts as an answer, who may read it, and when two sealed answers may meet. Pure.

The sealed part is the promise this bot stands on: a partner's words are never shown before both have answered and both
choose to share, and until the hour nothing a member sees depends on what the other does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.errors import Refused
from bot.programmes.schema import Option, Question, QuestionKind, Step
from bot.window.quiet import local_instant, next_waking
from bot.words import Choice, Consent, Level, OpeningState, QuietHours, Visibility

Value = int | str | list[str] | None  # none: skipped


class NotAnAnswer(Refused):
    """Neither one of the buttons nor something that reads like one."""


class NotOnTheScale(Refused):
    """A number outside ``least`` to ``most``."""


class AnswerTooLong(Refused):
    """More characters than the question takes."""


class NotYours(Refused):
    """A button of somebody else's message."""


class HourHasPassed(Refused):
    """The envelopes were already opened, or stayed closed."""


class TooLateForLater(Refused):
    """It would be stale by then."""


class NotWiderNow(Refused):
    """Sharing can be narrowed at any time, but not widened in the first hours."""


# ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def next_question(step: Step, after: str | None) -> Question | None:
    """The question that follows ``after``; the first one for none."""
    if after is None:
        return step.ask[0] if step.ask else None
    return next((later for earlier, later in pairwise(step.ask) if earlier.id == after), None)


def previous_question(step: Step, before: str) -> Question | None:
    return next((earlier for earlier, later in pairwise(step.ask) if later.id == before), None)


def question_of(step: Step, name: str) -> Question:
    """The question with this id.

    Raises:
        NotAnAnswer: the step does not ask it.
    """
    for question in step.ask:
        if question.id == name:
            return question
    raise NotAnAnswer


DONE = "done"  # a question for words, where no words are kept: one tap says that it was said or put on paper


def pressed(question: Question, pick: str, *, minimal: bool = False) -> Value:
    """The value of a pressed button; ``minimal`` where no content is kept.

    Raises:
        NotAnAnswer: the question has no such button.
    """
    match question.kind:
        case QuestionKind.SCALE:
            if pick.isascii() and pick.isdigit() and question.least <= int(pick) <= question.most:
                return int(pick)
        case QuestionKind.CHOICE | QuestionKind.CHOICES:
            if any(option.id == pick for option in question.options):
                return pick
        case QuestionKind.TEXT:
            if minimal and pick == DONE:
                return None
    raise NotAnAnswer


def typed(question: Question, words: str) -> Value:
    """The value of typed words; numbers and labels work where buttons were expected.

    Raises:
        AnswerTooLong: more than the question takes (``longest``, ``length``).
        NotOnTheScale: a number it does not have (``least``, ``most``).
        NotAnAnswer: nothing it could mean.
    """
    match question.kind:
        case QuestionKind.TEXT:
            if len(words) > question.longest:
                raise AnswerTooLong(longest=question.longest, length=len(words))
            return words
        case QuestionKind.SCALE:
            if not words.isascii() or not words.isdigit():
                raise NotOnTheScale(least=question.least, most=question.most)
            if not question.least <= int(words) <= question.most:
                raise NotOnTheScale(least=question.least, most=question.most)
            return int(words)
        case QuestionKind.CHOICE:
            return _option_said(question.options, words).id
        case QuestionKind.CHOICES:
            return [_option_said(question.options, part).id for part in words.split(",")]


def toggled(chosen: Value, pick: str) -> list[str]:
    """Several choices after one more press: a second press takes it back."""
    so_far = list(chosen) if isinstance(chosen, list) else []
    return [one for one in so_far if one != pick] if pick in so_far else [*so_far, pick]


def alert_of(question: Question, value: Value) -> Level | None:
    """The alert an answer raises, the more urgent of several."""
    levels: set[Level] = set()
    if isinstance(value, int):
        levels = {
            threshold.level
            for threshold in question.alerts
            if (threshold.least is not None and value >= threshold.least)
            or (threshold.most is not None and value <= threshold.most)
        }
    elif value is not None:
        picked = value if isinstance(value, list) else [value]
        levels = {option.alert for option in question.options if option.alert and option.id in picked}
    return Level.RED if Level.RED in levels else next(iter(levels), None)


def _option_said(options: tuple[Option, ...], words: str) -> Option:
    said = words.strip().casefold()
    for option in options:
        if said == option.id or said in {label.casefold() for label in option.label.values()}:
            return option
    raise NotAnAnswer


# ── Another time ───────────────────────────────────────────────────────────────────────────────────────────────────


class Later(StrEnum):
    HOUR = "hour"
    EVENING = "evening"
    TOMORROW = "tomorrow"


_EVENING, _MORNING = time(18, 30), time(9, 30)


def later_at(wish: Later, *, zone: ZoneInfo, quiet: QuietHours, now: datetime) -> datetime:
    """When a step comes back, at the reader's own hour and never in their silence."""
    today = now.astimezone(zone).date()
    wished = {
        Later.HOUR: now + timedelta(hours=1),
        Later.EVENING: max(local_instant(today, _EVENING, zone), now + timedelta(hours=1)),
        Later.TOMORROW: local_instant(today + timedelta(days=1), _MORNING, zone),
    }[wish]
    return next_waking(wished, quiet, zone)


# ── Who reads it ───────────────────────────────────────────────────────────────────────────────────────────────────


def readers(authored: Visibility, consents: frozenset[Consent]) -> Visibility:
    """Who may read an answer, given what its author agreed to; without a consent it stays with the author."""
    needs = {
        Visibility.FACILITATOR: Consent.FACILITATOR,
        Visibility.PAIR: Consent.PARTNER,
        Visibility.CIRCLE: Consent.CIRCLE,
    }.get(authored)
    return authored if needs is None or needs in consents else Visibility.ME


def choose(now: Choice, wanted: Choice, *, widening_rests: bool) -> Choice:
    """Change what becomes of one's own sealed answer.

    Raises:
        NotWiderNow: it would be shared now and was not before, in the acute or landing phase.
    """
    if wanted is Choice.SHARE and now is not Choice.SHARE and widening_rests:
        raise NotWiderNow
    return wanted


# ── The opening ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Side:
    """All that the decision knows of one partner; each fact can only ever keep an envelope closed."""

    answered: bool = False
    choice: Choice = Choice.UNDECIDED
    consents: bool = True
    here: bool = True  # enrolled, not paused, not unpaired
    held: bool = False

    @property
    def offers(self) -> bool:
        return self.answered and self.choice is Choice.SHARE and self.consents and self.here and not self.held


def decide(one: Side, other: Side) -> OpeningState:
    """Both envelopes open, or neither; there is nothing in between."""
    return OpeningState.OPENED if one.offers and other.offers else OpeningState.UNOPENED
