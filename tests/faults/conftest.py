"""Real processes that are killed, frozen and starved, and a ledger that compares what Telegram had with what we say.

``--faults`` plays all of it, a quarter of an hour, and ends with a table of what the ledger found; without it only
what takes a few seconds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.fragile import Fragile, fragile_postgres
from faults.ledger import Verdict
from faults.table import Entry, table
from faults.town import Enter, Town, Towns, a_town
from postgres import Postgres, empty, migrate

DATABASES = ("sqlite", "postgresql")

_found: list[Entry] = []


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
    said = dict(report.user_properties)
    if "scenario" not in said or (report.when != "call" and not report.failed):
        return
    found = said.get("ledger") or json.dumps(Entry(*json.loads(str(said["scenario"])), balanced=False).as_json())
    entry = replace(Entry(**json.loads(str(found))), passed=report.passed)
    if report.failed or entry.balanced:
        _found.append(entry)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _found or not config.getoption("--faults", default=False):
        return
    terminalreporter.section("the ledger's verdict")
    for line in table(_found):
        terminalreporter.line(line)


@pytest.fixture(autouse=True)
def scenario(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> tuple[str, str, str]:
    """What this test plays, on which database, and which case of it; in the table even if the test fails early."""
    name = request.node.originalname.removeprefix("test_").replace("_", " ")
    given = request.node.callspec.id if hasattr(request.node, "callspec") else ""
    database = next((one for one in DATABASES if one in given), "")
    if not database and "fragile" in request.fixturenames:
        database = "postgresql"
    case = "-".join(part for part in given.split("-") if part not in DATABASES)
    if database:
        record_property("scenario", json.dumps([name, database, True, case]))
    return name, database, case


@pytest.fixture
def entered(scenario: tuple[str, str, str], record_property: Callable[[str, object], None]) -> Enter:
    """Put a verdict into the table at the end, and insist that it holds."""
    name, database, case = scenario

    def enter(verdict: Verdict, **more: object) -> None:
        measured = {what: str(value) for what, value in more.items()}
        if verdict.second_copies:
            measured["allowed_second_copies"] = str(verdict.second_copies)
        entry = Entry.of(verdict, scenario=name, database=database, case=case, measured=measured)
        record_property("ledger", json.dumps(entry.as_json()))
        assert verdict.holds, str(verdict)

    return enter


@pytest.fixture(scope="session")
def town_postgres(postgres: Postgres) -> str:
    """A migrated database of its own, apart from that of tests which share a process."""
    url = postgres.new_database()
    migrate(url)
    return url


@pytest.fixture(params=DATABASES)
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
