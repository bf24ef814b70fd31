"""Programme files in pieces, for tests: a page that is right, and ways to write on it."""

from __future__ import annotations

from textwrap import dedent, indent

from bot.programmes.problems import Problem
from bot.programmes.reading import read

HEAD = """\
understory: 1
id: our-days
version: 1
title: {en: Our days}
for: couple
phases: ketamine
steps:
"""

STEP = """\
- id: first
  at: day 1 at 09:30
  fresh_for: 6h
  kind: check-in
  visible_to: facilitator
  text: {en: How is it?}
  ask:
    - {id: mood, choice: {good: {en: Good}, low: {en: Low}}}
"""


def page(*steps: str, head: str = HEAD) -> str:
    return head + "".join(indent(dedent(step), "  ") for step in steps or (STEP,))


def step(name: str, **lines: str | None) -> str:
    """A prompt called ``name``; lines are added, replaced or (none) left out."""
    written: dict[str, str | None] = {
        "id": name,
        "at": "day 1 at 12:00",
        "fresh_for": "6h",
        "kind": "prompt",
        "text": "{en: Something}",
    }
    written |= {key.rstrip("_"): value for key, value in lines.items()}
    body = "".join(f"  {key}: {value}\n" for key, value in written.items() if value is not None)
    return "- " + body.removeprefix("  ")


def problems(source: str | bytes) -> tuple[Problem, ...]:
    return read(source, "our-days.yaml").problems


def said(source: str | bytes) -> list[str]:
    """What is wrong, in short: line and remark."""
    return [f"{problem.line}: {problem.what}" for problem in problems(source)]
