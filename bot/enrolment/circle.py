"""A cohort's Telegram group, if it has one: what is posted there, and what becomes of it when the group changes.

Only dates go there. Whatever a member reads, says or is, stays in their own chat, so a cohort without a group lacks
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bot.delivery import outbox
from bot.delivery.moving import chat_of, move_chat
from bot.enrolment.letters import letter
from bot.enrolment.rules import ChatTaken, LinkedMeanwhile, NotLinked
from bot.storage.audit import record
from bot.storage.database import Transaction
from bot.storage.tables import Chat, Cohort, Delivery, Meeting, Person
from bot.window.queries import facilitators_of
from bot.window.quiet import next_waking
from bot.words import DeliveryState, Lane, MeetingState, Origin, QuietHours, Verb

DATE, CALLED_OFF, LINKED = "group-date", "group-called-off", "group-linked"
CHANGED = "group-changed"  # to the facilitators: what became of it

AFTER_A_LOOK = timedelta(minutes=1)  # a group that is only being rebuilt is no news

TOPIC_GONE = {"topic not found", "topic closed"}  # what the post office calls these

_READ = (DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.SENDING)


# ── Connecting ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def linked_to(tx: Transaction, chat: Chat, topic_id: int | None) -> Cohort | None:
    """The open cohort that this group, or this topic of it, is connected with."""
    in_this_chat = select(Cohort).where(Cohort.chat_id == chat.id, Cohort.closed_at.is_(None))
    topic = Cohort.topic_id == topic_id if topic_id is not None else Cohort.topic_id.is_(None)
    return await tx.scalar(in_this_chat.where(topic).limit(1))


async def cohorts_of_chat(tx: Transaction, chat: Chat) -> list[Cohort]:
    found = select(Cohort).where(Cohort.chat_id == chat.id, Cohort.closed_at.is_(None))
    return list(await tx.scalars(found.order_by(Cohort.created_at, Cohort.id)))


async def link(
    tx: Transaction,
    cohort: Cohort,
    telegram_id: int,
    topic_id: int | None,
    by: Person,
    *,
    was: UUID | None,
    is_admin: bool,
    now: datetime,
) -> None:
    """Connect a cohort with a group; ``was`` is the chat it had when they were asked, ``is_admin`` what we are there.

    Raises:
        ChatTaken: another cohort is; LinkedMeanwhile: somebody else was quicker.
    """
    await tx.refresh(cohort, with_for_update=True)
    if cohort.chat_id != was:
        raise LinkedMeanwhile
    chat = await chat_of(tx, telegram_id)
    if chat is None:
        chat = Chat(telegram_id=telegram_id)
        tx.add(chat)
        await tx.flush()
    taken = await linked_to(tx, chat, topic_id)
    if taken is not None and taken.id != cohort.id:
        raise ChatTaken
    await _withdraw_posts(tx, cohort, "linked elsewhere")
    chat.unreachable_since = chat.unreachable_why = None
    cohort.chat_id, cohort.topic_id = chat.id, topic_id
    await record(tx, actor_id=by.id, action="group-linked", cohort_id=cohort.id, subject_id=chat.id, now=now)
    facts = {"admin": is_admin}
    await outbox.plan(tx, [_post(cohort, LINKED, f"{LINKED}:{cohort.id}:{_stamp(now)}", now, now=now, facts=facts)])
    await tx.flush()
    await post_dates(tx, cohort.id, now=now)
    await tell(tx, cohort, "linked", _stamp(now), now=now, but=by.id)


async def unlink(tx: Transaction, cohort: Cohort, by: Person, *, now: datetime) -> None:
    """Nothing is posted any more; what stands there stays.

    Raises:
        NotLinked
    """
    await tx.refresh(cohort, with_for_update=True)
    if cohort.chat_id is None:
        raise NotLinked
    await record(tx, actor_id=by.id, action="group-unlinked", cohort_id=cohort.id, subject_id=cohort.chat_id, now=now)
    await _withdraw_posts(tx, cohort, "unlinked")
    cohort.chat_id = cohort.topic_id = None
    await tell(tx, cohort, "unlinked", _stamp(now), now=now, but=by.id)


async def choose_posts(tx: Transaction, cohort: Cohort, by: Person, *, posts: bool, now: datetime) -> None:
    """Whether the group reads when they meet."""
    cohort.posts_dates = posts
    await record(tx, actor_id=by.id, action="group-posts", cohort_id=cohort.id, facts={"on": posts}, now=now)
    await tx.flush()
    if posts:
        await post_dates(tx, cohort.id, now=now)
    else:
        await _withdraw_posts(tx, cohort, "not wanted")


async def _withdraw_posts(tx: Transaction, cohort: Cohort, reason: str) -> None:
    if cohort.chat_id is not None:
        here = (Delivery.chat_id == cohort.chat_id, Delivery.cohort_id == cohort.id)
        await outbox.withdraw(tx, *here, reason=reason)


# ── Dates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def post_dates(tx: Transaction, cohort_id: UUID, *, now: datetime) -> None:
    """Say in the group what it does not know yet of when they meet; saying it twice changes nothing."""
    cohort = await tx.get_one(Cohort, cohort_id)
    if cohort.chat_id is None or not cohort.posts_dates:
        return
    await tx.flush()
    meetings = select(Meeting).where(Meeting.cohort_id == cohort_id, Meeting.starts_at > now)
    for meeting in await tx.scalars(meetings.order_by(Meeting.starts_at, Meeting.id)):
        await _post_date(tx, cohort, meeting, now)


async def _post_date(tx: Transaction, cohort: Cohort, meeting: Meeting, now: datetime) -> None:
    posts = await _posts_of(tx, cohort, meeting)
    read = [row for row in posts if row.state in _READ]
    said = read[-1] if read else None
    start = _minutes(meeting.starts_at)
    about_it = (Delivery.meeting_id == meeting.id, Delivery.chat_id == cohort.chat_id)
    key = f"{meeting.id}:{meeting.sequence}:{cohort.chat_id}"
    if meeting.state is MeetingState.CANCELLED:
        await outbox.withdraw(tx, *about_it, Delivery.kind == DATE, reason="cancelled")
        if said is not None and said.kind == DATE:
            facts = {"start": (said.facts or {})["start"]}
            await outbox.plan(tx, [_about(cohort, meeting, CALLED_OFF, f"{CALLED_OFF}:{key}", now, facts)])
    elif meeting.state is MeetingState.PLANNED and (not posts or (posts[-1].facts or {}).get("start") != start):
        await outbox.withdraw(tx, *about_it, Delivery.kind == DATE, reason="moved")
        facts = {"start": start}
        if said is not None and said.kind == DATE:
            facts["was"] = (said.facts or {})["start"]
        if facts.get("was") != start:
            await outbox.plan(tx, [_about(cohort, meeting, DATE, f"{DATE}:{key}", now, facts)])


async def _posts_of(tx: Transaction, cohort: Cohort, meeting: Meeting) -> Sequence[Delivery]:
    """What this group has read or will read of one meeting, oldest first."""
    rows = await tx.scalars(
        select(Delivery)
        .where(
            Delivery.meeting_id == meeting.id,
            Delivery.chat_id == cohort.chat_id,
            Delivery.kind.in_((DATE, CALLED_OFF)),
            Delivery.state.in_((*_READ, DeliveryState.PLANNED, DeliveryState.CLAIMED)),
        )
        .order_by(Delivery.made_at, Delivery.id)
    )
    return rows.all()


def _about(cohort: Cohort, meeting: Meeting, kind: str, key: str, now: datetime, facts: dict[str, int]) -> Delivery:
    """A post about one meeting: in the cohort's waking hours, and not once it has begun."""
    due = min(next_waking(now, QuietHours(cohort.quiet_begins, cohort.quiet_ends), cohort.zone), meeting.starts_at)
    row = _post(cohort, kind, key, due, now=now, facts=facts)
    row.meeting_id, row.expires_at = meeting.id, meeting.starts_at + meeting.lasts
    return row


