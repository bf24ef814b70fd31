"""One poller and one sender for each token: replicas stand by until the leader's lease runs out.

The lease is a row on the database's own clock, so skewed machines do not matter, and every new leader has a new term
that fences what the old one still writes. What the leader believes of itself ends earlier, on the monotonic clock: a
process that was frozen and wakes up knows before its next call that it no longer leads. With SQLite the file's lock
already keeps everybody else out; only the term is new.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from sqlalchemy import ColumnElement, Double, and_, cast, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.clock import monotonic
from bot.delivery.realtime import later, real_now
from bot.heart import Heart
from bot.storage.database import Database
from bot.storage.outage import away
from bot.storage.tables import Lease

log = logging.getLogger(__name__)

TTL = 15.0  # real seconds a lease lasts without being renewed
RENEW = 5.0
MARGIN = 3.0  # seconds before its end at which we stop trusting it
_PATIENCE = 4.0  # seconds for one question to the database
_STUCK = 60.0  # seconds without asking again
_NAME = "leader"

Pause = Callable[[float], Awaitable[object]]


class Leadership:
    """``await win()``, work while ``trusted()``, until ``keep()`` returns; then stop working and begin again."""

    def __init__(self, database: Database, *, pause: Pause = asyncio.sleep, heart: Heart | None = None) -> None:
        self._database = database
        self._pause = pause
        self._heart = heart or Heart()
        self._trusted_until = 0.0
        self._known_until = 0.0  # how long we may say that somebody else leads
        self.holder = secrets.token_hex(8)
        self.term = 0

    def trusted(self) -> bool:
        """Whether we certainly lead; asked before each call to Telegram."""
        return self.term > 0 and (self._database.is_sqlite or monotonic() < self._trusted_until)

    @property
    def role(self) -> str | None:
        """``leader`` or ``standby``; none when nobody can know, because the database was not asked for too long."""
        if self.trusted():
            return "leader"
        return "standby" if monotonic() < self._known_until else None

    async def win(self) -> int:
        """Stand by until we lead; our term, larger than any before."""
        while True:
            self._heart.beat("leadership", _STUCK)
            try:
                async with asyncio.timeout(_PATIENCE):
                    leading = await self._stand()
                if leading:
                    log.info("leading, term %d", self.term)
                    return self.term
            except Exception as error:  # noqa: BLE001 - a standby outlives the database's absence
                self._say(error)
            await self._pause(RENEW / 2)

    async def keep(self) -> None:
        """Renew the lease until it is lost; then nothing may be sent or fetched any more."""
        while True:
            self._heart.beat("leadership", _STUCK)
            await self._pause(RENEW)
            if self._database.is_sqlite:
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    renewed = await self._renew()
                if not renewed:
                    break
            except Exception as error:  # noqa: BLE001 - as long as the lease lasts we may try again
                self._say(error)
            if not self.trusted():
                break
        self._heart.rest("leadership")
        self._trusted_until = 0.0
        log.warning("no longer leading, term %d is over", self.term)

    async def resign(self) -> None:
        """Let a standby take over at once; call it when nothing of ours is on its way any more.

        Without the database there is nobody to tell: the lease ends by itself.
        """
        self._trusted_until = 0.0
        try:
            async with asyncio.timeout(_PATIENCE), self._database.transaction() as tx:
                await tx.execute(update(Lease).where(self._ours()).values(expires_on=real_now()))
        except Exception as error:  # noqa: BLE001 - leaving must not fail
            self._say(error)

    def _say(self, error: Exception) -> None:
        """That the database is away it says itself; that it keeps us waiting only we know."""
        if not away(error):
            self._database.outage.failed(error)

    async def _stand(self) -> bool:
        started = monotonic()
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        lease = insert(Lease).values(name=_NAME, holder=self.holder, term=1, expires_on=_ends())
        free = None if self._database.is_sqlite else Lease.expires_on <= real_now()
        taken = lease.on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": self.holder, "term": Lease.term + 1, "expires_on": _ends()},
            where=free,
        )
        async with self._database.transaction() as tx:
            term = await tx.scalar(taken.returning(Lease.term))
        if term is None:
            self._known_until = started + TTL
            return False
        self.term = term
        self._trusted_until = started + TTL - MARGIN
        return True

    async def _renew(self) -> bool:
        started = monotonic()
        async with self._database.transaction() as tx:
            renewed = await tx.scalar(
                update(Lease).where(self._ours()).values(expires_on=_ends()).returning(Lease.term)
            )
        if renewed is not None:
            self._trusted_until = started + TTL - MARGIN
        return renewed is not None

    def _ours(self) -> ColumnElement[bool]:
        return and_(Lease.name == _NAME, Lease.holder == self.holder, Lease.term == self.term)


def _ends() -> later:
    return later(cast(TTL, Double))
