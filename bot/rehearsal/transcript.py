"""A rehearsal in the terminal: the transcript as it runs, then what was sent, the openings, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.rehearsal.couple import BERLIN
from bot.rehearsal.play import Line
from bot.rehearsal.promises import Check
from bot.rehearsal.verdict import Evidence

LINES = 410  # how long the transcript of the couple's script is, for the progress bar


@contextmanager
def following(console: Console) -> Iterator[Callable[[Line], None]]:
    """Print lines above a progress bar; where there is no terminal, only lines."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("Playing a couple's 72 hours", total=LINES)

        def tell(line: Line) -> None:
            console.print(f"{_local(line.at)}  {line.who:<6} {line.what}", markup=False, highlight=False)
            bar.advance(task)

        yield tell


def show(console: Console, evidence: Evidence, checks: Sequence[Check], failure: str | None) -> bool:
    """Print tables and verdict; says whether every promise was kept."""
    console.print()
    console.print(_sends(evidence))
    console.print(_openings(evidence))
    for check in checks:
        mark = "[green]✓[/green]" if check.kept else "[red]✗[/red]"
        detail = f"  [dim]{escape(check.detail)}[/dim]" if check.detail else ""
        console.print(f"{mark} {check.promise}{detail}")
    if failure is not None:
        console.print(f"[red]✗[/red] The script stopped: {escape(failure)}")
    kept = failure is None and bool(checks) and all(check.kept for check in checks)
    console.print(f"\n[bold]Verdict:[/bold] {'every promise was kept' if kept else 'not every promise was kept'}.")
    return kept


def _sends(evidence: Evidence) -> Table:
    apart = {(pair.due_at, pair.what): f"{pair.milliseconds:.0f} ms" for pair in evidence.pairs}
    table = Table(title="What was sent, when it was due, how far apart the partners' copies were")
    table.add_column("due (Berlin)")
    table.add_column("step")
    table.add_column("who")
    table.add_column("apart", justify="right")
    readers: dict[tuple[datetime, str], list[str]] = {}
    for leaf in evidence.leaves:
        if leaf.step:
            what = leaf.step if leaf.kind == "prompt" else f"{leaf.step} ({leaf.kind})"
            readers.setdefault((leaf.due_at, what), []).append(leaf.who)
    for (due_at, what), who in readers.items():
        table.add_row(_local(due_at), what, ", ".join(sorted(who)), apart.get((due_at, what), ""))
    return table


def _openings(evidence: Evidence) -> Table:
    table = Table(title="Openings")
    table.add_column("hour (Berlin)")
    table.add_column("step")
    table.add_column("what happened")
    for hour in evidence.hours:
        table.add_row(_local(hour.due_at), hour.step, "opened on both" if hour.opened else "stayed closed")
    return table


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(BERLIN):%a %d %b %H:%M}"
