"""Planning, moving and calling off: what everybody is told, and what is planned with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from maple import (
    BERLIN,
    END,
    KOLKATA,
    NOW,
    SESSION,
    START,
    THREE_HOURS,
    Maple,
    add_facilitator,
    add_member,
    add_person,
    labels,
)
from sqlalchemy import func, select

from bot.scheduling import actions, queries
from bot.scheduling.actions import Proposal
from bot.scheduling.rules import HasBegun, InThePast, NotPlanned, Overlaps, StaleInvitation, TitleTooLong
from bot.storage.tables import Attendance, Delivery, Meeting, Moment, Person
from bot.words import DeliveryState, MeetingKind, MeetingState, MomentState, Origin, Role, Rsvp, Verb

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NIGHT = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)  # 23:00 in Berlin
MORNING = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)  # 08:00 in Berlin
GATHERING = Proposal(MeetingKind.GATHERING, START - 2 * DAY, HOUR)


# ── Plan ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_planning_a_session_invites_everybody_and_plans_its_window(maple: Maple) -> None:
    meeting_id = await maple.planned()

    meeting = await maple.meeting(meeting_id)
    assert (meeting.number, meeting.sequence, meeting.state) == (1, 0, MeetingState.PLANNED)
    assert {name: one.role for name, one in (await maple.attendance(meeting_id)).items()} == {
        "Ann": Role.RECEIVING,
        "Bob": Role.RECEIVING,
    }
    assert len(await maple.waiting("invitation")) == 2
    assert len(await maple.waiting("calendar-file")) == 2
    assert {row.step for row in await maple.waiting("prompt")} >= {"safe-home", "appreciation"}


async def test_an_invitation_is_in_its_readers_own_time_and_can_be_answered(maple: Maple) -> None:
    async with maple.database.transaction() as tx:
        bob = await tx.get_one(Person, maple.people["Bob"])
        bob.zone = KOLKATA
    await maple.planned(Proposal(MeetingKind.SESSION, START, THREE_HOURS, "By <the> lake"))

    letters = dict(await maple.send("invitation"))

    seconds = int(START.timestamp())
    assert letters["Ann"].text.splitlines()[:3] == [
        "<b>Maple</b>",
        f'<tg-time unix="{seconds}" format="wDt">Sat 28 Nov, 14:00</tg-time> until 17:00, your time',
        "<i>By &lt;the&gt; lake</i>",
    ]
    assert "Sat 28 Nov, 18:30</tg-time> until 21:30, your time" in letters["Bob"].text
    assert labels(letters["Bob"]) == ["I'm coming", "I can't", "I'll be late"]
    assert letters["Ann"].text.endswith("Can you make it? Only Fay reads your answer.")


async def test_an_invitation_waits_for_the_morning_of_its_reader(maple: Maple) -> None:
    await maple.planned(now=NIGHT)

    assert {row.due_at for row in await maple.waiting("invitation")} == {MORNING}
    assert not any(row.silent for row in await maple.waiting("invitation"))


async def test_an_invitation_that_cannot_wait_comes_silently(maple: Maple) -> None:
    await maple.planned(Proposal(MeetingKind.SESSION, NIGHT + 8 * HOUR, THREE_HOURS), now=NIGHT)

    assert {(row.due_at, row.silent) for row in await maple.waiting("invitation")} == {(NIGHT, True)}


async def test_a_calendar_file_is_a_message_of_its_own_and_follows_the_invitation(maple: Maple) -> None:
    await maple.planned()

    invitation, file = (await maple.waiting("invitation"))[0], (await maple.waiting("calendar-file"))[0]
    letters = dict(await maple.send("calendar-file"))

    assert file.due_at > invitation.due_at
    assert file.silent
    assert letters["Ann"].attachment.name == "calendar.ics"
    assert b"SUMMARY:Maple\r\n" in letters["Ann"].attachment.content


async def test_meetings_are_counted_by_kind(maple: Maple) -> None:
    ids = [
        await maple.planned(),
        await maple.planned(GATHERING),
        await maple.planned(Proposal(MeetingKind.SESSION, START + 7 * DAY, THREE_HOURS)),
    ]

    numbers = [((await maple.meeting(id_)).kind.value, (await maple.meeting(id_)).number) for id_ in ids]

    assert numbers == [("session", 1), ("gathering", 1), ("session", 2)]


async def test_a_gathering_has_invitations_and_opens_no_window(maple: Maple) -> None:
    await maple.planned(GATHERING)

    async with maple.database.transaction() as tx:
        moments = await tx.scalar(select(func.count()).select_from(Moment))
    assert moments == 0
    assert len(await maple.waiting("invitation")) == 2
    assert await maple.waiting("prompt") == []


async def test_a_second_session_of_the_same_cohort_works_the_same_way(maple: Maple) -> None:
    await maple.planned()
    second = await maple.planned(Proposal(MeetingKind.SESSION, START + 28 * DAY, THREE_HOURS))

    rows = await maple.waiting("invitation", "calendar-file", "prompt")

    assert {row.kind for row in rows if row.meeting_id == second} == {"invitation", "calendar-file", "prompt"}


@pytest.mark.parametrize(
    ("proposal", "no"),
    [
        (Proposal(MeetingKind.SESSION, NOW - HOUR, THREE_HOURS), InThePast),
        (Proposal(MeetingKind.SESSION, START + 2 * HOUR, THREE_HOURS), Overlaps),
        (Proposal(MeetingKind.GATHERING, START - HOUR, 2 * HOUR), Overlaps),
        (Proposal(MeetingKind.SESSION, START + 7 * DAY, THREE_HOURS, "x" * 81), TitleTooLong),
    ],
)
async def test_a_refused_meeting_leaves_nothing_behind(maple: Maple, proposal: Proposal, no: type) -> None:
    await maple.planned()
    before = len(await maple.waiting("invitation", "calendar-file", "prompt"))

    with pytest.raises(no):
        await maple.planned(proposal)

    async with maple.database.transaction() as tx:
        assert len(await queries.meetings(tx, maple.cohort_id)) == 1
    assert len(await maple.waiting("invitation", "calendar-file", "prompt")) == before


async def test_a_preview_says_what_would_be_and_does_nothing(maple: Maple) -> None:
    async with maple.database.transaction() as tx:
        impact = await actions.if_planned(tx, maple.cohort_id, SESSION, by=maple.fay, now=NOW)

    await maple.planned()

    assert {wanted.key.split(":")[2] for wanted in impact.new} == {
        row.step for row in await maple.waiting("prompt", "remind")
    }
    async with maple.database.transaction() as tx:
        assert len(await queries.meetings(tx, maple.cohort_id)) == 1


async def test_somebody_admitted_later_is_invited_to_what_is_still_to_come(maple: Maple) -> None:
    past = await maple.planned()
    coming = await maple.planned(Proposal(MeetingKind.SESSION, START + 7 * DAY, THREE_HOURS))
    called_off = await maple.planned(Proposal(MeetingKind.SESSION, START + 14 * DAY, THREE_HOURS))
    later = END + DAY
    async with maple.database.transaction() as tx:
        await actions.cancel(tx, called_off, by=maple.fay, now=NOW)
        cy = await add_person(tx, 1009, "Cy", BERLIN)
        member = await add_member(tx, maple.cohort_id, cy, "Cy", 9)
        await actions.invite(tx, member, now=later)
        await actions.invite(tx, member, now=later)

    rows = [row for row in await maple.waiting("invitation", "calendar-file") if row.member_id == member.id]

    assert sorted((row.kind, row.meeting_id) for row in rows) == [("calendar-file", coming), ("invitation", coming)]
    assert "Cy" not in await maple.attendance(past)


# ── Coming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _answer(maple: Maple, name: str, rsvp: Rsvp, now: datetime = NOW, kind: str = "invitation") -> None:
    async with maple.database.transaction() as tx:
        row = await tx.scalar(
            select(Delivery)
            .where(Delivery.kind == kind, Delivery.member_id == maple.members[name])
            .order_by(Delivery.made_at.desc())
        )
        await actions.answer(tx, row, rsvp, now=now)


async def test_an_answer_is_seen_by_the_facilitator_and_by_nobody_else(maple: Maple) -> None:
    await maple.planned()
    await _answer(maple, "Ann", Rsvp.CANNOT)

    letters = await maple.send("rsvp-notice", now=NOW + 5 * HOUR)

    assert [(name, letter.text, labels(letter)) for name, letter in letters] == [
        ("Fay", "Ann cannot come: Maple, session 1, Sat 28 Nov, 14:00.", ["Count as absent"])
    ]


async def test_coming_is_no_news(maple: Maple) -> None:
    meeting_id = await maple.planned()

    await _answer(maple, "Ann", Rsvp.COMING)

    assert await maple.waiting("rsvp-notice") == []
    assert (await maple.attendance(meeting_id))["Ann"].rsvp is Rsvp.COMING


async def test_an_answer_that_was_taken_back_in_time_is_not_told(maple: Maple) -> None:
    await maple.planned()
    await _answer(maple, "Ann", Rsvp.CANNOT)
    await _answer(maple, "Ann", Rsvp.COMING, NOW + timedelta(seconds=40))

    letters = await maple.send("rsvp-notice", now=NOW + 5 * HOUR)

    assert [letter.text for _, letter in letters] == ["Ann can come after all: Maple, session 1, Sat 28 Nov, 14:00."]


async def test_an_answer_after_the_start_comes_too_late(maple: Maple) -> None:
    await maple.planned()

    with pytest.raises(HasBegun):
        await _answer(maple, "Ann", Rsvp.LATE, START + timedelta(minutes=1))


# ── Move ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _move(maple: Maple, meeting_id, starts_at: datetime, now: datetime = NOW):
    async with maple.database.transaction() as tx:
        return await actions.move(tx, meeting_id, starts_at, by=maple.fay, now=now)


async def test_moving_says_old_and_new_time_and_asks_again(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation", "calendar-file")
    await _answer(maple, "Ann", Rsvp.COMING)
    later = NOW + HOUR

    await _move(maple, meeting_id, START + DAY, later)

    letters = dict(await maple.send("moved", "invitation", now=later))
    assert letters["Ann"].text.splitlines()[1:3] == [
        "Moved from <s>Sat 28 Nov, 14:00</s> to",
        f'<tg-time unix="{int((START + DAY).timestamp())}" format="wDt">Sun 29 Nov, 14:00</tg-time> until 17:00, your time',
    ]
    assert labels(letters["Bob"]) == ["I'm coming", "I can't", "I'll be late"]
    assert {name: one.rsvp for name, one in (await maple.attendance(meeting_id)).items()} == {"Ann": None, "Bob": None}


async def test_a_copy_of_an_old_invitation_becomes_the_news_of_its_move(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation")
    sent = await maple.deliveries("invitation")

    await _move(maple, meeting_id, START + DAY)

    edits = await maple.waiting("invitation-closed")
    letters = dict(await maple.send("invitation-closed"))
    assert {(edit.verb, edit.target, edit.chat_id) for edit in edits} == {
        (Verb.EDIT, row.id, row.chat_id) for row in sent
    }
    assert letters["Ann"].text == (
        "<b>Maple</b>\n<s>Sat 28 Nov, 14:00</s> moved to "
        f'<tg-time unix="{int((START + DAY).timestamp())}" format="wDt">Sun 29 Nov, 14:00</tg-time>.'
    )
    assert letters["Ann"].buttons == ()


async def test_a_calendar_entry_moves_with_its_meeting(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("calendar-file")

    await _move(maple, meeting_id, START + DAY)

    file = dict(await maple.send("calendar-file"))["Ann"].attachment.content
    assert f"UID:{meeting_id}@understory\r\n".encode() in file
    assert b"SEQUENCE:1\r\n" in file
    assert b"DTSTART;TZID=Europe/Berlin:20261129T140000\r\n" in file


async def test_whoever_was_not_told_of_the_old_time_reads_only_the_new_one(maple: Maple) -> None:
    meeting_id = await maple.planned(now=NIGHT)

    await _move(maple, meeting_id, START + DAY, NIGHT)

    assert [row.facts for row in await maple.waiting("invitation")] == [
        {"start": int((START + DAY).timestamp()) // 60}
    ] * 2
    assert await maple.waiting("moved", "invitation-closed") == []
    assert len(await maple.waiting("calendar-file")) == 2


async def test_a_meeting_that_moves_back_is_asked_about_anew(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation")
    await _move(maple, meeting_id, START + DAY)
    await maple.send("moved", "invitation-closed")

    await _move(maple, meeting_id, START)

    again = dict(await maple.send("moved"))
    assert "Moved from <s>Sun 29 Nov, 14:00</s> to" in again["Ann"].text
    assert len(await maple.waiting("invitation-closed")) == 4


async def test_an_answer_to_an_old_time_is_refused(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation")
    await _move(maple, meeting_id, START + DAY)

    with pytest.raises(StaleInvitation):
        await _answer(maple, "Ann", Rsvp.COMING)


async def test_the_other_facilitators_hear_of_a_move_in_the_cohorts_time(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await add_facilitator(maple, 1008, "Gil")

    await _move(maple, meeting_id, START + DAY, START - 2 * DAY)

    letters = [(name, letter.text) for name, letter in await maple.send("moved")]
    assert letters == [
        ("Gil", "<b>Maple</b>: session 1 has moved.\nSat 28 Nov, 14:00 → Sun 29 Nov, 14:00, Berlin time")
    ]


async def test_moving_moves_the_window_and_the_questions_at_the_end(maple: Maple) -> None:
    meeting_id = await maple.planned()
    before = {row.key: row.due_at for row in await maple.waiting("prompt")}

    await _move(maple, meeting_id, START + 7 * DAY)

    after = {row.key: row.due_at for row in await maple.waiting("prompt")}
    kept = before.keys() & after.keys()
    assert {after[key] - before[key] for key in kept} == {7 * DAY}
    async with maple.database.transaction() as tx:
        asks = await tx.scalars(
            select(Moment.due_at)
            .where(Moment.kind == "release-ask", Moment.state == MomentState.WAITING)
            .order_by(Moment.due_at)
        )
        assert list(asks) == [END + 7 * DAY + after for after in (0 * HOUR, HOUR / 2, 2 * HOUR)]


@pytest.mark.parametrize(("starts_at", "no"), [(NOW - HOUR, InThePast), (START + 7 * DAY, Overlaps)])
async def test_a_move_to_where_it_cannot_be_changes_nothing(maple: Maple, starts_at: datetime, no: type) -> None:
    meeting_id = await maple.planned()
    await maple.planned(Proposal(MeetingKind.SESSION, START + 7 * DAY + HOUR, THREE_HOURS))

    with pytest.raises(no):
        await _move(maple, meeting_id, starts_at)

    meeting = await maple.meeting(meeting_id)
    assert (meeting.starts_at, meeting.sequence) == (START, 0)


# ── Cancel ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _cancel(maple: Maple, meeting_id, now: datetime = NOW) -> None:
    async with maple.database.transaction() as tx:
        await actions.cancel(tx, meeting_id, by=maple.fay, now=now)


async def test_calling_off_is_said_to_everybody_who_knew(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation", "calendar-file")

    await _cancel(maple, meeting_id)

    letters = dict(await maple.send("cancelled"))
    files = dict(await maple.send("calendar-file"))
    closed = dict(await maple.send("invitation-closed"))
    assert letters["Ann"].text == "<b>Maple</b>\n<s>Sat 28 Nov, 14:00</s> is cancelled."
    assert b"METHOD:CANCEL\r\n" in files["Bob"].attachment.content
    assert b"SEQUENCE:1\r\n" in files["Bob"].attachment.content
    assert closed["Bob"].buttons == ()


async def test_calling_off_what_nobody_was_told_of_stays_silent(maple: Maple) -> None:
    meeting_id = await maple.planned(now=NIGHT)

    await _cancel(maple, meeting_id, NIGHT)

    assert await maple.waiting("invitation", "calendar-file", "cancelled", "prompt", "remind") == []


async def test_calling_off_takes_its_window_and_questions_with_it(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation")

    await _cancel(maple, meeting_id)

    assert await maple.waiting("prompt", "remind") == []
    assert await maple.run_moments(END + DAY) == []


async def test_what_was_called_off_cannot_be_changed_any_more(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await _cancel(maple, meeting_id)

    for again in (_cancel(maple, meeting_id), _move(maple, meeting_id, START + DAY), _answer(maple, "Ann", Rsvp.LATE)):
        with pytest.raises(NotPlanned):
            await again


# ── Roles and details ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_decides_what_somebody_gets(maple: Maple) -> None:
    meeting_id = await maple.planned()
    ann = (await maple.attendance(meeting_id))["Ann"]
    of_ann = {row.step for row in await maple.waiting("prompt") if row.member_id == maple.members["Ann"]}

    async with maple.database.transaction() as tx:
        attendance = await tx.get_one(Attendance, ann.id)
        await actions.set_role(tx, attendance, Role.ABSENT, by=maple.fay, now=NOW)

    left = {row.step for row in await maple.waiting("prompt") if row.member_id == maple.members["Ann"]}
    assert (await maple.attendance(meeting_id))["Ann"].role is Role.ABSENT
    assert left
    assert left.isdisjoint(of_ann)


async def test_details_are_sealed_and_what_is_empty_is_not_there(maple: Maple) -> None:
    meeting_id = await maple.planned()

    async with maple.database.transaction() as tx:
        meeting = await tx.get_one(Meeting, meeting_id)
        await actions.describe(tx, meeting, "place", "  The blue room ")
        await actions.describe(tx, meeting, "bring", "A blanket")
        await actions.describe(tx, meeting, "bring", "")

    async with maple.database.transaction() as tx:
        meeting = await tx.get_one(Meeting, meeting_id)
        assert queries.details(tx, meeting) == {"place": "The blue room"}
        assert b"blue" not in meeting.details


async def test_place_and_link_stand_in_invitation_and_calendar(maple: Maple) -> None:
    meeting_id = await maple.planned()
    async with maple.database.transaction() as tx:
        meeting = await tx.get_one(Meeting, meeting_id)
        await actions.describe(tx, meeting, "place", "The blue room")
        await actions.describe(tx, meeting, "link", "https://example.org/room")

    invitation = dict(await maple.send("invitation"))["Ann"]
    file = dict(await maple.send("calendar-file"))["Ann"].attachment.content

    assert invitation.text.splitlines()[2:4] == ["Place: The blue room", "Link: https://example.org/room"]
    assert b"LOCATION:The blue room\r\n" in file
    assert b"URL:https://example.org/room\r\n" in file


async def test_every_row_belongs_to_the_scheduling_room(maple: Maple) -> None:
    meeting_id = await maple.planned()
    await maple.send("invitation")
    await _move(maple, meeting_id, START + DAY)
    await maple.send("moved", "invitation-closed", "calendar-file")
    await _cancel(maple, meeting_id)

    rows = await maple.deliveries("invitation", "moved", "cancelled", "calendar-file", "invitation-closed")

    assert {row.origin for row in rows} == {Origin.SCHEDULING}
    assert {row.state for row in rows if row.kind in {"invitation", "moved"}} == {DeliveryState.SENT}
