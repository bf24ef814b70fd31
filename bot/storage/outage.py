"""Telling a database that cannot be reached from a mistake in what we asked of it, and alarming the operator once.

Everybody who needs what is away tries again, some of them several times a second. ``Outage`` speaks for all of them:
when it begins, at most once a minute while it lasts, and when it is over. They themselves say nothing of it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from bot.clock import monotonic

REMINDS = 60.0  # seconds between two lines about one outage
CALM = 5.0  # seconds without a failure until it counts as over: of a full disk one can read all the time

# SQLite calls a mistake in a statement an operational error too; these are the ones that pass.
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
_FULL = {"SQLITE_FULL", "53100"}  # the second is PostgreSQL's disk_full
_TOO_MUCH = "54"  # PostgreSQL's class for what is too large or too complicated: that will be so tomorrow too
_log = logging.getLogger(__name__)


def away(error: BaseException) -> bool:
    """Whether the database is away, full or busy: nothing is wrong with the rows, trying again later will do."""
    if isinstance(error, NoConnection | InterfaceError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _PASSING  # the rest of the code says which kind of busy
    if str(getattr(error.orig, "sqlstate", None) or "").startswith(_TOO_MUCH):
        return False
    return error.connection_invalidated or isinstance(error, OperationalError)


def name_of(error: BaseException) -> str:
    """What to call an error in a log: the database's own code if there is one, never its words."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    name = str(code) if code else type(cause).__name__
    return f"{name}, the disk is full" if name in _FULL else name


class Outage:
    """Whether something we need is away, since when, and what the operator has been told of it."""

    def __init__(self, what: str, seconds: Callable[[], float] = monotonic) -> None:
        self._what = what
        self._seconds = seconds
        self._began: float | None = None
        self._failed = self._said = 0.0
        self._well_since: float | None = None
        self.tries = 0

    @property
    def lasts(self) -> float:
        """Seconds since it began; 0 while all is well."""
        return 0.0 if self._began is None else self._seconds() - self._began

    def failed(self, error: BaseException, why: str | None = None) -> None:
        """Somebody tried and could not; ``why`` in words, if there are better ones than the error's name."""
        why = why or name_of(error)
        now = self._seconds()
        self.tries += 1
        self._failed, self._well_since = now, None
        if self._began is None:
            self._began = self._said = now
            _log.error("%s cannot be used (%s); what was begun is kept and tried again", self._what, why)
        elif now - self._said >= REMINDS:
            self._said = now
            since = now - self._began
            _log.error("%s cannot be used for %.0f s, %d tries (%s)", self._what, since, self.tries, why)

    def succeeded(self) -> None:
        """Somebody tried and could."""
        if self._began is None:
            return
        now = self._seconds()
        self._well_since = now if self._well_since is None else self._well_since
        if now - self._failed < CALM:
            return
        _log.warning(
            "%s can be used again, after %.0f s and %d tries", self._what, self._well_since - self._began, self.tries
        )
        self._began, self.tries = None, 0
