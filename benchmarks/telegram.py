"""The server's process, as the measurements see it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

TOKEN = "123456789:AAaaBBbbCCccDDddEEeeFFffGGggHHhhIIi"


@dataclass(frozen=True)
class Call:
    """One call as it arrived."""

    at: float  # CLOCK_MONOTONIC
    method: str
    status: int
    chat: int
    text: str  # or the press that it answers


@dataclass(frozen=True)
class Telegram:
    """A running server."""

    url: str

    def set(self, *, delay: float = 0.0, most: int | None = None) -> None:
        """Forget every call, and answer like this from now on."""
        self._ask("set", {"delay": delay, "most": most})

    def hand_out(self, updates: Sequence[dict[str, Any]]) -> None:
        self._ask("updates", list(updates))

    def calls(self) -> list[Call]:
        return [Call(*call) for call in self._ask("report", {})]

    def sends(self) -> list[Call]:
        return [call for call in self.calls() if call.method == "sendMessage"]

    def _ask(self, what: str, content: Any) -> Any:
        with urlopen(Request(f"{self.url}/{what}", json.dumps(content).encode())) as answer:
            return json.load(answer)


@contextmanager
def serving() -> Iterator[Telegram]:
    """A server in a process of its own, until the block ends."""
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.server"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield Telegram(f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        server.terminate()
        server.wait(10)
