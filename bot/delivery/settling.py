"""What is written when a call has ended: its attempt's outcome, its delivery's state, what it says of the chat.

A result counts only for the attempt it belongs to. A late good one still turns *unknown* into *sent*; two good ones
for one delivery mean two copies, and the older is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update

from bot.delivery.claims import ATTEMPT, remember, rest_chats
from bot.delivery.moving import move_chat
from bot.delivery.outbox import DELIVERY, keep_newest_copy
from bot.delivery.outcomes import Outcome, Policy
from bot.delivery.realtime import in_seconds
from bot.delivery.states import PERHAPS_THERE, WAITING, Ruling, backoff, rule
from bot.storage.database import Transaction
from bot.storage.tables import Chat, Delivery
from bot.words import DeliveryState, OutcomeKind, Verb


@dataclass(frozen=True)
class Result:
    """How the call of one attempt ended."""

    row: Delivery
    attempt_id: UUID
    outcome: Outcome
    policy: Policy


async def settle(tx: Transaction, results: Sequence[Result], *, now: datetime) -> list[Delivery]:
    """Write results down, each fenced by its attempt; returns the rows whose state this changed."""
    await _close_attempts(tx, results, now)
    stored = {row.id: row for row in await tx.execute(_LOCKED, {"rows": [result.row.id for result in results]})}
    changes: list[tuple[Result, Ruling]] = []
    for result in results:
        row = stored.get(result.row.id)
        if row is None:
            continue  # its cohort was erased meanwhile
        if row.attempt_id == result.attempt_id and row.state in PERHAPS_THERE:
            ruling = rule(result.outcome, Verb(row.verb), result.policy, attempts=row.attempts, resends=row.resends)
            if row.state is not DeliveryState.UNKNOWN or ruling.state is DeliveryState.SENT:
                changes.append((result, ruling))
        elif result.outcome.done and row.state in PERHAPS_THERE | WAITING:
            changes.append((result, Ruling(DeliveryState.SENT)))  # late, but certain
        elif result.outcome.message_id is not None and row.message_id not in {None, result.outcome.message_id}:
            remember(result.row, message_id=row.message_id)
            await keep_newest_copy(tx, result.row, result.outcome.message_id, now=now)
    await _write(tx, changes, now)
    await _tell_chats(tx, results, now)
    return [result.row for result, _ in changes]


async def _close_attempts(tx: Transaction, results: Sequence[Result], now: datetime) -> None:
    ended = [
        {
            "attempt": result.attempt_id,
            "at": now,
            "kind": result.outcome.kind,
            "why": result.outcome.detail,
            "message": result.outcome.message_id,
        }
        for result in results
    ]
    await tx.execute(_CLOSE_ATTEMPTS, ended)


async def _write(tx: Transaction, changes: Sequence[tuple[Result, Ruling]], now: datetime) -> None:
    if not changes:
        return
    values = []
    for result, ruling in changes:
        new = _new_values(result, ruling, now)
        remember(result.row, **new)
        unknown = ruling.state is DeliveryState.UNKNOWN
        values.append({
            "row": result.row.id,
            "becomes": new["state"],
            "why": new["reason"],
            "message": new["message_id"],
            "at": new["sent_at"],
            "rests": None if unknown else ruling.rests,
            "ends": ruling.rests if unknown else None,
        })  # fmt: skip
    await tx.execute(_WRITE, values)


def _new_values(result: Result, ruling: Ruling, now: datetime) -> dict[str, Any]:
    sent = ruling.state is DeliveryState.SENT
    return {
        "state": ruling.state,
        "reason": ruling.reason[:64] if ruling.reason else None,
        "message_id": result.outcome.message_id if sent else None,
        "sent_at": now if sent else None,
    }


async def _tell_chats(tx: Transaction, results: Sequence[Result], now: datetime) -> None:
    rests: dict[UUID, float] = {}
    for result in results:
        outcome, chat_id = result.outcome, result.row.chat_id
        match outcome.kind:
            case OutcomeKind.LIMITED if outcome.retry_after:
                rests[chat_id] = max(outcome.retry_after, rests.get(chat_id, 0.0))
            case OutcomeKind.NOT_SENT:  # the whole chat, so that nothing overtakes what goes again
                rests[chat_id] = max(backoff(result.row.attempts), rests.get(chat_id, 0.0))
            case OutcomeKind.MOVED if outcome.new_chat_id:
                await move_chat(tx, chat_id, outcome.new_chat_id)
            case OutcomeKind.UNREACHABLE:
                gone = update(Chat).where(Chat.id == chat_id, Chat.unreachable_since.is_(None))
                await tx.execute(gone.values(unreachable_since=now, unreachable_why=outcome.detail))
    await rest_chats(tx, rests)


# ── Statements of every crossing, built once ───────────────────────────────────────────────────────────────────────

_LOCKED = (
    select(*(DELIVERY.c[name] for name in ("id", "state", "verb", "attempt_id", "attempts", "resends", "message_id")))
    .where(DELIVERY.c.id.in_(bindparam("rows", expanding=True)))
    .order_by(DELIVERY.c.id)
    .with_for_update()
)
_CLOSE_ATTEMPTS = (
    update(ATTEMPT)
    .where(ATTEMPT.c.id == bindparam("attempt"))
    .values(
        ended_at=bindparam("at"), outcome=bindparam("kind"), detail=bindparam("why"), message_id=bindparam("message")
    )
)
_WRITE = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("row"))
    .values(
        state=bindparam("becomes"),
        reason=bindparam("why"),
        message_id=bindparam("message"),
        sent_at=bindparam("at"),
        not_before=in_seconds("rests"),
        lease_until=in_seconds("ends"),
    )
)
