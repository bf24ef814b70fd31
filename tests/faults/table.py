"""The table at the end of ``make faults``: one line for each scenario and database, what was measured, one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from faults.ledger import Verdict

WIDE = 74  # letters of a scenario's name
COLUMNS = ("lost", "doubled", "ghost", "in doubt", "late", "out of order", "too fast")


@dataclass(frozen=True)
class Entry:
    """What one case of a scenario came to."""

    scenario: str
    database: str
    passed: bool = True
    case: str = ""
    balanced: bool = True  # false: it ended before the ledger could be
    letters: int = 0
    taken: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    faults: Sequence[str] = ()
    measured: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, verdict: Verdict, **more: Any) -> Self:
        numbers = (
            verdict.lost,
            verdict.doubled,
            verdict.ghosts,
            verdict.in_doubt,
            verdict.untimely,
            verdict.disordered,
            verdict.too_fast,
        )
        return cls(
            letters=verdict.deliveries,
            taken=verdict.accepted,
            counts={name: len(those) for name, those in zip(COLUMNS, numbers, strict=True)},
            faults=[f"{name}: {what}" for name, whats in verdict.faults.items() for what in whats[:5]],
            **more,
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def table(entries: Iterable[Entry]) -> list[str]:
    """The lines of the table; the cases of a scenario are added up."""
    together: dict[tuple[str, str], list[Entry]] = {}
    entries = sorted(entries, key=lambda one: (one.scenario, one.database, one.case))
    for entry in entries:
        together.setdefault((entry.scenario, entry.database), []).append(entry)
    lines = [_line("scenario", "database", ("cases", "letters", "taken", *COLUMNS), "")]
    lines += [_sums(scenario, database, those) for (scenario, database), those in together.items()]
    lines.append(_sums("all of them", "", entries))
    if measured := [_measured(entry) for entry in entries if entry.measured]:
        lines += ["", "What was measured:", *measured]
    wrong = [entry for entry in entries if not (entry.passed and entry.balanced)]
    if wrong:
        lines += ["", "What is wrong:"]
        lines += [f"  {_name(entry)}: {what}" for entry in wrong for what in entry.faults or [_why(entry)]]
    return [*lines, "", verdict_of(entries)]


def verdict_of(entries: Sequence[Entry]) -> str:
    """One line for the whole run."""
    failed = [entry for entry in entries if not (entry.passed and entry.balanced)]
    sums = {name: sum(entry.counts.get(name, 0) for entry in entries) for name in COLUMNS}
    letters, doubt = sum(entry.letters for entry in entries), sums.pop("in doubt")
    said = ", ".join(f"{number} {name}" for name, number in sums.items())
    numbers = f"{letters} letters, {said}; {doubt} in doubt, and their rows say so"
    cases = f"{len(failed)} of {len(entries)} cases failed" if failed else f"cases {len(entries)}"
    return f"THE LEDGER {'DOES NOT HOLD' if failed else 'HOLDS'}: {numbers}; {cases}."


def _sums(scenario: str, database: str, entries: Sequence[Entry]) -> str:
    counts = [sum(entry.counts.get(name, 0) for entry in entries) for name in COLUMNS]
    letters, taken = sum(entry.letters for entry in entries), sum(entry.taken for entry in entries)
    failed = sum(not (entry.passed and entry.balanced) for entry in entries)
    return _line(scenario, database, (len(entries), letters, taken, *counts), f"{failed} FAILED" if failed else "")


def _line(scenario: str, database: str, cells: Sequence[object], end: str) -> str:
    short = scenario if len(scenario) <= WIDE else scenario[: WIDE - 1] + "…"
    widths = [max(7, len(name)) for name in ("cases", "letters", "taken", *COLUMNS)]
    numbers = " ".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{short:{WIDE}} {database:10} {numbers} {end}".rstrip()


def _measured(entry: Entry) -> str:
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in entry.measured.items())
    return f"  {_name(entry)}: {said}"


def _name(entry: Entry) -> str:
    return ", ".join(part for part in (entry.scenario, entry.database, entry.case) if part)


def _why(entry: Entry) -> str:
    return "a promise beside the ledger was broken" if entry.balanced else "ended before the ledger could be balanced"
