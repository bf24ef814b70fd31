"""What only the post office does to deliveries: claim, mark as sending, settle, rescue.

Every step is one short transaction. A row belongs to whoever claimed it under the present term; its attempt's id
fences the result. ``not_before`` and ``lease_until`` are the database's own clock: how long the present state may last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, Table, bindparam, insert, or_, select, text, update
from sqlalchemy.orm.attributes import set_committed_value

from bot.delivery.outbox import DELIVERY
from bot.delivery.realtime import in_seconds, real_now
from bot.storage.database import Transaction
from bot.storage.tables import Attempt, Chat, Delivery
from bot.words import DeliveryState, Lane

ATTEMPT = cast("Table", Attempt.__table__)
CHAT = cast("Table", Chat.__table__)

LEASE = 120.0  # real seconds a claim may rest in our hands
CALL_ENDS = 35.0  # real seconds after which a call that was marked has certainly ended

# Written out, because a partial index only serves a condition that repeats its own.
IS_PLANNED = text("delivery.state = 'planned'")
IS_HELD = text("delivery.lease_until IS NOT NULL")  # claimed, sending, or unknown and to go once more


@dataclass(frozen=True)
class Claimant:
    """Who sends, and since which term."""

    owner: str
    term: int


async def claim_due(
    tx: Transaction, now: datetime, room: Mapping[Lane, int], claimant: Claimant, lease: float = LEASE
) -> list[Delivery]:
    """Take what is due, in the order in which it leaves: lane, due, cohort.

    ``room`` says how many of each lane; the last cohort of a lane comes whole. What its chat or its own back-off holds
    back is passed over and keeps nobody waiting.
    """
    claimed: list[Delivery] = []
    for lane, limit in sorted(room.items()):
        if limit > 0:
            claimed += await _due_in_lane(tx, now, lane, limit)
    if claimed:
        await tx.execute(_CLAIM, [{"row": row.id, "lease": lease, **_named(claimant)} for row in claimed])
        for row in claimed:
            remember(row, state=DeliveryState.CLAIMED, claimed_by=claimant.owner, term=claimant.term)
            tx.expunge(row)
    return claimed


async def _due_in_lane(tx: Transaction, now: datetime, lane: Lane, limit: int) -> list[Delivery]:
    asked = {"in_lane": int(lane), "at": now}
    rows = list(await tx.scalars(_FIRST_DUE, asked | {"most": limit}))
    last = rows[-1] if rows else None
    if len(rows) == limit and last is not None and last.cohort_id is not None:
        taken = {row.id for row in rows}
        rest = await tx.scalars(_REST_OF_COHORT, asked | {"cohort": last.cohort_id, "due": last.due_at})
        rows += [row for row in rest if row.id not in taken]
    return rows


async def still_claimed(tx: Transaction, ids: Sequence[UUID], claimant: Claimant) -> set[UUID]:
    """Which of these are still ours: neither withdrawn nor moved nor taken over since; they are locked from here on."""
    return set(await tx.scalars(_STILL_OURS, {"rows": ids, **_named(claimant)}))


async def mark_sending(tx: Transaction, rows: Sequence[Delivery], claimant: Claimant, now: datetime) -> None:
    """Write down, before anything is called, that each of these is about to be; gives each its attempt.

    Only for rows that ``still_claimed`` returned in this transaction.
    """
    if not rows:
        return
    attempts = [
        {
            "id": uuid4(),
            "delivery_id": row.id,
            "number": row.attempts + 1,
            "owner": claimant.owner,
            "term": claimant.term,
            "started_at": now,
        }
        for row in rows
    ]
    marks = [{"row": row.id, "attempt": a["id"], "lease": CALL_ENDS} for row, a in zip(rows, attempts, strict=True)]
    await tx.execute(_MARK, marks)
    await tx.execute(_BEGIN_ATTEMPTS, attempts)
    for row, attempt in zip(rows, attempts, strict=True):
        remember(row, state=DeliveryState.SENDING, attempts=attempt["number"], attempt_id=attempt["id"])


async def give_up(tx: Transaction, state: DeliveryState, reasons: Mapping[UUID, str]) -> None:
    """Skip or fail rows of ours that will not be called, each with its reason."""
    if not reasons:
        return
    statement = (
        update(DELIVERY)
        .where(DELIVERY.c.id == bindparam("row"), DELIVERY.c.state == DeliveryState.CLAIMED)
        .values(state=state, reason=bindparam("why"), lease_until=None)
    )
    await tx.execute(statement, [{"row": row, "why": why[:64]} for row, why in reasons.items()])


async def give_back(tx: Transaction, ids: Mapping[UUID, float | None], claimant: Claimant) -> None:
    """Return claimed rows to those that wait, each for so many real seconds or none."""
    if not ids:
        return
    await tx.execute(_GIVE_BACK, [{"row": row, "rests": rests, **_named(claimant)} for row, rests in ids.items()])


async def give_back_all_but(tx: Transaction, in_hand: Collection[UUID], claimant: Claimant) -> None:
    """Return what is claimed in our name and not in our hands: the commit that claimed it had seemed to fail."""
    forgotten = update(DELIVERY).where(IS_HELD, *_IS_OURS, DELIVERY.c.id.not_in(in_hand))
    waiting = {"state": DeliveryState.PLANNED, "claimed_by": None, "term": None, "lease_until": None}
    await tx.execute(forgotten.values(**waiting, not_before=None), _named(claimant))


async def rest_chats(tx: Transaction, rests: Mapping[UUID, float]) -> None:
    """No call to these chats for so many real seconds; a pause that lasts longer already is never shortened."""
    if not rests:
        return
    until = in_seconds("rests")
    statement = (
        update(CHAT)
        .where(CHAT.c.id == bindparam("chat"), or_(CHAT.c.not_before.is_(None), CHAT.c.not_before < until))
        .values(not_before=until)
    )
    await tx.execute(statement, [{"chat": chat, "rests": seconds} for chat, seconds in sorted(rests.items())])


async def rescue(tx: Transaction, claimant: Claimant) -> list[Delivery]:
    """Take over what others left behind, and repeat what may be repeated; returns rows whose call nobody waits for.

    What an earlier owner or term had claimed has certainly not left. What it was sending may have: once its call must
    have ended it is unknown, and the caller settles it by its policy. An unknown row whose policy allows another copy
    waits in ``lease_until`` and is planned again here.
    """
    foreign = is_foreign(claimant.owner, claimant.term)
    over = DELIVERY.c.lease_until <= real_now()
    claimed = DELIVERY.c.state == DeliveryState.CLAIMED
    waiting = {"state": DeliveryState.PLANNED, "claimed_by": None, "term": None, "lease_until": None}
    await tx.execute(update(DELIVERY).where(IS_HELD, claimed, or_(foreign, over)).values(**waiting, not_before=None))
    again = (IS_HELD, DELIVERY.c.state == DeliveryState.UNKNOWN, over)
    await tx.execute(update(DELIVERY).where(*again).values(**waiting, not_before=None, resends=DELIVERY.c.resends + 1))
    orphaned = select(Delivery).where(
        IS_HELD, Delivery.state == DeliveryState.SENDING, Delivery.lease_until <= real_now()
    )
    rows = list(await tx.scalars(orphaned.with_for_update(skip_locked=True)))
    for row in rows:
        tx.expunge(row)
    return rows


async def bury_former_boots(tx: Transaction, claimant: Claimant) -> None:
    """For SQLite, where our lock proves that nobody else lives: every call of a former process has ended."""
    ended = update(DELIVERY).where(
        IS_HELD, DELIVERY.c.state == DeliveryState.SENDING, is_foreign(claimant.owner, claimant.term)
    )
    await tx.execute(ended.values(lease_until=real_now()))


async def let_go(tx: Transaction) -> None:
    """The database's clock was set back: what waits for it would wait too long, so it starts to wait anew.

    Nothing leaves too early by that: the governor keeps pauses on a clock of its own.
    """
    await tx.execute(update(DELIVERY).where(DELIVERY.c.not_before > real_now()).values(not_before=None))
    await tx.execute(update(CHAT).where(CHAT.c.not_before > real_now()).values(not_before=None))
    leased = update(DELIVERY).where(IS_HELD, DELIVERY.c.lease_until > real_now())
    await tx.execute(leased.values(lease_until=in_seconds("lease")), {"lease": CALL_ENDS})


def is_foreign(owner: Any, term: Any) -> ColumnElement[bool]:
    """The condition that a row was taken by somebody else, or by us under an earlier term."""
    return or_(DELIVERY.c.claimed_by != owner, DELIVERY.c.term != term)


def remember(row: Delivery, **values: Any) -> None:
    """Keep a row in our hands in step with what was written about it."""
    for name, value in values.items():
        set_committed_value(row, name, value)


# ── Statements of every crossing, built once: building and naming them costs more than the database takes ──────────

_IS_THIS_ROW = DELIVERY.c.id == bindparam("row")
_IS_OURS = (
    DELIVERY.c.state == DeliveryState.CLAIMED,
    DELIVERY.c.claimed_by == bindparam("owner"),
    DELIVERY.c.term == bindparam("since"),
)


def _named(claimant: Claimant) -> dict[str, Any]:
    """The claimant as the statements here ask for it."""
    return {"owner": claimant.owner, "since": claimant.term}


def _due() -> Select[Delivery]:
    free = or_(Delivery.not_before.is_(None), Delivery.not_before <= real_now())
    reachable = or_(Chat.not_before.is_(None), Chat.not_before <= real_now())
    return (
        select(Delivery)
        .join(Chat, Chat.id == Delivery.chat_id)
        .where(IS_PLANNED, free, reachable)
        .where(Delivery.lane == bindparam("in_lane"), Delivery.due_at <= bindparam("at"))
        .with_for_update(of=Delivery, skip_locked=True)
    )


_FIRST_DUE = _due().order_by(Delivery.due_at, Delivery.cohort_id, Delivery.id).limit(bindparam("most"))
_REST_OF_COHORT = (
    _due().where(Delivery.due_at == bindparam("due"), Delivery.cohort_id == bindparam("cohort")).order_by(Delivery.id)
)
_CLAIM = (
    update(DELIVERY)
    .where(_IS_THIS_ROW)
    .values(
        state=DeliveryState.CLAIMED,
        claimed_by=bindparam("owner"),
        term=bindparam("since"),
        lease_until=in_seconds("lease"),
        not_before=None,
    )
)
_STILL_OURS = (
    select(DELIVERY.c.id)
    .where(DELIVERY.c.id.in_(bindparam("rows", expanding=True)), *_IS_OURS)
    .order_by(DELIVERY.c.id)
    .with_for_update()
)
_MARK = (
    update(DELIVERY)
    .where(_IS_THIS_ROW)
    .values(
        state=DeliveryState.SENDING,
        attempts=DELIVERY.c.attempts + 1,
        attempt_id=bindparam("attempt"),
        lease_until=in_seconds("lease"),
    )
)
_BEGIN_ATTEMPTS = insert(ATTEMPT)
_GIVE_BACK = (
    update(DELIVERY)
    .where(_IS_THIS_ROW, *_IS_OURS)
    .values(state=DeliveryState.PLANNED, claimed_by=None, term=None, lease_until=None, not_before=in_seconds("rests"))
)
