"""What goes wrong on purpose, on the way of a call or of the updates.

    stage.faults.add("accept_then_reset", method="sendMessage", chat=ann.id)
    stage.faults.add("too_many", seconds=30, chat=ann.id, times=2)
    stage.faults.add("broken", code=502, body="html", probability=0.1, times=None)

A fault meets the calls that its method and chat match (None: any but getUpdates), lets the first `skip` of them pass,
happens `times` times (None: until removed) and each time with `probability`, drawn from a seeded generator
(`faults.seed(7)`).

| kind | was it accepted | what the bot sees |
|-|-|-|
| accept_then_reset | yes | the connection is reset instead of an answer |
| accept_then_hang_up | yes | the connection is closed without an answer |
| half_reply | yes | the answer stops in the middle |
| slow_drip | yes | the answer takes `seconds`, byte by byte |
| delay | yes | the answer comes after `seconds` |
| delay_before | after `seconds` | the answer comes after `seconds` |
| reset_before, hang_up_before | no | reset or closed |
| too_many | no | 429 with retry_after `seconds`, in the header too |
| refused | no | `code` with `sentence` |
| migrate | no | 400 with migrate_to_chat_id `to` |
| conflict | no | 409, as for a second poller (method="getUpdates") |
| broken | if `accepted` | `code` with `body` "json", "html" or "empty" |
| duplicate_updates, reorder_updates | | getUpdates and webhooks repeat the last updates, or deliver in another order |
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from bot.rehearsal.refusals import Refusal, conflict, migrated, too_many
from bot.rehearsal.state import Update

Kind = Literal[
    "accept_then_reset",
    "accept_then_hang_up",
    "half_reply",
    "slow_drip",
    "delay",
    "delay_before",
    "reset_before",
    "hang_up_before",
    "too_many",
    "refused",
    "migrate",
    "conflict",
    "broken",
    "duplicate_updates",
    "reorder_updates",
]
OF_UPDATES = frozenset({"duplicate_updates", "reorder_updates"})


@dataclass(eq=False, slots=True)
class Fault:
    kind: Kind
    method: str | None = None
    chat: int | None = None
    times: int | None = 1
    probability: float = 1.0
    skip: int = 0
    seconds: float = 1.0
    code: int = 500
    sentence: str = "Internal Server Error"
    body: Literal["json", "html", "empty"] = "json"
    accepted: bool = False
    to: int = 0
    happened: int = field(default=0, init=False)

    def meets(self, method: str, chat_id: object) -> bool:
        named = method != "getUpdates" if self.method is None else method.lower() == self.method.lower()
        return named and (self.chat is None or str(chat_id) == str(self.chat))

    @property
    def spent(self) -> bool:
        return self.times is not None and self.happened >= self.times

    def refusal(self) -> Refusal | None:
        """What is answered instead of handling the call, if this fault is a refusal."""
        if self.kind == "too_many":
            return too_many(max(1, round(self.seconds)))
        if self.kind == "refused":
            return Refusal(self.code, self.sentence)
        if self.kind == "migrate":
            return migrated(self.to)
        if self.kind == "conflict":
            return conflict(SECOND_POLLER)
        return None


SECOND_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(0)

    def seed(self, seed: int) -> None:
        self._random.seed(seed)

    def add(self, kind: Kind, **what: object) -> Fault:
        """Put a fault in place (the table above says what there is) and return it: `happened` counts."""
        if kind not in get_args(Kind):
            raise ValueError(f"there is no fault {kind}; there are {', '.join(get_args(Kind))}")
        fault = Fault(kind, **what)  # type: ignore[arg-type]  # the fields of Fault check the names
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, method: str, chat_id: object) -> Fault | None:
        """The fault that meets this call, if any; it counts as happened."""
        if not self._faults:
            return None
        return self._draw(
            fault for fault in self._faults if fault.kind not in OF_UPDATES and fault.meets(method, chat_id)
        )

    def disturb(self, updates: list[Update], before: list[Update]) -> list[Update]:
        """The updates as they are delivered; `before` are the last ones that the bot has confirmed."""
        if not self._faults or not (updates or before):
            return updates
        if updates and self._draw(fault for fault in self._faults if fault.kind == "duplicate_updates"):
            updates = [*before[-2:], *updates, *updates]
        if len(updates) > 1 and self._draw(fault for fault in self._faults if fault.kind == "reorder_updates"):
            shuffled = self._random.sample(updates, len(updates))
            updates = shuffled if shuffled != updates else updates[::-1]
        return updates

    def _draw(self, meeting: Iterable[Fault]) -> Fault | None:
        for fault in list(meeting):
            if fault.spent:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.probability >= 1 or self._random.random() < fault.probability:
                fault.happened += 1
                return fault
        return None
