"""What is measured runs in a process of its own, so that its memory is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.databases import KEY

LONGEST = 600  # seconds; what takes longer hangs


def run(module: str, *arguments: object) -> dict[str, Any]:
    """Run ``benchmarks.module`` to its end; what it said."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *(str(one) for one in arguments)]
    environment = {**os.environ, "BENCHMARK_KEY": KEY}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment, timeout=LONGEST)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def say(told: dict[str, Any]) -> None:
    """The last line of such a process."""
    print(json.dumps(told), flush=True)


def peak_megabytes(pid: int | str = "self") -> float:
    """The most memory that a process ever held."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
