"""The loop of the post office: moments, claims, the mark, the call, the result.

``run`` goes on until it is stopped; ``tick`` does everything that is due at one instant. Every delivery that was
claimed is carried by a task of its own: it waits at the turnstile, is marked as sending together with the others that
may go, calls outside any transaction, and is settled together with the others that came back. At most
``turnstile.in_flight`` deliveries are ever ``sending``: that many may be unknown after a crash, no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from bot.clock import Clock
from bot.delivery import claims, memory, moments
from bot.delivery.bell import Bell
from bot.delivery.claims import Claimant
from bot.delivery.ferry import Ferry, persist
from bot.delivery.governor import Departure
from bot.delivery.outage import away
from bot.delivery.outcomes import Outcome
from bot.delivery.settling import Result, settle
from bot.delivery.sorting import NotYet, Recipient, Ties, compose, reasons_to_stay, recipients
from bot.delivery.telegram import Call, Carrier, Method
from bot.delivery.turnstile import Busy
from bot.messages import Withdrawn
from bot.storage.database import Database, Transaction
from bot.storage.tables import Delivery
from bot.texts import SOURCE_LANGUAGE
from bot.words import DeliveryState, Lane, OutcomeKind

LONGEST_REST = 1.0  # real seconds without looking whether somebody planned something and did not ring
CHAT_PATIENCE = 1.5  # real seconds a claimed delivery waits for its chat; longer, and it makes room for others
DRAINS = 20.0  # real seconds that calls on their way get when we stop

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What the post office did."""

    moments: int = 0
    claimed: int = 0
    sent: int = 0
    unknown: int = 0
    failed: int = 0
    skipped: int = 0
    returned: int = 0  # to those that wait: limited, moved, certainly not sent

    def since(self, earlier: Counts) -> Counts:
        return Counts(**{f.name: getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)})


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
    ) -> None:
        self.counts = Counts()
        self._database = database
        self._carrier = carrier
        self._turnstile = carrier.turnstile
        self._clock = clock
        self._bell = bell
        self._ties = ties
        self._owner = owner
        self._term = term
        self._trusted = trusted
        self._handled = handled
        self._default_language = default_language
        self._room = max(60, int(self._turnstile.governor.limits.whole / 2))  # claimed ahead, for each lane
        self._begun: Claimant | None = None
        self._at: datetime | None = None  # the instant of a ``tick``; otherwise the clock is asked
        self._letters: dict[asyncio.Task[None], Lane] = {}
        self._in_hand = dict.fromkeys(Lane, 0)
        self._held_up: set[asyncio.Task[Any]] = set()  # waiting at the turnstile: nothing of them has left
        self._moved = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()  # no ``run`` is under way
        self._stopped.set()
        self._marking: Ferry[Delivery, Call | None] = Ferry(self._mark)
        self._settling: Ferry[Result, None] = Ferry(self._settle)
        self._returning: Ferry[tuple[Delivery, float | None, bool], None] = Ferry(self._return)

    # The loop

    async def run(self) -> None:
        """Send what falls due until ``stop``; may be called again afterwards."""
        self._stopping.clear()
        self._stopped.clear()
        try:
            while not self._stopping.is_set():
                try:
                    await self._round()
                except Exception as error:  # noqa: BLE001 - the loop outlives every mistake
                    if away(error):
                        _log.warning("the database cannot be reached; trying again")
                    else:
                        _log.exception("the post office stumbled, reference %s", secrets.token_hex(4))
                    await self._first_of(self._stopping.wait(), at_most=1.0)
        finally:
            await self._drain()
            self._stopped.set()

    async def stop(self) -> None:
        """Claim nothing more, let the calls on their way end, write down what became of them."""
        self._stopping.set()
        await self._stopped.wait()

    async def tick(self, now: datetime) -> Counts:
        """Do everything that is due at ``now`` and can be done; returns what was done."""
        before = Counts(**vars(self.counts))
        self._at = now
        try:
            while await self._take_in(now) or self._letters:
                if self._letters:
                    await self._moved.wait()
        finally:
            self._at = None
        return self.counts.since(before)

    async def _round(self) -> None:
        if not self._trusted():
            await self._first_of(self._stopping.wait(), at_most=0.25)
            return
        now = await self._clock.now()
        if await self._take_in(now):
            return
        if self._letters:
            await self._first_of(self._moved.wait(), self._bell.wait(), self._stopping.wait(), at_most=LONGEST_REST)
        else:
            await self._rest(now)

    async def _rest(self, now: datetime) -> None:
        async with self._database.transaction() as tx:
            outlook = await claims.outlook(tx, now)
            moment_at = await moments.next_moment(tx)
        woken = (self._bell.wait(), self._stopping.wait())
        if outlook.held_for is not None:  # something due waits for real time: business time has to wait with it
            await self._first_of(*woken, at_most=min(max(outlook.held_for, 0.02), LONGEST_REST))
            return
        until = min((at for at in (outlook.next_at, moment_at) if at is not None), default=None)
        rest = self._clock.rest(until=until, handled=self._handled(), at_most=LONGEST_REST)
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

    # Taking in

    async def _take_in(self, now: datetime) -> int:
        """Run due moments and claim what there is room for; returns how much that was."""
        self._moved.clear()
        claimant = Claimant(self._owner, self._term())
        if self._begun != claimant:
            await self._begin(claimant, now)
        ran = await moments.run_due(self._database, self._ties.actions, now)
        self.counts.moments += ran
        room = self._free_places()
        if not room:
            return ran
        async with self._database.transaction() as tx:
            orphans = await claims.rescue(tx, claimant)
            rows = await claims.claim_due(tx, now, room, claimant)
            to = await recipients(tx, rows, self._default_language) if rows else {}
            reasons = await reasons_to_stay(tx, rows, to, self._ties.recheck, now=now) if rows else {}
            await claims.give_up(tx, DeliveryState.SKIPPED, reasons)
        self.counts.claimed += len(rows)
        self.counts.skipped += len(reasons)
        for row in orphans:
            await self._settling.board(self._result(row, Outcome(OutcomeKind.UNKNOWN, "no answer")))
        for row in rows:
            if row.id not in reasons:
                self._post(row, to[row.id].chat)
        return ran + len(rows) + len(orphans)

    async def _begin(self, claimant: Claimant, now: datetime) -> None:
        """Under a new term, or after a start: bury the dead, remember what was said of the rate."""
        async with self._database.transaction() as tx:
            if self._database.is_sqlite:
                await claims.bury_former_boots(tx, claimant)
            await memory.recall(tx, self._turnstile, now=now)
        self._begun = claimant

    def _free_places(self) -> dict[Lane, int]:
        free = {lane: self._room - waiting for lane, waiting in self._in_hand.items()}
        return {lane: places for lane, places in free.items() if places >= self._room // 2}

    def _post(self, row: Delivery, chat: int) -> None:
        task = asyncio.create_task(self._carry(row, chat))
        lane = Lane(row.lane)
        self._letters[task] = lane
        self._in_hand[lane] += 1
        self._held_up.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        lane = self._letters.pop(task)
        self._held_up.discard(task)
        self._in_hand[lane] -= 1
        if self._in_hand[lane] <= self._room // 2 or not self._letters:
            self._moved.set()

    # One letter

    async def _carry(self, row: Delivery, chat: int) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        effort = Call(Method(row.verb.value)).effort
        try:
            async with self._turnstile.passage(chat, Lane(row.lane), effort, patience=CHAT_PATIENCE) as departure:
                self._held_up.discard(me)
                await self._deliver(row, departure)
        except Busy as busy:
            await self._returning.board((row, busy.seconds, True))
        except asyncio.CancelledError:
            if me in self._held_up:
                await self._returning.board((row, None, False))
        except Exception:  # noqa: BLE001 - its lease ends and somebody takes it up again
            _log.exception("delivery %s stumbled, reference %s", row.id, secrets.token_hex(4))

    async def _deliver(self, row: Delivery, departure: Departure) -> None:
        try:
            call = await self._marking.board(row)
        except Exception as error:
            if not away(error):
                raise
            # Whether it was marked is read again when the database is back.
            await self._returning.board((row, None, False))
            return
        if call is not None:
            self._turnstile.left(departure)
            outcome = await self._call(call)
            await self._settling.board(self._result(row, outcome))
            if row.state is DeliveryState.PLANNED and call.chat is not None:
                self._turnstile.turn_away(call.chat)

    async def _call(self, call: Call) -> Outcome:
        if not self._trusted():
            return Outcome(OutcomeKind.NOT_SENT, "superseded")
        try:
            return await self._carrier.call(call)
        except asyncio.CancelledError:
            return Outcome(OutcomeKind.UNKNOWN, "stopped")

    def _result(self, row: Delivery, outcome: Outcome) -> Result:
        assert row.attempt_id is not None  # noqa: S101 - it was marked
        return Result(row, row.attempt_id, outcome, self._ties.policy(row))

    # Crossings: each is one transaction for all who wait

    async def _mark(self, rows: Sequence[Delivery]) -> Sequence[Call | None]:
        """Ask once more, compose, and commit that these are being sent; nothing for those that will not be."""
        now = await self._now()
        try:
            return await self._mark_together(rows, now)
        except DBAPIError as error:
            if away(error):
                raise
            if len(rows) > 1:  # one of them broke the transaction for all: each alone
                return [one for row in rows for one in await self._mark([row])]
            await self._fail(rows[0])
            return [None]

    async def _mark_together(self, rows: Sequence[Delivery], now: datetime) -> Sequence[Call | None]:
        claimant = Claimant(self._owner, self._term())
        calls: dict[UUID, Call] = {}
        async with self._database.transaction() as tx:
            ours = await claims.still_claimed(tx, [row.id for row in rows], claimant)
            going = [row for row in rows if row.id in ours]
            if not going:
                return [None] * len(rows)
            to = await recipients(tx, going, self._default_language)
            stay = await reasons_to_stay(tx, going, to, self._ties.recheck, now=now)
            failed: dict[UUID, str] = {}
            later: dict[UUID, float | None] = {}
            for row in going:
                if row.id not in stay:
                    await self._word(tx, row, to[row.id], now, calls, stay, failed, later)
            await claims.give_up(tx, DeliveryState.SKIPPED, stay)
            await claims.give_up(tx, DeliveryState.FAILED, failed)
            await claims.give_back(tx, later, claimant)
            await claims.mark_sending(tx, [row for row in going if row.id in calls], claimant, now)
        self.counts.skipped += len(stay)
        self.counts.failed += len(failed)
        self.counts.returned += len(later)
        return [calls.get(row.id) for row in rows]

    async def _word(
        self,
        tx: Transaction,
        row: Delivery,
        to: Recipient,
        now: datetime,
        calls: dict[UUID, Call],
        stay: dict[UUID, str],
        failed: dict[UUID, str],
        later: dict[UUID, float | None],
    ) -> None:
        try:
            call = await compose(tx, row, to, self._ties.composers, now=now)
        except NotYet:
            later[row.id] = 1.0
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - a room may stumble; only its own delivery fails
            reference = secrets.token_hex(4)
            failed[row.id] = f"could not be written, reference {reference}"
            _log.exception("delivery %s of kind %s could not be written, reference %s", row.id, row.kind, reference)
        else:
            if isinstance(call, Withdrawn):
                stay[row.id] = call.why
            else:
                calls[row.id] = call

    async def _fail(self, row: Delivery) -> None:
        """Called while the error is being handled."""
        reference = secrets.token_hex(4)
        _log.exception("delivery %s of kind %s could not be written, reference %s", row.id, row.kind, reference)
        async with self._database.transaction() as tx:
            reason = f"could not be written, reference {reference}"
            await claims.give_up(tx, DeliveryState.FAILED, {row.id: reason})
        self.counts.failed += 1

    async def _settle(self, results: Sequence[Result]) -> Sequence[None]:
        """Write results down; while the database is away they are kept and tried again."""
        await persist(lambda: self._settle_together(results))
        return [None] * len(results)

    async def _settle_together(self, results: Sequence[Result]) -> None:
        now = await self._now()
        async with self._database.transaction() as tx:
            changed = await settle(tx, results, now=now)
            sent = [row for row in changed if row.state is DeliveryState.SENT]
            if sent:
                await self._tell(tx, self._ties.when_sent, sent, now)
            for result in results:
                if result.outcome.kind is OutcomeKind.UNREACHABLE:
                    await self._tell_unreachable(tx, result, now)
            if any(result.outcome.kind is OutcomeKind.LIMITED for result in results):
                await memory.keep_pause(tx, self._turnstile)
        self._count(changed)

    async def _tell(self, tx: Transaction, tell: Callable[..., Any], rows: Sequence[Delivery], now: datetime) -> None:
        """Tell the rooms in the same transaction; one of them stumbling never costs the result itself."""
        try:
            async with tx.begin_nested():
                await tell(tx, rows, now=now)
        except Exception as error:
            if away(error):
                raise
            if len(rows) > 1:
                for row in rows:
                    await self._tell(tx, tell, [row], now)
                return
            _log.exception("after delivery %s was sent, reference %s", rows[0].id, secrets.token_hex(4))

    async def _tell_unreachable(self, tx: Transaction, result: Result, now: datetime) -> None:
        why = result.outcome.detail or "unreachable"

        async def tell(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> None:
            await self._ties.when_unreachable(tx, rows[0], why, now=now)

        await self._tell(tx, tell, [result.row], now)

    async def _return(self, letters: Sequence[tuple[Delivery, float | None, bool]]) -> Sequence[None]:
        """Give claimed rows back, each after so many seconds; the flag says that it is its chat that has to rest."""
        await persist(lambda: self._return_together(letters))
        self.counts.returned += len(letters)
        return [None] * len(letters)

    async def _return_together(self, letters: Sequence[tuple[Delivery, float | None, bool]]) -> None:
        now = await self._now()
        certain = Outcome(OutcomeKind.NOT_SENT, "never called")
        async with self._database.transaction() as tx:
            back = {row.id: None if chat_rests else rests for row, rests, chat_rests in letters}
            await claims.give_back(tx, back, Claimant(self._owner, self._term()))
            rests = {row.chat_id: seconds for row, seconds, chat_rests in letters if chat_rests and seconds}
            await claims.rest_chats(tx, rests)
            marked = [row for row, _, _ in letters if row.attempt_id is not None]
            if marked:
                await settle(tx, [self._result(row, certain) for row in marked], now=now)

    def _count(self, rows: Sequence[Delivery]) -> None:
        for row in rows:
            match row.state:
                case DeliveryState.SENT:
                    self.counts.sent += 1
                case DeliveryState.UNKNOWN:
                    self.counts.unknown += 1
                case DeliveryState.FAILED:
                    self.counts.failed += 1
                case _:
                    self.counts.returned += 1

    async def _now(self) -> datetime:
        return self._at or await self._clock.now()

    # The end

    async def _drain(self) -> None:
        for task in list(self._held_up):
            task.cancel()
        await self._wait_for_letters(DRAINS)
        for task in list(self._letters):
            task.cancel()
        await self._wait_for_letters(5.0)

    async def _wait_for_letters(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._letters:
                    await asyncio.wait(list(self._letters), return_when=asyncio.ALL_COMPLETED)
