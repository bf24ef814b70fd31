"""Databases to measure on: a SQLite file in a folder of its own, and a PostgreSQL from the wheel's binaries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.storage.database import Database, open_database
from bot.storage.keys import new_key, read_keys
from bot.storage.schema import bring_up_to_date

KEY = os.environ.get("BENCHMARK_KEY") or new_key()  # child processes are given ours
KEYS = read_keys(KEY)


def this_instant() -> datetime:
    """The machine's own time: what is measured is due now."""
    return datetime.now(UTC)  # noqa: TID251 - a measurement has no other clock


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database of today's schema."""
    database = open_database(url, KEYS)
    try:
        await bring_up_to_date(database)
        yield database
    finally:
        await database.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on the disk, where a commit costs what it costs."""
    with tempfile.TemporaryDirectory(prefix="understory-bench-") as place:
        yield Path(place)


def sqlite_url(place: Path, name: str = "understory") -> str:
    return f"sqlite:///{place / name}.db"


def copy_of(url: str, place: Path, name: str) -> str:
    """A copy of a closed SQLite file."""
    shutil.copyfile(url.removeprefix("sqlite:///"), place / f"{name}.db")
    return sqlite_url(place, name)


@contextmanager
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL of our own, as the tests start it; none where there are no binaries."""
    launcher = _launcher()
    binaries = launcher.find_postgres()
    if binaries is None:
        yield None
        return
    with launcher.start_postgres(binaries) as server:
        yield server


def _launcher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("postgres", Path(__file__).parent.parent / "tests" / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["postgres"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
