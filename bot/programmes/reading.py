"""A programme file becomes a ``Programme``, or the list of everything that is wrong with it.

    text ─ tree.py ─> nodes with places ─ forms, questions, steps, phases ─> values ─ order, wrapping ─> Programme

Reading never stops at the first mistake: what cannot be read gets a remark and a stand-in, and rules that would need it
stay silent. ``wrappable`` are the programmes by id that a series may wrap; without them what it names is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bot.programmes.forms import Form, items, one_of, texts
from bot.programmes.grammar import LONGEST_STEP_ID, Unreadable, identifier, number, quoted, span
from bot.programmes.order import check_order
from bot.programmes.phases import read_phases
from bot.programmes.problems import Margin, Problem, ProgrammeProblems, describe
from bot.programmes.schema import Phase, Programme
from bot.programmes.steps import Sheet, read_step
from bot.programmes.tree import Node, read_tree
from bot.programmes.wrapping import check_wrapping, elsewhere_in, read_wraps
from bot.words import CohortKind

__all__ = ["Reading", "describe", "read", "read_programme"]

LONGEST_TITLE = 60
MOST_STEPS = 200
MOST_VERSION = 1_000_000
GRAMMAR = 1  # the number after "understory:"
ANY = "any"

_KEYS = ("understory", "id", "version", "title", "for", "wraps", "phases", "window", "steps")
Wrappable = Mapping[str, Programme]


@dataclass(frozen=True)
class Reading:
    """What came of a file: the programme or its problems, and the line on which each step stands."""

    name: str
    programme: Programme | None
    problems: tuple[Problem, ...]
    lines: Mapping[str, int]


def read_programme(source: str | bytes, name: str, wrappable: Wrappable | None = None) -> Programme:
    """Read a programme file called ``name``.

    Raises:
        ProgrammeProblems: everything that is wrong with it, each with line, step and remedy.
    """
    reading = read(source, name, wrappable)
    if reading.programme is None:
        raise ProgrammeProblems(name, reading.problems)
    return reading.programme


def read(source: str | bytes, name: str, wrappable: Wrappable | None = None) -> Reading:
    """Like ``read_programme``, for those who want to show the problems and not raise them."""
    margin = Margin()
    tree = read_tree(source, margin)
    programme, lines = _programme(tree, margin, wrappable) if tree else (None, {})
    return Reading(name, None if margin.notes else programme, margin.sorted(), lines)


def _programme(tree: Node, margin: Margin, wrappable: Wrappable | None) -> tuple[Programme, dict[str, int]]:
    form = Form(tree, margin, _KEYS, "a programme")
    for key, remedy in {
        "understory": f'A programme begins with "understory: {GRAMMAR}".',
        "id": 'Write "id: our-three-days".',
        "version": 'Write "version: 1", and a higher number after every change.',
        "title": 'Write title: {en: "…"}.',
        "phases": 'Write "phases: none", or the name of another preset.',
        "steps": "Write at least one step.",
    }.items():
        if key != "phases" or "wraps" not in form:
            form.require(key, remedy)
    form.read("understory", _grammar)
    kind = form.read("for", _kind)
    kind = None if kind == ANY else CohortKind(kind) if kind else None
    wraps = form.through("wraps", lambda node: read_wraps(node, margin, kind)) or {}
    sheets = form.through("steps", lambda node: _steps(node, margin, kind, trust_kind=form.can_read("for"))) or {}
    phases: tuple[Phase, ...] | None = form.through("phases", lambda node: read_phases(node, margin))
    programme = Programme(
        id=form.read("id", partial(identifier, longest=LONGEST_STEP_ID)) or "",
        version=form.read("version", _version) or 1,
        title=form.through("title", lambda node: texts(node, margin, LONGEST_TITLE)) or {},
        kind=kind,
        phases=phases or (),
        steps=tuple(sheet.step for sheet in sheets.values()),
        window=form.read("window", span) or Programme.window,
        wraps=wraps,
    )
    check_wrapping(programme, sheets, form, wrappable)
    check_order(sheets, elsewhere_in(programme, wrappable, certain=form.can_read("wraps")))
    return programme, {name: sheet.form.place.line for name, sheet in sheets.items()}


def _steps(node: Node, margin: Margin, kind: CohortKind | None, *, trust_kind: bool) -> dict[str, Sheet] | None:
    listed = items(node, margin, "a list, each step beginning with: - id: first-evening")
    if listed is None:
        return None
    if not listed or len(listed) > MOST_STEPS:
        margin.note(node, f"a programme has 1 to {MOST_STEPS} steps.", "Split or fill this one.")
    kind = kind if trust_kind else CohortKind.COUPLE  # the kindest guess: one remark about "for" is enough
    sheets: dict[str, Sheet] = {}
    for item in listed[:MOST_STEPS]:
        sheet = read_step(item, margin, kind)
        if sheet and sheet.step.id in sheets:
            line = sheets[sheet.step.id].form.place.line
            sheet.form.note("id", f"another step has this id, on line {line}.", "Give each step its own id.")
        elif sheet:
            sheets[sheet.step.id] = sheet
    return sheets


def _grammar(words: str) -> int:
    if words != str(GRAMMAR):
        raise Unreadable(f"this bot reads grammar {GRAMMAR}, not {quoted(words)}.", f'Write "understory: {GRAMMAR}".')
    return GRAMMAR


def _kind(words: str) -> str:
    return words if words == ANY else one_of(CohortKind)(words)


def _version(words: str) -> int:
    version = number(words)
    if not 1 <= version <= MOST_VERSION:
        raise Unreadable(f"{version} is not a version.", "Count from 1.")
    return version
