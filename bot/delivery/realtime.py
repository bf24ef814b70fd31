"""The database's own clock: leases, back-offs and pauses are real time and never business time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Double, Float, bindparam, cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from bot.storage.columns import UtcDateTime

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # any instant long past: the database's clock is read as seconds since then


class later(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function it stands for
    """The database's clock plus so many seconds; nothing if the seconds are nothing."""

    type = UtcDateTime()
    inherit_cache = True


class greater(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function it stands for
    """The greater of two numbers."""

    type = Float()
    inherit_cache = True


class seconds_until(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function it stands for
    """How many seconds are left until an instant of the database's clock; negative when it is past."""

    type = Float()
    inherit_cache = True


def real_now() -> later:
    return later(cast(0.0, Double))


def in_seconds(name: str) -> later:
    """``later`` by a parameter that each row brings along."""
    return later(cast(bindparam(name), Double))


@compiles(greater)
def _greatest(element: greater, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


@compiles(greater, "sqlite")
def _greatest_sqlite(element: greater, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(later, "sqlite")
def _later_sqlite(element: later, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(_only(element), **options)
    # Six digits after the point, as our columns are written: their texts are compared.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"


@compiles(later, "postgresql")
def _later_postgresql(element: later, compiler: SQLCompiler, **options: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(_only(element), **options)}))"


@compiles(seconds_until, "sqlite")
def _seconds_until_sqlite(element: seconds_until, compiler: SQLCompiler, **options: Any) -> str:
    return f"((julianday({compiler.process(_only(element), **options)}) - julianday('now')) * 86400.0)"


@compiles(seconds_until, "postgresql")
def _seconds_until_postgresql(element: seconds_until, compiler: SQLCompiler, **options: Any) -> str:
    instant = compiler.process(_only(element), **options)
    return f"CAST(extract(epoch FROM {instant} - clock_timestamp()) AS double precision)"


def _only(element: FunctionElement[Any]) -> ColumnElement[Any]:
    return next(iter(element.clauses))
