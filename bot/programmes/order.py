"""What only shows when all steps are seen together: names that lead nowhere, circles, openings before their time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bot.programmes.forms import Form
from bot.programmes.grammar import quoted
from bot.programmes.paper import hour_of, hours, sessions
from bot.programmes.problems import did_you_mean
from bot.programmes.schema import At, Step
from bot.programmes.steps import Sheet


def check_order(sheets: Mapping[str, Sheet]) -> None:
    """Leave remarks beside the steps; a step whose hour could not be read is not judged."""
    readable = {name: sheet.step.at for name, sheet in sheets.items() if sheet.form.can_read("at", "after")}
    days = [(session, hours(readable, session)) for session in sessions()]
    circles = _circles(readable)
    for name, sheet in sheets.items():
        step, form = sheet.step, sheet.form
        for key, target in _names(step, form):
            if target not in sheets:
                form.note(key, f"there is no step called {quoted(target)}.", did_you_mean(target, sheets))
        if name in circles:
            form.note(_key_of_hour(form), "this step waits for itself.", f"The circle: {' → '.join(circles[name])}.")
        opens = step.opens
        if isinstance(opens, At) and all(_not_later(hour_of(opens, *day), day[1].get(name)) for day in days):
            form.note("opens", "this would open before anybody was asked.", "Choose a later hour.")
        if target_sheet := sheets.get(step.merge_into or ""):
            _check_merging(sheet, target_sheet, [hour for _, hour in days])


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
