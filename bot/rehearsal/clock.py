"""The rehearsal's business clock: it stands still while the bot has anything to do, then steps to the next instant.

Protocol for the bot (its CLOCK_URL, for example http://127.0.0.1:8081/clock):

* ``GET {CLOCK_URL}`` answers ``{"now": "2026-11-28T14:00:00.000000+00:00"}`` (ISO 8601, UTC, microseconds).
* ``POST {CLOCK_URL}/idle`` with ``{"until": "<ISO 8601>" | null, "handled": <update_id> | null}`` says: I have nothing
  to do before ``until``, and every update up to ``handled`` is completely handled (null: I have not received any). It
  is answered with ``{"now": ...}`` once ``until`` has come or is past, or after at most 20 real seconds; then the bot
  asks again. A bot that is woken by something else closes the request. With several bots on one stage each report
  names its own: ``"bot": <bot id>``.

Time may move only while the bot is *quiet*: such a report is outstanding, its ``handled`` is not below the last update
issued to that bot, and no API call is on its way. A null ``handled`` counts until the bot has received an update
(since its last ``getMe``): a report can be on its way for longer than an update.

Modes: ``paused`` (the start: only a script moves the time), otherwise by itself, at ``speed`` business seconds per real
second and never past an instant somebody waits for, or with speed None at once to the next such instant.

Public: now, quiet, next_instant(), paused, speed, settled(), advance_to(), jump_to(), jump_to_next(), held(), at().
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_REST = 20.0  # real seconds before an idle report is answered in any case
PATIENCE = 30.0  # real seconds a script waits for the bot to come to rest


class Duties(Protocol):
    """What the clock asks the stage: what each bot still has to take notice of."""

    def who_reports(self, bot_id: int | None) -> int:
        """The bot a report speaks for, the only one if it names none; LookupError if that is nobody."""

    def last_owed(self, bot_id: int) -> int | None: ...

    def has_received(self, bot_id: int) -> bool: ...


class _NoDuties:
    """A clock without a stage: there is nothing to take notice of."""

    def who_reports(self, bot_id: int | None) -> int:
        return bot_id or 0

    def last_owed(self, _: int) -> int | None:
        return None

    def has_received(self, _: int) -> bool:
        return False


@dataclass(eq=False, slots=True)
class _Report:
    until: datetime | None
    handled: int | None
    bot_id: int
    answered: asyncio.Future[None] = field(repr=False)


class StageClock:
    def __init__(self, start: datetime, *, speed: float | None = None, paused: bool = True) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock starts at an aware datetime")
        self.duties: Duties = _NoDuties()
        self.listeners: list[Callable[[], None]] = []
        self._base = start.astimezone(UTC)
        self._speed = speed
        self._paused = paused
        self._flowing_since: float | None = None
        self._flowing_to: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reports: list[_Report] = []
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []
        self._watching: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._holds = 0
        self._at_work = 0
        self._driven = 0
        self._calls = 0

    # Reading

    @property
    def now(self) -> datetime:
        """Business time, aware, UTC."""
        if self._flowing_since is None or self._speed is None:
            return self._base
        gone = timedelta(seconds=(time.monotonic() - self._flowing_since) * self._speed)
        moved = self._base + gone
        return moved if self._flowing_to is None else min(moved, self._flowing_to)

    @property
    def quiet(self) -> bool:
        """Whether the bot has nothing to do at the present instant."""
        return not self._calls and any(self._is_resting(report) for report in self._reports)

    def next_instant(self) -> datetime | None:
        """The next instant that the bot or a script waits for."""
        instants = [report.until for report in self._reports if report.until and self._is_satisfied(report)]
        return min([*instants, *(instant for instant, _ in self._waiting)], default=None)

    def why_not_quiet(self) -> str:
        """One line for the person who waits: what the clock still waits for."""
        if self._calls:
            return f"{self._calls} API call(s) are on their way"
        if self._at_work:
            return "a script is at work"
        if not self._reports:
            return "the bot has not said that it has nothing to do"
        owed = {report.bot_id: self.duties.last_owed(report.bot_id) for report in self._reports}
        return f"the bot has handled updates up to {[r.handled for r in self._reports]}, issued were {owed}"

    # Modes

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._freeze()
        self._paused = paused
        self.poke()

    @property
    def speed(self) -> float | None:
        return self._speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        if speed is not None and speed <= 0:
            raise ValueError("speed is a positive number of business seconds per real second, or None for jumps")
        self._freeze()
        self._speed = speed
        self.poke()

    @property
    def flowing(self) -> bool:
        return self._flowing_since is not None

    # Scripts

    async def settled(self, patience: float = PATIENCE) -> None:
        """Wait until the bot is quiet; TimeoutError says what is missing after `patience` real seconds."""
        await self._until(lambda: self.quiet, patience)

    async def advance_to(self, instant: datetime, patience: float = PATIENCE) -> None:
        """Step through every instant that anybody waits for up to `instant`, letting the bot come to rest at each."""
        instant = instant.astimezone(UTC)
        with self._driving():
            await self._free(patience)
            while (following := self.next_instant()) is not None and following <= instant:
                self._move(following)
                await self._free(patience)
            if instant > self.now:
                self._move(instant)
                await self._free(patience)

    async def jump_to_next(self, patience: float = PATIENCE) -> datetime:
        """Let the bot come to rest, then step to the next instant that anybody waits for; returns the new time."""
        with self._driving():
            await self._free(patience)
            following = self.next_instant()
            if following is not None:
                self._move(following)
                await self._free(patience)
        return self.now

    def jump_to(self, instant: datetime) -> None:
        """Set the time at once, over whatever was due in between and also backwards: an outage, a changed clock."""
        self._move(instant.astimezone(UTC))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """While inside, time does not move by itself."""
        self._freeze()
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self.poke()

    @asynccontextmanager
    async def at(self, instant: datetime) -> AsyncIterator[None]:
        """Wait until `instant` has come; while inside, time stands still: act and await settled(), but do not drive."""
        instant = instant.astimezone(UTC)
        if instant > self.now:
            come = asyncio.get_running_loop().create_future()
            entry = (instant, come)
            self._waiting.append(entry)
            self._freeze()
            self.poke()
            try:
                await come
            except asyncio.CancelledError:
                if entry in self._waiting:
                    self._waiting.remove(entry)
                else:
                    self._at_work -= 1
                self.poke()
                raise
        else:
            self._freeze()
            self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self.poke()

    # The bot and its calls

    async def rest(
        self, until: datetime | None, handled: int | None, bot_id: int | None = None, at_most: float = LONGEST_REST
    ) -> datetime:
        """One idle report: returns the time when `until` has come, or after `at_most` real seconds."""
        bot_id = self.duties.who_reports(bot_id)
        self._freeze()
        if until is not None and until <= self._base:
            self.poke()
            return self._base
        answered = asyncio.get_running_loop().create_future()
        report = _Report(until, handled, bot_id, answered)
        self._reports.append(report)
        self.poke()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(answered, at_most)
        finally:
            if report in self._reports:
                self._freeze()
                self._reports.remove(report)
                self.poke()
        return self.now

    @contextmanager
    def call(self) -> Iterator[None]:
        """An API call is on its way."""
        if not self._calls:
            self._freeze()
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self.poke()

    def poke(self) -> None:
        """Something has changed: go on if that is possible now, stand still if not."""
        for entry in [entry for entry in self._watching if entry[0]()]:
            self._watching.remove(entry)
            if not entry[1].done():
                entry[1].set_result(None)
        if not self.quiet:
            self._freeze()
        elif not (self._paused or self._holds or self._at_work or self._driven or self.flowing):
            self._go_on()
        for listen in self.listeners:
            listen()

    # Below

    def _is_satisfied(self, report: _Report) -> bool:
        owed = self.duties.last_owed(report.bot_id)
        if owed is None:
            return True
        if report.handled is None:
            return not self.duties.has_received(report.bot_id)
        return report.handled >= owed

    def _is_resting(self, report: _Report) -> bool:
        return (report.until is None or report.until > self._base) and self._is_satisfied(report)

    def _go_on(self) -> None:
        target = self.next_instant()
        if self._speed is None:
            if target is not None:
                self._move(target)
            return
        self._flowing_since = time.monotonic()
        self._flowing_to = target
        if target is not None:
            seconds = (target - self._base).total_seconds() / self._speed
            self._timer = asyncio.get_running_loop().call_later(max(seconds, 0), self._arrive, target)

    def _arrive(self, target: datetime) -> None:
        self._timer = None
        self._move(target)

    def _freeze(self) -> None:
        if self._flowing_since is not None:
            self._base = self.now
            self._flowing_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self, instant: datetime) -> None:
        """Set the time and wake everybody who waited for it or for an instant before it."""
        self._freeze()
        self._base = instant
        for report in [report for report in self._reports if report.until and report.until <= instant]:
            self._reports.remove(report)
            if not report.answered.done():
                report.answered.set_result(None)
        for entry in [entry for entry in self._waiting if entry[0] <= instant]:
            self._waiting.remove(entry)
            if not entry[1].done():
                self._at_work += 1
                entry[1].set_result(None)
        self.poke()

    async def _free(self, patience: float) -> None:
        await self._until(lambda: self.quiet and not self._at_work, patience)

    @contextmanager
    def _driving(self) -> Iterator[None]:
        self._freeze()
        self._driven += 1
        try:
            yield
        finally:
            self._driven -= 1
            self.poke()

    async def _until(self, reached: Callable[[], bool], patience: float) -> None:
        if reached():
            return
        come = asyncio.get_running_loop().create_future()
        entry = (reached, come)
        self._watching.append(entry)
        try:
            await asyncio.wait_for(come, patience)
        except TimeoutError:
            raise TimeoutError(f"not quiet after {patience:g} real seconds: {self.why_not_quiet()}") from None
        finally:
            if entry in self._watching:
                self._watching.remove(entry)
