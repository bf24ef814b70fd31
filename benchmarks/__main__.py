"""``python -m benchmarks``: everything in one run on one machine, a table, and ``latest.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import claiming, durable, free_tier, inbound, others, skew, starting, tapping
from benchmarks.databases import folder
from benchmarks.figures import Figure, Ground
from benchmarks.telegram import serving

LATEST = Path(__file__).parent / "latest.json"
MEASUREMENTS: dict[str, Callable[[Ground], list[Figure]]] = {
    "ceiling": others.ceiling,
    "durable": durable.durable,
    "postgres": durable.durable_postgres,
    "others": others.others,
    "free-tier": free_tier.free_tier,
    "skew": skew.skew,
    "taps": tapping.taps,
    "inbound": inbound.inbound,
    "claims": claiming.claims,
    "start": starting.start,
}


def main() -> None:
    asked = _asked()
    console = Console()
    load = os.getloadavg()[0]  # what others did on this machine in the minute before
    figures: list[Figure] = []
    with folder() as place, serving() as telegram:
        ground = Ground(telegram, place, asked.quick, lambda words: console.print(f"[dim]{words}"))
        for name, measure in MEASUREMENTS.items():
            if not asked.only or name in asked.only:
                figures += measure(ground)
    figures += others.ratios(figures)
    console.print(_table(figures, load=load, quick=asked.quick))
    if asked.quick:
        console.print("A quick look with small numbers: it proves nothing, and nothing was written.")
    else:
        _keep(figures)
        console.print(f"Written to {LATEST.name}.")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, nargs="+", help="measure only these")
    parser.add_argument("--quick", action="store_true", help="small numbers, for looking only; nothing is written")
    return parser.parse_args()


def _table(figures: list[Figure], *, load: float, quick: bool) -> Table:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before"
    table = Table("what", "unit", title=f"{machine}, quick" if quick else machine)
    for heading in ("median", "least", "most", "goal", "holds"):
        table.add_column(heading, justify="right", no_wrap=True)
    verdicts = {True: "[green]yes", False: "[red]no", None: ""}
    for one in figures:
        numbers = (f"{value:,.{_digits(value)}f}" for value in (one.value, min(one.values), max(one.values)))
        table.add_row(one.name, one.unit, *numbers, one.goal or "", verdicts[one.holds])
    return table


def _digits(value: float) -> int:
    return 0 if value == int(value) or abs(value) >= 100 else 2


def _keep(figures: list[Figure]) -> None:
    """Put them in place of the figures of the same names; what was not measured now stays."""
    before = json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else []
    kept = {one["name"]: one for one in before}
    for one in figures:
        kept[one.name] = {
            "name": one.name,
            "value": round(one.value, 3),
            "unit": one.unit,
            "goal": one.goal,
            "holds": one.holds,
        }
    LATEST.write_text(json.dumps(list(kept.values()), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
