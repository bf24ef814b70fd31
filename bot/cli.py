"""The command ``understory``: what an operator and a programme's author do in a terminal.

What is wrong with settings, files or databases is said in full and ends with exit code 2; what ``doctor`` finds with 1.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from bot import logs
from bot.errors import Wrong
from bot.knock import answers
from bot.settings import Settings
from bot.storage.lock import refuse_if_taken

if TYPE_CHECKING:
    from bot.window.simulate import Guest, Simulation
    from bot.words import CohortKind

cli = typer.Typer(
    name="understory",
    help="Carries couples and groups through the days after a shared session, together.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print the values of variables, and so secrets
    rich_markup_mode=None,
)
console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)

ProgrammeFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A programme file.")]


def main() -> None:
    """Run the command line."""
    logs.configure("text", "INFO")
    try:
        cli()
    except Wrong as wrong:
        for problem in wrong.problems:
            print(problem, file=sys.stderr)
        sys.exit(2)
    except Exception:
        logging.getLogger(__name__).exception("this should not have happened")
        sys.exit(1)


@cli.command()
def run() -> None:
    """Run the bot until it is stopped (SIGTERM or Ctrl-C)."""
    settings = _settings()
    refuse_if_taken(settings.database_url)  # before the rest is loaded, which takes a second
    from bot import app

    asyncio.run(app.run(settings))


@cli.command()
def rehearse(
    headless: Annotated[bool, typer.Option("--headless", help="Play to the end and say whether all was kept.")] = False,
    port: Annotated[int, typer.Option(help="Where the page with the phones is; 0 means any free port.")] = 0,
) -> None:
    """See a couple's 72 hours on three phones, on a fast clock, without Telegram and without an account."""
    from bot.rehearsal import script

    logs.configure("text", "WARNING")
    raise typer.Exit(script.main(console, headless=headless, port=port))


@cli.command()
def check(file: ProgrammeFile) -> None:
    """Say everything that is wrong or doubtful about a programme file, with line and remedy."""
    from bot.programmes.shelf import library, programmes_of
    from bot.window import lint

    report = lint.check(file.read_bytes(), file.name, programmes_of(library()))
    for warning in report.warnings:
        print(f"{file.name}, {warning}")
    if report.problems:
        raise Wrong(*(f"{file.name}, {problem}" for problem in report.problems))
    assert report.programme is not None  # noqa: S101 - a file without problems is a programme
    thoughts = f", {len(report.warnings)} worth a second thought" if report.warnings else ""
    print(f"{file.name} can be used: {len(report.programme.steps)} steps{thoughts}.")


@cli.command()
def simulate(
    file: ProgrammeFile,
    zone: Annotated[
        list[str], typer.Option(help="Whom to try it on: Europe/Berlin, or Ann=Europe/Berlin; repeatable.")
    ],
    begins: Annotated[
        str, typer.Option("--from", help="When the session begins, in the first zone: 2026-11-28 14:00.")
    ],
    lasts: Annotated[str, typer.Option(help="How long it lasts.")] = "3h",
    every: Annotated[str, typer.Option(help="Several sessions: 1w x6 for six, a week apart.")] = "",
    kind: Annotated[str, typer.Option("--for", help="A series for any cohort: couple, group or individual.")] = "",
) -> None:
    """Print what would be sent to whom, when; by the same code that plans for real."""
    from bot.programmes.shelf import wrapped
    from bot.window.quiet import local_instant
    from bot.window.simulate import simulate_series

    programme = wrapped(file.read_bytes(), file.name, _kind(kind))
    guests = [_guest(written, number) for number, written in enumerate(zone)]
    start, home = _local_time(begins), guests[0].zone
    apart, times = _rhythm(every)
    days = [start + apart * number for number in range(times)]
    planned = simulate_series(
        programme,
        starts=[local_instant(day.date(), day.time(), home) for day in days],
        lasts=_length(lasts),
        zone=home,
        guests=guests,
    )
    for each in planned:
        number = f", session {each.session}" if times > 1 else ""
        _show(each, f"{programme.id}, version {programme.version}{number}")


