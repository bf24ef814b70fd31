"""``understory run`` on a machine whose clock is set while it runs: by as many seconds as a file says.

    python crooked.py offset.txt

The database's own clock and the monotonic one stay right. Nothing of this is in the bot.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from bot.cli import cli
from bot.clock import SystemClock


def main() -> None:
    file, right = Path(sys.argv[1]), SystemClock.now

    def off() -> timedelta:
        return timedelta(seconds=float(file.read_text()))

    async def now(clock: SystemClock) -> datetime:
        return await right(clock) + off()

    SystemClock.now = now  # type: ignore[method-assign]
    cli(["run"])


if __name__ == "__main__":
    main()
