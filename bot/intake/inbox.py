"""The inbox: an update is in the database before Telegram is told that we have it, and is handled once.

One person's updates, and one chat's, are handled one after the other in the order of their ids; everybody else's at
the same time. A failing update is tried three times and then set aside with a reference. Back-off is real time.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import uuid4

from sqlalchemy import inspect, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import defer

from bot.clock import Clock, monotonic
from bot.heart import Heart
from bot.intake.arrival import AlreadyHandled, Arrival, arrival
from bot.intake.flood import Flood
from bot.intake.queue import Queue, Waiting
from bot.storage.database import Database, Transaction
from bot.storage.outage import away
from bot.storage.tables import InboxUpdate
from bot.words import InboxState

log = logging.getLogger(__name__)

Update = dict[str, Any]
Process = Callable[[Update], Awaitable[None]]
OnQuarantine = Callable[[Update, str], Awaitable[None]]

TRIES = 3
_PAUSES = (1.0, 5.0)  # seconds after the first and the second failure
_AT_ONCE = 64  # most of the time that one takes is Telegram's
_KEPT_AT_HAND = 1000  # contents; the rest is read when its turn comes
_LONGEST = 120.0  # seconds one update may take before it counts as failed
_LOOK = 1.0  # seconds between looks for what other replicas have stored
_UNAMBIGUOUS = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look like others when they are read aloud


class Rings(Protocol):
    """What is rung after each handled update."""

    def ring(self) -> object: ...


class Inbox:
    """``process`` handles one update. ``on_quarantine`` may tell its person the reference. No ``flood``: no limit."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bell: Rings,
        process: Process,
        *,
        on_quarantine: OnQuarantine | None = None,
        flood: Flood | None = None,
        heart: Heart | None = None,
    ) -> None:
        self._heart = heart or Heart()
        self._database = database
        self._clock = clock
        self._bell = bell
        self._process = process
        self._on_quarantine = on_quarantine
        self._flood = flood
        self._queue = Queue()
        self._finished: set[int] | None = None  # what became finished while we look
        self._latest: int | None = None
        self._look_at: float | None = None  # monotonic; none before the first look
        self._working = False
        self._stopping = False
        self._news = asyncio.Event()

    async def store(self, updates: list[Update]) -> None:
        """Commit these updates, each only once, before anybody is told that we have them."""
        if not updates:
            return
        now = await self._clock.now()
        async with self._database.transaction() as tx:
            rows = [self._row(tx, one, now) for one in updates]
            new = await self._insert(tx, rows)
        if self._working:  # else whoever leads will look
            for row, one in zip(rows, updates, strict=True):
                if row.update_id in new:
                    self._take_up(row, one)
            if len(new) < len(rows):  # stored before, perhaps by a commit that seemed to fail: nobody has taken them up
                self._look_at = None
            self._news.set()

    def handled(self) -> int | None:
        """Everything up to this update id is handled; none when nothing was ever stored."""
        if self._look_at is None:
            return 0  # nobody knows yet what waits
        oldest = self._queue.oldest
        return self._latest if oldest is None else oldest - 1

    async def run(self) -> None:
        """Handle what waits, until ``stop``; then finish what was begun."""
        self._queue = Queue()
        self._stopping = False
        self._working = True
        try:
            async with asyncio.TaskGroup() as tasks:
                while not self._stopping:
                    self._heart.beat("inbox", _LONGEST)
                    self._news.clear()
                    await self._look()
                    if not self._stopping:
                        for one in self._queue.begin(monotonic(), _AT_ONCE - self._queue.begun):
                            tasks.create_task(self._handle(one))
                    await self._pause()
        finally:
            self._heart.rest("inbox")
            self._working = False
            self._look_at = None

    def stop(self) -> None:
        """Begin nothing more; ``run`` returns when what was begun is done."""
        self._stopping = True
        self._news.set()

    # ── Storing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, tx: Transaction, one: Update, now: datetime) -> InboxUpdate:
        person, chat, said_at = _origin(one)
        row = InboxUpdate(
            update_id=one["update_id"],
            row=uuid4(),
            received_at=now,
            person_key=person,
            chat_key=chat,
            state=InboxState.WAITING,
            tries=0,
        )
        if self._lets_in(row.update_id, person, said_at):
            tx.seal_json(row, "payload", one)
        else:
            row.state, row.handled_at, row.reference = InboxState.HANDLED, now, "flood"
        return row

    def _lets_in(self, update_id: int, person: int | None, said_at: int | None) -> bool:
        if self._flood is None or person is None:
            return True
        if said_at is None:
            return self._flood.lets_in((person, "tapped"), monotonic(), update_id)
        # A message counts at its own hour: what was said over ten hours of our silence is no flood.
        return self._flood.lets_in((person, "said"), said_at, update_id)

    async def _insert(self, tx: Transaction, rows: list[InboxUpdate]) -> set[int]:
        """Insert those that are new; which they were."""
        insert = _INSERT_SQLITE if self._database.is_sqlite else _INSERT_POSTGRES
        return set(await tx.scalars(insert, [{name: getattr(row, name) for name in _COLUMNS} for row in rows]))

    # ── Handling ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _take_up(self, row: InboxUpdate, content: Update | None = None) -> None:
        self._latest = max(row.update_id, self._latest or row.update_id)
        if row.state is InboxState.WAITING:
            keys = {(kind, key) for kind, key in (("person", row.person_key), ("chat", row.chat_key)) if key}
            # On PostgreSQL somebody else may have handled it when its turn comes: there it is read again.
            at_hand = content if self._database.is_sqlite and len(self._queue) < _KEPT_AT_HAND else None
            self._queue.add(Waiting(row.update_id, frozenset(keys), at_hand))

    async def _look(self) -> None:
        """Find what waits: at the start, and on PostgreSQL also what other replicas have stored since."""
        if self._look_at is not None and (self._database.is_sqlite or monotonic() < self._look_at):
            return
        self._finished = set()
        try:
            async with self._database.transaction() as tx:
                known = select(InboxUpdate).options(defer(InboxUpdate.payload, raiseload=True))
                latest = await tx.scalar(known.order_by(InboxUpdate.update_id.desc()).limit(1))
                waiting = await tx.scalars(known.where(InboxUpdate.state == InboxState.WAITING))
                found = [*waiting, *([latest] if latest else [])]
        except Exception as error:
            if not away(error):
                log.exception("the inbox could not be read")
            return
        for row in found:
            if row.update_id not in self._finished:
                self._take_up(row)
        self._finished = None
        if self._look_at is None:
            self._bell.ring()  # now it is known up to where everything is handled
        self._look_at = monotonic() + _LOOK

    async def _pause(self) -> None:
        rested = self._queue.next_at()
        try:
            async with asyncio.timeout(min(_LOOK, max(0.0, rested - monotonic())) if rested else _LOOK):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _handle(self, one: Waiting) -> None:
        pause: float | None = _PAUSES[0]
        try:
            pause = await self._try(one)
        except Exception as error:
            if not away(error):  # then nothing counts
                log.exception("update %d could not be settled", one.update_id)
        if pause is not None:
            one.content = None  # next time it is asked first whether it still waits
            self._queue.rest(one, monotonic() + pause)
        else:
            self._queue.finish(one)
            if self._finished is not None:
                self._finished.add(one.update_id)
        self._news.set()
        self._bell.ring()

    async def _try(self, one: Waiting) -> float | None:
        """Handle one update; none when it is finished one way or the other, else the seconds until the next try."""
        current = Arrival(one.update_id)
        arrival.set(current)  # this task is the update's own, and so is its context
        content: Update = {}
        try:
            content = one.content or await self._read(one.update_id)
            async with asyncio.timeout(_LONGEST):
                await self._process(content)
            if current.failure is None:
                await self._mark(current)
        except AlreadyHandled:
            return None
        except Exception as error:  # noqa: BLE001 - whatever went wrong is counted
            current.failed(error)
        if current.failure is None:
            return None
        if current.handled:
            log.error("update %d failed after its action was kept", one.update_id, exc_info=current.failure)
            return None
        if away(current.failure):  # nothing is wrong with the update
            return _PAUSES[0]
        return await self._count(current.failure, one.update_id, content)

    async def _read(self, update_id: int) -> Update:
        async with self._database.transaction() as tx:
            row = await tx.get_one(InboxUpdate, update_id)
            if row.state is not InboxState.WAITING:
                raise AlreadyHandled
            return cast("Update", tx.open_json(row, "payload"))

    async def _mark(self, current: Arrival) -> None:
        if current.handled:
            return
        now = await self._clock.now()
        async with self._database.transaction() as tx:
            await current.mark_handled(tx, now=now)

    async def _count(self, failure: BaseException, update_id: int, content: Update) -> float | None:
        now = await self._clock.now()
        waiting = (InboxUpdate.update_id == update_id, InboxUpdate.state == InboxState.WAITING)
        reference = "".join(secrets.choice(_UNAMBIGUOUS) for _ in range(6))
        async with self._database.transaction() as tx:
            counted = update(InboxUpdate).where(*waiting).values(tries=InboxUpdate.tries + 1)
            tries = await tx.scalar(counted.returning(InboxUpdate.tries))
            if tries is not None and tries >= TRIES:
                aside = {"state": InboxState.QUARANTINED, "handled_at": now, "reference": reference}
                await tx.execute(update(InboxUpdate).where(*waiting).values(aside))
        if tries is None:  # somebody else has handled it
            return None
        if tries < TRIES:
            log.warning("update %d failed, try %d", update_id, tries, exc_info=failure)
            return _PAUSES[tries - 1]
        log.error("update %d is set aside, reference %s", update_id, reference, exc_info=failure)
        await self._tell(content, reference)
        return None

    async def _tell(self, content: Update, reference: str) -> None:
        if self._on_quarantine is None:
            return
        try:
            await self._on_quarantine(content, reference)
        except Exception:
            log.exception("nobody could be told about %s", reference)


def _origin(one: Update) -> tuple[int | None, int | None, int | None]:
    """Whose update it is, in which chat, and for a message its hour in Unix seconds."""
    kind, body = next(((kind, body) for kind, body in one.items() if isinstance(body, dict)), ("", {}))
    person = body.get("from") or body.get("user") or {}
    chat = body.get("chat") or body.get("message", {}).get("chat") or {}
    return person.get("id"), chat.get("id"), body.get("date") if kind == "message" else None


_COLUMNS = inspect(InboxUpdate).columns.keys()
_INSERT_SQLITE, _INSERT_POSTGRES = (
    dialect.insert(InboxUpdate).on_conflict_do_nothing().returning(InboxUpdate.update_id)
    for dialect in (sqlite, postgresql)
)
