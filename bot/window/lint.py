"""What is allowed in a programme and still worth a second thought: nights, crowded days, words. Pure.

The hours are those of three imagined sessions (morning, afternoon, evening; three hours each) for somebody with the
usual quiet hours. Nothing here stops a programme from being used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.programmes.problems import Problem
from bot.programmes.reading import read
from bot.programmes.schema import At, Phase, Programme, Remind, Step, Words
from bot.programmes.series import in_session, last_session, wrap
from bot.window.budget import COUNTED, GAP, MOST_A_DAY, MOST_A_WEEK, most_on, number_of
from bot.window.phases import Anchors, instant_of, span_at, spans
from bot.window.quiet import is_quiet_clock
from bot.window.wishes import Wish, plain_wishes, wish_of
from bot.window.wording import about_words, missing_languages, said_by, said_by_all
from bot.words import Pacing, QuietHours, Role

_PLACE = ZoneInfo("UTC")
_DAY = datetime(2001, 1, 15, tzinfo=UTC)
_SESSIONS = tuple(
    Anchors(_DAY.replace(hour=hour), _DAY.replace(hour=hour) + timedelta(hours=3), _PLACE) for hour in (9, 14, 18)
)
_QUIET = QuietHours()
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Remark:
    """Something worth a second thought, about a step or (none) the whole programme."""

    step: str | None
    what: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """All there is to say about a file. Without problems there is a programme; warnings stop nothing."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    programme: Programme | None


def check(source: str | bytes, name: str, wrappable: Mapping[str, Programme] | None = None) -> Report:
    """Read a programme file and say everything that is wrong or doubtful, each with its line.

    A series is looked at together with what it wraps, of the ``wrappable`` programmes by id.
    """
    reading = read(source, name, wrappable)
    found = _remarks_of_all(reading.programme, wrappable or {}) if reading.programme else ()
    warnings = sorted((_placed(remark, reading.lines) for remark in found), key=lambda warning: warning.line)
    return Report(reading.problems, tuple(warnings), reading.programme)


def _placed(remark: Remark, lines: Mapping[str, int]) -> Problem:
    where = f"step {remark.step}" if remark.step else ""
    return Problem(lines.get(remark.step or "", 1), 1, where, remark.what, remark.remedy)


def remarks(programme: Programme) -> tuple[Remark, ...]:
    """Everything worth a second thought, each thing once; what is not so for every session says for which it is."""
    found: dict[Remark, list[Anchors]] = {}
    for anchors in _SESSIONS:
        hours = _hours(programme, anchors)
        once = dict.fromkeys((*_about_hours(programme, anchors, hours), *_about_crowding(programme, anchors, hours)))
        for remark in once:
            found.setdefault(remark, []).append(anchors)
    timely = (_for_sessions(remark, sessions) for remark, sessions in found.items())
    return tuple(dict.fromkeys((*timely, *_about_together(programme), *_about_texts(programme))))


def _remarks_of_all(programme: Programme, wrappable: Mapping[str, Programme]) -> tuple[Remark, ...]:
    """What is doubtful in any session of a series, around any programme it wraps; but not what was so without it."""
    found: dict[Remark, None] = {}
    alone = replace(programme, steps=(), wraps={})  # what is wrapped may not be known here
    wrapped = [(kind, wrappable.get(name, alone)) for kind, name in programme.wraps.items()]
    wholes = [(wrap(programme, inner, kind), set(remarks(inner))) for kind, inner in wrapped] or [(programme, set())]
    for whole, known in wholes:
        for number in range(1, last_session(whole) + 1):
            for remark in remarks(in_session(whole, number)):
                if remark not in known:
                    numbered = remark.step is None and last_session(whole) > 1
                    what = f"in session {number}, {remark.what}" if numbered else remark.what
                    found[replace(remark, what=what)] = None
    return tuple(found)


def _for_sessions(remark: Remark, sessions: Sequence[Anchors]) -> Remark:
    if len(sessions) == len(_SESSIONS):
        return remark
    starts = " and ".join(_clock(session.starts_at) for session in sessions)
    return replace(remark, what=f"with a session at {starts}, {remark.what}")


