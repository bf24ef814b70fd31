"""What facilitators do with an alert: read it, hand it over, close it, let the member's programme go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from bot.delivery.outbox import plan
from bot.safety.actions import plan_next, row_about, send_to, tell_member
from bot.safety.queries import lock_alert, may_open, roster_of
from bot.safety.rules import REPEAT_EVERY, AlertClosed, NobodyElse, NotYourAlert, is_told, others
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Cohort, Delivery, Member, Person
from bot.window.actions import replan
from bot.window.queries import private_chat
from bot.words import AlertOutcome, AlertState, DeliveryState, Level


async def acknowledge(tx: Transaction, alert_id: UUID, me: Person, *, now: datetime, tapped: int | None) -> Alert:
    """A facilitator has read it: it stops repeating, and the member reads so.

    Raises:
        NotYourAlert: it is not there, or not theirs to read.
        AlertClosed: it was resolved already.
    """
    alert = await _mine(tx, alert_id, me)
    await _acknowledge(tx, alert, me, now=now)
    await _fold_elsewhere(tx, alert, me, tapped, now=now)
    return alert


async def resolve(
    tx: Transaction, alert_id: UUID, me: Person, outcome: AlertOutcome, *, now: datetime, tapped: int | None
) -> Alert:
    """Close an alert with what became of it; the member's programme stays held until somebody resumes it.

    Raises:
        NotYourAlert: it is not there, or not theirs to read.
        AlertClosed: it was resolved already.
    """
    alert = await _mine(tx, alert_id, me)
    await _acknowledge(tx, alert, me, now=now)
    alert.state = AlertState.RESOLVED
    alert.resolved_at = now
    alert.resolved_by = me.id
    alert.outcome = outcome
    await _fold_elsewhere(tx, alert, me, tapped, now=now)
    return alert


async def hand_over(tx: Transaction, alert_id: UUID, me: Person, to: UUID, *, now: datetime) -> Alert:
    """Give an alert to another facilitator: it counts as unread again until they read it.

    Raises:
        NotYourAlert: it is not there, or not theirs to give.
        AlertClosed: it was resolved already.
        NobodyElse: there is nobody to give it to, or not this person.
    """
    alert = await _mine(tx, alert_id, me)
    cohort = await tx.get_one(Cohort, alert.cohort_id)
    roster = await roster_of(tx, cohort)
    if to not in others(roster, me.id):
        raise NobodyElse
    alert.state = AlertState.OPEN
    await send_to(tx, alert, [to], f"{int(now.timestamp())}", now=now)
    if alert.level is Level.RED:
        await plan_next(tx, alert, "alert-repeat", now + REPEAT_EVERY)
    return alert


async def resume(tx: Transaction, alert_id: UUID, me: Person, *, now: datetime) -> Alert:
    """Let the member's programme go on.

    Raises:
        NotYourAlert: it is not there, or not theirs.
    """
    alert = await lock_alert(tx, alert_id)
    if alert is None or not await may_open(tx, me, alert):
        raise NotYourAlert
    member = await tx.get_one(Member, alert.member_id)
    member.held_at = None
    await replan(tx, member.cohort_id, now=now)
    return alert


# ── Small steps ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _mine(tx: Transaction, alert_id: UUID, me: Person) -> Alert:
    alert = await lock_alert(tx, alert_id)
    if alert is None or not await may_open(tx, me, alert):
        raise NotYourAlert
    if alert.state is AlertState.RESOLVED:
        raise AlertClosed
    return alert


async def _acknowledge(tx: Transaction, alert: Alert, me: Person, *, now: datetime) -> None:
    if alert.state is not AlertState.OPEN:
        return
    alert.state = AlertState.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = me.id
    if is_told(alert.cause):
        await tell_member(tx, alert, "alert-read", now=now)


async def _fold_elsewhere(tx: Transaction, alert: Alert, me: Person, tapped: int | None, *, now: datetime) -> None:
    """Every other copy of the alert, on every phone, shows where it stands now."""
    mine = await private_chat(tx, me.id)
    copies = await tx.scalars(
        select(Delivery).where(Delivery.ref == alert.id, Delivery.kind == "alert", Delivery.state == DeliveryState.SENT)
    )
    rows = [
        row_about(alert, copy.chat_id, "alert-fold", f"alert-fold:{copy.id}:{alert.state}", now=now, edits=copy.id)
        for copy in copies
        if (copy.chat_id, copy.message_id) != (mine.id, tapped)
    ]
    await plan(tx, rows)
