"""How Alembic reaches the database: the application hands its connection over, or the settings name the address.

SQLite migrates with foreign keys off and checks them before it commits: rebuilding a parent table would otherwise
delete its children. The whole upgrade is one transaction on both databases.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from bot.storage.columns import Sealed, UtcDateTime, Word, ZoneName
from bot.storage.database import database_url, sqlite_engine
from bot.storage.tables import Base


def render(kind: str, thing: Any, autogen_context: Any) -> str | bool:
    """Write our column types as what they are in the database, so that old migrations outlive the code."""
    if kind == "type" and isinstance(thing, UtcDateTime | Word | ZoneName):
        return f"sa.{thing.impl!r}"
    if kind == "type" and isinstance(thing, Sealed):
        return "sa.LargeBinary()"
    del autogen_context
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        transaction_per_migration=False,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_alone() -> None:
    url = database_url(os.environ.get("DATABASE_URL", "sqlite:///understory.db"))
    engine = sqlite_engine(url) if url.drivername.startswith("sqlite") else create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    migrate(handed_over)
else:
    asyncio.run(migrate_alone())
