"""What goes round for ever says so at each turn; who has been silent for too long is stuck, and ``/healthz`` tells."""

from __future__ import annotations

from collections.abc import Callable

from bot.clock import monotonic


class Heart:
    """By when each loop of this process will have said again that it goes round."""

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def beat(self, loop: str, within: float) -> None:
        """This loop goes round, and will say so again within so many seconds."""
        self._until[loop] = self._seconds() + within

    def rest(self, loop: str) -> None:
        """This loop has ended as it should."""
        self._until.pop(loop, None)

    def stuck(self) -> list[str]:
        """The loops that should have been heard by now."""
        now = self._seconds()
        return sorted(loop for loop, until in self._until.items() if until < now)
