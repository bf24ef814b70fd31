"""The one way out: whoever wants to call Telegram waits here until the governor lets them go.

At most ``in_flight`` calls of the post office are on their way at once, one for each chat, so that messages of a chat
arrive in order; replies to taps go beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.clock import monotonic
from bot.delivery.governor import Departure, Effort, Governor
from bot.words import Lane

_LAST_WAIT = 1.0  # seconds; whoever has to be held back for longer goes back instead
_INSTANT = 0.001  # seconds; less may be too little for a clock to move at all


class Busy(Exception):  # noqa: N818 - a polite no
    """It would have to wait too long; ``seconds`` until it is worth trying again."""

    def __init__(self, seconds: float) -> None:
        super().__init__("busy")
        self.seconds = seconds


@dataclass(eq=False, slots=True)
class _Waiter:
    chat: int | None
    lane: Lane
    effort: Effort
    patience: float
    bounded: bool  # one of those that ``in_flight`` counts, one for each chat
    let_in: asyncio.Future[Departure]


class Turnstile:
    """Lets calls through as the governor allows, lane by lane."""

    def __init__(
        self, governor: Governor | None = None, in_flight: int = 10, seconds: Callable[[], float] = monotonic
    ) -> None:
        self.governor = governor or Governor()
        self.in_flight = in_flight
        self._seconds = seconds
        self._lines: dict[Lane, dict[_Waiter, None]] = {lane: {} for lane in Lane}
        self._out = 0
        self._chats_out: set[int | None] = set()
        self._gone: set[Departure] = set()  # of those on their way, whose call was made
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def passage(
        self, chat: int | None, lane: Lane, effort: Effort, *, patience: float = float("inf"), letter: bool = False
    ) -> AsyncIterator[Departure]:
        """Wait for our turn; inside the block the call is on its way, and ``leave`` says when it may be made.

        A letter is bounded even in a lane for replies.

        Raises:
            Busy: the chat would hold us back for more than ``patience`` seconds (an interactive call: anything would).
        """
        bounded = letter or lane is not Lane.INTERACTIVE
        waiter = _Waiter(chat, lane, effort, patience, bounded, asyncio.get_running_loop().create_future())
        self._lines[lane][waiter] = None
        if not self._turned_away(waiter, self._seconds()):
            self._open()
        try:
            departure = await waiter.let_in
        except BaseException:
            self._step_back(waiter)
            raise
        try:
            yield departure
        finally:
            self._arrived(waiter, departure)

    async def leave(self, departure: Departure) -> None:
        """Return in the instant in which the call has to be made.

        Raises:
            Busy: a pause began since it was let through; nothing may be called.
        """
        while (wait := self.governor.wait_to_leave(departure, self._seconds())) > 0:
            if wait > _LAST_WAIT:
                raise Busy(wait)
            await asyncio.sleep(max(wait, _INSTANT))
        self.governor.leaves(departure, self._seconds())
        self._gone.add(departure)

    def count(self, chat: int | None, lane: Lane, effort: Effort) -> None:
        """One more call leaves in the same passage."""
        at = self._seconds()
        self.governor.leaves(self.governor.let_through(chat, lane, effort, at), at)

    def limited(self, chat: int | None, seconds: float) -> bool:
        """Telegram asked for a pause; says whether the whole bot pauses."""
        at = self._seconds()
        whole = self.governor.limited(chat, seconds, at)
        for line in self._lines.values():
            for waiter in list(line):
                self._turned_away(waiter, at)
        self._open()
        return whole

    def turn_away(self, chat: int) -> None:
        """A letter of this chat has to go again: those behind it make way, so that they arrive in order."""
        behind = [waiter for line in self._lines.values() for waiter in line if waiter.bounded and waiter.chat == chat]
        for waiter in behind:
            self._refuse(waiter, 0.0)

    def _step_back(self, waiter: _Waiter) -> None:
        """Somebody gave up waiting, perhaps in the very moment they were let through."""
        self._lines[waiter.lane].pop(waiter, None)
        if waiter.let_in.done() and not waiter.let_in.cancelled() and waiter.let_in.exception() is None:
            self._arrived(waiter, waiter.let_in.result())

    def _arrived(self, waiter: _Waiter, departure: Departure) -> None:
        if departure in self._gone:
            self._gone.remove(departure)
        else:
            self.governor.stays(departure)
        if waiter.bounded:
            self._out -= 1
            self._chats_out.discard(waiter.chat)
        self._open()

    def _open(self) -> None:
        """Let through everybody who may go now, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._seconds()
        while ready := self._ready(at):
            waiter = ready[self.governor.choose(ready.keys())]
            del self._lines[waiter.lane][waiter]
            if waiter.bounded:
                self._out += 1
                if waiter.chat is not None:
                    self._chats_out.add(waiter.chat)
            waiter.let_in.set_result(self.governor.let_through(waiter.chat, waiter.lane, waiter.effort, at))
        waits = [wait for lane, line in self._lines.items() if line and (wait := self._soonest(lane, at)) is not None]
        if waits:
            self._timer = asyncio.get_running_loop().call_later(max(min(waits), _INSTANT), self._open)

    def _ready(self, at: float) -> dict[Lane, _Waiter]:
        found = {lane: self._first_ready(lane, at) for lane, line in self._lines.items() if line}
        return {lane: waiter for lane, waiter in found.items() if waiter is not None}

    def _first_ready(self, lane: Lane, at: float) -> _Waiter | None:
        if self._full(lane):
            return None
        gates = self._gates(lane, at)
        if min(gates.values()) > 0:
            return None
        found, too_long = None, []
        for waiter in self._lines[lane]:
            if waiter.let_in.done() or gates[waiter.effort] > 0 or self._has_to_wait(waiter):
                continue  # done: they have given up and only do not know it yet
            if self.governor.wait_for_chat(waiter.chat, waiter.effort, at) == 0:
                found = waiter
                break
            too_long.append(waiter)
        for waiter in too_long:
            self._turned_away(waiter, at)
        return found

    def _soonest(self, lane: Lane, at: float) -> float | None:
        """Seconds until the next of this lane may go; none when only an arrival can change that."""
        if self._full(lane):
            return None
        gates = self._gates(lane, at)
        if gates[Effort.MESSAGE] > 0:
            return gates[Effort.MESSAGE]
        waits = (
            self.governor.wait(waiter.chat, lane, waiter.effort, at)
            for waiter in self._lines[lane]
            if not waiter.let_in.done() and not self._has_to_wait(waiter)
        )
        return min(waits, default=None)

    def _full(self, lane: Lane) -> bool:
        return lane is not Lane.INTERACTIVE and self._out >= self.in_flight

    def _gates(self, lane: Lane, at: float) -> dict[Effort, float]:
        return {effort: self.governor.wait_for_all(lane, effort, at) for effort in Effort}

    def _has_to_wait(self, waiter: _Waiter) -> bool:
        """Until somebody arrives; no second brings that any nearer."""
        return waiter.bounded and (self._out >= self.in_flight or waiter.chat in self._chats_out)

    def _turned_away(self, waiter: _Waiter, at: float) -> bool:
        wait = self.governor.wait_for_chat(waiter.chat, waiter.effort, at)
        if waiter.lane is Lane.INTERACTIVE:
            wait = max(wait, self.governor.paused_for(at))
        if wait <= waiter.patience:
            return False
        self._refuse(waiter, wait)
        return True

    def _refuse(self, waiter: _Waiter, wait: float) -> None:
        self._lines[waiter.lane].pop(waiter, None)
        if not waiter.let_in.done():
            waiter.let_in.set_exception(Busy(wait))
