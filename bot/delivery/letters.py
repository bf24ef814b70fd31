"""Letters in hand: each claimed delivery waits at the turnstile, is marked, called and settled.

Each is carried by a task of its own. Marking and settling are crossings: one transaction for all who wait. Only in the
transaction that marks a letter as sending is it asked for the last time whether it may go, and only there are its words
written. A letter holds its place at the turnstile until its result is in the database: at most ``in_flight`` deliveries
are ever ``sending``, and that many may be unknown after a crash, no more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from bot.delivery import claims, memory
from bot.delivery.calls import Call, Method
from bot.delivery.claims import Claimant
from bot.delivery.ferry import Ferry, persist
from bot.delivery.governor import Departure
from bot.delivery.outcomes import Outcome
from bot.delivery.settling import Result, settle
from bot.delivery.sorting import NotYet, Recipient, Ties, WhenUnreachable, compose, reasons_to_stay, recipients
from bot.delivery.telegram import Carrier
from bot.delivery.turnstile import Busy
from bot.messages import Withdrawn
from bot.storage.database import Database, Transaction
from bot.storage.outage import away
from bot.storage.tables import Delivery
from bot.words import DeliveryState, Lane, OutcomeKind

CHAT_PATIENCE = 1.5  # real seconds a letter waits for its chat; longer, and it makes room for others
TARGET_REST = 1.0  # real seconds until an edit looks again for a message that is still on its way

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


@dataclass(frozen=True)
class _Return:
    """A letter that goes back to those that wait, and for how many real seconds it or its whole chat rests."""

    row: Delivery
    rests: float | None = None
    chat_rests: float | None = None


@dataclass
class _Sheet:
    """What was decided about the letters of one crossing."""

    calls: dict[UUID, Call] = field(default_factory=dict)
    skipped: dict[UUID, str] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)
    later: dict[UUID, float | None] = field(default_factory=dict)


class Letters:
    """Everything claimed and not yet settled."""

    def __init__(
        self,
        database: Database,
        carrier: Carrier,
        ties: Ties,
        *,
        claimant: Callable[[], Claimant],
        trusted: Callable[[], bool],
        now: Callable[[], Awaitable[datetime]],
        default_language: str,
    ) -> None:
        self.counts = Counts()
        self.moved = asyncio.Event()  # there is room again, or nothing left
        self._database = database
        self._carrier = carrier
        self._turnstile = carrier.turnstile
        self._ties = ties
        self._claimant = claimant
        self._trusted = trusted
        self._now = now
        self._default_language = default_language
        self._room = max(60, int(self._turnstile.governor.limits.whole / 2))  # for each lane
        self._tasks: dict[asyncio.Task[None], Lane] = {}
        self._in_hand = dict.fromkeys(Lane, 0)
        self._waiting: set[asyncio.Task[Any]] = set()  # at the turnstile: nothing of them has left
        self._ids: set[UUID] = set()
        self._marking: Ferry[Delivery, Call | None] = Ferry(self._mark)
        self._settling: Ferry[Result, None] = Ferry(self._settle)
        self._returning: Ferry[_Return, None] = Ferry(self._give_back)

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def __contains__(self, row_id: UUID) -> bool:
        return row_id in self._ids

    @property
    def in_hand(self) -> Collection[UUID]:
        """The ids of everything here."""
        return self._ids

    def free_places(self) -> dict[Lane, int]:
        """How many more of each lane may be taken in hand; lanes that are half full are left alone."""
        free = {lane: self._room - number for lane, number in self._in_hand.items()}
        return {lane: places for lane, places in free.items() if places >= self._room // 2}

    def post(self, row: Delivery, chat: int) -> None:
        """Take a claimed delivery in hand; ``chat`` is Telegram's id. One that is in hand already stays as it is."""
        if row.id in self._ids:
            return
        self._ids.add(row.id)
        task = asyncio.create_task(self._carry(row, chat))
        lane = Lane(row.lane)
        self._tasks[task] = lane
        self._in_hand[lane] += 1
        self._waiting.add(task)
        task.add_done_callback(partial(self._ended, row.id))

    async def bury(self, row: Delivery) -> None:
        """Somebody was sending this when they died; nobody will ever know more about their call."""
        await self._settling.board(self._result(row, Outcome(OutcomeKind.UNKNOWN, "no answer")))

    async def drain(self, seconds: float) -> None:
        """Give back what has not left; let the calls on their way end, and call what then has no answer unknown."""
        for task in list(self._waiting):
            task.cancel()
        await self._wait(seconds)
        for task in list(self._tasks):
            task.cancel()
        await self._wait(5.0)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(list(self._tasks))

    def _ended(self, row_id: UUID, task: asyncio.Task[None]) -> None:
        self._ids.discard(row_id)
        lane = self._tasks.pop(task)
        self._waiting.discard(task)
        self._in_hand[lane] -= 1
        if self._in_hand[lane] <= self._room // 2 or not self._tasks:
            self.moved.set()

    # One letter

    async def _carry(self, row: Delivery, chat: int) -> None:
        me = cast("asyncio.Task[Any]", asyncio.current_task())
        effort = Call(Method(row.verb.value)).effort
        passage = self._turnstile.passage(chat, Lane(row.lane), effort, patience=CHAT_PATIENCE, letter=True)
        try:
            async with passage as departure:
                self._waiting.discard(me)
                await self._deliver(row, chat, departure)
        except Busy as busy:
            await self._returning.board(_Return(row, chat_rests=busy.seconds))
            if busy.seconds > 0:
                self._turnstile.turn_away(chat)  # who came since then would overtake it
        except asyncio.CancelledError:
            if me in self._waiting:
                await self._returning.board(_Return(row))
        except Exception:  # noqa: BLE001 - its lease ends and somebody takes it up again
            _log.exception("delivery %s stumbled, reference %s", row.id, secrets.token_hex(4))

    async def _deliver(self, row: Delivery, chat: int, departure: Departure) -> None:
        try:
            call = await self._marking.board(row)
        except Exception as error:
            if not away(error):
                raise
            # Nothing was called. Whether the mark was written is read again when the database is back.
            self._turnstile.turn_away(chat)
            await self._returning.board(_Return(row))
            self._turnstile.turn_away(chat)  # who came since then would overtake it
            return
        if call is None:
            return
        await self._settling.board(self._result(row, await self._call(call, departure)))
        if row.state is DeliveryState.PLANNED and call.chat is not None:
            self._turnstile.turn_away(call.chat)

    async def _call(self, call: Call, departure: Departure) -> Outcome:
        try:
            await self._turnstile.leave(departure)
            if not self._trusted():
                return Outcome(OutcomeKind.NOT_SENT, "superseded")
            return await self._carrier.call(call)
        except Busy:
            return Outcome(OutcomeKind.NOT_SENT, "a pause began")
        except asyncio.CancelledError:
            return Outcome(OutcomeKind.UNKNOWN, "stopped")

    def _result(self, row: Delivery, outcome: Outcome) -> Result:
        assert row.attempt_id is not None  # noqa: S101 - it was marked
        return Result(row, row.attempt_id, outcome, self._ties.policy(row))

    # Marking: the last question, the words, and the commit before the call

    async def _mark(self, rows: Sequence[Delivery]) -> Sequence[Call | None]:
        now = await self._now()
        try:
            return await self._mark_together(rows, now)
        except DBAPIError as error:
            if away(error):
                raise
            if len(rows) > 1:  # one of them broke the transaction of all: each alone
                return [one for row in rows for one in await self._mark([row])]
            async with self._database.transaction() as tx:
                await claims.give_up(tx, DeliveryState.FAILED, {rows[0].id: _stumbled(rows[0])})
            self.counts.failed += 1
            return [None]

    async def _mark_together(self, rows: Sequence[Delivery], now: datetime) -> Sequence[Call | None]:
        claimant = self._claimant()
        sheet = _Sheet()
        async with self._database.transaction() as tx:
            ours = await claims.still_claimed(tx, [row.id for row in rows], claimant)
            going = [row for row in rows if row.id in ours]
            to = await recipients(tx, going, self._default_language)
            sheet.skipped = await reasons_to_stay(tx, going, to, self._ties.recheck, now=now)
            for row in going:
                if row.id not in sheet.skipped:
                    await self._write(tx, row, to[row.id], sheet, now)
            await claims.give_up(tx, DeliveryState.SKIPPED, sheet.skipped)
            await claims.give_up(tx, DeliveryState.FAILED, sheet.failed)
            await claims.give_back(tx, sheet.later, claimant)
            await claims.mark_sending(tx, [row for row in going if row.id in sheet.calls], claimant, now)
        self.counts.skipped += len(sheet.skipped)
        self.counts.failed += len(sheet.failed)
        self.counts.returned += len(sheet.later)
        return [sheet.calls.get(row.id) for row in rows]

    async def _write(self, tx: Transaction, row: Delivery, to: Recipient, sheet: _Sheet, now: datetime) -> None:
        try:
            call = await compose(tx, row, to, self._ties.composers, now=now)
        except NotYet:
            sheet.later[row.id] = TARGET_REST
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - a room may stumble; only its own delivery fails
            sheet.failed[row.id] = _stumbled(row)
        else:
            if isinstance(call, Withdrawn):
                sheet.skipped[row.id] = call.why
            else:
                sheet.calls[row.id] = call

    # Settling

    async def _settle(self, results: Sequence[Result]) -> Sequence[None]:
        await persist(lambda: self._settle_together(results))
        return [None] * len(results)

    async def _settle_together(self, results: Sequence[Result]) -> None:
        now = await self._now()
        async with self._database.transaction() as tx:
            changed = await settle(tx, results, now=now)
            sent = [row for row in changed if row.state is DeliveryState.SENT]
            await self._tell(tx, self._ties.when_sent, sent, now)
            for result in results:
                if result.outcome.kind is OutcomeKind.UNREACHABLE:
                    await self._tell(tx, self._no_of(result, self._ties.when_unreachable), [result.row], now)
                elif result.outcome.kind is OutcomeKind.REFUSED:
                    await self._tell(tx, self._no_of(result, self._ties.when_refused), [result.row], now)
            if any(result.outcome.kind is OutcomeKind.LIMITED for result in results):
                await memory.keep_pause(tx, self._turnstile)
        self._count(changed)

    def _no_of(self, result: Result, hears: WhenUnreachable) -> Callable[..., Awaitable[Any]]:
        async def tell(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> None:
            await hears(tx, rows[0], result.outcome.detail or result.outcome.kind.value, now=now)

        return tell

    async def _tell(
        self, tx: Transaction, tell: Callable[..., Awaitable[Any]], rows: Sequence[Delivery], now: datetime
    ) -> None:
        """Tell the rooms in the same transaction; one of them stumbling never costs the result itself."""
        if not rows:
            return
        try:
            async with tx.begin_nested():
                await tell(tx, rows, now=now)
        except Exception as error:
            if away(error):
                raise
            if len(rows) == 1:
                _log.exception("after the call of delivery %s, reference %s", rows[0].id, secrets.token_hex(4))
                return
            for row in rows:
                await self._tell(tx, tell, [row], now)

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

    # Giving back

    async def _give_back(self, returns: Sequence[_Return]) -> Sequence[None]:
        await persist(lambda: self._give_back_together(returns))
        self.counts.returned += len(returns)
        return [None] * len(returns)

    async def _give_back_together(self, returns: Sequence[_Return]) -> None:
        now = await self._now()
        async with self._database.transaction() as tx:
            await claims.give_back(tx, {each.row.id: each.rests for each in returns}, self._claimant())
            await claims.rest_chats(tx, {each.row.chat_id: each.chat_rests for each in returns if each.chat_rests})
            marked = [each.row for each in returns if each.row.state is DeliveryState.SENDING]
            if marked:
                never_called = Outcome(OutcomeKind.NOT_SENT, "never called")
                await settle(tx, [self._result(row, never_called) for row in marked], now=now)


def _stumbled(row: Delivery) -> str:
    """Log the error being handled with a reference, and say so in a reason."""
    reference = secrets.token_hex(4)
    _log.exception("delivery %s of kind %s could not be written, reference %s", row.id, row.kind, reference)
    return f"could not be written, reference {reference}"
