"""Decisions that fall due: an opening's hour, a silence, an escalation; as durable as deliveries.

Each runs once, in a transaction of its own, under its own row. One that fails rests a little longer each time and is
given up after five tries; the log then has a reference.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, text, update

from bot.storage.database import Database, Transaction
from bot.storage.outage import away
from bot.storage.tables import Moment
from bot.words import MomentState

MOST_TRIES = 5
MOMENT = cast("Table", Moment.__table__)

IS_WAITING = text("moment.state = 'waiting'")
_log = logging.getLogger(__name__)


class MomentAction(Protocol):
    """What is done when a moment of a kind has come."""

    def __call__(self, tx: Transaction, moment: Moment, *, now: datetime) -> Awaitable[Any]: ...


async def plan_moment(tx: Transaction, moment: Moment) -> bool:
    """Plan a moment under its key; one that still waits is moved, one that was withdrawn waits again.

    Says whether it waits now: what was done or given up stays so.
    """
    same = select(Moment).where(Moment.key == moment.key).with_for_update()
    known = (await tx.execute(same.execution_options(populate_existing=True))).scalar_one_or_none()
    if known is None:
        moment.state = MomentState.WAITING
        tx.add(moment)
        await tx.flush()
        return True
    if known.state is MomentState.WITHDRAWN:
        known.state, known.tries, known.reason = MomentState.WAITING, 0, None
    if known.state is not MomentState.WAITING:
        return False
    for name in ("due_at", "kind", "cohort_id", "member_id", "meeting_id", "step", "ref"):
        setattr(known, name, getattr(moment, name))
    await tx.flush()
    return True


async def withdraw_moments(tx: Transaction, *criteria: ColumnElement[bool], reason: str) -> int:
    """Withdraw the moments that still wait and match; returns how many."""
    if not criteria:
        raise ValueError("say which moments")
    statement = (
        update(MOMENT)
        .where(MOMENT.c.state == MomentState.WAITING, *criteria)
        .values(state=MomentState.WITHDRAWN, reason=reason)
    )
    return cast("int", cast("Any", await tx.execute(statement)).rowcount)


async def run_due(database: Database, actions: Mapping[str, MomentAction], now: datetime, *, limit: int = 200) -> int:
    """Run what is due, oldest first, each alone; returns how many were tried."""
    async with database.transaction() as tx:
        due = select(MOMENT.c.id).where(IS_WAITING, MOMENT.c.due_at <= now)
        ids = list(await tx.scalars(due.order_by(MOMENT.c.due_at, MOMENT.c.id).limit(limit)))
    for moment_id in ids:
        await _run(database, actions, moment_id, now)
    return len(ids)


async def _run(database: Database, actions: Mapping[str, MomentAction], moment_id: UUID, now: datetime) -> None:
    try:
        async with database.transaction() as tx:
            due = select(Moment).where(Moment.id == moment_id, IS_WAITING, Moment.due_at <= now)
            moment = (await tx.execute(due.with_for_update(skip_locked=True))).scalar_one_or_none()
            if moment is None:
                return
            # Done before its action runs, so that it may plan its own key anew; undone with it if it fails.
            moment.state, moment.done_at, moment.reason = MomentState.DONE, now, None
            await tx.flush()
            await actions[moment.kind](tx, moment, now=now)
    except Exception as error:
        if away(error):
            raise
        await _rest(database, moment_id, now)


async def _rest(database: Database, moment_id: UUID, now: datetime) -> None:
    """Called while the error is being handled: the log keeps its name and way, never its words."""
    reference = secrets.token_hex(4)
    async with database.transaction() as tx:
        moment = await tx.get(Moment, moment_id)
        if moment is None or moment.state is not MomentState.WAITING:
            return
        moment.tries += 1
        moment.reason = f"failed, reference {reference}"
        if moment.tries >= MOST_TRIES:
            moment.state = MomentState.FAILED
        else:
            moment.due_at = max(moment.due_at, now) + timedelta(seconds=10 * 3**moment.tries)
        kind, tries, state = moment.kind, moment.tries, moment.state
    _log.exception(
        "moment %s of kind %s failed, try %d, now %s, reference %s", moment_id, kind, tries, state, reference
    )
