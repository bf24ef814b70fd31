"""Which of the claimed deliveries may go, to whom, and in which words.

Asked twice: when rows are claimed, so that nothing that cannot go takes up room or tokens, and again in the very
transaction that marks them as sending, so that a withdrawal is never a moment too late.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from bot.delivery.calls import Call, Method, check
from bot.delivery.moments import MomentAction
from bot.delivery.outcomes import Policy, policy_of
from bot.messages import Message, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Person
from bot.texts import SOURCE_LANGUAGE, Texts
from bot.words import DeliveryState, Lane, Verb

LATE = timedelta(minutes=15)  # past its hour by this much, we were out

Composer = Callable[..., Awaitable[Message | Withdrawn]]  # (tx, row, texts, now=…)
Recheck = Callable[..., Awaitable[Mapping[UUID, str]]]  # (tx, rows, now=…): rows that may not go, and why
WhenSent = Callable[..., Awaitable[Any]]  # (tx, rows, now=…), in the transaction that settles them
WhenUnreachable = Callable[..., Awaitable[Any]]  # (tx, row, why, now=…), likewise


async def _all_may_go(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> Mapping[UUID, str]:  # noqa: ARG001
    return {}


async def _nobody_asks(tx: Transaction, *what: Any, now: datetime) -> None:
    pass


@dataclass(frozen=True)
class Ties:
    """What the rooms hand down: who speaks for each kind, what moments do, what must be asked and told."""

    composers: Mapping[str, Composer]
    actions: Mapping[str, MomentAction] = field(default_factory=dict)
    recheck: Recheck = _all_may_go
    when_sent: WhenSent = _nobody_asks
    when_unreachable: WhenUnreachable = _nobody_asks
    when_refused: WhenUnreachable = _nobody_asks
    policies: Mapping[str, Policy] = field(default_factory=dict)  # by kind; otherwise by lane

    def policy(self, row: Delivery) -> Policy:
        return self.policies.get(row.kind) or policy_of(row.lane)


@dataclass(frozen=True)
class Recipient:
    """Where a delivery goes and how that chat is spoken to."""

    chat: int
    topic_id: int | None
    texts: Texts
    gone: str | None  # why it cannot be reached
    target_state: DeliveryState | None
    target_message: int | None


async def recipients(
    tx: Transaction, rows: Sequence[Delivery], default_language: str = SOURCE_LANGUAGE
) -> dict[UUID, Recipient]:
    """The recipient of each delivery: a person's own language and zone, a group's, else its cohort's."""
    asked = {"rows": [row.id for row in rows], "by_default": default_language}
    found = {}
    for row_id, chat, since, why, language, zone, topic, in_the_group, state, message in await tx.execute(
        _RECIPIENTS, asked
    ):
        found[row_id] = Recipient(
            chat=chat,
            topic_id=topic if in_the_group else None,
            texts=Texts(language, zone) if zone is not None else Texts(language),
            gone=(why or "unreachable") if since is not None else None,
            target_state=state,
            target_message=message,
        )
    return found


def _recipients() -> Select[*tuple[Any, ...]]:
    target = aliased(Delivery)
    return (
        select(
            Delivery.id,
            Chat.telegram_id,
            Chat.unreachable_since,
            Chat.unreachable_why,
            func.coalesce(Person.language, Chat.language, Cohort.language, bindparam("by_default")).label("language"),
            func.coalesce(Person.zone, Chat.zone, Cohort.zone).label("zone"),
            Cohort.topic_id,
            (Cohort.chat_id == Delivery.chat_id).label("in_the_group"),
            target.state,
            target.message_id,
        )
        .join(Chat, Chat.id == Delivery.chat_id)
        .outerjoin(Person, Person.id == Chat.person_id)
        .outerjoin(Cohort, Cohort.id == Delivery.cohort_id)
        .outerjoin(target, target.id == Delivery.target)
        .where(Delivery.id.in_(bindparam("rows", expanding=True)))
    )


_RECIPIENTS = _recipients()  # built once: it is asked twice for every letter


async def reasons_to_stay(
    tx: Transaction, rows: Sequence[Delivery], to: Mapping[UUID, Recipient], recheck: Recheck, *, now: datetime
) -> dict[UUID, str]:
    """The deliveries that may not go now, each with a reason that the board can show."""
    reasons: dict[UUID, str] = {}
    for row in rows:
        if row.expires_at is not None and row.expires_at <= now:
            reasons[row.id] = "too late"
        elif (gone := to[row.id].gone) is not None:
            reasons[row.id] = gone
    reasons |= await _crowded(tx, [row for row in rows if row.id not in reasons], now)
    open_ones = [row for row in rows if row.id not in reasons]
    if open_ones:
        reasons |= await recheck(tx, open_ones, now=now)
    return reasons


async def _crowded(tx: Transaction, rows: Sequence[Delivery], now: datetime) -> dict[UUID, str]:
    """After we were out, a chat gets one of the messages that piled up: safety first, else the newest.

    Only what can go stale is dropped (it has ``expires_at``), and never anything of the safety lane.
    """
    late = [row.id for row in rows if _perishable(row) and row.lane > Lane.SAFETY and row.due_at < now - LATE]
    if not late:
        return {}
    better = aliased(Delivery)
    comes_first = or_(
        better.lane < Delivery.lane,
        and_(better.lane == Delivery.lane, better.due_at > Delivery.due_at),
        and_(better.lane == Delivery.lane, better.due_at == Delivery.due_at, better.id < Delivery.id),
    )
    on_its_way = better.state.in_(
        [DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN]
    )
    just_sent = and_(better.state == DeliveryState.SENT, better.sent_at > now - LATE)
    statement = (
        select(Delivery.id)
        .join(better, and_(better.chat_id == Delivery.chat_id, better.id != Delivery.id))
        .where(
            Delivery.id.in_(late),
            better.verb == Verb.SEND,
            better.due_at <= now,
            better.expires_at > now,
            or_(just_sent, and_(on_its_way, comes_first)),
        )
        .distinct()
    )
    return dict.fromkeys(await tx.scalars(statement), "too late")


def _perishable(row: Delivery) -> bool:
    return row.verb is Verb.SEND and row.expires_at is not None


class NotYet(Exception):  # noqa: N818 - a polite no
    """What it changes is still on its way; try again in a moment."""


async def compose(
    tx: Transaction, row: Delivery, to: Recipient, composers: Mapping[str, Composer], *, now: datetime
) -> Call | Withdrawn:
    """The call that this delivery makes, in the recipient's language, or why there is none.

    Raises:
        NotYet: the message that it changes is still on its way.
        Unsendable: the composed message breaks Telegram's limits.
    """
    call = Call(Method(row.verb.value), to.chat, lane=Lane(row.lane))
    if row.verb is not Verb.SEND:
        message_id = (row.facts or {}).get("message_id", to.target_message)
        if message_id is None:
            if to.target_state in {DeliveryState.CLAIMED, DeliveryState.SENDING}:
                raise NotYet
            return Withdrawn(f"nothing to {row.verb.value}")
        call = replace(call, message_id=message_id)
    if row.verb in {Verb.SEND, Verb.EDIT}:
        message = await composers[row.kind](tx, row, to.texts, now=now)
        if isinstance(message, Withdrawn):
            return message
        message = replace(message, silent=message.silent or row.silent)
        # An edit that comes with an attachment speaks of a message that has one: its caption is what changes.
        captioned = row.verb is Verb.EDIT and message.attachment is not None
        call = replace(call, message=message, captioned=captioned, topic_id=to.topic_id)
    check(call)
    return call
