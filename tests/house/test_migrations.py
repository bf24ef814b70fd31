"""Every migration goes up, down and up again, and what they leave is what the models say; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from bot.storage.database import Database, open_database
from bot.storage.keys import Keyring
from bot.storage.schema import alembic_config, bring_up_to_date
from bot.storage.tables import Base

REVISIONS = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())[::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path, keys: Keyring) -> AsyncIterator[Database]:
    """A database of either kind in which nothing was ever made."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path}/empty.db", keys)
        yield opened
        await opened.close()
        return
    server = request.getfixturevalue("postgres")
    name = f"e{uuid4().hex}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    opened = open_database(server.url_of(name), keys)
    yield opened
    await opened.close()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def go(database: Database, move: Callable[..., Any], *where: str) -> None:
    """Let Alembic do something, in one transaction."""

    def step(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        move(config, *where)

    async with database.connection() as connection:
        await connection.run_sync(step)


async def described(database: Database) -> dict[str, Any]:
    """Everything the database itself says of its tables."""
    async with database.connection() as connection:
        return await connection.run_sync(_tables)


def _tables(connection: Connection) -> dict[str, Any]:
    look = inspect(connection)
    return {name: _table(look, name) for name in look.get_table_names() if name != "alembic_version"}


def _table(look: Any, name: str) -> dict[str, Any]:
    return {
        "columns": {
            each["name"]: (str(each["type"]), each["nullable"], each["default"]) for each in look.get_columns(name)
        },
        "key": look.get_pk_constraint(name),
        "parents": sorted(look.get_foreign_keys(name), key=str),
        "unique": sorted(look.get_unique_constraints(name), key=str),
        "checks": sorted(look.get_check_constraints(name), key=str),
        "indexes": sorted(_index(each) for each in look.get_indexes(name)),
    }


def _index(index: Any) -> tuple[str, str, bool, str]:
    only_where = {key: str(said) for key, said in index["dialect_options"].items() if key.endswith("_where")}
    return index["name"], str(index["column_names"]), bool(index["unique"]), str(only_where)


@pytest.mark.parametrize("script", REVISIONS, ids=lambda script: script.revision)
async def test_a_migration_goes_up_and_down_and_up_again(empty, script):
    below = script.down_revision or "base"
    await go(empty, command.upgrade, script.revision)
    first = await described(empty)

    await go(empty, command.downgrade, below)
    between = await described(empty)
    await go(empty, command.upgrade, script.revision)

    assert between != first
    assert await described(empty) == first


async def test_going_all_the_way_down_leaves_nothing_behind(empty):
    await go(empty, command.upgrade, "head")

    await go(empty, command.downgrade, "base")

    assert await described(empty) == {}


async def test_the_migrations_make_what_the_models_say(empty):
    await go(empty, command.upgrade, "head")
    migrated = await described(empty)
    await go(empty, command.downgrade, "base")

    async with empty.connection() as connection:
        await connection.run_sync(Base.metadata.create_all)

    made = await described(empty)
    assert sorted(migrated) == sorted(made)
    assert [(name, migrated[name]) for name in made] == [(name, made[name]) for name in made]


async def test_nothing_is_left_for_another_migration_to_do(empty):
    await go(empty, command.upgrade, "head")

    await go(empty, command.check)  # raises, and names what differs


async def test_a_migrated_database_refuses_a_child_without_its_parent(empty):
    await bring_up_to_date(empty)
    orphan = text("INSERT INTO chat_alias (telegram_id, chat_id) VALUES (7, :nobody)")

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        async with empty.connection() as connection:
            await connection.execute(orphan, {"nobody": uuid4().hex})


async def test_migrating_again_changes_nothing(empty):
    await bring_up_to_date(empty)
    before = await described(empty)

    await bring_up_to_date(empty)

    assert await described(empty) == before
