"""Where the sentences are: what ``make messages`` collects for the catalogues.

A sentence is the first argument of ``t("…")``, ``ctx.texts("…")``, ``N_("…")`` and ``t.label("…")``; ``t.many("…", "…", n)``
has two. They are read from the syntax, so that those inside f-strings are found too, on every Python.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import IO, Any

_SPEAKERS = {"t", "texts", "N_"}
_METHODS = {"label": 1, "many": 2}

Sentence = str | tuple[str, ...]


def extract(file: IO[bytes], *_: Any, **__: Any) -> Iterator[tuple[int, str, Sentence, list[str]]]:
    """Every sentence of a file in the order of its lines, as Babel asks for it."""
    found = [(call.lineno, sentence) for call in _calls(file.read()) if (sentence := _said(call))]
    for line, sentence in sorted(found, key=lambda one: one[0]):
        yield line, "gettext" if isinstance(sentence, str) else "ngettext", sentence, []


def _calls(source: bytes) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def _said(call: ast.Call) -> Sentence | None:
    """What a call says in so many words; none if it says nothing, or what is written elsewhere."""
    several = 0
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _SPEAKERS:
            several = 1
        case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=method) if name in _SPEAKERS:
            several = _METHODS.get(method, 0)
    said = tuple(one.value for one in call.args[:several] if isinstance(one, ast.Constant) and type(one.value) is str)
    if not said or len(said) != several:
        return None
    return said[0] if several == 1 else said