def _post(cohort: Cohort, kind: str, key: str, due: datetime, *, now: datetime, facts: dict[str, Any]) -> Delivery:
    return Delivery(
        key=key,
        origin=Origin.ENROLMENT,
        verb=Verb.SEND,
        kind=kind,
        lane=Lane.PROMPTS,
        chat_id=cohort.chat_id,
        cohort_id=cohort.id,
        facts=facts,
        due_at=due,
        made_at=now,
    )


# ── What becomes of the group ──────────────────────────────────────────────────────────────────────────────────────


async def lose(tx: Transaction, chat: Chat, why: str, *, now: datetime) -> None:
    """We cannot write there any more: nothing is tried, and the facilitators hear it once."""
    chat.unreachable_since = chat.unreachable_since or now
    chat.unreachable_why = chat.unreachable_why or why
    for cohort in await cohorts_of_chat(tx, chat):
        await tell(tx, cohort, "lost", _stamp(chat.unreachable_since), now=now, due=now + AFTER_A_LOOK)


async def regain(tx: Transaction, chat: Chat) -> None:
    """We can write there again; news of its loss that nobody has read yet is none."""
    if chat.unreachable_since is None:
        return
    chat.unreachable_since = chat.unreachable_why = None
    for cohort in await cohorts_of_chat(tx, chat):
        unread = (Delivery.kind == CHANGED, Delivery.key.startswith(f"{CHANGED}:lost:{cohort.id}:"))
        await outbox.withdraw(tx, *unread, reason="back again")


