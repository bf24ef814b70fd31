"""Which meeting somebody means, and whether it is theirs to change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from bot.enrolment.queries import find_cohort, held_cohort
from bot.enrolment.rules import NotYours
from bot.messages import Message
from bot.scheduling import queries, screens
from bot.scheduling.rules import NothingPlanned
from bot.scheduling.typed import split_name
from bot.storage.database import Transaction
from bot.storage.drafts import awaiting_draft, drop_draft
from bot.storage.tables import Cohort, Meeting, Person
from bot.texts import Texts
from handlers.context import Context

AWAITED_FOR = timedelta(hours=1)  # how long typed words still answer a page


async def meeting_named(ctx: Context, tx: Transaction, me: Person) -> tuple[Cohort, Meeting, str]:
    """The cohort and meeting that a command begins with, and what follows them; without a number the next one.

    Raises:
        NothingPlanned, NoSuchMeeting; UnknownCohort, AmbiguousCohort
    """
    name, rest = split_name(ctx.said.text)
    cohort = await find_cohort(tx, me, name)
    if not rest:
        following = await queries.next_meeting(tx, cohort.id, ctx.now)
        if following is None:
            raise NothingPlanned
        return cohort, following, ""
    number, words = split_name(rest)
    return cohort, await queries.meeting_by_number(tx, cohort.id, number), words


async def meeting_tapped(ctx: Context, tx: Transaction, me: Person) -> tuple[Cohort, Meeting]:
    """The meeting a button speaks of, in a cohort of theirs.

    Raises:
        NotYours
    """
    return await meeting_of(tx, me, ctx.ref)


async def meeting_of(tx: Transaction, me: Person, meeting_id: UUID) -> tuple[Cohort, Meeting]:
    meeting = await tx.get(Meeting, meeting_id)
    if meeting is None:
        raise NotYours
    return await held_cohort(tx, me, meeting.cohort_id), meeting


async def meeting_page(ctx: Context, tx: Transaction, cohort: Cohort, meeting: Meeting, head: str = "") -> Message:
    """The page of one meeting; ``head`` says what was just done."""
    t, people = cohort_texts(ctx, cohort), await queries.present(tx, meeting.id)
    title = queries.title_of(tx, meeting)
    return screens.meeting_page(meeting, tx.open(cohort, "name"), title, people, t, now=ctx.now, head=head)


async def stop_waiting(ctx: Context, tx: Transaction, me: Person) -> None:
    """They pressed a button instead of typing what a page of ours asked for."""
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is not None and draft.kind in {"meeting-detail", "meeting-end"}:
        await drop_draft(tx, draft)


def here(ctx: Context, cohort: Cohort) -> datetime:
    """What the clocks show where the cohort is, without a zone."""
    return ctx.now.astimezone(cohort.zone).replace(tzinfo=None)


def cohort_texts(ctx: Context, cohort: Cohort) -> Texts:
    """The reader's language in the cohort's time."""
    return replace(ctx.texts, zone=cohort.zone)
