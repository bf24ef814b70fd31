"""Bringing the database to the schema of this code, once, whoever starts first."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Wrong
from bot.storage.database import Database, Transaction
from bot.storage.postgresql import WITHOUT_HURRY, Patience, PatientConnection

_MIGRATION_LOCK = 0x756E646572  # any number, the same for every process


def alembic_config() -> Config:
    config = Config()
    migrations = Path(str(importlib.resources.files("migrations")))
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return config


async def bring_up_to_date(database: Database) -> None:
    """Migrate to the newest schema; two processes that start together do it once.

    Raises:
        Wrong: the database was written by newer code than this.
    """
    async with database.engine.connect() as connection:
        if database.is_sqlite:
            # SQLite ignores this pragma inside a transaction, so it comes before BEGIN.
            await connection.run_sync(_foreign_keys, "OFF")
        else:
            await _take_time(connection)
        try:
            await connection.begin()
            await connection.run_sync(_upgrade)
            await connection.commit()
        finally:
            if database.is_sqlite:
                await connection.run_sync(_foreign_keys, "ON")
            else:
                await connection.invalidate()  # the next one is in a hurry again


async def revisions(database: Database) -> tuple[str | None, str | None]:
    """The schema the database has, and the newest this code knows."""
    async with database.connection() as connection:
        present = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    return present, newest_revision()


async def present_revision(tx: Transaction) -> str | None:
    """The schema the database has."""
    found = await (await tx.connection()).run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    return str(found) if found is not None else None


def newest_revision() -> str | None:
    """The newest schema that this code knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


async def _take_time(connection: AsyncConnection) -> None:
    """A migration may last as long as it does; the limits of ordinary transactions would cut it off half-way."""
    patient: PatientConnection = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]  # ours
    patient.patience = Patience(None)


def _foreign_keys(connection: Connection, switch: str) -> None:
    cursor = connection.connection.cursor()  # beside SQLAlchemy, which would begin a transaction first
    cursor.execute(f"PRAGMA foreign_keys={switch}")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(WITHOUT_HURRY)
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        except OperationalError as taken:
            raise Wrong(
                "Another process has been migrating this database for a minute. Let it finish, then start again."
            ) from taken
    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise Wrong(
            "The database was written by a newer version of Understory. Install that version, or restore a backup."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise Wrong("The migration would leave rows without their parents; nothing was changed.")
