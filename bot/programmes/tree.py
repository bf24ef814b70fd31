"""The text of a YAML 1.2 file as plain nodes that know their place; nothing is interpreted yet.

Every leaf stays the text its author wrote, so "yes", "18:30" and "1e3" mean themselves. Anchors, aliases, tags, second
documents and deep nesting have no use in a programme and are refused while the file is still being scanned, before
they can grow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.scanner import Scanner

from bot.programmes.problems import Margin

LARGEST_FILE = 256 * 1024  # bytes
DEEPEST = 20


@dataclass(frozen=True)
class Leaf:
    text: str
    line: int
    column: int


@dataclass(frozen=True)
class Items:
    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True)
class Fields:
    entries: tuple[tuple[Leaf, Node], ...]
    line: int
    column: int


Node = Leaf | Items | Fields


@dataclass(frozen=True)
class Place:
    line: int = 1
    column: int = 1


class _TooDeep(Exception):  # noqa: N818 - it never leaves this file
    def __init__(self, mark: Any) -> None:
        super().__init__()
        self.place = _place(mark)


class _ShallowScanner(Scanner):
    """Stops at the bracket or indentation that goes too deep; looking further would take quadratic time."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803 - the library's name
        self._refuse_depth()
        super().fetch_flow_collection_start(TokenClass, to_push)

    def add_indent(self, column: int) -> bool:
        self._refuse_depth()
        return bool(super().add_indent(column))

    def _refuse_depth(self) -> None:
        if len(self.flow_context) + len(self.indents) > DEEPEST:
            raise _TooDeep(self.reader.get_mark())


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def read_tree(source: str | bytes, margin: Margin) -> Fields | None:
    """The file's outermost mapping; nothing if it is not YAML that a programme could be, which the margin explains."""
    text = _as_text(source, margin)
    if text is None:
        return None
    last_line = text.count("\n") + (not text.endswith("\n"))
    try:
        root = _build(_events(text), margin)
    except _TooDeep as deep:
        margin.note(deep.place, f"more than {DEEPEST} levels inside each other.", "A programme needs about six.")
        return None
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        place = _place(mark) if mark else Place()
        margin.note(Place(min(place.line, last_line), place.column), *_plainly(wrong))
        return None
    except (YAMLError, ValueError, OverflowError):  # a character the library cannot place
        margin.note(Place(), "there are characters in this file that YAML does not allow.", "Save it as plain text.")
        return None
    if isinstance(root, Fields):
        return root
    margin.note(Place(), "this is not a programme.", 'A programme begins with "understory: 1".')
    return None


def _as_text(source: str | bytes, margin: Margin) -> str | None:
    size = len(source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass"))
    if size > LARGEST_FILE:
        margin.note(Place(), f"the file has {size // 1024} kB.", f"At most {LARGEST_FILE // 1024} kB are read.")
        return None
    try:
        text = source.decode("utf-8-sig") if isinstance(source, bytes) else source.removeprefix("\ufeff")
    except UnicodeDecodeError as wrong:
        place = Place(wrong.object.count(b"\n", 0, wrong.start) + 1)
        margin.note(place, "this line is not UTF-8 text.", "Save the file with the encoding UTF-8.")
        return None
    return text


def _events(text: str) -> Iterator[Event]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _ShallowScanner
    yield from yaml.parse(text)


def _build(events: Iterator[Event], margin: Margin) -> Node | None:
    """Put nodes together without recursion: each open collection collects its children until it ends."""
    open_: list[tuple[Event, list[Node]]] = []
    root: list[Node] = []
    documents = 0
    for event in events:
        into = open_[-1][1] if open_ else root
        _refuse_shortcuts(event, margin)
        match event:
            case DocumentStartEvent():
                documents += 1
                if documents == 2:
                    margin.note(_place(event.start_mark), "a second document begins here.", 'Remove the line "---".')
            case MappingStartEvent() | SequenceStartEvent():
                open_.append((event, []))
            case MappingEndEvent() | SequenceEndEvent():
                start, children = open_.pop()
                (open_[-1][1] if open_ else root).append(_collection(start, children, margin))
            case ScalarEvent():
                into.append(_leaf(event))
            case AliasEvent():
                into.append(Leaf("", *_line_column(event)))
            case _:
                pass
    return root[0] if root else None


def _leaf(event: Any) -> Leaf:
    return Leaf(event.value, *_line_column(event))


def _line_column(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _collection(start: Event, children: list[Node], margin: Margin) -> Node:
    line, column = _line_column(start)
    if isinstance(start, SequenceStartEvent):
        return Items(tuple(children), line, column)
    entries: dict[str, tuple[Leaf, Node]] = {}
    for key, value in zip(children[::2], children[1::2], strict=True):
        if not isinstance(key, Leaf):
            margin.note(key, "a key must be one word.", "Put the text in quotes if it begins with a bracket or brace.")
        elif key.text in entries:
            first = entries[key.text][0].line
            margin.note(key, f'"{_short(key.text)}" is here twice, first on line {first}.', "Keep one of them.")
        else:
            entries[key.text] = (key, value)
    return Fields(tuple(entries.values()), line, column)


def _refuse_shortcuts(event: Any, margin: Margin) -> None:
    if isinstance(event, AliasEvent):
        margin.note(
            _place(event.start_mark), f'the alias "*{_short(event.anchor)}" is not allowed.', "Write the text out."
        )
    elif getattr(event, "anchor", None):
        margin.note(_place(event.start_mark), f'the anchor "&{_short(event.anchor)}" is not allowed.', "Remove it.")
    if getattr(event, "tag", None):
        margin.note(_place(event.start_mark), "tags beginning with ! are not allowed.", "Remove it, or use quotes.")


def _short(word: str) -> str:
    return word if len(word) <= 40 else word[:39] + "…"


_PLAIN = {
    "mapping values are not allowed here": (
        "there is a second colon on this line.",
        'Put the text in quotes: "Tomorrow: the lake".',
    ),
    "found character '\\t' that cannot start any token": ("this line begins with a tab.", "Indent with spaces."),
    "found unexpected end of stream": ("a quote is opened and never closed.", "Close it."),
    "expected <block end>, but found": ("this does not line up with what is above.", "Indent it as its neighbours."),
    "expected ',' or": (
        "a bracket or brace is not closed, or a comma is missing.",
        "Close it, or put the text in quotes.",
    ),
    "could not find expected ':'": ("a colon is missing after this key.", "Write key: value."),
}


def _plainly(wrong: MarkedYAMLError) -> tuple[str, str]:
    said = str(wrong.problem or wrong.context or "")
    for technical, plain in _PLAIN.items():
        if said.startswith(technical):
            return plain
    return f"this is not YAML: {_short(said)}.", "Look at this line and the one above."
