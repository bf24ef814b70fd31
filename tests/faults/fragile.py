"""A PostgreSQL that a test may kill and start again on the same files."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres import _copy_for_everybody, _free_port, _wait_until_up, find_postgres, migrate


@dataclass
class Fragile:
    binaries: Path
    data: Path
    port: int
    identity: dict[str, Any]
    server: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, after a crash too: what was committed is there, fsync matters for power cuts only."""
        for _ in range(50):
            server = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, "-p", str(self.port), "-h", "127.0.0.1", "-k", "",
                 "-c", "fsync=off"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.identity,
            )  # fmt: skip
            self.server = server
            try:
                _wait_until_up(self.dsn, server)
            except RuntimeError:
                continue  # the last children of the killed one are still going
            return
        raise RuntimeError("PostgreSQL did not come back")

    def kill(self) -> None:
        """Kill -9 of the server; its children follow."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    def cut(self) -> None:
        """Cut every connection; the server stays."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait(30)


@contextmanager
def fragile_postgres() -> Iterator[Fragile]:
    binaries = find_postgres()
    if binaries is None:
        pytest.skip("NO POSTGRESQL: neither the wheel nor an initdb on PATH")
    with tempfile.TemporaryDirectory(prefix="understory-fragile-", ignore_cleanup_errors=True) as place:
        home = Path(place)
        identity: dict[str, Any] = {}
        data = home / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            binaries = _copy_for_everybody(binaries, home)
            home.chmod(0o755)
            os.chown(data, user.pw_uid, user.pw_gid)
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(
            [binaries / "initdb", "-D", data, "--no-sync", "--locale=C", "-E", "UTF8", "-U", "postgres", "-A", "trust"],
            check=True, stdout=subprocess.DEVNULL, **identity,
        )  # fmt: skip
        server = Fragile(binaries, data, _free_port(), identity)
        server.start()
        try:
            migrate(server.dsn)
            yield server
        finally:
            server.stop()
