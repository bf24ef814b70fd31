"""Column types that refuse what would go wrong later."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import DateTime, LargeBinary, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive ones are refused: SQLite would keep them without saying which zone they meant."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ZoneName(TypeDecorator[ZoneInfo]):
    """A time zone by its IANA name."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: ZoneInfo | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return value.key if value is not None else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> ZoneInfo | None:  # noqa: ARG002
        if value is None:
            return None
        try:
            return ZoneInfo(value)
        except (
            ZoneInfoNotFoundError,
            ValueError,
        ):  # the zone data lost a name; its owner is asked again, nothing stops
            return ZoneInfo("UTC")


class Word(TypeDecorator[E]):
    """One of the words of ``bot.words``, stored as its string."""

    impl = String(24)
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> E | None:  # noqa: ARG002
        return None if value is None else self.words(value)


class Sealed(LargeBinary):
    """Ciphertext of what a person wrote or is called; only ``bot.storage.keys`` can read it."""
