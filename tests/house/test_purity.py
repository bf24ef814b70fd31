"""What is pure stays light: it comes without the database, without Telegram and without a network."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ["sqlalchemy", "telegram", "aiohttp", "apscheduler", "psycopg", "aiosqlite"]
LOOK = """
import importlib, json, sys
pure, heavy = json.loads(sys.argv[1])
print(json.dumps({name: came for name in pure if importlib.import_module(name)
                  and (came := [each for each in heavy if each in sys.modules])}))
"""


def brought_along(modules: list[str]) -> dict[str, list[str]]:
    """Import modules one after the other in a new process; from which one on something heavy was there."""
    asked = [sys.executable, "-W", "error", "-c", LOOK, json.dumps([modules, HEAVY])]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_what_is_pure_can_be_read_without_a_database_in_the_room():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    pure = next(each["source_modules"] for each in contracts if each["name"] == "What is pure stays pure")

    assert brought_along(pure) == {}


def test_the_look_sees_what_is_heavy():
    assert brought_along(["bot.errors", "bot.storage.columns"]) == {"bot.storage.columns": ["sqlalchemy"]}
