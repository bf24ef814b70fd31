"""The life of a broadcast: written, looked at, sent after fifteen seconds, stopped, reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from bot.broadcasts.letters import as_content
from bot.broadcasts.queries import arrivals, cohorts_of, holds, lock_broadcast, readers_of, tally_of
from bot.broadcasts.rules import (
    FRESH_FOR,
    UNDO_FOR,
    BroadcastGone,
    NobodyToReach,
    NothingWritten,
    fits,
    may_still,
)
from bot.delivery.moments import MomentAction, plan_moment
from bot.delivery.outbox import plan, withdraw
from bot.messages import Attachment
from bot.storage.database import Transaction
from bot.storage.tables import Broadcast, BroadcastCohort, Chat, Cohort, Delivery, Moment, Person
from bot.window.queries import private_chat
from bot.words import BroadcastState, Lane, MomentState, Origin, Verb

_LOOK_AGAIN = timedelta(minutes=1)  # how often the report looks whether everything is final


async def write(
    tx: Transaction,
    me: Person,
    cohorts: Sequence[Cohort],
    words: str,
    attachment: Attachment | None,
    *,
    now: datetime,
) -> Broadcast:
    """Keep what a facilitator wants to say, sealed, until they press Send.

    Raises:
        NothingWritten, BroadcastTooLong
        NobodyToReach: nobody is enrolled in these cohorts.
    """
    if not words and attachment is None:
        raise NothingWritten
    fits(words, with_attachment=attachment is not None)
    if not await readers_of(tx, cohorts, now):
        raise NobodyToReach
    broadcast = Broadcast(author_id=me.id, state=BroadcastState.DRAFT, made_at=now)
    tx.seal(broadcast, "words", words)
    if attachment is not None:
        tx.seal_json(broadcast, "attachment", as_content(attachment))
    tx.add(broadcast)
    await tx.flush()
    tx.add_all([BroadcastCohort(broadcast_id=broadcast.id, cohort_id=cohort.id) for cohort in cohorts])
    await tx.flush()
    return broadcast


async def send(tx: Transaction, broadcast_id: UUID, me: Person, *, now: datetime, page: int | None = None) -> Broadcast:
    """Let it leave in fifteen seconds; ``page`` is the message with Undo, which keeps itself current from now on.

    Raises:
        BroadcastGone: it is not theirs.
        BroadcastDecided: it was sent or cancelled already.
    """
    broadcast = await mine(tx, broadcast_id, me)
    may_still(broadcast.state, BroadcastState.DRAFT)
    broadcast.state = BroadcastState.WAITING
    broadcast.leaves_at = now + UNDO_FOR
    await _plan_moment(tx, broadcast, "broadcast-leaves", broadcast.leaves_at)
    if page is not None:
        await _turn_page(tx, broadcast, {"message_id": page}, broadcast.leaves_at, now=now)
    return broadcast


async def cancel(tx: Transaction, broadcast_id: UUID, me: Person) -> Broadcast:
    """Cancel it before Send, or undo it within its fifteen seconds.

    Raises:
        BroadcastGone: it is not theirs.
        BroadcastDecided: it has left already.
    """
    broadcast = await mine(tx, broadcast_id, me)
    may_still(broadcast.state, BroadcastState.DRAFT, BroadcastState.WAITING)
    broadcast.state = BroadcastState.CANCELLED
    return broadcast


async def stop(tx: Transaction, broadcast_id: UUID, me: Person, *, now: datetime) -> Broadcast:
    """Stop what has not left yet; what has arrived stays.

    Raises:
        BroadcastGone: it is not theirs.
        BroadcastDecided: there is nothing left to stop.
    """
    broadcast = await mine(tx, broadcast_id, me)
    may_still(broadcast.state, BroadcastState.LEAVING)
    broadcast.state = BroadcastState.STOPPED
    await withdraw(tx, Delivery.ref == broadcast.id, Delivery.kind == "broadcast", reason="stopped")
    await _plan_moment(tx, broadcast, "broadcast-report", now)
    return broadcast


# ── What falls due ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _leave(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """Fifteen seconds and no Undo: one row for everybody who can be reached, at an hour that suits them."""
    broadcast = await lock_broadcast(tx, moment.ref) if moment.ref else None
    if broadcast is None or broadcast.state is not BroadcastState.WAITING:
        return
    author = await tx.get_one(Person, broadcast.author_id)
    cohorts = [cohort for cohort in await cohorts_of(tx, broadcast) if await holds(tx, author, cohort.id)]
    rows = [
        Delivery(
            key=f"broadcast:{broadcast.id}:{reader.person_id}",
            origin=Origin.BROADCASTS,
            verb=Verb.SEND,
            kind="broadcast",
            lane=Lane.BROADCAST,
            chat_id=reader.chat_id,
            cohort_id=reader.cohort_id,
            member_id=reader.member_id,
            ref=broadcast.id,
            due_at=due_at,
            expires_at=due_at + FRESH_FOR,
            made_at=now,
        )
        for reader, due_at in await arrivals(tx, await readers_of(tx, cohorts, now), now)
    ]
    await plan(tx, rows)
    broadcast.state = BroadcastState.LEAVING
    await _plan_moment(tx, broadcast, "broadcast-report", max((row.due_at for row in rows), default=now))


async def _report(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """When every copy has come to its end, the author reads who got it and who did not."""
    broadcast = await lock_broadcast(tx, moment.ref) if moment.ref else None
    if broadcast is None or broadcast.state not in {BroadcastState.LEAVING, BroadcastState.STOPPED}:
        return
    if not (await tally_of(tx, broadcast, now)).is_final:
        latest = await tx.scalar(
            select(func.max(Delivery.due_at)).where(Delivery.ref == broadcast.id, Delivery.kind == "broadcast")
        )
        await _plan_moment(tx, broadcast, "broadcast-report", max(latest or now, now) + _LOOK_AGAIN)
        return
    if broadcast.state is BroadcastState.LEAVING:
        broadcast.state = BroadcastState.SENT
        page = select(Delivery.facts).where(Delivery.ref == broadcast.id, Delivery.kind == "broadcast-page")
        if (facts := await tx.scalar(page.limit(1))) is not None:
            await _turn_page(tx, broadcast, facts, now, now=now)
    chat = await private_chat(tx, broadcast.author_id)
    report = _for_author(broadcast, chat, Verb.SEND, "broadcast-report", now, now=now)
    report.silent = True
    await plan(tx, [report])


async def _turn_page(
    tx: Transaction, broadcast: Broadcast, facts: dict[str, Any], due_at: datetime, *, now: datetime
) -> None:
    """Change the page with the buttons when they have had their time."""
    chat = await private_chat(tx, broadcast.author_id)
    edit = _for_author(broadcast, chat, Verb.EDIT, "broadcast-page", due_at, now=now)
    edit.facts = facts
    await plan(tx, [edit])


def _for_author(
    broadcast: Broadcast, chat: Chat, verb: Verb, kind: str, due_at: datetime, *, now: datetime
) -> Delivery:
    return Delivery(
        key=f"{kind}:{broadcast.id}:{broadcast.state}",
        origin=Origin.BROADCASTS,
        verb=verb,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=chat.id,
        ref=broadcast.id,
        due_at=due_at,
        made_at=now,
    )


MOMENTS: dict[str, MomentAction] = {"broadcast-leaves": _leave, "broadcast-report": _report}


async def mine(tx: Transaction, broadcast_id: UUID, me: Person) -> Broadcast:
    """A broadcast in its author's hands.

    Raises:
        BroadcastGone: it is not there, or not theirs.
    """
    broadcast = await lock_broadcast(tx, broadcast_id)
    if broadcast is None or broadcast.author_id != me.id:
        raise BroadcastGone
    return broadcast


async def _plan_moment(tx: Transaction, broadcast: Broadcast, kind: str, due_at: datetime) -> None:
    """One moment of a kind at a time; a report that is looked for again has its instant in its key."""
    await plan_moment(
        tx,
        Moment(
            key=f"{kind}:{broadcast.id}:{int(due_at.timestamp())}",
            kind=kind,
            due_at=due_at,
            ref=broadcast.id,
            state=MomentState.WAITING,
        ),
    )