# ── Hours ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _hours(programme: Programme, anchors: Anchors) -> dict[str, datetime]:
    """When each step speaks for itself; those that merge or would be too late do not."""
    plain = plain_wishes(programme, anchors)
    found = {}
    for step in programme.steps:
        if step.rides_with:
            continue
        wish = wish_of(step, anchors, plain.get(step.at.step or ""))
        if wish and not (wish.too_early and step.merge_into) and (hour := _kept(step, wish)):
            found[step.id] = hour
    return found


def _kept(step: Step, wish: Wish) -> datetime | None:
    if wish.latest is None or wish.at <= wish.latest:
        return wish.at
    return wish.latest if step.safety else None


def _about_hours(programme: Programme, anchors: Anchors, hours: Mapping[str, datetime]) -> Iterator[Remark]:
    laid = spans(programme, anchors)
    for step in programme.steps:
        hour = hours.get(step.id)
        if hour is None:
            continue
        span = span_at(laid, hour)
        yield from _about_phase(step, span.phase if span else None)
        if _is_night(hour) and not step.safety:
            what = f"{_clock(hour)} is in the quiet hours."
            yield Remark(step.id, what, f"It waits until {_QUIET.ends:%H:%M} or is skipped; choose another hour.")
        opens = _opening(step, anchors, hours)
        if opens and _is_night(opens):
            what = f"the answers would open at {_clock(opens)}."
            yield Remark(step.id, what, "Nobody is woken: they open in the morning. Choose an hour of the day.")
        elif opens and opens <= hour:
            what = "the answers would open before the question."
            yield Remark(step.id, what, "Choose a later hour.")
        yield from _about_reminder(step, hour, opens)


def _about_phase(step: Step, phase: Phase | None) -> Iterator[Remark]:
    if phase is None:
        return
    if phase.only_safety and not step.safety:
        yield Remark(step.id, "it falls into the first hours, when only safety speaks.", "Choose a later hour.")
    elif phase.kinds is not None and step.kind not in phase.kinds and not step.safety:
        yield Remark(
            step.id, f'the phase "{phase.key}" has no place for a {step.kind}.', "Move it, or widen the phase."
        )
    elif step.is_sealed and not phase.sharing_may_widen:
        yield Remark(step.id, f'in the phase "{phase.key}" nobody can choose to share.', "Ask later.")


def _about_reminder(step: Step, hour: datetime, opens: datetime | None) -> Iterator[Remark]:
    if step.remind is None:
        return
    reminds = _reminds(hour, step.remind)
    if _is_night(reminds):
        what = f"its reminder cannot be sent: {_clock(reminds)} is in the quiet hours."
        yield Remark(step.id, what, 'Give it an hour of the day: at: "12:15".')
    elif opens and reminds >= opens:
        yield Remark(step.id, "its reminder cannot be sent: the answers open before it.", "Let it come earlier.")
    elif not opens and reminds >= hour + step.fresh_for:
        yield Remark(step.id, "its reminder cannot be sent: by then the step is stale.", "Let it come earlier.")


def _reminds(hour: datetime, remind: Remind) -> datetime:
    if remind.at is None:
        return hour + (remind.after or timedelta())
    same_day = datetime.combine(hour.date(), remind.at, tzinfo=UTC)
    return same_day if same_day > hour else same_day + timedelta(days=1)


def _opening(step: Step, anchors: Anchors, hours: Mapping[str, datetime]) -> datetime | None:
    if not isinstance(step.opens, At):
        return None
    followed = hours.get(step.opens.step or "")
    return followed + step.opens.offset if followed else instant_of(step.opens, anchors)


# ── Crowded days ───────────────────────────────────────────────────────────────────────────────────────────────────


def _about_crowding(programme: Programme, anchors: Anchors, hours: Mapping[str, datetime]) -> Iterator[Remark]:
    """What fills the days of one reader: whoever receives, supports or is absent has steps of their own."""
    for role in Role:
        theirs = replace(programme, steps=tuple(step for step in programme.steps if role in step.roles))
        yield from _about_one_readers_days(theirs, anchors, hours)


