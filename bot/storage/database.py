"""The database: SQLite with exactly one connection, or PostgreSQL.

``async with database.transaction() as tx`` is the only way in, at the edge; the indentation is the transaction. Inside
it nobody commits by hand and nobody calls Telegram. What must happen after the commit (ringing the bell) is handed to
``tx.after_commit``.

SQLite: one connection for the whole process, ``BEGIN IMMEDIATE``, WAL with ``synchronous=FULL``; two connections that
checkpoint at the same instant can corrupt the file in SQLite 3.7.0 to 3.51.2 (sqlite.org/wal.html), and a read that
becomes a write is never waited for. A lock file keeps a second process out for as long as we live.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import Wrong
from bot.storage.keys import Keyring, Place
from bot.storage.lock import lock_beside
from bot.storage.outage import Outage, away
from bot.storage.postgresql import HURRIED, Patience, postgres_engine
from bot.storage.sqlite import connect
from bot.storage.tables import Base

_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
    "secure_delete": "ON",
    "temp_store": "MEMORY",
    "trusted_schema": "OFF",
    "journal_size_limit": str(64 * 1024 * 1024),
}
_ONE_AT_A_TIME = 0x6175646974  # any number, the same for every process


class Transaction(AsyncSession):
    """One transaction; it can also seal and open what its rows hold."""

    keys: Keyring

    def seal(self, row: Base, column: str, words: str) -> bytes:
        """Seal words for a column of a row and put them there."""
        sealed = self.keys.seal(words, self._place(row, column))
        setattr(row, column, sealed)
        return sealed

    def open(self, row: Base, column: str) -> str:
        """Read a sealed column; nothing there reads as nothing said."""
        sealed = getattr(row, column)
        return self.keys.open(sealed, self._place(row, column)) if sealed is not None else ""

    def seal_json(self, row: Base, column: str, content: Any) -> bytes:
        return self.seal(row, column, json.dumps(content, ensure_ascii=False))

    def open_json(self, row: Base, column: str) -> Any:
        words = self.open(row, column)
        return json.loads(words) if words else None

    async def alone(self) -> None:
        """From here to the commit, nobody else who asks for this runs; SQLite has one writer anyway.

        What was read before may be older than what the others have written: read it again.
        """
        if self.get_bind().dialect.name == "postgresql":
            await self.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})

    def after_commit(self, call: Callable[[], object]) -> None:
        """Do this once the transaction is safely in the database, and not at all if it is not."""
        self.info.setdefault("after commit", []).append(call)

    @staticmethod
    def _place(row: Base, column: str) -> Place:
        name = str(row.__table__.name)  # type: ignore[attr-defined]  # every mapped class has a Table
        return Place(name, column, getattr(row, "row", None) or row.id)  # type: ignore[attr-defined]  # sealed rows have one


class Database:
    """An open database and the keys to what is sealed in it."""

    def __init__(
        self, engine: AsyncEngine, keys: Keyring, lock: IO[str] | None = None, patience: Patience | None = None
    ) -> None:
        self.engine = engine
        self.keys = keys
        self.outage = Outage("the database")
        self._lock = lock
        self._patience = patience or Patience()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction, committed at the end of the block or rolled back with the exception that left it."""
        try:
            async with Transaction(self.engine, expire_on_commit=False) as tx:
                tx.keys = self.keys
                async with tx.begin():
                    yield tx
        except Exception as error:
            if away(error):
                self.outage.failed(error)
            raise
        self.outage.succeeded()
        for call in tx.info.pop("after commit", []):
            call()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A bare connection in a transaction, for the post office's own statements."""
        async with self.engine.begin() as connection:
            yield connection

    def hurry(self) -> None:
        """We are asked to stop: from now on no answer is waited for longer than a moment."""
        self._patience.seconds = HURRIED

    async def forget_erased_pages(self) -> None:
        """After an erasure: move the log into the file, where deleted bytes are overwritten, and empty the log."""
        if not self.is_sqlite:
            return
        async with self.engine.connect() as connection:
            await connection.run_sync(_checkpoint)

    async def close(self) -> None:
        await self.engine.dispose()
        if self._lock is not None:
            self._lock.close()  # the kernel frees the lock with the file


def database_url(written: str) -> URL:
    """The URL with the driver we use.

    Raises:
        Wrong: it is neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(written)
    except Exception as wrong:
        raise Wrong("DATABASE_URL: not a database address. Try sqlite:///understory.db or postgresql://…") from wrong
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    backend = url.drivername.split("+")[0]
    if backend not in drivers:
        raise Wrong(f"DATABASE_URL: {backend} is not supported. Use sqlite:///understory.db or postgresql://…")
    return url.set(drivername=drivers[backend])


def sqlite_file(written: str) -> Path | None:
    """The file of a SQLite address; none for PostgreSQL."""
    url = database_url(written)
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def open_database(written: str, keys: Keyring) -> Database:
    """Open the database; for SQLite this takes the lock that keeps a second process out.

    Raises:
        Wrong: the address is unusable.
        DatabaseInUse: another process has the SQLite file.
    """
    url = database_url(written)
    file = sqlite_file(written)
    if file is None:
        patience = Patience()
        return Database(postgres_engine(url, patience), keys, patience=patience)
    make_room(file)
    lock = lock_beside(file)
    file.touch(mode=0o600)  # SQLite would make it readable for everybody
    return Database(sqlite_engine(url), keys, lock)


def make_room(file: Path) -> None:
    """A folder for a SQLite file, if there is none yet.

    Raises:
        Wrong: the folder cannot be made, or there is nothing here that we may write.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as wrong:
        raise _unwritable(file) from wrong
    writable = os.access(file.parent, os.W_OK | os.X_OK) and (not file.exists() or os.access(file, os.W_OK))
    if file.is_dir() or not writable:
        raise _unwritable(file)


def _unwritable(file: Path) -> Wrong:
    return Wrong(f"DATABASE_URL: {file} cannot be written. Name a file in a folder that belongs to the bot.")


def sqlite_engine(url: URL) -> AsyncEngine:
    """One connection, explicit transactions, pragmas; migrations use the same hooks."""
    engine = create_async_engine(
        url,
        async_creator=partial(connect, str(url.database)),
        pool_size=1,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # our BEGIN, not the driver's: its own loses updates
        cursor = connection.cursor()
        for name, value in _PRAGMAS.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _checkpoint(connection: Connection) -> None:
    cursor = connection.connection.cursor()  # beside SQLAlchemy: a checkpoint cannot run inside a transaction
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.close()
