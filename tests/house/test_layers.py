"""Doors open to the right only: the contracts of pyproject.toml hold, and no module stands outside them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]


def modules() -> set[str]:
    """Every module of the program, by its dotted name."""
    files = [path.relative_to(ROOT) for top in ("bot", "handlers") for path in (ROOT / top).rglob("*.py")]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}


def rooms() -> set[str]:
    """What stands directly in ``bot``."""
    return {".".join(name.split(".")[:2]) for name in modules() if name.startswith("bot.")}


def contract(name: str) -> dict[str, list[str]]:
    return next(each for each in CONTRACTS if each["name"] == name)


@pytest.fixture(scope="module")
def verdict() -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [each["name"] for each in CONTRACTS])
def test_a_contract_of_the_house_is_kept(verdict, name):
    assert f"{name} KEPT" in verdict.stdout, verdict.stdout + verdict.stderr


def test_no_room_stands_outside_the_order():
    layers = contract("Doors open to the right only")["layers"]
    named = {".".join(each.split(".")[:2]) for layer in layers for each in layer.split(" | ")}

    assert sorted(rooms() - named) == []


def test_every_room_that_decides_decides_without_touching_anything():
    pure = contract("What is pure stays pure")["source_modules"]

    assert sorted(name for name in modules() if name.endswith(".rules") and name not in pure) == []


def test_the_contracts_speak_only_of_modules_that_are_there():
    named = {
        each
        for one in CONTRACTS
        for key in ("layers", "source_modules", "forbidden_modules")
        for line in one.get(key, [])
        for each in line.split(" | ")
    }

    assert sorted(each for each in named if each.startswith(("bot", "handlers")) and each not in modules()) == []
