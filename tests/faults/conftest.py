"""Real processes that are killed, frozen and starved, and a ledger that compares what Telegram had with what we say.

``--faults`` plays all of it, a quarter of an hour, and ends with a table of what the ledger found; without it only
what takes a few seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from faults.fragile import Fragile, fragile_postgres
from faults.ledger import Verdict
from faults.town import Enter, Town, Towns, a_town
from postgres import Postgres, empty, migrate

_found: list[tuple[str, str, str]] = []  # test, how it ended, the ledger's words


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="play the long stories about processes that are killed too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones to ``--faults``; pytest counts them as deselected."""
    if config.getoption("--faults", default=False):
        return
    left = [item for item in items if item.get_closest_marker("faults")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    said = dict(report.user_properties).get("ledger")
    if report.when == "call" and said:
        _found.append((report.nodeid.rpartition("/")[2], report.outcome, str(said)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _found or not config.getoption("--faults", default=False):
        return
    terminalreporter.section("the ledger's verdict")
    for name, outcome, said in sorted(_found):
        terminalreporter.line(f"{outcome:6} {name}")
        for line in said.splitlines():
            terminalreporter.line(f"         {line}")


@pytest.fixture
def entered(record_property: Callable[[str, object], None]) -> Enter:
    """Put a verdict into the table at the end, and insist that it holds."""
    said: list[str] = []

    def enter(verdict: Verdict, **more: object) -> None:
        extra = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in more.items())
        said.append(f"{verdict}{', ' if extra else ''}{extra}" if verdict.holds else f"{extra}\n{verdict}")
        record_property("ledger", "\n".join(said))
        assert verdict.holds, str(verdict)

    return enter


@pytest.fixture(scope="session")
def town_postgres(postgres: Postgres) -> str:
    """A migrated database of its own, apart from that of tests which share a process."""
    url = postgres.new_database()
    migrate(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def town_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    url: str = request.getfixturevalue("town_postgres")
    yield url
    empty(url)


@pytest.fixture
def settle(town_url: str, tmp_path: Path) -> Towns:
    """A town of this database in which so many couples settle."""

    @asynccontextmanager
    async def settled(couples: int, **settings: Any) -> AsyncIterator[Town]:
        async with a_town(town_url, tmp_path, couples, **settings) as town:
            yield town
        assert town.complaints() == []

    return settled


@pytest.fixture
def fragile() -> Iterator[Fragile]:
    """A PostgreSQL of this test's own that may be killed and started again."""
    with fragile_postgres() as server:
        yield server
