"""One look at everything that may be due: the loop asks this, and the rest of its questions only if there is need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select

from bot.delivery.claims import IS_HELD, IS_PLANNED, Claimant, is_foreign
from bot.delivery.moments import IS_WAITING, MOMENT
from bot.delivery.outbox import DELIVERY
from bot.delivery.realtime import EPOCH, greater, seconds_until
from bot.storage.columns import UtcDateTime
from bot.storage.database import Transaction
from bot.storage.tables import Chat
from bot.words import DeliveryState


@dataclass(frozen=True)
class Outlook:
    """What can be done now, and what comes."""

    moment_at: datetime | None  # business time of the first moment that waits
    delivery_at: datetime | None  # business time of the first delivery that waits for its hour
    free_in: float | None  # real seconds until something whose hour has come may go
    lease_ends_in: float | None  # real seconds until a claim or a call has had its time
    strays: bool  # somebody else's claims are there, of an earlier start or term
    clock: float  # the database's own clock, in seconds

    def has_moments(self, now: datetime) -> bool:
        return self.moment_at is not None and self.moment_at <= now

    @property
    def has_letters(self) -> bool:
        return self.strays or any(wait is not None and wait <= 0 for wait in (self.free_in, self.lease_ends_in))

    @property
    def held_for(self) -> float | None:
        """The real seconds until something is free that business time has to wait for."""
        return min((max(wait, 0.0) for wait in (self.free_in, self.lease_ends_in) if wait is not None), default=None)

    @property
    def next_at(self) -> datetime | None:
        """The next instant of business time at which there is something to do."""
        return min((at for at in (self.moment_at, self.delivery_at) if at is not None), default=None)


async def outlook(tx: Transaction, now: datetime, claimant: Claimant) -> Outlook:
    """When the post office has something to do, and whether that is now."""
    asked = {"at": now, "owner": claimant.owner, "term": claimant.term}
    row = (await tx.execute(_EVERYTHING, asked)).one()
    return Outlook(
        moment_at=row.moment_at,
        delivery_at=row.delivery_at,
        free_in=row.free_in,
        lease_ends_in=row.lease_ends_in,
        strays=row.strays,
        clock=-row.clock,
    )


def _everything() -> Select[tuple[datetime, datetime, float, float, bool, float]]:
    now = bindparam("at", type_=UtcDateTime())
    due = DELIVERY.c.due_at <= now
    return select(
        select(func.min(MOMENT.c.due_at)).where(IS_WAITING).scalar_subquery().label("moment_at"),
        select(func.min(DELIVERY.c.due_at)).where(IS_PLANNED, ~due).scalar_subquery().label("delivery_at"),
        _free_in(due).label("free_in"),
        select(func.min(seconds_until(DELIVERY.c.lease_until))).where(IS_HELD).scalar_subquery().label("lease_ends_in"),
        _strays().label("strays"),
        seconds_until(literal(EPOCH, UtcDateTime())).label("clock"),
    )


def _free_in(due: ColumnElement[bool]) -> ColumnElement[float]:
    """Nothing to wait for if one may go, and that is found out without reading all that are due."""
    waits = [func.coalesce(seconds_until(column), 0.0) for column in (DELIVERY.c.not_before, Chat.not_before)]
    ours = select(1).join_from(DELIVERY, Chat, Chat.id == DELIVERY.c.chat_id).where(IS_PLANNED, due)
    one_may_go = ours.where(*(wait <= 0 for wait in waits)).exists()
    return case((one_may_go, 0.0), else_=ours.with_only_columns(func.min(greater(*waits))).scalar_subquery())


def _strays() -> ColumnElement[bool]:
    foreign = is_foreign(bindparam("owner"), bindparam("term"))
    return select(1).where(IS_HELD, DELIVERY.c.state == DeliveryState.CLAIMED, foreign).exists()


_EVERYTHING = _everything()
