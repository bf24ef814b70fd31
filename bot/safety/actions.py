"""Raising an alert and repeating it until somebody reads it.

An alert goes to its facilitators as ordinary deliveries in the safety lane, which know no quiet hours. Nothing is
withdrawn when somebody reads it: whatever is still under way asks the alert again when its time comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bot.delivery.moments import MomentAction, plan_moment, withdraw_moments
from bot.delivery.outbox import plan
from bot.safety.queries import (
    chats_of,
    has_answered,
    lock_alert,
    memberships,
    open_alert,
    roster_of,
    urgency_of_silence,
)
from bot.safety.rules import (
    BEYOND_AFTER,
    REPEAT_EVERY,
    UNTOLD_AFTER,
    is_news,
    is_told,
    recipients,
)
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Chat, Cohort, Delivery, Member, Moment
from bot.window.actions import replan
from bot.window.queries import private_chat
from bot.words import (
    AlertCause,
    AlertState,
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
        await tell_member(tx, alert, "alert-receipt", now=now)
        await plan_next(tx, alert, "alert-untold", alert.raised_at + UNTOLD_AFTER)
    if level is Level.RED:
        await plan_next(tx, alert, "alert-repeat", now + REPEAT_EVERY)
        await _hold(tx, member, now=now)
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
    await tell_member(tx, alert, "alert-untold", now=now)


async def _repeat(siren: Siren, tx: Transaction, moment: Moment, *, now: datetime) -> None:
    """Five minutes and nobody has read a red alert: say it again, and from the third time on to everybody."""
    alert = await _of(tx, moment)
    if alert is None or alert.state is not AlertState.OPEN or alert.level is not Level.RED:
        return
    alert.repeats += 1
    await _tell_facilitators(tx, alert, now=now)
    await plan_next(tx, alert, "alert-repeat", now + REPEAT_EVERY)
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


async def _of(tx: Transaction, moment: Moment) -> Alert | None:
    return await lock_alert(tx, moment.ref) if moment.ref else None


async def _hold(tx: Transaction, member: Member, *, now: datetime) -> None:
    member.held_at = member.held_at or now
    await tx.flush()
    await replan(tx, member.cohort_id, now=now)


async def _tell_facilitators(tx: Transaction, alert: Alert, *, now: datetime) -> None:
    cohort = await tx.get_one(Cohort, alert.cohort_id)
    people = recipients(alert.level, alert.repeats, await roster_of(tx, cohort))
    await send_to(tx, alert, people, f"{alert.level}:{alert.repeats}", now=now)


async def send_to(tx: Transaction, alert: Alert, people: Iterable[UUID], turn: str, *, now: datetime) -> None:
    """Send an alert to these people; each of its turns has a name."""
    chats = await chats_of(tx, people)
    keys = {chat.id: f"alert:{alert.id}:{turn}:{chat.person_id}" for chat in chats}
    await plan(tx, [row_about(alert, chat_id, "alert", key, now=now) for chat_id, key in keys.items()])


async def tell_member(tx: Transaction, alert: Alert, kind: str, *, now: datetime) -> None:
    """Tell the member what became of it; they may hear the same twice, when it was handed over."""
    member = await tx.get_one(Member, alert.member_id)
    chat = await private_chat(tx, member.person_id)
    await plan(tx, [row_about(alert, chat.id, kind, f"{kind}:{alert.id}:{int(now.timestamp())}", now=now)])


def row_about(
    alert: Alert, chat_id: UUID, kind: str, key: str, *, now: datetime, edits: UUID | None = None
) -> Delivery:
    """A delivery that speaks of an alert: in the safety lane, at once, and it never goes stale."""
    return Delivery(
        key=key,
        origin=Origin.SAFETY,
        verb=Verb.EDIT if edits else Verb.SEND,
        target=edits,
        kind=kind,
        lane=Lane.SAFETY,
        chat_id=chat_id,
        cohort_id=alert.cohort_id,
        member_id=alert.member_id,
        ref=alert.id,
        facts={"repeats": alert.repeats},
        due_at=now,
        made_at=now,
    )


async def plan_next(tx: Transaction, alert: Alert, kind: str, due_at: datetime) -> None:
    """Let something about an alert fall due; whatever of its kind still waits gives way."""
    await withdraw_moments(tx, Moment.ref == alert.id, Moment.kind == kind, reason="planned anew")
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
