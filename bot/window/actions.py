"""Turning the plan into rows, in the transaction that changed what it depends on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select

from bot.delivery import outbox
from bot.delivery.moments import plan_moment, withdraw_moments
from bot.programmes.schema import Programme
from bot.programmes.shelf import pinned
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting, Moment
from bot.window.plan import plan
from bot.window.queries import (
    already_said,
    cohorts_beside,
    facilitators_of,
    gather,
    held,
    private_chat,
    sessions_of,
)
from bot.window.quiet import next_waking
from bot.window.reconcile import Changes, Existing, ExistingMoment, Impact, impact, reconcile
from bot.window.values import Gathered, Plan, Wanted, Why
from bot.words import Lane, MeetingState, Origin, QuietHours, Verb

NOTHING = Impact((), (), (), (), (), (), ())

Change = Callable[[Transaction], Awaitable[Any]]


async def replan(tx: Transaction, cohort_id: UUID, *, now: datetime) -> Impact:
    """Plan a cohort's sessions again: wanted minus waiting. Call it after everything that a plan depends on.

    What its people read from other cohorts makes way in turn: somebody's days are one, the older due goes first.
    """
    await tx.flush()
    await tx.alone()  # of two changes at once, the second sees the first
    total = await _replan_cohort(tx, cohort_id, now=now)
    for beside in await cohorts_beside(tx, cohort_id):
        await _replan_cohort(tx, beside, now=now)
    return total


async def _replan_cohort(tx: Transaction, cohort_id: UUID, *, now: datetime) -> Impact:
    cohort = await tx.get_one(Cohort, cohort_id, populate_existing=True)
    programme = await pinned(tx, cohort.programme)
    lighter = await pinned(tx, cohort.lighter_programme) if cohort.lighter_programme else None
    sessions = await sessions_of(tx, cohort_id)
    total = NOTHING
    for position, meeting in enumerate(sessions):
        before, after = held(sessions[:position]), held(sessions[position + 1 :])
        gathered = await gather(tx, cohort, meeting, next(iter(after), None), session=len(before) + 1)
        total = _sum(total, await _replan_one(tx, cohort, programme, lighter, meeting, gathered, now=now))
    return total


async def preview(tx: Transaction, cohort_id: UUID, change: Change, *, now: datetime) -> Impact:
    """What a change would do to the plan: it is really made, and undone again."""
    savepoint = await tx.begin_nested()
    try:
        await change(tx)
        return await replan(tx, cohort_id, now=now)
    finally:
        await savepoint.rollback()
        for row in list(tx):
            if inspect(row).expired:  # what the caller holds must stay readable
                await tx.refresh(row)


async def _replan_one(
    tx: Transaction,
    cohort: Cohort,
    programme: Programme,
    lighter: Programme | None,
    meeting: Meeting,
    gathered: Gathered,
    *,
    now: datetime,
) -> Impact:
    is_off = meeting.state is MeetingState.CANCELLED or cohort.closed_at is not None
    said = await already_said(tx, meeting, gathered)
    wanted = Plan() if is_off else plan(programme, gathered, lighter=lighter, now=now, already=said)
    changes = reconcile(wanted, await _rows(tx, meeting), await _moments(tx, meeting), now=now)
    await _apply(tx, cohort, meeting, changes, now=now)
    await _ask_the_facilitator(tx, cohort, meeting, wanted, now=now)
    await _plan_digest(tx, cohort, meeting, programme, gathered, is_off=is_off)
    return impact(changes, wanted)


async def _rows(tx: Transaction, meeting: Meeting) -> list[Existing]:
    found = await tx.scalars(
        select(Delivery).where(Delivery.meeting_id == meeting.id, Delivery.origin == Origin.WINDOW)
    )
    return [
        Existing(
            id=row.id,
            key=row.key,
            state=row.state,
            due_at=row.due_at,
            expires_at=row.expires_at,
            step=row.step,
            member_id=row.member_id,
            silent=row.silent,
            merged=tuple((row.facts or {}).get("merged", ())),
        )
        for row in found
    ]


async def _moments(tx: Transaction, meeting: Meeting) -> list[ExistingMoment]:
    found = await tx.scalars(select(Moment).where(Moment.meeting_id == meeting.id, Moment.kind == "opening"))
    return [ExistingMoment(row.id, row.key, row.state, row.due_at) for row in found]


async def _apply(tx: Transaction, cohort: Cohort, meeting: Meeting, changes: Changes, *, now: datetime) -> None:
    for withdrawal in changes.withdraw:
        await outbox.withdraw(tx, Delivery.id == withdrawal.existing.id, reason=withdrawal.why.value)
    for move in changes.move:
        if (move.existing.silent, move.existing.merged) == (move.wanted.silent, move.wanted.merged):
            await outbox.move(tx, move.existing.id, due_at=move.wanted.leaves_at, expires_at=move.wanted.expires_at)
        else:  # it says something else now: the old row makes way for a new one under the same key
            await outbox.withdraw(tx, Delivery.id == move.existing.id, reason="replaced")
            await outbox.plan(tx, [_row(cohort, meeting, move.wanted, now)])
    await outbox.plan(tx, [_row(cohort, meeting, wanted, now) for wanted in changes.plan])
    for moment in changes.withdraw_moments:
        await withdraw_moments(tx, Moment.id == moment.id, reason="replanned")
    for decision in [*changes.decide, *(move.decision for move in changes.move_moments)]:
        await plan_moment(
            tx,
            Moment(
                key=decision.key,
                kind=decision.kind,
                due_at=decision.due_at,
                cohort_id=cohort.id,
                meeting_id=meeting.id,
                step=decision.step,
            ),
        )


def _row(cohort: Cohort, meeting: Meeting, wanted: Wanted, now: datetime) -> Delivery:
    facts: dict[str, Any] = {"kind": wanted.step_kind.value}
    if wanted.merged:
        facts["merged"] = list(wanted.merged)
    return Delivery(
        key=wanted.key,
        origin=Origin.WINDOW,
        verb=Verb.SEND,
        kind=wanted.kind,
        lane=wanted.lane,
        chat_id=wanted.chat_id,
        cohort_id=cohort.id,
        member_id=wanted.member_id,
        meeting_id=meeting.id,
        step=wanted.step,
        facts=facts,
        due_at=wanted.leaves_at,
        expires_at=wanted.expires_at,
        silent=wanted.silent,
        made_at=now,
    )


async def _ask_the_facilitator(
    tx: Transaction, cohort: Cohort, meeting: Meeting, wanted: Plan, *, now: datetime
) -> None:
    """Where a safety step cannot be said in time, whoever holds the cohort is asked to see to it instead."""
    holders = await facilitators_of(tx, cohort.id)
    missed = [one for one in wanted.cannot if one.why is Why.NOT_TONIGHT and one.member_id is not None and one.at]
    await outbox.withdraw(tx, Delivery.meeting_id == meeting.id, Delivery.kind == "ask-instead", reason="replanned")
    await outbox.plan(
        tx,
        [
            Delivery(
                key=f"ask-instead:{meeting.id}:{one.step}:{one.member_id}",
                origin=Origin.DESK,
                verb=Verb.SEND,
                kind="ask-instead",
                lane=Lane.SAFETY,
                chat_id=(await private_chat(tx, holders[0].id)).id,
                cohort_id=cohort.id,
                member_id=one.member_id,
                meeting_id=meeting.id,
                step=one.step,
                due_at=one.at,
                made_at=now,
            )
            for one in missed
            if holders and one.at is not None and one.at > now
        ],
    )


async def _plan_digest(
    tx: Transaction, cohort: Cohort, meeting: Meeting, programme: Programme, gathered: Gathered, *, is_off: bool
) -> None:
    """At the window's end the facilitators get one page; it waits for their morning."""
    key = f"digest:{meeting.id}"
    holders = await facilitators_of(tx, cohort.id)
    if is_off or gathered.released_at is None or not holders:
        await withdraw_moments(tx, Moment.key == key, reason="no window")
        return
    first = holders[0]
    due_at = next_waking(
        gathered.released_at + programme.window, QuietHours(first.quiet_begins, first.quiet_ends), first.zone
    )
    await plan_moment(tx, Moment(key=key, kind="digest", due_at=due_at, cohort_id=cohort.id, meeting_id=meeting.id))


