"""Something is due now: whoever planned it rings after its commit, the post office wakes."""

from __future__ import annotations

import asyncio


class Bell:
    """Rung from any task of the loop; several rings before anybody listens are one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    def heard(self) -> None:
        """Whoever looks now sees everything that was rung for until now."""
        self._rung.clear()

    async def wait(self) -> None:
        """Return at the next ring, at once if it has rung since the last time."""
        await self._rung.wait()
        self._rung.clear()
