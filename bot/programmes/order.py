"""What only shows when all steps are seen together: names that lead nowhere, circles, openings before their time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime

from bot.programmes.forms import Form
from bot.programmes.grammar import quoted
from bot.programmes.paper import hour_of, hours, sessions
from bot.programmes.problems import did_you_mean
from bot.programmes.schema import At, QuestionKind, Step
from bot.programmes.steps import Sheet
from bot.words import Visibility

LONGEST_RECALLED = 300  # ten of them, a text and a question are still one message

# The steps of that name in what is wrapped around each session; none if that is not known here.
Elsewhere = Callable[[Step, str], Collection[Step] | None]


def nowhere(_: Step, __: str) -> Collection[Step] | None:
    """A programme that wraps nothing."""
    return ()


def check_order(sheets: Mapping[str, Sheet], elsewhere: Elsewhere = nowhere) -> None:
    """Leave remarks beside the steps; a step whose hour could not be read is not judged."""
    readable = {
        name: sheet.step.at
        for name, sheet in sheets.items()
        if sheet.form.can_read("at", "after") and not sheet.step.rides_with
    }
    days = [(session, hours(readable, session)) for session in sessions()]
    circles = _circles(readable)
    for name, sheet in sheets.items():
        step, form = sheet.step, sheet.form
        for key, target in _names(step, form):
            found = (sheets[target].step,) if target in sheets else elsewhere(step, target)
            if found is not None and not found:
                form.note(key, f"there is no step called {quoted(target)}.", did_you_mean(target, sheets))
            for other in found or ():
                _check_company(step, form, key, other)
        if name in circles:
            form.note(_key_of_hour(form), "this step waits for itself.", f"The circle: {' → '.join(circles[name])}.")
        opens = step.opens
        if isinstance(opens, At) and all(_not_later(hour_of(opens, *day), day[1].get(name)) for day in days):
            form.note("opens", "this would open before anybody was asked.", "Choose a later hour.")
        if target_sheet := sheets.get(step.merge_into or ""):
            _check_merging(sheet, target_sheet, [hour for _, hour in days])


def _check_company(step: Step, form: Form, key: str, other: Step) -> None:
    """What a step may ride with, and what it may recall: a private answer stays where its author left it."""
    name = quoted(other.id)
    if key == "with":
        if other.rides_with:
            form.note(key, f"{name} has no message of its own.", "Name the step that it rides with.")
        elif other.visible_to is not step.visible_to:
            form.note(key, f"the answers to {name} have other readers.", f"Write visible_to: {other.visible_to}.")
        elif {question.id for question in other.ask} & {question.id for question in step.ask}:
            form.note("ask", f"{name} asks a question of this id too.", "Give each its own id.")
    if key == "recalls":
        if other.visible_to is not Visibility.ME:
            form.note(key, f"{name} is not answered for oneself alone.", "Recall a step with visible_to: me.")
        elif not other.asks_for_words:
            form.note(key, f"{name} asks for no words.", "Recall a step with a text question.")
        elif any(question.longest > LONGEST_RECALLED for question in other.ask if question.kind is QuestionKind.TEXT):
            remedy = f"Let {name} ask for less: text: {{longest: {LONGEST_RECALLED}}}."
            form.note(key, "what is written there may be too long to come back.", remedy)


def _check_merging(sheet: Sheet, target: Sheet, days: Iterable[Mapping[str, datetime]]) -> None:
    name = target.step.id
    if target.step.merge_into:
        sheet.form.note("merge_into", f"{quoted(name)} merges into another step itself.", "Name one that stays.")
    elif all(_not_later(day.get(name), day.get(sheet.step.id)) for day in days):
        sheet.form.note("merge_into", f"{quoted(name)} does not come later.", "Name a later step.")


def _key_of_hour(form: Form) -> str:
    return "after" if "after" in form else "at"


def _names(step: Step, form: Form) -> Iterator[tuple[str, str]]:
    """Every other step that this one names, with the key that names it."""
    if step.at.step:
        yield _key_of_hour(form), step.at.step
    if isinstance(step.opens, At) and step.opens.step:
        yield "opens", step.opens.step
    if step.merge_into:
        yield "merge_into", step.merge_into
    if step.recalls:
        yield "recalls", step.recalls.step
    yield from (("with", host) for host in step.rides_with)


def _circles(readable: Mapping[str, At]) -> dict[str, list[str]]:
    """For one step of every circle, the way round."""
    found: dict[str, list[str]] = {}
    settled: set[str] = set()
    for name in readable:
        way: list[str] = []
        here = name
        while here in readable and here not in settled and here not in way:
            way.append(here)
            here = readable[here].step or ""
        if here in way:
            found[here] = [*way[way.index(here) :], here]
        settled.update(way)
    return found


def _not_later(later: datetime | None, earlier: datetime | None) -> bool:
    """Both hours are known and the first is not after the second."""
    return later is not None and earlier is not None and later <= earlier