async def promoted(tx: Transaction, chat: Chat, *, now: datetime) -> None:
    """We became an administrator, and from now on everything written there reaches us: they should know."""
    for cohort in await cohorts_of_chat(tx, chat):
        await tell(tx, cohort, "admin", _stamp(now), now=now)


async def moved(tx: Transaction, old: int, new: int) -> None:
    """The group has another number: its posts follow, whichever of Telegram's two notices comes first."""
    chat = await chat_of(tx, old)
    if chat is None or chat.person_id is not None:
        return
    await move_chat(tx, chat.id, new)
    await regain(tx, chat)


async def topic_gone(tx: Transaction, row: Delivery, *, now: datetime) -> None:
    """The topic was closed or deleted: what comes next goes to the group itself."""
    cohort = await tx.get(Cohort, row.cohort_id) if row.cohort_id else None
    if cohort is None or cohort.chat_id != row.chat_id or cohort.topic_id is None:
        return
    topic, cohort.topic_id = cohort.topic_id, None
    again = f"{row.key[:160]}#{topic}"
    copy = _post(cohort, row.kind, again, now, now=now, facts=row.facts or {})
    copy.meeting_id, copy.expires_at = row.meeting_id, row.expires_at
    await outbox.plan(tx, [copy])
    await tell(tx, cohort, "topic", str(topic), now=now)


async def tell(
    tx: Transaction,
    cohort: Cohort,
    what: str,
    once: str,
    *,
    now: datetime,
    but: UUID | None = None,
    due: datetime | None = None,
) -> None:
    """The facilitators, all but who did it themselves."""
    rows = []
    for holder in await facilitators_of(tx, cohort.id):
        if holder.id != but:
            key = f"{CHANGED}:{what}:{cohort.id}:{once}:{holder.id}"
            row = await letter(tx, holder, CHANGED, key, cohort_id=cohort.id, facts={"what": what}, now=now)
            row.due_at = due or now
            rows.append(row)
    await outbox.plan(tx, rows)


def _stamp(instant: datetime) -> str:
    return str(int(instant.timestamp()))


def _minutes(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def instant_of(minutes: int) -> datetime:
    """An instant that a post carries as whole minutes since 1970."""
    return datetime.fromtimestamp(minutes * 60, UTC)