def _sum(one: Impact, other: Impact) -> Impact:
    return Impact(
        stay=one.stay + other.stay,
        move=one.move + other.move,
        new=one.new + other.new,
        withdrawn=one.withdrawn + other.withdrawn,
        waits=one.waits + other.waits,
        skipped=one.skipped + other.skipped,
        cannot=one.cannot + other.cannot,
    )


# ── After a confirmed send ─────────────────────────────────────────────────────────────────────────────────────────


async def when_sent(tx: Transaction, rows: Sequence[Delivery], now: datetime) -> None:
    """Silence counts from the confirmed send, never from a due time."""
    for row in rows:
        if row.kind != "prompt" or row.cohort_id is None or row.step is None:
            continue
        cohort = await tx.get_one(Cohort, row.cohort_id)
        for digest in (cohort.programme, cohort.lighter_programme):
            step = (await pinned(tx, digest)).step(row.step) if digest else None
            if step is not None and step.silence is not None:
                await plan_moment(
                    tx,
                    Moment(
                        key=f"silence:{row.id}:{step.silence.alert.value}",
                        kind="silence",
                        due_at=(row.sent_at or now) + step.silence.after,
                        cohort_id=cohort.id,
                        member_id=row.member_id,
                        meeting_id=row.meeting_id,
                        step=row.step,
                        ref=row.id,
                    ),
                )
                break
