"""A PostgreSQL connection that asks nothing of its session, and never waits for ever.

Everything a transaction needs is said at its beginning and is over with it, in the same trip as BEGIN. So it does not
matter which session of the server carries it: behind PgBouncer in transaction mode every transaction may have another,
nothing prepared or set there survives, and ``options`` in the first message are refused.

The kernel notices a peer that is gone (keep-alive, ``tcp_user_timeout``), but not one that takes what we send and never
answers: a frozen server, a proxy whose other half is dead. For that each answer has its own limit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

ANSWERS_WITHIN = 18.0  # seconds for one answer; the server gives up its own work before
HURRIED = 4.0  # seconds for one answer once we are asked to stop
_CANCELS_WITHIN = 1.0  # seconds for asking the server to drop what nobody waits for any more
_GONE = 15_000  # milliseconds that what we sent may stay unacknowledged

_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; "
    "SET LOCAL statement_timeout = '15s'; "
    "SET LOCAL lock_timeout = '5s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '30s'"
)
WITHOUT_HURRY = (
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = 0"
)

T = TypeVar("T")


@dataclass
class Patience:
    """How many seconds each answer may take; none means for ever."""

    seconds: float | None = ANSWERS_WITHIN


class PatientConnection(psycopg.AsyncConnection[Any]):
    """Waits for each answer as long as ``patience`` says, then counts the connection as dead."""

    patience = Patience()

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109 - psycopg's own signature
        limit = self.patience.seconds if timeout is None else timeout
        try:
            return await psycopg.waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=limit)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - its base class says too many other things
            self.pgconn.finish()
            raise psycopg.OperationalError("the server does not answer") from None
        except asyncio.CancelledError:
            # psycopg's own way waits up to ten seconds for a server that may be dead; a stop has no such time.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._try_cancel(timeout=_CANCELS_WITHIN)
                self.pgconn.finish()
            raise


async def connect(patience: Patience, *given: Any, **more: Any) -> PatientConnection:
    """Open a connection that is as patient as ``patience`` says at each moment."""
    connection = await PatientConnection.connect(*given, **more)
    connection.patience = patience
    return connection


def postgres_engine(url: URL, patience: Patience) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        use_native_hstore=False,  # it would ask each new connection for a type that we do not have
        connect_args={
            "async_creator_fn": partial(connect, patience),
            "autocommit": True,  # our BEGIN, not the driver's
            "prepare_threshold": None,
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": _GONE,
        },
    )

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(_BEGIN)

    return engine
