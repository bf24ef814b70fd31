"""The sending limits of Telegram as its FAQ gives them, in real time; off unless `stage.limiter = Limiter()`.

30 messages a second over all, one a second per private chat after a burst, 20 a minute per group. Edits share the
limits of sending.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Limiter:
    """Exact numbers are not published; `burst` is how many messages one private chat takes at once."""

    overall: int = 30
    burst: int = 4
    group: int = 20
    refused: int = field(default=0, init=False)
    _sent: deque[float] = field(default_factory=deque, init=False)
    _private: dict[int, float] = field(default_factory=lambda: defaultdict(float), init=False)
    _groups: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque), init=False)

    def wait(self, chat_id: int, now: float | None = None) -> int | None:
        """Seconds of retry_after if this message is one too many; None counts it. `now` is monotonic, in seconds."""
        now = time.monotonic() if now is None else now
        wait = self._too_soon(chat_id, now)
        if wait is not None:
            self.refused += 1
            return wait
        self._sent.append(now)
        if chat_id > 0:
            self._private[chat_id] = max(self._private[chat_id], now) + 1
        else:
            self._groups[chat_id].append(now)
        return None

    def _too_soon(self, chat_id: int, now: float) -> int | None:
        _forget(self._sent, now - 1)
        if len(self._sent) >= self.overall:
            return 1
        if chat_id > 0:
            ahead = self._private[chat_id] - now
            return math.ceil(ahead - self.burst + 1) if ahead > self.burst - 1 else None
        recent = self._groups[chat_id]
        _forget(recent, now - 60)
        return math.ceil(recent[0] + 60 - now) if len(recent) >= self.group else None


def _forget(instants: deque[float], before: float) -> None:
    while instants and instants[0] <= before:
        instants.popleft()
