"""The whole bot over HTTP against the stage: real handlers, real database, a clock that steps.

Most stories begin in the middle. What comes before them is played on the phones once, and its database is copied.
"""

from __future__ import annotations

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from house import House, run_house
from postgres import empty
from scenes import (
    ENDED,
    FIRST_EVENING,
    SATURDAY_MORNING,
    end_the_session,
    plan_the_session,
    reach_the_first_evening,
    seat_maple,
)

from bot.storage.tables import Base

_PAST = 1000  # more updates and messages than any beginning has


@dataclass(frozen=True)
class Beginning:
    """Where a story begins: what has been played before it, and the hour."""

    name: str
    after: Beginning | None
    scene: Callable[[House], Awaitable[None]]
    at: datetime

    @property
    def past(self) -> int:
        return 0 if self.after is None else self.after.past + _PAST


MAPLE = Beginning("maple", None, seat_maple, SATURDAY_MORNING)
PLANNED = Beginning("planned", MAPLE, plan_the_session, SATURDAY_MORNING)
RELEASED = Beginning("released", PLANNED, end_the_session, ENDED)
EVENING = Beginning("evening", RELEASED, reach_the_first_evening, FIRST_EVENING)


class Beginnings(ABC):
    """Databases in which a beginning was played: each is played once and kept, and every story gets a copy."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    @contextmanager
    def at(self, beginning: Beginning | None) -> Iterator[str]:
        """The address of a database that stands where a story begins; an empty one without a beginning."""
        if beginning is not None and beginning.name not in self._kept:
            with self.at(beginning.after) as url:
                asyncio.run(_play(beginning, url))
                self._kept[beginning.name] = self.keep(url)
        url = self.open(self._kept[beginning.name] if beginning else None)
        yield url
        self.close(url)

    @abstractmethod
    def open(self, kept: Any) -> str:
        """A database with what was kept, or an empty one."""

    @abstractmethod
    def keep(self, url: str) -> Any: ...

    @abstractmethod
    def close(self, url: str) -> None: ...


class OnSqlite(Beginnings):
    def __init__(self, migrated: Path, folder: Path) -> None:
        super().__init__()
        self._migrated, self._folder = migrated, folder

    def open(self, kept: Path | None) -> str:
        return f"sqlite:///{self._copy(kept or self._migrated)}"

    def keep(self, url: str) -> Path:
        return self._copy(_file(url))

    def close(self, url: str) -> None:
        _file(url).unlink()

    def _copy(self, file: Path) -> Path:
        return Path(shutil.copyfile(file, self._folder / f"{uuid4().hex}.db"))


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


class OnPostgres(Beginnings):
    """One database: its rows are taken out and put back, which is quicker than copying it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def open(self, kept: dict[str, bytes] | None) -> str:
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            for table, rows in (kept or {}).items():
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
                    copy.write(rows)
        return self._url

    def keep(self, url: str) -> dict[str, bytes]:
        rows = {}
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for table in Base.metadata.sorted_tables:
                with cursor.copy(f"COPY {table.name} TO STDOUT (FORMAT binary)".encode()) as copy:
                    rows[table.name] = b"".join(copy)
        return rows

    def close(self, url: str) -> None:
        empty(url)


async def _play(beginning: Beginning, url: str) -> None:
    start = beginning.after.at if beginning.after else beginning.at
    async with _house(url, start, beginning.past) as running:
        await beginning.scene(running)


@asynccontextmanager
async def _house(url: str, start: datetime, past: int) -> AsyncIterator[House]:
    async with run_house(url, start=start, past=past) as running:
        if past:
            for person in running.stage.people.values():
                running.phone(person.name).chat.started = True
        yield running


@pytest.fixture(scope="session")
def on_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> OnSqlite:
    return OnSqlite(migrated_sqlite, tmp_path_factory.mktemp("beginnings"))


@pytest.fixture(scope="session")
def on_postgres(migrated_postgres: str) -> OnPostgres:
    return OnPostgres(migrated_postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def beginnings(request: pytest.FixtureRequest) -> Beginnings:
    found: Beginnings = request.getfixturevalue("on_sqlite" if request.param == "sqlite" else "on_postgres")
    return found


# Stories whose promise leans on the database itself; the actions beneath all others are tried on both, room by room.
ON_BOTH = {
    "test_crashes",
    "test_lost_replies",
    "test_races",
    "test_refusing_to_start",
    "test_sealed_answers",
    "test_window",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the other stories' PostgreSQL half to ``--everywhere``; pytest counts them as deselected."""
    if config.getoption("--everywhere"):
        return
    here = Path(__file__).parent
    left = [
        item
        for item in items
        if item.path.parent == here and item.path.stem not in ON_BOTH and "[postgresql" in item.name
    ]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A stage with Fay, Ann and Bob on it, and the bot running against it; Fay is its owner."""
    async with run_house(database_url, start=SATURDAY_MORNING) as running:
        yield running


@pytest.fixture
def maple_url(beginnings: Beginnings) -> Iterator[str]:
    with beginnings.at(MAPLE) as url:
        yield url


@pytest.fixture
def planned_url(beginnings: Beginnings) -> Iterator[str]:
    with beginnings.at(PLANNED) as url:
        yield url


@pytest.fixture
def released_url(beginnings: Beginnings) -> Iterator[str]:
    with beginnings.at(RELEASED) as url:
        yield url


@pytest.fixture
def evening_url(beginnings: Beginnings) -> Iterator[str]:
    with beginnings.at(EVENING) as url:
        yield url


@pytest.fixture
async def maple(maple_url: str) -> AsyncIterator[House]:
    """A week before: Ann and Bob have their seats in Maple, held by Fay; nothing is planned."""
    async with _house(maple_url, MAPLE.at, MAPLE.past + _PAST) as running:
        yield running


@pytest.fixture
async def planned(planned_url: str) -> AsyncIterator[House]:
    """A week before: session 1 is planned for Saturday the 28th, 14:00 to 17:00 in Berlin, and both are coming."""
    async with _house(planned_url, PLANNED.at, PLANNED.past + _PAST) as running:
        yield running


@pytest.fixture
async def released(released_url: str) -> AsyncIterator[House]:
    """Saturday the 28th: session 1 has just ended, at 17:05."""
    async with _house(released_url, RELEASED.at, RELEASED.past + _PAST) as running:
        yield running


@pytest.fixture
async def evening(evening_url: str) -> AsyncIterator[House]:
    """Sunday the 29th, 18:29: in a minute Ann and Bob are asked for one moment, sealed until Monday, 17:00."""
    async with _house(evening_url, EVENING.at, EVENING.past + _PAST) as running:
        yield running
