"""Programs that go on until we have seen enough: the whole bot, as ``understory run`` runs it, and its inbox alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.databases import KEY
from benchmarks.figures import Ground
from benchmarks.people import FAY
from benchmarks.telegram import TOKEN, Telegram

_LONGEST = 60.0  # seconds; who has not asked for updates by then will not


@contextmanager
def bot_running(ground: Ground, database_url: str, **settings: str) -> Iterator[int]:
    """The bot until the block ends; its process id."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "BOT_TOKEN": TOKEN,
        "BOT_API_URL": ground.telegram.url,
        "DATABASE_URL": database_url,
        "ENCRYPTION_KEYS": KEY,
        "OWNER_IDS": str(FAY),
        "LOG_LEVEL": "ERROR",
        **settings,
    }
    # In its own folder: the operator's .env is not for it.
    with _running([str(Path(sys.executable).parent / "understory"), "run"], environment, ground.place) as pid:
        yield pid


@contextmanager
def inbox_running(ground: Ground, database_url: str) -> Iterator[int]:
    """The polling and the inbox, with an action that keeps one answer."""
    command = [sys.executable, "-m", "benchmarks.receive", database_url, ground.telegram.url]
    with _running(command, {**os.environ, "BENCHMARK_KEY": KEY}, Path.cwd()) as pid:
        yield pid


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], place: Path) -> Iterator[int]:
    program = subprocess.Popen(command, env=environment, cwd=place, stdout=subprocess.DEVNULL)
    try:
        yield program.pid
    finally:
        program.terminate()
        program.wait(40)


def first_poll(telegram: Telegram) -> float:
    """When somebody asked for updates for the first time, on the clock that all processes share."""
    until = time.monotonic() + _LONGEST
    while time.monotonic() < until:
        polls = [call.at for call in telegram.calls() if call.method == "getUpdates"]
        if polls:
            return polls[0]
        time.sleep(0.05)
    raise RuntimeError("nobody began to poll")
