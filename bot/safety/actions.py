"""Raising an alert, repeating it until somebody reads it, and closing it.

An alert row goes to its facilitators as ordinary deliveries in the safety lane, which know no quiet hours. Nothing is
withdrawn when somebody reads it: whatever is still under way asks the alert again when its time comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bot.delivery.moments import MomentAction, plan_moment
from bot.delivery.outbox import plan
from bot.safety.queries import (
    chats_of,
    has_answered,
    lock_alert,
    may_open,
    memberships,
    open_alert,
    roster_of,
    urgency_of_silence,
)
from bot.safety.rules import (
    BEYOND_AFTER,
    REPEAT_EVERY,
    UNTOLD_AFTER,
    AlertClosed,
    NobodyElse,
    NotYourAlert,
    is_news,
    is_told,
    others,
    recipients,
)
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Chat, Cohort, Delivery, Member, Moment, Person
from bot.window.actions import replan
from bot.window.queries import private_chat
from bot.words import (
    AlertCause,
    AlertOutcome,
    AlertState,
    DeliveryState,
    Lane,
    Level,
    MemberState,
    MomentState,
    Origin,
    Verb,
)

Siren = Callable[[dict[str, Any]], object]  # takes a notice without content outside: see ALERT_WEBHOOK_URL


async def raise_alert(
    tx: Transaction,
    member: Member,
    level: Level,
    cause: AlertCause,
    *,
    now: datetime,
    meeting_id: UUID | None = None,
    step: str | None = None,
) -> Alert:
    """Tell the facilitators that somebody needs them, and the member (if they asked for it) that this was done.

    Raising the same thing again before anybody has read it changes nothing, unless it turns from amber to red. A red
    alert holds the member: their prompts stop and their openings rest until a facilitator resumes.
    """
    await _one_at_a_time(tx, member)
    alert = await open_alert(tx, member, cause, meeting_id, step)
    if alert is None:
        alert = Alert(
            cohort_id=member.cohort_id,
            member_id=member.id,
            meeting_id=meeting_id,
            step=step,
            level=level,
            cause=cause,
            state=AlertState.OPEN,
            raised_at=now,
            repeats=0,
        )
        tx.add(alert)
        await tx.flush()
    elif is_news(alert.level, level):
        alert.level = level
        alert.repeats = 0
    else:
        return alert
    await _tell_facilitators(tx, alert, now=now)
    if is_told(cause):
        await _tell_member(tx, alert, "alert-receipt", now=now)
        await _plan(tx, alert, "alert-untold", alert.raised_at + UNTOLD_AFTER)
    if level is Level.RED:
        await _plan(tx, alert, "alert-repeat", now + REPEAT_EVERY)
        await _hold(tx, member, now=now)
    return alert


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
    await _send_to(tx, alert, [to], f"{int(now.timestamp())}", now=now)
    if alert.level is Level.RED:
        await _plan(tx, alert, "alert-repeat", now + REPEAT_EVERY)
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


async def lose(tx: Transaction, chat: Chat, *, now: datetime) -> None:
    """Somebody has blocked the bot: nothing is tried any more, and their facilitators learn it."""
    chat.unreachable_since = chat.unreachable_since or now
    chat.unreachable_why = chat.unreachable_why or "blocked"
    await tx.flush()
    for member in await memberships(tx, chat.person_id) if chat.person_id else []:
        if member.state is MemberState.ENROLLED:
            await raise_alert(tx, member, Level.AMBER, AlertCause.UNREACHABLE, now=now)


def regain(chat: Chat) -> None:
    """They let the bot write again."""
    chat.unreachable_since = None
    chat.unreachable_why = None


# ── What falls due ─────────────────────────────────────────────────────────────────────────────────────────────────


async def silence(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """A step that asks for a sign got none; how urgent that is stands in its programme."""
    if moment.member_id is None or moment.meeting_id is None or moment.step is None:
        return
    member = await tx.get(Member, moment.member_id)
    if member is None or member.left_at is not None:
        return
    if await has_answered(tx, member.id, moment.meeting_id, moment.step):
        return
    level = await urgency_of_silence(tx, member, moment.step)
    await raise_alert(tx, member, level, AlertCause.SILENCE, now=now, meeting_id=moment.meeting_id, step=moment.step)


async def _untold(tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """Half an hour and nobody has read it: the member is told once, with the lines."""
    alert = await _of(tx, moment)
    if alert is None or alert.acknowledged_at is not None or alert.state is AlertState.RESOLVED or alert.told_at:
        return
    alert.told_at = now
    await _tell_member(tx, alert, "alert-untold", now=now)


async def _repeat(siren: Siren, tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """Five minutes and nobody has read a red alert: say it again, and from the third time on to everybody."""
    alert = await _of(tx, moment)
    if alert is None or alert.state is not AlertState.OPEN or alert.level is not Level.RED:
        return
    alert.repeats += 1
    await _tell_facilitators(tx, alert, now=now)
    await _plan(tx, alert, "alert-repeat", now + REPEAT_EVERY)
    if alert.repeats >= BEYOND_AFTER:
        tx.after_commit(partial(siren, _notice(alert)))


def moments(siren: Siren) -> dict[str, MomentAction]:
    """The decisions of this room that fall due; ``siren`` is called after commit while a red alert stays unread."""
    return {"silence": silence, "alert-untold": _untold, "alert-repeat": partial(_repeat, siren)}


def _notice(alert: Alert) -> dict[str, Any]:
    """What the operator's webhook receives: that something is unread, and nothing of anybody."""
    return {
        "event": "alert-unread",
        "alert": str(alert.id),
        "level": str(alert.level),
        "raised_at": alert.raised_at.isoformat(),
        "repeats": alert.repeats,
    }


