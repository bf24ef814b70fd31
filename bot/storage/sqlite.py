"""A SQLite connection that makes one trip to its thread for each statement.

aiosqlite makes four: for the cursor, the statement, the rows and the end of the cursor. A trip takes longer than most
of our statements do, so here the thread does all of it at once and hands back the rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Self

import aiosqlite

_CHUNK = 64  # rows; aiosqlite's own number for reading a cursor in parts, which we never do


async def connect(file: str) -> aiosqlite.Connection:
    """Open a file; SQLAlchemy's ``async_creator``."""
    connection = _Connection(partial(sqlite3.connect, file), _CHUNK)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: a forgotten connection keeps no process alive
    return await connection


class _Connection(aiosqlite.Connection):
    def cursor(self) -> Any:
        return _Cursor(self._execute, self._conn)

    async def rollback(self) -> None:
        if self.in_transaction:  # the pool asks for it after every commit too
            await super().rollback()


class _Cursor:
    """As much of a cursor as SQLAlchemy asks for."""

    def __init__(self, take: Callable[..., Any], connection: sqlite3.Connection) -> None:
        self._take = take  # runs a function in the connection's thread
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> _Cursor:
        await self._take(self._run, sqlite3.Cursor.execute, sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> _Cursor:
        await self._take(self._run, sqlite3.Cursor.executemany, sql, parameters)
        return self

    def _run(self, execute: Callable[..., Any], sql: str, parameters: Any) -> None:
        cursor = self._connection.cursor()
        try:
            execute(cursor, sql, parameters)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """It is closed already."""
