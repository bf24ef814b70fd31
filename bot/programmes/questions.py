"""What a step asks: scales, one choice, several choices, a text; with the answers that raise an alert."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from bot.programmes.forms import Form, items, leaf, one_of, texts
from bot.programmes.grammar import LONGEST_SHORT_ID, identifier, number, quoted, threshold
from bot.programmes.problems import Margin
from bot.programmes.schema import Option, Question, QuestionKind, Threshold, Words
from bot.programmes.tree import Fields, Node
from bot.words import Level

LONGEST_LABEL = 40  # code points; longer ones are cut off on a phone
LONGEST_SAYS = 500  # with the longest step text and the line on who reads it, still one message
LONGEST_ANSWER = 3000
MOST_QUESTIONS = 8
MOST_OPTIONS = 10

_KINDS = tuple(QuestionKind)
_QUESTION = ("id", "says", "alert", *_KINDS)
_EXAMPLE = "{id: settled, choice: {yes: {en: Yes}}}"


def read_questions(node: Node, margin: Margin, places: Collection[str]) -> tuple[Question, ...] | None:
    listed = items(node, margin, f"a list: - {_EXAMPLE}")
    if not listed:
        if listed is not None:
            margin.note(node, "nothing is asked here.", 'Remove "ask", or write a question.')
        return None
    if len(listed) > MOST_QUESTIONS:
        margin.note(node, f"{len(listed)} questions are too many.", f"Ask at most {MOST_QUESTIONS}.")
    questions: dict[str, Question] = {}
    for position, item in enumerate(listed):
        question = _question(item, margin, places, first=position == 0)
        if question and question.id in questions:
            margin.note(item, f"two questions are called {quoted(question.id)}.", "Give each its own id.")
        elif question:
            questions[question.id] = question
    return tuple(questions.values())


def _question(node: Node, margin: Margin, places: Collection[str], *, first: bool) -> Question | None:
    form = Form(node, margin, _QUESTION, f"a question: {_EXAMPLE}")
    name = form.read("id", partial(identifier, longest=LONGEST_SHORT_ID))
    form.require("id", 'Write "id: settled".')
    if name:
        form.margin = margin.beside(f"{margin.where}, question {name}")
    said = form.through("says", lambda it: texts(it, form.margin, LONGEST_SAYS, places))
    if not first and "says" not in form:
        form.note("id", "only the first question may go without its own sentence.", 'Write "says: {en: …}".')
    kinds = [kind for kind in _KINDS if kind in form]
    if len(kinds) != 1 and isinstance(node, Fields):
        form.note("id", "a question needs exactly one kind of answer.", f"Write one of {', '.join(_KINDS)}.")
    if not name or len(kinds) != 1:
        return None
    question = Question(name, kinds[0], text=said or {})
    if "alert" in form and kinds[0] is not QuestionKind.SCALE:
        form.note("alert", "only a scale has a threshold.", "Write the alert beside the option: {en: …, alert: amber}.")
    match kinds[0]:
        case QuestionKind.SCALE:
            return _scale(form, question)
        case QuestionKind.TEXT:
            return _text(form, question)
        case kind:
            options = form.through(kind, lambda it: read_options(it, form.margin, alerts=True))
            return replace(question, options=options or ())


def _scale(form: Form, question: Question) -> Question:
    inner = Form(form.node("scale"), form.margin, ("from", "to", "ends"), "a scale: {from: 0, to: 10}")
    least, most = inner.read("from", number), inner.read("to", number)
    least, most = 0 if least is None else least, 10 if most is None else most
    if inner.can_read("from", "to") and not 0 <= least < most <= 10:
        form.note(
            "scale", f"a scale cannot go from {least} to {most}.", "Stay between 0 and 10, the smaller one first."
        )
    ends = inner.through("ends", lambda it: _ends(it, form.margin))
    alerts = form.through("alert", lambda it: _thresholds(it, form.margin)) or ()
    for alert in alerts:
        limit = alert.least if alert.least is not None else alert.most
        if inner.can_read("from", "to") and limit is not None and not least <= limit <= most:
            form.note("alert", f"{limit} is not on this scale.", f"Write a number from {least} to {most}.")
    return replace(question, least=least, most=most, ends=ends, alerts=alerts)


def _ends(node: Node, margin: Margin) -> tuple[Words, Words] | None:
    listed = items(node, margin, "both ends: [{en: low}, {en: high}]")
    if listed is None:
        return None
    ends = [texts(item, margin, LONGEST_LABEL) for item in listed]
    if len(ends) != 2:
        margin.note(node, "a scale has two ends.", "Write both: [{en: low}, {en: high}].")
        return None
    low, high = ends
    return (low, high) if low and high else None


def _thresholds(node: Node, margin: Margin) -> tuple[Threshold, ...] | None:
    form = Form(node, margin, tuple(Level), 'a threshold: {amber: ">= 8"}')
    found = [form.read(level, partial(threshold, level)) for level in Level]
    return tuple(alert for alert in found if alert)


def _text(form: Form, question: Question) -> Question:
    inner = Form(form.node("text"), form.margin, ("longest",), "{longest: 1500}, or says: for the question's sentence")
    longest = inner.read("longest", number)
    if longest is not None and not 1 <= longest <= LONGEST_ANSWER:
        inner.note("longest", f"{longest} characters cannot be kept.", f"Write a number from 1 to {LONGEST_ANSWER}.")
    return replace(question, longest=longest or question.longest)


def read_options(node: Node, margin: Margin, *, alerts: bool) -> tuple[Option, ...] | None:
    """The buttons of a choice or of a reply, by id."""
    if not isinstance(node, Fields) or not node.entries:
        margin.note(node, "here answers are expected.", "Write {yes: {en: Yes}, no: {en: No}}.")
        return None
    if len(node.entries) > MOST_OPTIONS:
        margin.note(node, f"{len(node.entries)} answers are too many.", f"Offer at most {MOST_OPTIONS}.")
    found = []
    for key, value in node.entries:
        name = leaf(key, margin, partial(identifier, longest=LONGEST_SHORT_ID))
        label = texts(value, margin, LONGEST_LABEL, beside=("alert",) if alerts else ())
        level = _level(value, margin) if alerts else None
        if name and label:
            found.append(Option(name, label, level))
    return tuple(found)


def _level(option: Node, margin: Margin) -> Level | None:
    written = dict(option.entries) if isinstance(option, Fields) else {}
    said = next((value for key, value in written.items() if key.text == "alert"), None)
    return leaf(said, margin, one_of(Level)) if said else None
