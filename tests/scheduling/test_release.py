"""The end of a session: asked for, recorded once, corrected, or taken from the plan."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from maple import END, GATHERING_IN_TWO_DAYS, START, Maple, Phone, add_facilitator, labels
from sqlalchemy import select

from bot.scheduling import actions, ending
from bot.scheduling.rules import AlreadyEnded, EndsBeforeStart, EndsInFuture, NotPlanned
from bot.storage.audit import first_break
from bot.storage.tables import AuditEntry
from bot.words import MeetingState, ReleaseSource

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def _end(maple: Maple, meeting_id, ended_at: datetime, now: datetime | None = None):
    async with maple.database.transaction() as tx:
        return await ending.record_end(tx, meeting_id, ended_at, by=maple.fay, now=now or ended_at)


# ── Asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_one_who_enrolled_is_asked_first_and_the_others_half_an_hour_later(maple: Maple) -> None:
    await maple.planned()
    await add_facilitator(maple, 1008, "Gil")

    await maple.run_moments(END)
    first = [name for name, _ in await maple.send("release-question", now=END)]
    await maple.run_moments(END + 30 * MINUTE)
    second = [name for name, _ in await maple.send("release-question", now=END + 30 * MINUTE)]
    await maple.run_moments(END + 2 * HOUR)
    third = [name for name, _ in await maple.send("release-question", now=END + 2 * HOUR)]

    assert (first, sorted(second), sorted(third)) == (["Fay"], ["Fay", "Gil"], ["Fay", "Gil"])


async def test_the_question_speaks_the_cohorts_time(maple: Maple) -> None:
    await maple.planned()
    await maple.run_moments(END)

    question = dict(await maple.send("release-question", now=END))["Fay"]

    assert question.text == "<b>Maple</b>: session 1 was planned until 17:00, Berlin time. Has it ended?"
    assert labels(question) == ["It has ended now", "It ended at…", "It goes on"]


async def test_once_it_is_recorded_nobody_is_asked_again(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.run_moments(END)

    await _end(maple, meeting_id, END + 5 * MINUTE)

    assert await maple.run_moments(END + 4 * HOUR) == []
    assert await maple.waiting("release-question") == []


async def test_without_an_answer_the_planned_end_is_used_and_said(maple: Maple) -> None:
    meeting_id = await maple.planned()

    kinds = await maple.run_moments(END + 3 * HOUR)

    meeting = await maple.meeting(meeting_id)
    letters = await maple.send("release-fallback", now=END + 3 * HOUR)
    assert kinds == ["release-ask", "release-ask", "release-ask", "release-fallback"]
    assert (meeting.state, meeting.released_at, meeting.release_source, meeting.released_by) == (
        MeetingState.RELEASED,
        END,
        ReleaseSource.FALLBACK,
        None,
    )
    assert [(name, labels(letter)) for name, letter in letters] == [("Fay", ["Correct the end"])]


async def test_while_it_goes_on_the_question_comes_back_and_nothing_is_assumed(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.run_moments(END + 2 * HOUR)

    async with maple.database.transaction() as tx:
        await ending.goes_on(tx, meeting_id, now=END + 2 * HOUR)

    assert (await maple.meeting(meeting_id)).lasts == timedelta(hours=5, minutes=30)
    assert await maple.run_moments(END + 3 * HOUR) == ["release-ask", "release-ask"]
    assert (await maple.meeting(meeting_id)).state is MeetingState.PLANNED


async def test_a_gathering_is_never_asked_about(maple: Maple) -> None:
    meeting_id = await maple.planned(GATHERING_IN_TWO_DAYS)

    with pytest.raises(NotPlanned):
        await _end(maple, meeting_id, END)

    assert await maple.run_moments(END + 9 * HOUR) == []


# ── Recording ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_window_counts_from_the_recorded_end(maple: Maple) -> None:
    meeting_id = await maple.planned()

    await _end(maple, meeting_id, END + 20 * MINUTE)

    meeting = await maple.meeting(meeting_id)
    home = [row for row in await maple.waiting("prompt") if row.step == "safe-home"]
    assert (meeting.released_at, meeting.release_source) == (END + 20 * MINUTE, ReleaseSource.RECORDED)
    assert {row.due_at for row in home} == {END + 20 * MINUTE + 2 * HOUR}


async def test_two_facilitators_at_once_record_one_end(maple: Maple) -> None:
    meeting_id = await maple.planned()

    outcomes = await asyncio.gather(
        _end(maple, meeting_id, END + MINUTE), _end(maple, meeting_id, END + 2 * MINUTE), return_exceptions=True
    )

    async with maple.database.transaction() as tx:
        recorded = list(await tx.scalars(select(AuditEntry.action).where(AuditEntry.action.like("release%"))))
        assert await first_break(tx) is None
    assert sum(isinstance(outcome, AlreadyEnded) for outcome in outcomes) == 1
    assert recorded == ["release recorded"]


@pytest.mark.parametrize(
    ("ended_at", "now", "no"), [(START - MINUTE, END, EndsBeforeStart), (END + MINUTE, END, EndsInFuture)]
)
async def test_an_impossible_end_is_refused_and_the_question_stays(
    maple: Maple, ended_at: datetime, now: datetime, no: type
) -> None:
    meeting_id = await maple.planned()

    with pytest.raises(no):
        await _end(maple, meeting_id, ended_at, now)

    assert (await maple.meeting(meeting_id)).state is MeetingState.PLANNED
    assert await maple.run_moments(END) == ["release-ask"]


async def test_a_correction_moves_what_is_unsent(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await _end(maple, meeting_id, END)
    async with maple.database.transaction() as tx:
        meeting = await maple.meeting(meeting_id)
        preview = await actions.if_corrected(tx, meeting, END + HOUR, by=maple.fay, now=END + HOUR)

    async with maple.database.transaction() as tx:
        impact = await ending.correct_end(tx, meeting_id, END + HOUR, by=maple.fay, now=END + HOUR)

    meeting = await maple.meeting(meeting_id)
    home = [row for row in await maple.waiting("prompt") if row.step == "safe-home"]
    assert (meeting.released_at, meeting.release_source) == (END + HOUR, ReleaseSource.CORRECTED)
    assert {row.due_at for row in home} == {END + 3 * HOUR}
    assert {move.wanted.key for move in preview.move} == {move.wanted.key for move in impact.move} != set()


async def test_only_a_recorded_end_is_corrected(maple: Maple) -> None:
    meeting_id = await maple.planned()

    with pytest.raises(NotPlanned):
        async with maple.database.transaction() as tx:
            await ending.correct_end(tx, meeting_id, END, by=maple.fay, now=END)


# ── On the phone ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_button_records_the_end_and_asks_how_each_one_left(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    await maple.run_moments(END)
    question = dict(await maple.send("release-question", now=END))["Fay"]
    fay.now = END + 4 * MINUTE

    ann = await fay.press("It has ended now", on=question)
    bob = await fay.press("With a companion")
    last = await fay.press("Alone")

    left = {name: one.left_how.value for name, one in (await maple.attendance(meeting_id)).items()}
    assert ann.text == ("Recorded: ended at 17:04. From here everything else happens by itself.\n\nHow did Ann leave?")
    assert bob.text == "Noted for Ann.\n\nHow did Bob leave?"
    assert last.text == "Bob left alone. Perhaps call Bob this evening.\n\nThank you, that is all."
    assert left == {"Ann": "companion", "Bob": "alone"}


async def test_the_slower_facilitator_sees_what_was_recorded(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await add_facilitator(maple, 1008, "Gil")
    await maple.run_moments(END + 30 * MINUTE)
    question = dict(await maple.send("release-question", now=END))["Gil"]
    gil = Phone(maple.database, 1008, END + 31 * MINUTE)
    fay.now = END + 30 * MINUTE
    await fay.press("It has ended now", on=question)

    seen = await gil.press("It has ended now", on=question)

    assert seen.text.startswith("Its end is recorded already. You can correct it.\n\n<b>Maple, session 1</b>")
    assert "ended at 17:30" in seen.text


async def test_an_end_is_typed_and_a_second_one_is_a_correction_with_a_preview(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    fay.now = END + HOUR

    recorded = await fay.command("/ended Maple 17:20")
    preview = await fay.command("/ended Maple 17:50")
    between = (await maple.meeting(meeting_id)).released_at
    done = await fay.press("Confirm")

    assert recorded.text.startswith("Recorded: ended at 17:20.")
    assert "It ended at 17:20 → 17:50, Berlin time" in preview.text
    assert between == END + 20 * MINUTE
    assert (await maple.meeting(meeting_id)).released_at == END + 50 * MINUTE
    assert done.text.startswith("The end is corrected.")


async def test_the_hour_of_an_end_is_picked_or_typed(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    await maple.run_moments(END)
    question = dict(await maple.send("release-question", now=END))["Fay"]
    fay.now = END + 40 * MINUTE

    asked = await fay.press("It ended at…", on=question)
    recorded = await fay.types("um 17:10 Uhr")

    assert labels(asked) == ["16:30", "17:00", "17:15", "17:30", "Back"]
    assert recorded.text.startswith("Recorded: ended at 17:10.")
    assert (await maple.meeting(meeting_id)).released_at == END + 10 * MINUTE


async def test_the_command_alone_asks_before_it_records(maple: Maple, fay: Phone) -> None:
    meeting_id = await maple.planned()
    fay.now = END

    asked = await fay.command("/ended")

    assert labels(asked) == ["It has ended now", "It ended at…", "It goes on"]
    assert (await maple.meeting(meeting_id)).state is MeetingState.PLANNED
    assert (await fay.press("It goes on")).text == "<b>Maple, session 1</b>\nGood. I ask again at 17:30."


async def test_whoever_was_absent_is_not_asked_about(maple: Maple, fay: Phone) -> None:
    await maple.planned()
    await fay.command("/role Maple ann absent")
    fay.now = END

    asked = await fay.command("/ended Maple")

    assert asked.text.endswith("How did Bob leave?")
