"""The loop of the post office: due moments, then claims, then rest until something is due or the bell rings."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.delivery import claims, memory, moments
from bot.delivery.bell import Bell
from bot.delivery.claims import Claimant
from bot.delivery.letters import Counts, Letters
from bot.delivery.outlook import Outlook, outlook
from bot.delivery.sorting import Ties, reasons_to_stay, recipients
from bot.delivery.telegram import Carrier
from bot.heart import Heart
from bot.storage.database import Database, Transaction
from bot.storage.outage import away
from bot.texts import SOURCE_LANGUAGE
from bot.words import DeliveryState, Lane

LONGEST_REST = 1.0  # real seconds without looking whether somebody planned something and did not ring
STUCK = 120.0  # real seconds for one round; even with a slow database it takes a few
DRAINS = 20.0  # real seconds that calls on their way get when we stop
STOPS = 22.0  # real seconds for a stop as a whole when the database does not answer either
_ROUND_ENDS = 5.0  # real seconds that the round under way gets
_LAST_WORD = 5.0  # real seconds to write down what has no answer by then

_log = logging.getLogger(__name__)


class PostOffice:
    """Sends what is due. It does not know what is in the letters."""

    def __init__(
        self,
        database: Database,
        carrier: Carrier,
        clock: Clock,
        bell: Bell,
        ties: Ties,
        *,
        owner: str,
        term: Callable[[], int] = lambda: 1,
        trusted: Callable[[], bool] = lambda: True,
        handled: Callable[[], int | None] = lambda: None,
        default_language: str = SOURCE_LANGUAGE,
        heart: Heart | None = None,
    ) -> None:
        self._heart = heart or Heart()
        self._database = database
        self._turnstile = carrier.turnstile
        self._clock = clock
        self._bell = bell
        self._ties = ties
        self._owner = owner
        self._term = term
        self._trusted = trusted
        self._handled = handled
        self._default_language = default_language
        self._letters = Letters(
            database,
            carrier,
            ties,
            claimant=self._claimant,
            trusted=trusted,
            now=self._now,
            default_language=default_language,
        )
        self._begun: Claimant | None = None
        self._unsure = False  # whether a claim of ours was written although its commit seemed to fail
        self._watch = memory.Watch()
        self._at: datetime | None = None  # the instant of a ``tick``; otherwise the clock is asked
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()  # no ``run`` is under way
        self._stopped.set()
        self._draining = asyncio.Event()  # its rounds are over
        self._drains = DRAINS
        self._running: asyncio.Task[Any] | None = None

    @property
    def counts(self) -> Counts:
        """What was done since the start."""
        return self._letters.counts

    async def run(self) -> None:
        """Send what falls due until ``stop``; may be called again afterwards."""
        self._stopping.clear()
        self._stopped.clear()
        self._draining.clear()
        self._drains = DRAINS
        self._running = asyncio.current_task()
        try:
            while not self._stopping.is_set():
                self._heart.beat("post office", STUCK)
                try:
                    await self._round()
                except Exception as error:  # noqa: BLE001 - the loop outlives every mistake
                    if not away(error):
                        _log.exception("the post office stumbled, reference %s", secrets.token_hex(4))
                    await self._first_of(self._stopping.wait(), at_most=1.0)
        finally:
            self._draining.set()
            self._heart.rest("post office")
            await self._letters.drain(self._drains)
            self._stopped.set()

    async def stop(self) -> None:
        """Claim nothing more, let the calls on their way end, write down what became of them."""
        if self._database.outage.lasts:  # no result could be written down, however long it is waited for
            self._drains = _LAST_WORD
        self._stopping.set()
        if not self._stopped.is_set():
            await self._first_of(self._draining.wait(), at_most=_ROUND_ENDS)
            if not self._draining.is_set() and self._running is not None:
                self._drains = STOPS - _ROUND_ENDS - 1.0 - _LAST_WORD
                self._running.cancel()  # the database does not answer; what was claimed is given back by who comes next
        await self._stopped.wait()

    async def tick(self, now: datetime) -> Counts:
        """Do everything that is due at ``now`` and can be done; returns what was done."""
        before = replace(self.counts)
        self._at = now
        try:
            while await self._take_in(now, await self._look(now)) or self._letters:
                if self._letters:
                    await self._letters.moved.wait()
        finally:
            self._at = None
        return self.counts.since(before)

    async def _round(self) -> None:
        if not self._trusted():
            await self._first_of(self._stopping.wait(), at_most=0.25)
            return
        now = await self._clock.now()
        handled = self._handled()
        ahead = await self._look(now)
        if await self._take_in(now, ahead):
            return
        if self._letters:
            room_or_news = (self._letters.moved.wait(), self._bell.wait(), self._stopping.wait())
            soon = (ahead.next_at - now).total_seconds() if ahead.next_at is not None else LONGEST_REST
            await self._first_of(*room_or_news, at_most=min(max(soon, 0.02), LONGEST_REST))
        elif self._handled() == handled:  # what arrived or was handled meanwhile may have planned something for now
            await self._rest(ahead, handled)

    async def _look(self, now: datetime) -> Outlook:
        self._bell.heard()
        self._letters.moved.clear()
        claimant = self._claimant()
        async with self._database.transaction() as tx:
            if self._begun != claimant:
                await self._begin(tx, claimant, now)
            if self._unsure:
                await claims.give_back_all_but(tx, self._letters.in_hand, claimant)
            ahead = await outlook(tx, now, claimant)
            if self._watch.went_back(ahead.clock):
                await claims.let_go(tx)
                ahead = await outlook(tx, now, claimant)
        self._begun = claimant
        self._unsure = False
        return ahead

    async def _begin(self, tx: Transaction, claimant: Claimant, now: datetime) -> None:
        """Under a new term, or after a start: bury the dead, remember what was said of the rate."""
        if self._database.is_sqlite:
            await claims.bury_former_boots(tx, claimant)
        await memory.recall(tx, self._turnstile, now=now)

    async def _take_in(self, now: datetime, ahead: Outlook) -> int:
        """Run due moments, then claim what there is room for; returns how much that was."""
        taken = 0
        if ahead.has_moments(now):
            taken = await moments.run_due(self._database, self._ties.actions, now)
            self.counts.moments += taken
        room = self._letters.free_places()
        if room and (taken or ahead.has_letters):
            taken += await self._claim(now, room)
        return taken

    async def _claim(self, now: datetime, room: Mapping[Lane, int]) -> int:
        claimant = self._claimant()
        self._unsure = True
        async with self._database.transaction() as tx:
            orphans = [row for row in await claims.rescue(tx, claimant) if row.id not in self._letters]
            rows = await claims.claim_due(tx, now, room, claimant)
            to = await recipients(tx, rows, self._default_language)
            reasons = await reasons_to_stay(tx, rows, to, self._ties.recheck, now=now)
            await claims.give_up(tx, DeliveryState.SKIPPED, reasons)
        self._unsure = False
        self.counts.claimed += len(rows)
        self.counts.skipped += len(reasons)
        for row in orphans:
            await self._letters.bury(row)
        for row in rows:
            if row.id not in reasons:
                self._letters.post(row, to[row.id].chat)
        return len(rows) + len(orphans)

    async def _rest(self, ahead: Outlook, handled: int | None) -> None:
        woken = (self._bell.wait(), self._stopping.wait())
        if ahead.held_for is not None:  # something due waits for real time: business time has to wait with it
            await self._first_of(*woken, at_most=min(max(ahead.held_for, 0.02), LONGEST_REST))
            return
        rest = self._clock.rest(until=ahead.next_at, handled=handled, at_most=LONGEST_REST)
        await self._first_of(rest, *woken)

    @staticmethod
    async def _first_of(*waits: Coroutine[Any, Any, Any], at_most: float | None = None) -> None:
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            done, _ = await asyncio.wait(tasks, timeout=at_most, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _claimant(self) -> Claimant:
        return Claimant(self._owner, self._term())

    async def _now(self) -> datetime:
        return self._at or await self._clock.now()
