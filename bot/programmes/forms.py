"""One mapping of a programme file, read key by key; whatever cannot be read becomes a remark and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import StrEnum
from functools import cache
from typing import TypeVar

from babel.localedata import locale_identifiers

from bot.programmes.grammar import Unreadable, quoted
from bot.programmes.problems import Margin, Placed, did_you_mean
from bot.programmes.schema import Words
from bot.programmes.tree import Fields, Items, Leaf, Node

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_PLACE = re.compile(r"\{[^{}]*\}")


@cache
def known_languages() -> frozenset[str]:
    """The codes a text may be written in, as Unicode's CLDR lists them; a region makes no difference to us."""
    return frozenset(code for code in locale_identifiers() if code.isalpha() and code.islower() and code != "root")


class Form:
    """The values of one mapping by key. ``unreadable`` names the keys whose values had to be left out."""

    def __init__(self, node: Node, margin: Margin, known: Collection[str], example: str) -> None:
        self.place: Placed = node
        self.margin = margin
        self.unreadable: set[str] = set()
        self._values: dict[str, Node] = {}
        if not isinstance(node, Fields):
            margin.note(node, "here keys and values are expected.", f"Write {example}.")
            self.unreadable = set(known)
            return
        for key, value in node.entries:
            if key.text in known:
                self._values[key.text] = value
            elif not margin.full:
                margin.note(key, f"{quoted(key.text)} is not known here.", did_you_mean(key.text, known))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def node(self, key: str) -> Node:
        return self._values[key]

    def where(self, key: str) -> Placed:
        """Where a remark about this key belongs."""
        return self._values.get(key, self.place)

    def note(self, key: str, what: str, remedy: str) -> None:
        self.margin.note(self.where(key), what, remedy)

    def can_read(self, *keys: str) -> bool:
        return self.unreadable.isdisjoint(keys)

    def read(self, key: str, parse: Callable[[str], T]) -> T | None:
        """The value of a key, or nothing if it is missing or cannot be read."""
        return self.through(key, lambda node: leaf(node, self.margin, parse))

    def through(self, key: str, reader: Callable[[Node], T | None]) -> T | None:
        """Like ``read``, for values that are not a single word."""
        if key not in self._values:
            return None
        value = reader(self._values[key])
        if value is None:
            self.unreadable.add(key)
        return value

    def require(self, key: str, remedy: str) -> None:
        if key not in self._values and key not in self.unreadable:
            self.unreadable.add(key)
            self.margin.note(self.place, f"{quoted(key)} is missing.", remedy)


def leaf(node: Node, margin: Margin, parse: Callable[[str], T]) -> T | None:
    if not isinstance(node, Leaf):
        margin.note(node, "here one word or number is expected.", "Remove the brackets, braces or indented lines.")
        return None
    try:
        return parse(node.text)
    except Unreadable as no:
        margin.note(node, no.what, no.remedy)
        return None


def items(node: Node, margin: Margin, example: str) -> tuple[Node, ...] | None:
    if isinstance(node, Items):
        return node.items
    margin.note(node, "here a list is expected.", f"Write {example}.")
    return None


def one_of(words: type[E]) -> Callable[[str], E]:
    """Read one word of an enumeration."""

    def parse(text: str) -> E:
        try:
            return words(text)
        except ValueError:
            raise Unreadable(f"{quoted(text)} is not known here.", did_you_mean(text, list(words))) from None

    return parse


def texts(
    node: Node, margin: Margin, longest: int, places: Collection[str] = (), beside: Collection[str] = ()
) -> Words | None:
    """A text in one or more languages. ``places`` may be filled in; keys in ``beside`` are not languages."""
    if not isinstance(node, Fields):
        margin.note(node, "a text says in which language it is.", 'Write {en: "…"}, with more languages if you like.')
        return None
    found: dict[str, str] = {}
    for language, value in node.entries:
        if language.text in beside or margin.full:
            continue
        if language.text not in known_languages():
            margin.note(
                language,
                f"{quoted(language.text)} is not a language.",
                "Begin with a code such as en or de; put texts with commas or colons in quotes.",
            )
        elif (text := leaf(value, margin, str.strip)) is not None:
            _check(text, value, margin, longest, places)
            found[language.text] = text
    if not node.entries or all(key.text in beside for key, _ in node.entries):
        margin.note(node, "there is no text here.", 'Write {en: "…"}.')
    return found or None


def _check(text: str, node: Node, margin: Margin, longest: int, places: Collection[str]) -> None:
    if not text:
        margin.note(node, "this text is empty.", "Write something, or remove the language.")
    if len(text) > longest:
        margin.note(node, f"this text has {len(text)} characters.", f"Shorten it to {longest}.")
    for place in _PLACE.findall(text):
        if place[1:-1] not in places:
            margin.note(node, f"{place} cannot be filled in here.", _other_place(place[1:-1], places))


def _other_place(word: str, places: Collection[str]) -> str:
    if word == "partner":
        return 'Only a programme with "for: couple" has a partner, and never in a label or title.'
    return did_you_mean(word, [*places]) if places else "Write plain words in labels and titles."
