"""The bot as a process of its own: started, killed, frozen and stopped like any other."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import bot

UNDERSTORY = (str(Path(sys.executable).with_name("understory")), "run")
MORTAL = (sys.executable, str(Path(__file__).with_name("mortal.py")))
CROOKED = (sys.executable, str(Path(__file__).with_name("crooked.py")))
THIS_TREE = str(Path(bot.__file__).parents[1])  # and not the one that happens to be installed
STOPS_WITHIN = 30.0  # seconds that a stop may take

_number = count(1)


@dataclass
class BotProcess:
    """One life of the bot; ``said`` holds what it wrote to its terminal."""

    process: asyncio.subprocess.Process
    said: Path
    ended: asyncio.Task[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ended = asyncio.create_task(self.process.wait())

    @property
    def lives(self) -> bool:
        return self.process.returncode is None

    def kill(self) -> None:
        """End it now: nothing it holds in memory survives."""
        if self.lives:
            self.process.kill()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to stop; its exit code."""
        if self.lives:
            self.process.terminate()
        return await asyncio.wait_for(asyncio.shield(self.ended), STOPS_WITHIN)

    async def bury(self) -> int:
        """Wait until it is gone; its exit code."""
        return await asyncio.wait_for(asyncio.shield(self.ended), STOPS_WITHIN)

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        if self.lives:
            self.wake()
            self.kill()
        await self.ended

    def complaints(self) -> list[str]:
        """What it called unexpected."""
        lines = self.said.read_text().splitlines()
        return [line for line in lines if "reference" in line or "should not" in line or line.startswith("Traceback")]


async def start(
    settings: Mapping[str, str], folder: Path, command: Sequence[str] = UNDERSTORY, **more: object
) -> BotProcess:
    """Start a bot with these settings and no others."""
    said = folder / f"said-{next(_number)}.txt"
    with said.open("wb") as terminal:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": THIS_TREE, "LOG_LEVEL": "WARNING", **settings},
            stdout=terminal,
            stderr=terminal,
            **more,  # type: ignore[arg-type]  # what subprocess takes
        )
    return BotProcess(process, said)
