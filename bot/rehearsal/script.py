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
from typing import Any

from rich.console import Console

from bot.app import Bot, assembled, serve
from bot.rehearsal import couple
from bot.rehearsal.clock import StageClock
from bot.rehearsal.play import Line, NotOnThePhone, Play
from bot.rehearsal.promises import judge
from bot.rehearsal.server import Served
from bot.rehearsal.server import serve as serve_stage
from bot.rehearsal.stage import Stage
from bot.rehearsal.transcript import LINES, following, show
from bot.rehearsal.verdict import gather
from bot.settings import Settings

PAGE = Path(__file__).with_name("page")
FAY = 1001

_PACE = 0.25  # real seconds a line, when somebody watches


@dataclass(frozen=True)
class Rehearsal:
    """A stage with a bot on it."""

    stage: Stage
    clock: StageClock
    served: Served
    bot: Bot


@dataclass
class Progress:
    """How far the script is, for the page."""

    step: int = 0
    line: str = ""
    verdict: str = ""

    def beside(self, tell: Callable[[Line], None]) -> Callable[[Line], None]:
        """Count each line that is told."""

        def told(line: Line) -> None:
            self.step, self.line = self.step + 1, line.what
            tell(line)

        return told

    def end(self, verdict: str) -> None:
        self.verdict = verdict

    def told(self) -> dict[str, Any]:
        done = bool(self.verdict)
        of = self.step if done else max(LINES, self.step)
        return {"step": self.step, "of": of, "line": self.line, "done": done, "verdict": self.verdict or None}


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
        progress = Progress()
        async with rehearsal(database, begins=couple.BEGINS, port=port, script=progress.told) as running:
            if not headless:
                console.print(f"The phones are here: [link={running.served.url}]{running.served.url}[/link]")
                with suppress(webbrowser.Error):
                    webbrowser.open(running.served.url)
            players = couple.people()
            with following(console) as tell:
                play = Play(
                    running.stage,
                    running.clock,
                    players,
                    tell=progress.beside(tell),
                    pace=0.0 if headless else _PACE,
                )
                failure = await _play(play, running)
            evidence = await gather(play, running.bot.runtime.database, players[:2])
            kept = show(console, evidence, judge(evidence), failure)
            progress.end("Every promise was kept." if kept else "Not every promise was kept; see the terminal.")
            running.stage.changed()
            if not headless:
                await _leave_open(console, running)
            return 0 if kept else 1


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
async def rehearsal(
    database_url: str, *, begins: datetime, port: int = 0, script: Callable[[], dict[str, Any]] | None = None
) -> AsyncIterator[Rehearsal]:
    """The bot and its stage, until the block ends; ``script`` tells the page how far the play is."""
    clock = StageClock(begins)
    stage = Stage(clock)
    telegram_bot = stage.bot("understory_bot", token=f"700001:{secrets.token_urlsafe(26)[:35]}")
    stage.person("Ann", id=1002, zone="Europe/Berlin")
    stage.person("Bob", id=1003, zone="Europe/Berlin")
    stage.person("Fay", id=FAY, zone="Europe/Berlin")
    async with serve_stage(stage, clock, port=port, page=PAGE, script=script) as served:
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
