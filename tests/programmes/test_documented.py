"""The page for authors says what the reader reads."""

from __future__ import annotations

import re
from pathlib import Path

from bot.programmes import phases, questions, reading, steps
from bot.window.lint import check
from bot.words import Role, StepKind, Visibility

PAGE = (Path(__file__).parents[2] / "docs" / "programmes.md").read_text("utf-8")
IN_CODE = set(re.findall(r"[a-z_-]+|\{[a-z]+\}", " ".join(re.findall(r"`[^`\n]+`", PAGE))))


def test_the_example_reads_and_leaves_nothing_to_say():
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert example is not None
    report = check(example[1], "docs/programmes.md")
    assert (report.problems, report.warnings) == ((), ())


def test_every_key_and_every_word_of_the_grammar_is_explained():
    words = {*reading._KEYS, *steps._KEYS, *questions._QUESTION, *phases._PHASE, *phases.presets()}
    words |= {*StepKind, *Visibility, *Role} | {f"{{{place}}}" for place in steps.PLACES}

    assert sorted(words - IN_CODE) == []
