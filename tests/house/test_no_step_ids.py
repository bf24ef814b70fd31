"""What is said when, and to whom, is data: no Python file knows the name of a step."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.programmes.shelf import library

ROOT = Path(__file__).parents[2]
FILES = sorted(path for top in ("bot", "handlers") for path in (ROOT / top).rglob("*.py"))
STEPS = {step.id for shelved in library().values() for step in shelved.programme.steps}


def literals(source: str) -> set[object]:
    """Every constant that stands in a source text."""
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_knows_no_step_by_name(path):
    assert sorted(STEPS & literals(path.read_text("utf-8"))) == []


def test_a_file_that_did_would_be_found():
    assert STEPS & literals('if row.step == "safe-home": pass') == {"safe-home"}
