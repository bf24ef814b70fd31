"""What is written for people, for the tests that hold it against the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def named(text: str) -> set[str]:
    """Everything that stands in backticks, outside blocks of code."""
    return set(re.findall(r"`([^`\n]+)`", prose(text)))


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
