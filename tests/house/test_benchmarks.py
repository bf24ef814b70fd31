from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the benchmarks read memory and clock as Linux has them"
)
def test_a_quick_look_at_one_benchmark_prints_a_table_and_writes_nothing():
    latest = ROOT / "benchmarks" / "latest.json"
    before = latest.read_bytes() if latest.exists() else None

    looked = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "ceiling"],
        cwd=ROOT, env=os.environ | {"COLUMNS": "140"}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert "ceiling of the server" in looked.stdout
    assert "nothing was written" in looked.stdout
    assert (latest.read_bytes() if latest.exists() else None) == before
