"""The rehearsal: the real bot, a stage instead of Telegram, and a script that plays the people.

``main`` sets a stage up, starts the bot against it as it would run for real (its own SQLite file, migrations, post
office), plays, and says what the phones have seen. Without ``headless`` a page in the browser shows the phones, and
when the script has ended they are yours.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.app import Bot, assembled, serve
from bot.rehearsal import couple
from bot.rehearsal.clock import StageClock
from bot.rehearsal.play import Line, NotOnThePhone, Play, Player
from bot.rehearsal.server import Served
from bot.rehearsal.server import serve as serve_stage
from bot.rehearsal.stage import Stage
from bot.rehearsal.verdict import Verdict, judge
from bot.settings import Settings

PAGE = Path(__file__).with_name("page")
FAY = 1001

_PACE = 0.25  # real seconds a line, when somebody watches
_LINES = 330  # how long the transcript of the couple's script is, for the progress bar


@dataclass(frozen=True)
class Rehearsal:
    """A stage with a bot on it."""

    stage: Stage
    clock: StageClock
    served: Served
    bot: Bot


def main(console: Console, *, headless: bool, port: int = 0) -> int:
    """Play the couple's script; returns the exit code."""
    try:
        return asyncio.run(_rehearse(console, headless=headless, port=port))
    except KeyboardInterrupt:
        console.print("\nThe rehearsal is over.")
        return 0


async def _rehearse(console: Console, *, headless: bool, port: int) -> int:
    with tempfile.TemporaryDirectory(prefix="understory-rehearsal-") as folder:
        database = f"sqlite:///{folder}/rehearsal.db"
        async with rehearsal(database, begins=couple.BEGINS, port=port) as running:
            if not headless:
                console.print(f"The phones are here: [link={running.served.url}]{running.served.url}[/link]")
                with suppress(webbrowser.Error):
                    webbrowser.open(running.served.url)
            players = couple.people()
            with _progress(console) as advance:
                play = Play(
                    running.stage,
                    running.clock,
                    players,
                    tell=lambda line: advance(line),
                    pace=0.0 if headless else _PACE,
                )
                failure = await _play(play, running)
            verdict = await judge(play, running.bot.runtime.database, players[:2])
            _show(console, verdict, failure)
            if not headless:
                await _leave_open(console, running)
            return 0 if verdict.kept and failure is None else 1


async def _play(play: Play, running: Rehearsal) -> str | None:
    """Play to the end, or say where a phone did not show what was promised."""
    try:
        async with running.clock.held():
            running.clock.paused = False
            await couple.play(play)
    except (NotOnThePhone, LookupError, TimeoutError) as missing:
        return str(missing) or type(missing).__name__
    finally:
        running.clock.paused = True
    return None


@asynccontextmanager
async def rehearsal(database_url: str, *, begins: datetime, port: int = 0) -> AsyncIterator[Rehearsal]:
    """The bot and its stage, until the block ends."""
    clock = StageClock(begins)
    stage = Stage(clock)
    telegram_bot = stage.bot("understory_bot", token=f"700001:{secrets.token_urlsafe(26)[:35]}")
    stage.person("Ann", id=1002)
    stage.person("Bob", id=1003)
    stage.person("Fay", id=FAY)
    async with serve_stage(stage, clock, port=port, page=PAGE) as served:
        settings = Settings.read(
            {
                "BOT_TOKEN": telegram_bot.token,
                "BOT_API_URL": served.url,
                "CLOCK_URL": served.clock_url,
                "DATABASE_URL": database_url,
                "OWNER_IDS": str(FAY),
            }
        )
        async with assembled(settings, say=lambda _: None) as bot:
            stopping = asyncio.Event()
            task = asyncio.create_task(serve(bot, stopping))
            try:
                yield Rehearsal(stage, clock, served, bot)
            finally:
                stopping.set()
                await task


async def _leave_open(console: Console, running: Rehearsal) -> None:
    """Now the phones are the reader's: a minute of theirs passes in a second."""
    running.clock.speed = 60.0
    running.clock.paused = False
    console.print(f"\nPlay on by hand: {running.served.url}   (Ctrl-C ends it)")
    await asyncio.Event().wait()


# ── In the terminal ────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


class _progress:  # noqa: N801 - reads as the context it is
    """The transcript above a progress bar; plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Callable[[Line], None]:
        self._bar.start()
        self._task = self._bar.add_task("Playing a couple's 72 hours", total=_LINES)
        return self._advance

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _advance(self, line: Line) -> None:
        at = line.at.astimezone(couple.BERLIN)
        self._console.print(f"{at:%a %d %b %H:%M}  {line.who:<6} {line.what}", markup=False, highlight=False)
        self._bar.advance(self._task)


def _show(console: Console, verdict: Verdict, failure: str | None) -> None:
    console.print()
    _show_sends(console, verdict)
    _show_openings(console, verdict)
    for check in verdict.checks:
        mark = "[green]✓[/green]" if check.kept else "[red]✗[/red]"
        console.print(f"{mark} {check.promise}" + (f"  [dim]{check.detail}[/dim]" if check.detail else ""))
    if failure is not None:
        console.print(f"[red]✗[/red] The script stopped: {failure}", markup=True)
    whole = verdict.kept and failure is None
    console.print("\n[bold]Verdict:[/bold] " + ("every promise was kept." if whole else "not every promise was kept."))


def _show_sends(console: Console, verdict: Verdict) -> None:
    apart = {(step, due): milliseconds for step, due, milliseconds in verdict.pairs}
    table = Table(title="What was sent in the window, when it was due, how far apart the partners' copies were")
    for heading in ("due (Berlin)", "step", "who", "apart"):
        table.add_column(heading, justify="right" if heading == "apart" else "left")
    grouped: dict[tuple[datetime, str], list[str]] = {}
    for leaf in verdict.leaves:
        if leaf.step:
            name = leaf.step if leaf.kind == "prompt" else f"{leaf.step} ({leaf.kind})"
            grouped.setdefault((leaf.due_at, name), []).append(leaf.who)
    for (due_at, step), who in grouped.items():
        milliseconds = apart.get((step, due_at))
        table.add_row(
            f"{due_at.astimezone(couple.BERLIN):%a %d %b %H:%M}",
            step,
            ", ".join(sorted(who)),
            f"{milliseconds:.0f} ms" if milliseconds is not None else "",
        )
    console.print(table)


def _show_openings(console: Console, verdict: Verdict) -> None:
    table = Table(title="Openings")
    for heading in ("hour (Berlin)", "step", "what happened"):
        table.add_column(heading)
    for step, due_at, state in verdict.openings:
        table.add_row(f"{due_at.astimezone(couple.BERLIN):%a %d %b %H:%M}", step, state.value)
    console.print(table)


_ = Player
