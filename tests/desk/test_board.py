"""The board: what a facilitator sees of a cohort, and what nobody may see on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from couple import BERLIN, NOON, Maple, add_maple, add_member, add_person
from sqlalchemy import select

from bot.desk import compose
from bot.desk.digest import digest_of
from bot.desk.queries import board_of
from bot.storage.database import Database, Transaction
from bot.storage.tables import (
    Alert,
    Answer,
    Attendance,
    Chat,
    ConsentGiven,
    Delivery,
    Meeting,
    Member,
    Person,
    Response,
    Seat,
)
from bot.texts import Texts
from bot.words import (
    AlertCause,
    AlertState,
    Choice,
    Consent,
    DeliveryState,
    Lane,
    Level,
    MeetingState,
    MemberState,
    Origin,
    ReleaseSource,
    Role,
    Rsvp,
    Verb,
    Visibility,
)

T = Texts("en", BERLIN)
OF_FAY, BETWEEN_THEM, CARRIES_A_CHECK_IN = "first-morning", "close-moment", "container"


@dataclass
class Board:
    """Maple on the board, with the consents that let Fay read check-ins."""

    tx: Transaction
    maple: Maple

    async def lines(self, now: datetime = NOON) -> list[str]:
        await self.tx.flush()
        shown = compose.board(await board_of(self.tx, self.maple.cohort, now=now), T, now=now)
        return [line for line in shown.text.split("\n") if line]

    async def person(self, name: str, now: datetime = NOON) -> str:
        return next(line for line in await self.lines(now) if line.startswith(f"{name}: "))

    async def page(self) -> str:
        await self.tx.flush()
        return compose.digest_page(await digest_of(self.tx, self.maple.meeting), 0, T).text

    async def reach(self, member: Member, step: str, hours_ago: float, **more: Any) -> Delivery:
        """A step reached somebody some hours ago."""
        chat = (await self.tx.scalars(select(Chat).where(Chat.person_id == member.person_id))).one()
        at = NOON - timedelta(hours=hours_ago)
        columns: dict[str, Any] = {
            "key": f"prompt:{step}:{member.id}:{hours_ago}",
            "origin": Origin.WINDOW,
            "verb": Verb.SEND,
            "kind": "prompt",
            "state": DeliveryState.SENT,
            "sent_at": at,
            **more,
        }
        row = Delivery(
            lane=Lane.PROMPTS,
            chat_id=chat.id,
            cohort_id=self.maple.cohort.id,
            member_id=member.id,
            meeting_id=self.maple.meeting.id,
            step=step,
            due_at=at,
            made_at=at,
            **columns,
        )
        self.tx.add(row)
        await self.tx.flush()
        return row

    async def answer(self, row: Delivery, visibility: Visibility, *said: tuple[str, Any], **more: Any) -> Response:
        assert row.member_id is not None
        at = (row.sent_at or NOON) + timedelta(minutes=10)
        response = Response(
            member_id=row.member_id,
            meeting_id=self.maple.meeting.id,
            step=row.step,
            programme=self.maple.cohort.programme,
            delivery_id=row.id,
            visibility=visibility,
            **{"choice": Choice.UNDECIDED, "begun_at": at, "touched_at": at, "finished_at": at, **more},
        )
        self.tx.add(response)
        await self.tx.flush()
        for question, value in said:
            given = Answer(response_id=response.id, question=question, given_at=at)
            self.tx.seal_json(given, "value", value)
            self.tx.add(given)
        return response

    def consent(self, member: Member, *, granted: bool, at: datetime) -> None:
        self.tx.add(
            ConsentGiven(
                member_id=member.id,
                switch=Consent.FACILITATOR,
                granted=granted,
                version="v",
                language="en",
                given_at=at,
            )
        )


async def set_up(tx: Transaction) -> Board:
    board = Board(tx, await add_maple(tx))
    for member in (board.maple.ann, board.maple.bob):
        board.consent(member, granted=True, at=NOON - timedelta(days=8))
        (await tx.get_one(Person, member.person_id)).zone_confirmed = True
    await tx.flush()
    return board


# ── The clock ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_session_it_says_so(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        await tx.delete(board.maple.meeting)

        assert await board.lines() == [
            "<b>Maple</b>, Sao Paulo time",
            "No session is planned.",
            "Ann: nothing asked yet",
            "Bob: nothing asked yet",
        ]


@pytest.mark.parametrize(
    ("hours_from_start", "line"),
    [
        (-24, "Next session: Sat 28 Nov, 06:00"),
        (1, "In session since 06:00, planned until 09:00."),
        (4, "The session was planned until Sat 28 Nov, 09:00. Its end is not recorded yet."),
    ],
)
async def test_before_in_and_after_a_session_the_clock_is_the_cohorts(
    database: Database, hours_from_start: int, line: str
) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        board.maple.meeting.state, board.maple.meeting.released_at = MeetingState.PLANNED, None

        assert (await board.lines(board.maple.meeting.starts_at + timedelta(hours=hours_from_start)))[1] == line


async def test_after_the_release_it_says_for_how_long_and_which_days_these_are(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)

        assert (await board.lines())[1] == "48 hours since the session · Open days"


async def test_a_release_that_nobody_recorded_is_said_to_be_the_planned_end(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        board.maple.meeting.release_source = ReleaseSource.FALLBACK

        assert (await board.lines())[
            1
        ] == "48 hours since the session (its planned end; nobody recorded it) · Open days"


async def test_a_cancelled_session_is_none(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        board.maple.meeting.state = MeetingState.CANCELLED

        assert (await board.lines())[1] == "No session is planned."


async def test_while_a_window_is_open_it_matters_more_than_the_next_session(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        tx.add(another_session(board.maple, NOON + timedelta(days=5)))

        during = (await board.lines())[1]
        later = (await board.lines(NOON + timedelta(days=2)))[1]

    assert during == "48 hours since the session · Open days"
    assert later == "Next session: Sat 5 Dec, 09:00"


def another_session(maple: Maple, starts_at: datetime) -> Meeting:
    first = maple.meeting
    return Meeting(
        cohort_id=first.cohort_id,
        number=2,
        kind=first.kind,
        state=MeetingState.PLANNED,
        starts_at=starts_at,
        lasts=first.lasts,
        made_by=first.made_by,
        made_at=NOON,
    )


async def test_the_next_message_is_the_next_of_the_programme(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        await board.reach(board.maple.ann, OF_FAY, -3, state=DeliveryState.PLANNED, sent_at=None)
        await board.reach(board.maple.ann, OF_FAY, -2, state=DeliveryState.PLANNED, sent_at=None, kind="remind")

        assert (await board.lines())[2] == "Next message: Mon 30 Nov, 12:00"


async def test_a_paused_cohort_is_only_that(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        board.maple.cohort.paused_at = NOON

        assert (await board.lines())[1:3] == ["Paused.", "Ann: nothing asked yet"]


# ── People ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_dot_is_full_once_somebody_answered_or_passed(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        ann = board.maple.ann
        answered, passed = await board.reach(ann, OF_FAY, 20), await board.reach(ann, "safe-home", 10)
        await board.reach(ann, "evening-check", 1)
        await board.answer(answered, Visibility.FACILITATOR)
        await board.answer(passed, Visibility.FACILITATOR, finished_at=None, skipped_at=NOON)

        assert await board.person("Ann") == "Ann: ●●○"
        assert (await board.lines())[-1] == "<i>● answered or passed, ○ not yet</i>"


async def test_a_question_that_travelled_in_another_message_counts(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        row = await board.reach(board.maple.ann, CARRIES_A_CHECK_IN, 3, facts={"merged": ["arriving"]})
        await board.answer(row, Visibility.FACILITATOR, ("nerves", 6))

        assert await board.person("Ann") == "Ann: ●"
        assert "How nervous are you right now? <b>6 of 10</b>" in await board.page()


async def test_silence_counts_from_what_surely_arrived(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        await board.reach(board.maple.ann, OF_FAY, 30)
        await board.reach(board.maple.ann, "evening-check", 2)
        await board.reach(board.maple.bob, OF_FAY, 30, state=DeliveryState.UNKNOWN, sent_at=None)

        assert await board.person("Ann") == "Ann: ○○ · quiet 30 hours"
        assert await board.person("Bob") == "Bob: nothing asked yet"


async def test_what_else_is_true_of_somebody_is_said_in_plain_words(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        ann, bob = board.maple.ann, board.maple.bob
        ann.paused_at, bob.held_at = NOON, NOON
        (await tx.get_one(Person, bob.person_id)).zone_confirmed = False
        (await tx.scalars(select(Chat).where(Chat.person_id == bob.person_id))).one().unreachable_since = NOON
        for member, role, rsvp in ((ann, Role.SUPPORTING, Rsvp.LATE), (bob, Role.ABSENT, Rsvp.CANNOT)):
            tx.add(Attendance(meeting_id=board.maple.meeting.id, member_id=member.id, role=role, rsvp=rsvp))

        assert await board.person("Ann") == "Ann: will be late · supporting · paused"
        assert await board.person("Bob") == (
            "Bob: cannot come · absent · resting until you resume · cannot be reached · zone not confirmed"
        )


async def test_who_is_on_the_way_in_is_shown_and_who_left_is_not(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        board.maple.ann.state = MemberState.WAITING
        board.maple.bob.state, board.maple.bob.left_at = MemberState.LEFT, NOON

        assert (await board.lines())[2:] == ["Ann: waits for you to admit them"]


async def test_a_seat_is_free_while_nobody_sits_there_even_if_somebody_did(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        for number, member in ((1, board.maple.ann), (2, board.maple.bob)):
            seat = Seat(cohort_id=board.maple.cohort.id, number=number, issued_at=NOON, expires_at=NOON, used_at=NOON)
            seat.fingerprint = bytes([number])
            tx.seal(seat, "label", str(number))
            tx.add(seat)
            await tx.flush()
            member.seat_id = seat.id
        board.maple.bob.state, board.maple.bob.left_at = MemberState.LEFT, NOON

        assert (await board.lines())[-1] == "One seat is free."


async def test_alerts_and_uncertain_sends_are_counted_and_name_who_needs_somebody(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        tx.add(alert_of(board.maple))
        await board.reach(board.maple.ann, BETWEEN_THEM, 2, state=DeliveryState.UNKNOWN, sent_at=None)

        shown = await board.lines()
        everything = compose.boards([await board_of(tx, board.maple.cohort, now=NOON)], T, now=NOON)

    assert shown[1] == "One alert is open."
    assert "Bob: needs you" in shown
    assert shown[-1] == "One message may or may not have arrived."
    assert everything.text.split("\n")[0] == "<b>One thing needs you.</b>"
    assert [button.label for row in everything.buttons for button in row] == ["Who needs me", "Maple"]


def alert_of(maple: Maple) -> Alert:
    return Alert(
        cohort_id=maple.cohort.id,
        member_id=maple.bob.id,
        level=Level.AMBER,
        cause=AlertCause.CALL,
        state=AlertState.OPEN,
        raised_at=NOON,
    )


async def test_a_large_group_fits_a_phone(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        for number in range(20):
            person = await add_person(tx, f"P{number}", 2000 + number)
            person.zone_confirmed = True
            await add_member(tx, board.maple.cohort, person, f"P{number}")

        lines = await board.lines()

    assert len(lines) == 15
    assert lines[-1] == "and 10 more"


# ── What nobody may see there ──────────────────────────────────────────────────────────────────────────────────────

CONDUCTS = ["silent", "answered and shared", "answered and kept", "passed", "later and reminded", "took it back"]


@pytest.mark.parametrize("conduct", CONDUCTS[1:])
async def test_no_board_and_no_page_tells_two_conducts_with_a_sealed_answer_apart(
    database: Database, conduct: str
) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        sealed = await board.reach(board.maple.bob, BETWEEN_THEM, 30)
        told = await board.reach(board.maple.bob, OF_FAY, 40)
        await board.answer(told, Visibility.FACILITATOR, ("mood", 7))
        before = (await board.lines(), await board.page())

        await behave(board, sealed, conduct)

        assert (await board.lines(), await board.page()) == before
        assert await board.person("Bob") == "Bob: ●"


async def behave(board: Board, sealed: Delivery, conduct: str) -> None:
    """What Bob does with his envelope."""
    canary = ("moment", "CANARY sealed")
    match conduct:
        case "answered and shared":
            await board.answer(sealed, Visibility.PAIR, canary, choice=Choice.SHARE)
        case "answered and kept":
            await board.answer(sealed, Visibility.PAIR, canary, choice=Choice.KEEP)
        case "passed":
            await board.answer(sealed, Visibility.PAIR, finished_at=None, skipped_at=NOON)
        case "took it back":
            await board.answer(sealed, Visibility.PAIR, finished_at=None, withdrawn_at=NOON)
        case "later and reminded":
            bob, unknown = board.maple.bob, {"state": DeliveryState.UNKNOWN, "sent_at": None}
            await board.reach(bob, BETWEEN_THEM, 20, origin=Origin.CHECKINS)
            await board.reach(bob, BETWEEN_THEM, 10, kind="remind", **unknown)
            await board.reach(bob, BETWEEN_THEM, 9, kind="opening-reply", origin=Origin.CHECKINS, **unknown)


async def test_journals_and_what_was_kept_to_oneself_are_nowhere(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        mine = await board.reach(board.maple.ann, "capture", 20)
        await board.answer(mine, Visibility.ME, ("lines", "CANARY journal"))
        unread = await board.reach(board.maple.ann, OF_FAY, 30)
        await board.answer(unread, Visibility.ME, ("mood", 3))

        everything = "\n".join(await board.lines()) + await board.page()

    assert "CANARY" not in everything
    assert "Ann: nothing asked yet" in everything
    assert "0 answered to you" in everything


async def test_a_consent_that_is_withdrawn_hides_everything_from_then_on(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        row = await board.reach(board.maple.ann, OF_FAY, 40)
        await board.answer(row, Visibility.FACILITATOR, ("mood", 7))
        before = await board.page()
        board.consent(board.maple.ann, granted=False, at=NOON - timedelta(hours=1))

        assert "<b>7 of 10</b>" in before
        assert "7 of 10" not in await board.page()
        assert "<b>Ann</b>: 1 reached. Their check-ins stay with them." in await board.page()
        assert await board.person("Ann") == "Ann: keeps their check-ins"


async def test_a_name_with_marks_is_shown_as_it_is(database: Database) -> None:
    async with database.transaction() as tx:
        board = await set_up(tx)
        tx.seal(board.maple.ann, "alias", "<b>A&n")

        assert "&lt;b&gt;A&amp;n: nothing asked yet" in await board.lines()
