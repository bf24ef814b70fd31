"""Everything that was asked of the stage and what came of it, for verdicts and checks.

Two times stand beside each call: `at` is business time, `real` is time.monotonic() in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

QUIET_METHODS = frozenset({"getUpdates"})


@dataclass(slots=True)
class Call:
    """One call of a bot. `code` is None when it was accepted; `fault` names what was done to its way back."""

    method: str
    bot_id: int
    chat_id: int | str | None
    params: dict[str, Any] = field(repr=False)
    at: datetime
    real: float
    code: int | None = None
    description: str = ""
    result: Any = field(default=None, repr=False)
    fault: str | None = None

    @property
    def accepted(self) -> bool:
        return self.code is None

    @property
    def message_id(self) -> int | None:
        """The message that the call made or changed."""
        if isinstance(self.result, dict) and "message_id" in self.result:
            return int(self.result["message_id"])
        return None


class Journal:
    """Calls in the order in which the stage decided them. Long polls are not kept: `polls` counts them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.polls = 0
        self.watchers: list[Callable[[Call], None]] = []

    def add(self, call: Call) -> None:
        if call.method in QUIET_METHODS:
            self.polls += 1
            return
        self.calls.append(call)
        for watch in self.watchers:
            watch(call)

    def accepted(self, method: str | None = None, chat_id: int | None = None) -> list[Call]:
        return [call for call in self._matching(method, chat_id) if call.accepted]

    def refused(self, method: str | None = None, chat_id: int | None = None) -> list[Call]:
        return [call for call in self._matching(method, chat_id) if not call.accepted]

    def _matching(self, method: str | None, chat_id: int | None) -> Iterator[Call]:
        for call in self.calls:
            if (method is None or call.method == method) and (chat_id is None or str(call.chat_id) == str(chat_id)):
                yield call
