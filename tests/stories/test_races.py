"""Two people, or two devices of one, at the same instant: everything is decided once, and nobody is left without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

from going_wrong import number_of, rows_of, states
from house import House
from scenes import berlin, folded, found_maple, join, unfold
from sqlalchemy import delete, select, update

from bot.storage.tables import (
    Alert,
    Answer,
    Attendance,
    AuditEntry,
    Cohort,
    Delivery,
    Disclosure,
    Facilitation,
    InboxUpdate,
    Meeting,
    Member,
    Moment,
    Opening,
    Person,
    Response,
)
from bot.window.actions import replan
from bot.words import Choice, InboxState, MemberState, MomentState, Rsvp

SEALED = berlin(27, 19, 30)  # both get a message whose answers open when both have chosen to share
TRIALS = 20


async def with_gus(house: House) -> None:
    """Gus holds Maple together with Fay."""
    house.stage.person("Gus")
    link = (await house.say("Fay", "/cofacilitator Maple")).words.split()[0]
    await house.open("Gus", link)


async def nothing_failed(house: House) -> bool:
    return await number_of(house, InboxUpdate, state=InboxState.QUARANTINED) == 0


# ── Two changes ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_move_and_new_quiet_hours_at_once_leave_the_plan_that_both_ask_for(planned: House) -> None:
    database = planned.bot.runtime.database
    both_have_written = asyncio.Barrier(1 if database.is_sqlite else 2)  # SQLite lets only one write at a time

    async def change(alter: Callable[[Meeting, Person], None]) -> None:
        async with database.transaction() as tx:
            meeting = (await tx.scalars(select(Meeting))).one()
            ann = (await tx.scalars(select(Person).where(Person.telegram_id == 1002))).one()
            alter(meeting, ann)
            await tx.flush()
            await both_have_written.wait()
            await replan(tx, meeting.cohort_id, now=planned.clock.now)

    def move(meeting: Meeting, _: Person) -> None:
        meeting.starts_at += timedelta(hours=2)

    def rest_earlier(_: Meeting, ann: Person) -> None:
        ann.quiet_begins = time(18)

    await asyncio.gather(change(move), change(rest_earlier))

    async with database.transaction() as tx:
        cohort_id = (await tx.scalars(select(Meeting.cohort_id))).one()
        left_to_do = await replan(tx, cohort_id, now=planned.clock.now)
    assert (left_to_do.new, left_to_do.move, left_to_do.withdrawn) == ((), (), ())


# ── Two facilitators ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_facilitators_who_end_a_session_at_once_release_it_once(planned: House) -> None:
    await with_gus(planned)
    await planned.until(berlin(28, 17, 30))

    for name in ("Fay", "Gus"):
        planned.phone(name).press(planned.newest(name, "It has ended now"), "It has ended now")
    await planned.settled()

    assert await number_of(planned, AuditEntry, action="release recorded") == 1
    for name in ("Ann", "Bob"):
        assert await states(planned, name, step="safe-home", kind="prompt") == ["planned"]


async def test_two_facilitators_who_admit_at_once_admit_once(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await with_gus(house)
    await house.press_newest("Gus", "Ann waits for you")

    for name in ("Fay", "Gus"):
        house.phone(name).press(house.newest(name, "Admit"), "Admit")
    await house.settled()

    assert await number_of(house, AuditEntry, action="enrolled") == 1
    assert await states(house, "Ann", kind="welcome") == ["sent"]
    assert await nothing_failed(house)


async def test_of_admitting_and_refusing_at_once_one_holds(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    await with_gus(house)
    await house.press_newest("Gus", "Ann waits for you")
    refusing = await house.press_newest("Gus", "Not this person")

    house.phone("Fay").press(house.newest("Fay", "Admit"), "Admit")
    house.phone("Gus").press(refusing, "Yes, not this person")
    await house.settled()

    decided = [entry.action for entry in await rows_of(house, AuditEntry) if entry.action in {"enrolled", "declined"}]
    assert len(decided) == 1
    assert [str(member.state) for member in await rows_of(house, Member)] == decided
    assert len(await states(house, "Ann", kind="welcome")) == int(decided == ["enrolled"])
    assert await nothing_failed(house)


async def test_two_who_read_an_alert_at_once_tell_its_member_once(maple: House) -> None:
    await with_gus(maple)
    await maple.say("Ann", "/call")
    await maple.press_newest("Fay", "Open")
    await maple.say("Gus", "/alerts")
    await maple.press_newest("Gus", "🟠 Ann, a moment")
    before = len(maple.shown("Ann"))

    for name in ("Fay", "Gus"):
        maple.phone(name).press(maple.newest(name, "I've read it"), "I've read it")
    await maple.settled()

    assert len(maple.shown("Ann")) == before + 1
    assert await nothing_failed(maple)


# ── Two strangers ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_of_two_who_open_one_seat_link_at_once_one_sits_and_the_other_is_refused_kindly(house: House) -> None:
    links = await found_maple(house)
    house.stage.person("Eve")

    for name in ("Ann", "Eve"):
        house.phone(name).open_link(links["Ann"])
    await house.settled()

    read = sorted(house.shown(name)[-1].splitlines()[0] for name in ("Ann", "Eve"))
    assert read == [
        "Hello. Fay keeps a seat for you: Maple.",
        "This link was already used; it works once. If that was not you, please ask for a new one.",
    ]
    assert await number_of(house, Member) == 1


async def test_of_two_who_open_one_office_link_at_once_one_holds_it(maple: House) -> None:
    for name in ("Gus", "Eve"):
        maple.stage.person(name)
    link = (await maple.say("Fay", "/cofacilitator Maple")).words.split()[0]

    for name in ("Gus", "Eve"):
        maple.phone(name).open_link(link)
    await maple.settled()

    read = [maple.shown(name)[-1] for name in ("Gus", "Eve")]
    assert read.count("This link was already used; it works once. If that was not you, please ask for a new one.") == 1
    assert await number_of(maple, Facilitation) == 2


# ── Two partners ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_last_answers_at_once_open_both_envelopes_once(planned: House) -> None:
    await planned.until(SEALED)
    taps = {}
    for name in ("Ann", "Bob"):
        page = await unfold(planned, name)
        await planned.say(name, f"{name}'s line")
        taps[name] = (page.id, carried(page, "Share it then"))

    for trial in range(TRIALS):
        before = {name: len(folded(planned, name)) for name in taps}
        for name, (message_id, data) in taps.items():
            planned.phone(name).forge(message_id, data)
        await planned.settled()

        opened = [str(one.state) for one in await rows_of(planned, Opening)]
        assert (trial, opened, await number_of(planned, Disclosure)) == (trial, ["opened"], 2)
        assert (trial, [len(folded(planned, name)) - before[name] for name in taps]) == (trial, [1, 1])
        await forget_the_opening(planned)


def carried(message: Any, label: str) -> str:
    return next(button["callback_data"] for row in message.keyboard for button in row if button["text"] == label)


async def forget_the_opening(house: House) -> None:
    """Both have written and chosen nothing yet, as before the last trial."""
    async with house.bot.runtime.database.transaction() as tx:
        await tx.execute(delete(Disclosure))
        await tx.execute(delete(Opening))
        await tx.execute(delete(Delivery).where(Delivery.kind == "opening"))
        await tx.execute(update(Response).values(choice=Choice.UNDECIDED))
        morning = {"state": MomentState.WAITING, "due_at": berlin(28, 8), "done_at": None}
        await tx.execute(update(Moment).where(Moment.kind == "opening", Moment.step == "intention").values(**morning))


async def test_two_who_unpair_at_once_are_unpaired_once(planned: House) -> None:
    for name in ("Ann", "Bob"):
        await planned.say(name, "/unpair")

    for name in ("Ann", "Bob"):
        asked = planned.phone(name).received[-1]
        planned.phone(name).press(asked, asked.labels[0])
    await planned.settled()

    assert await number_of(planned, AuditEntry, action="unpair") == 1
    assert await nothing_failed(planned)


async def test_one_leaves_while_the_other_answers_and_neither_is_held_up(planned: House) -> None:
    await planned.until(SEALED)
    await unfold(planned, "Bob")
    leaving = await planned.say("Ann", "/leave")

    planned.phone("Ann").press(leaving, leaving.labels[0])
    planned.phone("Bob").say("Bob's line")
    await planned.settled()

    assert sorted(str(member.state) for member in await rows_of(planned, Member)) == ["enrolled", "left"]
    assert await number_of(planned, Answer) == 1
    assert await nothing_failed(planned)


# ── Two devices of one person ──────────────────────────────────────────────────────────────────────────────────────


async def test_admit_pressed_twice_admits_once(house: House) -> None:
    links = await found_maple(house)
    await join(house, "Ann", links["Ann"])
    admitting = house.newest("Fay", "Admit")

    for _ in range(2):
        house.phone("Fay").press(admitting, "Admit")
    await house.settled()

    assert await number_of(house, AuditEntry, action="enrolled") == 1
    assert await states(house, "Ann", kind="welcome") == ["sent"]
    assert [str(member.state) for member in await rows_of(house, Member)] == [MemberState.ENROLLED]


async def test_make_the_links_pressed_twice_makes_one_cohort(house: House) -> None:
    await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    ready = await house.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me")

    for _ in range(2):
        house.phone("Fay").press(ready, "Make the links")
    await house.settled()

    assert await number_of(house, Cohort) == 1
    assert len(await states(house, "Fay", kind="seat-link")) == 2


async def test_confirm_pressed_twice_plans_one_session(maple: House) -> None:
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")

    for _ in range(2):
        maple.phone("Fay").press(preview, "Confirm")
    await maple.settled()

    assert await number_of(maple, Meeting) == 1
    assert [await states(maple, name, kind="invitation") for name in ("Ann", "Bob")] == [["sent"], ["sent"]]


async def test_of_two_answers_to_one_invitation_the_later_holds(planned: House) -> None:
    await planned.say("Fay", "/move Maple 1 2026-11-28 15:00")
    await planned.press_newest("Fay", "Confirm")
    invitation = planned.newest("Ann", "I can't")

    planned.phone("Ann").press(invitation, "I can't")
    planned.phone("Ann").press(invitation, "I'm coming")
    await planned.settled()

    assert [one.rsvp for one in await rows_of(planned, Attendance) if one.rsvp] == [Rsvp.COMING]


async def test_two_answers_to_one_question_at_once_are_one_answer(planned: House) -> None:
    await planned.until(berlin(27, 18))
    page = await unfold(planned, "Ann")
    first, second = page.labels[:2]

    planned.phone("Ann").press(page, first)
    planned.phone("Ann").press(page, second)
    await planned.settled()

    assert (await number_of(planned, Response), await number_of(planned, Answer)) == (1, 1)
    assert await nothing_failed(planned)


async def test_a_call_asked_for_on_two_devices_is_one_alert(maple: House) -> None:
    for _ in range(2):
        maple.phone("Ann").say("/call")
    await maple.settled()

    assert await number_of(maple, Alert) == 1
    assert await states(maple, "Fay", kind="alert") == ["sent"]


async def test_send_pressed_twice_sends_a_broadcast_once(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you on Saturday")
    ready = maple.newest("Fay", "Send")

    for _ in range(2):
        maple.phone("Fay").press(ready, "Send")
    await maple.settled()
    await maple.until(berlin(21, 11, 5))

    for name in ("Ann", "Bob"):
        assert await states(maple, name, kind="broadcast") == ["sent"]


async def test_of_send_and_cancel_at_once_the_first_holds(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you on Saturday")
    ready = maple.newest("Fay", "Send")

    maple.phone("Fay").press(ready, "Cancel")
    maple.phone("Fay").press(ready, "Send")
    await maple.settled()
    await maple.until(berlin(21, 11, 5))

    assert [await states(maple, name, kind="broadcast") for name in ("Ann", "Bob")] == [[], []]
    assert maple.toast("Fay") == "This was sent, stopped or cancelled already. /broadcast begins a new one."
