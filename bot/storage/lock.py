"""The lock beside a SQLite file: one process has it for as long as it lives, whatever kills it.

This module imports nothing heavy, so that a second process can be told within a blink.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from bot.errors import Wrong


class DatabaseInUse(Wrong):
    """Another process has the SQLite file."""


def lock_beside(file: Path) -> IO[str]:
    """Take the lock; it is free again when the returned file is closed or the process is gone.

    Raises:
        DatabaseInUse
    """
    path = file.with_name(file.name + ".lock")
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise DatabaseInUse(f"{file} is in use by another process (pid {owner}). Stop that one first.") from taken
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def refuse_if_taken(database_url: str) -> None:
    """Say at once that another process has the SQLite file of this address.

    Raises:
        DatabaseInUse
    """
    scheme, _, path = database_url.partition(":///")
    file = Path(path)
    if scheme.startswith("sqlite") and path and file.with_name(file.name + ".lock").exists():
        lock_beside(file).close()