# ── Small steps ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _one_at_a_time(tx: Transaction, member: Member) -> None:
    """Lock the member's row: the same thing raised twice at once becomes one alert."""
    await tx.execute(select(Member.id).where(Member.id == member.id).with_for_update())


async def _mine(tx: Transaction, alert_id: UUID, me: Person) -> Alert:
    alert = await lock_alert(tx, alert_id)
    if alert is None or not await may_open(tx, me, alert):
        raise NotYourAlert
    if alert.state is AlertState.RESOLVED:
        raise AlertClosed
    return alert


async def _of(tx: Transaction, moment: Moment) -> Alert | None:
    return await lock_alert(tx, moment.ref) if moment.ref else None


async def _acknowledge(tx: Transaction, alert: Alert, me: Person, *, now: datetime) -> None:
    if alert.state is not AlertState.OPEN:
        return
    alert.state = AlertState.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = me.id
    if is_told(alert.cause):
        await _tell_member(tx, alert, "alert-read", now=now)


async def _hold(tx: Transaction, member: Member, *, now: datetime) -> None:
    member.held_at = member.held_at or now
    await tx.flush()
    await replan(tx, member.cohort_id, now=now)


async def _tell_facilitators(tx: Transaction, alert: Alert, *, now: datetime) -> None:
    cohort = await tx.get_one(Cohort, alert.cohort_id)
    people = recipients(alert.level, alert.repeats, await roster_of(tx, cohort))
    await _send_to(tx, alert, people, f"{alert.level}:{alert.repeats}", now=now)


async def _send_to(tx: Transaction, alert: Alert, people: Iterable[UUID], turn: str, *, now: datetime) -> None:
    chats = await chats_of(tx, people)
    await plan(tx, [_row(alert, chat, "alert", f"alert:{alert.id}:{turn}:{chat.person_id}", now=now) for chat in chats])


async def _tell_member(tx: Transaction, alert: Alert, kind: str, *, now: datetime) -> None:
    member = await tx.get_one(Member, alert.member_id)
    chat = await private_chat(tx, member.person_id)
    # The instant is part of the key: who read it may change when it is handed over.
    await plan(tx, [_row(alert, chat, kind, f"{kind}:{alert.id}:{int(now.timestamp())}", now=now)])


async def _fold_elsewhere(tx: Transaction, alert: Alert, me: Person, tapped: int | None, *, now: datetime) -> None:
    """Every other copy of the alert, on every phone, shows where it stands now."""
    mine = await private_chat(tx, me.id)
    copies = await tx.scalars(
        select(Delivery).where(Delivery.ref == alert.id, Delivery.kind == "alert", Delivery.state == DeliveryState.SENT)
    )
    chats = {copy: await tx.get_one(Chat, copy.chat_id) for copy in copies if copy.message_id is not None}
    rows = [
        _row(alert, chat, "alert-fold", f"alert-fold:{copy.id}:{alert.state}", now=now, edits=copy)
        for copy, chat in chats.items()
        if (chat.id, copy.message_id) != (mine.id, tapped)
    ]
    await plan(tx, rows)


def _row(alert: Alert, chat: Chat, kind: str, key: str, *, now: datetime, edits: Delivery | None = None) -> Delivery:
    return Delivery(
        key=key,
        origin=Origin.SAFETY,
        verb=Verb.EDIT if edits else Verb.SEND,
        target=edits.id if edits else None,
        kind=kind,
        lane=Lane.SAFETY,
        chat_id=chat.id,
        cohort_id=alert.cohort_id,
        member_id=alert.member_id,
        ref=alert.id,
        facts={"repeats": alert.repeats},
        due_at=now,
        silent=False,
        made_at=now,
    )


async def _plan(tx: Transaction, alert: Alert, kind: str, due_at: datetime) -> None:
    await plan_moment(
        tx,
        Moment(
            key=f"{kind}:{alert.id}:{int(due_at.timestamp())}",
            kind=kind,
            due_at=due_at,
            cohort_id=alert.cohort_id,
            member_id=alert.member_id,
            ref=alert.id,
            state=MomentState.WAITING,
        ),
    )
