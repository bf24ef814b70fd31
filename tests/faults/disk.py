"""A small disk with the database on it that a test may fill; where none may be mounted, files that may not grow."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.processes import BotProcess

SIZE = 32  # megabytes


@dataclass
class Disk:
    url: str
    place: Path | None  # none: nothing may be mounted here

    @property
    def how(self) -> str:
        return "a tmpfs without room" if self.place else "a limit on the size of its files"

    def fill(self, life: BotProcess) -> None:
        """From now on nothing can grow."""
        if self.place is None:
            resource.prlimit(life.process.pid, resource.RLIMIT_FSIZE, (16_384, resource.RLIM_INFINITY))
            return
        for size in (1024 * 1024, 4096):
            with (self.place / f"ballast-{size}").open("wb", buffering=0) as ballast:
                while _takes(ballast.fileno(), size):
                    pass

    def make_room(self, life: BotProcess) -> None:
        if self.place is None:
            resource.prlimit(life.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            return
        for ballast in self.place.glob("ballast-*"):
            ballast.unlink()


@contextmanager
def a_disk(folder: Path, url: str) -> Iterator[Disk]:
    """A disk with a copy of this SQLite database; nothing stays mounted."""
    place = folder / "disk"
    place.mkdir()
    if not _mounted(place):
        yield Disk(url, None)
        return
    try:
        shutil.copyfile(url.removeprefix("sqlite:///"), place / "understory.db")
        yield Disk(f"sqlite:///{place / 'understory.db'}", place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _mounted(place: Path) -> bool:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        return False
    asked = [mount, "-t", "tmpfs", "-o", f"size={SIZE}m", "understory-faults", place]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _takes(file: int, size: int) -> bool:
    try:
        return os.write(file, bytes(size)) == size
    except OSError:
        return False