@cli.command()
def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Only ask the running bot whether it is alive.")] = False,
) -> None:
    """Examine settings, database, keys and the way to Telegram; changes nothing, works beside a running bot."""
    settings = _settings()
    if quick:
        alive = answers(settings.metrics_listen, "healthz")
        print("alive" if alive else "not alive")
        raise typer.Exit(0 if alive else 1)
    from bot.doctor import examine

    findings = asyncio.run(examine(settings))
    for finding in findings:
        print(f"{'ok   ' if finding.well else 'WRONG'} {finding.what}")
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this version. ``run`` does it too; with SQLite the bot must be stopped."""
    from bot import app

    async def bring() -> None:
        async with app.open_house(_settings()):
            print("The database is up to date.")

    asyncio.run(bring())


@cli.command()
def appoint() -> None:
    """Print a link that makes whoever opens it first an owner. With SQLite the bot must be stopped."""
    print(asyncio.run(_owner_link(_settings())))


@cli.command(name="new-key")
def new_key() -> None:
    """Print a new key for ENCRYPTION_KEYS. Keep a copy, never beside a backup: without it nobody reads the database."""
    from bot.storage.keys import new_key as made

    print(made())


async def _owner_link(settings: Settings) -> str:
    from bot.app import open_house
    from bot.clock import SystemClock
    from bot.doctor import name_at_telegram
    from bot.enrolment.actions import make_owner_link

    username = await name_at_telegram(settings)
    now = await SystemClock().now()
    async with open_house(settings) as database, database.transaction() as tx:
        secret = await make_owner_link(tx, now=now)
    return f"https://t.me/{username}?start={secret}"


def _settings() -> Settings:
    settings = Settings.read()
    logs.configure(settings.log_format, settings.log_level)
    return settings


def _guest(written: str, number: int) -> Guest:
    from bot.window.simulate import Guest

    label, _, zone = written.rpartition("=")
    try:
        return Guest(label or chr(ord("A") + number % 26), ZoneInfo(zone))
    except (KeyError, OSError, ValueError) as wrong:  # what ZoneInfo raises for names that are none
        raise Wrong(f"--zone: {zone} is not a time zone. Try Europe/Berlin or America/New_York.") from wrong


def _local_time(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written).replace(tzinfo=None)
    except ValueError as wrong:
        raise Wrong("--from: write it like 2026-11-28 14:00.") from wrong


def _kind(written: str) -> CohortKind | None:
    from bot.words import CohortKind

    try:
        return CohortKind(written) if written else None
    except ValueError as wrong:
        raise Wrong("--for: write couple, group or individual.") from wrong


def _rhythm(written: str) -> tuple[timedelta, int]:
    """How far apart sessions are, and how many; local hours stay across a clock change."""
    from bot.programmes.grammar import MOST_SESSIONS, Unreadable, span

    if not written:
        return timedelta(), 1
    length, _, times = written.partition(" x")
    try:
        apart = span(length)
    except Unreadable as wrong:
        raise Wrong("--every: write it like 1w x6.") from wrong
    if apart % timedelta(days=1) or not apart or not times.isdecimal() or not 1 <= int(times) <= MOST_SESSIONS:
        raise Wrong(f"--every: write it like 1w x6, in whole days, with at most {MOST_SESSIONS} sessions.")
    return apart, int(times)


def _length(written: str) -> timedelta:
    from bot.programmes.grammar import Unreadable, span

    try:
        return span(written)
    except Unreadable as wrong:
        raise Wrong("--lasts: write it like 3h or 2h 30m.") from wrong


def _show(planned: Simulation, title: str) -> None:
    table = Table("when (local)", "who", "step", "kind", "how", title=title)
    for row in sorted(planned.rows, key=lambda row: (row.at.astimezone(UTC), row.label)):
        remarks = {
            "reminder": row.is_reminder,
            "together": row.together,
            "silent": row.silent,
            f"opens {_hour(row.opens_at)}": row.opens_at is not None,
            f"with {', '.join(row.merged)}": bool(row.merged),
            f"{row.note}": row.note is not None,
        }
        said = ", ".join(remark for remark, holds in remarks.items() if holds)
        table.add_row(_hour(row.at), row.label, row.step, row.kind, said)
    console.print(table)
    for doubt in planned.doubts:
        at = f", {_hour(doubt.at)}" if doubt.at else ""
        console.print(f"not as written: {doubt.step} for {doubt.label or 'everybody'}{at} ({doubt.why})")


def _hour(at: datetime | None) -> str:
    return f"{at:%a %d %b %H:%M}" if at else ""