def _about_one_readers_days(programme: Programme, anchors: Anchors, hours: Mapping[str, datetime]) -> Iterator[Remark]:
    speaking = (step for step in programme.steps if step.id in hours and not step.safety)
    spoken = sorted(speaking, key=lambda step: hours[step.id])
    counted = [step for step in spoken if step.kind in COUNTED]
    for before, step in pairwise(counted):
        gap = hours[step.id] - hours[before.id]
        if gap < GAP:
            what = f'it comes {gap // _MINUTE} minutes after "{before.id}".'
            yield Remark(step.id, what, f"Leave {GAP // _MINUTE} minutes between them, or it waits.")
    for step, day, room, number in _over_budget(counted, anchors, hours):
        what = f"{day} holds {room} prompts, practices and check-ins; this is number {number}."
        yield Remark(step.id, what, "Move it to another day, or it is skipped.")
    yield from _about_full_days(programme, anchors, hours, spoken)


def _over_budget(
    counted: Sequence[Step], anchors: Anchors, hours: Mapping[str, datetime]
) -> Iterator[tuple[Step, str, int, int]]:
    """The steps that are one too many for their day, or for their week from the eighth day on."""
    days: Counter[int] = Counter()
    weeks: Counter[int] = Counter()
    for step in counted:
        day = _number(hours[step.id].date(), anchors)
        week = (day - 1) // 7
        days[day] += 1
        weeks[week] += 1
        if days[day] > most_on(day):
            yield step, f"day {day}", most_on(day), days[day]
        elif day > 7 and weeks[week] > MOST_A_WEEK:
            yield step, f"the week of day {day}", MOST_A_WEEK, weeks[week]


def _about_full_days(
    programme: Programme, anchors: Anchors, hours: Mapping[str, datetime], spoken: Sequence[Step]
) -> Iterator[Remark]:
    """Days on which somebody silent would get too much: steps, reminders and openings together."""
    days: Counter[date] = Counter(hours[step.id].date() for step in spoken)
    for step in programme.steps:
        hour = hours.get(step.id)
        if hour and step.remind:
            days[_reminds(hour, step.remind).date()] += 1
        if hour and (opens := _opening(step, anchors, hours)):
            days[opens.date()] += 1
    for day, messages in sorted(days.items()):
        if messages > MOST_A_DAY:
            what = f"day {_number(day, anchors)} may have {messages} messages, with reminders and openings."
            yield Remark(None, what, f"More than {MOST_A_DAY} are not sent; move something.")


# ── Together, and words ────────────────────────────────────────────────────────────────────────────────────────────


def _about_together(programme: Programme) -> Iterator[Remark]:
    for step in programme.steps:
        if step.pace is Pacing.TOGETHER and not step.tolerance:
            what = "everybody together, to the minute: somebody who sleeps then undoes it for all."
            yield Remark(step.id, what, "Give it some room: tolerance: 30m.")


def _about_texts(programme: Programme) -> Iterator[Remark]:
    for words in said_by_all(programme):
        yield from (Remark(None, what, remedy) for what, remedy in about_words(words))
    said: dict[str | None, tuple[Words, ...]] = {step.id: tuple(said_by(step)) for step in programme.steps}
    for name, texts in said.items():
        for words in texts:
            yield from (Remark(name, what, remedy) for what, remedy in about_words(words))
    said[None] = (programme.title,)
    languages = frozenset(language for texts in said.values() for words in texts for language in words)
    for name, texts in said.items():
        if missing := missing_languages(texts, languages):
            what = f"some texts are missing in {', '.join(sorted(missing))}."
            yield Remark(name, what, "Readers of that language get another one; add it.")


def _number(day: date, anchors: Anchors) -> int:
    return number_of(day, anchors.starts_at.date(), anchors.released_at.date())


def _is_night(hour: datetime) -> bool:
    return is_quiet_clock(hour.time(), _QUIET)


def _clock(hour: datetime) -> str:
    return f"{hour:%H:%M}"
