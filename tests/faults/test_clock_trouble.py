"""Clocks jump while the bot runs, and those of its people change: nothing leaves early, nothing is forgotten."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from zoneinfo import ZoneInfo

import pytest
from faults.processes import CROOKED
from faults.town import Enter, Town, Towns, come_true
from house import leases_run_out
from sqlalchemy import select

from bot.programmes.shelf import pin
from bot.storage.tables import Cohort, Delivery, Meeting
from bot.window.actions import replan
from bot.words import MeetingKind, MeetingState, ReleaseSource

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
RATE = 25
HOUR = timedelta(hours=1)
KYIV, NEW_YORK = ZoneInfo("Europe/Kyiv"), ZoneInfo("America/New_York")

PROGRAMME = """
understory: 1
id: clock-change
version: 1
title: {{en: Three days}}
for: couple
phases: none
steps:
  - {{id: in-the-night, at: day 1 at {night}, fresh_for: 4h, kind: reminder, text: {{en: It is night.}}}}
  - {{id: morning, at: day 1 at 09:30, fresh_for: 4h, kind: reminder, text: {{en: Good morning.}}}}
  - {{id: a-day-later, at: release + 24h, fresh_for: 4h, kind: reminder, text: {{en: A day has passed.}}}}
  - {{id: second-morning, at: day 2 at 09:30, fresh_for: 4h, kind: reminder, text: {{en: Good morning again.}}}}
  - {{id: three-days-later, at: release + 72h, fresh_for: 4h, kind: reminder, text: {{en: Three days have passed.}}}}
"""


@dataclass(frozen=True)
class Change:
    """A night in which the clocks change somewhere, and what a clock time in it means for either of them."""

    day: date
    night: str
    in_kyiv: str
    in_new_york: str


CHANGES = {
    "forward in New York": Change(date(2027, 3, 14), "02:30", "2027-03-14T00:30Z", "2027-03-14T07:30Z"),  # there: 3:30
    "forward in Kyiv": Change(date(2027, 3, 28), "03:30", "2027-03-28T01:30Z", "2027-03-28T07:30Z"),  # there: 4:30
    "back in Kyiv": Change(date(2027, 10, 31), "03:30", "2027-10-31T00:30Z", "2027-10-31T07:30Z"),  # the first 3:30
    "back in New York": Change(date(2027, 11, 7), "01:30", "2027-11-06T23:30Z", "2027-11-07T05:30Z"),  # the first 1:30
}


async def test_a_clock_that_jumps_ahead_and_back_makes_nothing_early_and_loses_nothing(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=20, stage_clock=True, SEND_RATE=str(RATE)) as town:
        begins = town.now
        await town.plan_letters(40, due_at=begins + timedelta(minutes=30))
        await town.plan_letters(40, due_at=begins + timedelta(minutes=90))
        life = await town.start()
        await come_true(lambda: town.stage.journal.polls)

        ahead = await heard_after(town, 40, lambda: town.clock.jump_to(begins + HOUR))
        town.clock.jump_to(begins)  # back by an hour: the second forty still wait
        before = len(town.accepted())
        there = await heard_after(town, 40, lambda: town.clock.jump_to(begins + 2 * HOUR))
        await town.at_rest()

        assert await life.stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, noticed_after=f"{max(ahead, there):.1f} s")
        assert (before, verdict.accepted) == (40, 80)
        assert max(ahead, there) <= 3


async def test_a_machine_whose_clock_is_set_ahead_and_back_sends_nothing_early_and_everything_once(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=20) as town:
        begins, file = town.now, town.folder / "offset.txt"

        def set_clock(hours: int) -> None:
            draft = file.with_suffix(".new")
            draft.write_text(str(hours * 3600))
            draft.replace(file)  # the bot reads all of it or the one before
            town.steps.append((time.monotonic(), hours * HOUR))

        set_clock(0)
        await town.plan_letters(40, due_at=begins + timedelta(minutes=30))
        await town.plan_letters(40, due_at=begins + timedelta(minutes=90))
        await town.plan_letters(20, due_at=begins)
        life = await town.start((*CROOKED, str(file)))
        await town.heard(20)

        ahead = await heard_after(town, 40, lambda: set_clock(1))
        set_clock(-1)
        back = await polls_again(town)
        before = len(town.accepted())
        there = await heard_after(town, 40, lambda: set_clock(2))
        await town.at_rest()

        assert await life.stop() == 0
        verdict = await town.verdict(rate=RATE)
        entered(verdict, noticed_after=f"{max(ahead, there):.1f} s", asked_again_after=f"{back:.1f} s")
        assert (before, verdict.accepted) == (60, 100)
        assert max(ahead, there) <= 3


@pytest.mark.parametrize("where", CHANGES)
async def test_when_clocks_change_spans_stay_exact_and_local_hours_local_though_the_bot_dies_that_night(
    where: str, settle: Towns, entered: Enter
) -> None:
    change = CHANGES[where]
    released = datetime.combine(change.day - timedelta(days=1), hour(15), UTC)
    async with settle(couples=1, begins=released, zones=(KYIV, NEW_YORK)) as town:
        town.letters = ("prompt",)
        await a_session_ended(town, PROGRAMME.format(night=change.night), released)
        doomed = await town.start()
        town.at_call(1, doomed.kill)  # the first of that night
        night = min(datetime.fromisoformat(change.in_kyiv), datetime.fromisoformat(change.in_new_york))
        town.clock.jump_to(night)
        await doomed.bury()
        leases_run_out(town.url)
        last = await town.start()
        await town.clock.advance_to(released + timedelta(hours=73))
        assert await last.stop() == 0

        verdict = await town.verdict()
        entered(verdict, deaths=1)
        steps = await steps_by_tag(town)
        came = {(steps[one.tag], one.chat): one.at for one in town.accepted()}
        for someone, zone, at_night in zip(
            town.people, (KYIV, NEW_YORK), (change.in_kyiv, change.in_new_york), strict=True
        ):
            here = {step: at for (step, chat), at in came.items() if chat == someone.telegram_id}
            assert here == {
                "in-the-night": datetime.fromisoformat(at_night),
                "morning": datetime.combine(change.day, hour(9, 30), zone),
                "a-day-later": released + timedelta(seconds=86_400),
                "second-morning": datetime.combine(change.day + timedelta(days=1), hour(9, 30), zone),
                "three-days-later": released + timedelta(seconds=259_200),
            }


async def a_session_ended(town: Town, programme: str, released: datetime) -> None:
    """The couple's session has just ended, and what follows is planned by this programme."""
    async with town.records() as database, database.transaction() as tx:
        cohort = await tx.get_one(Cohort, town.people[0].cohort_id)
        cohort.programme = (await pin(tx, programme, released)).digest
        tx.add(
            Meeting(
                cohort_id=cohort.id,
                number=1,
                kind=MeetingKind.SESSION,
                state=MeetingState.RELEASED,
                starts_at=released - 3 * HOUR,
                lasts=3 * HOUR,
                made_by=town.fay,
                made_at=released - timedelta(days=5),
                released_at=released,
                release_source=ReleaseSource.RECORDED,
            )
        )
        await replan(tx, cohort.id, now=released)


async def steps_by_tag(town: Town) -> dict[str, str]:
    """Which step each letter is, by its name in the ledger."""
    chats = {someone.chat_id: someone.telegram_id for someone in town.people}
    async with town.records() as database, database.transaction() as tx:
        rows = await tx.scalars(select(Delivery).where(Delivery.kind == "prompt"))
        return {f"folded {row.id} to {chats[row.chat_id]}": str(row.step) for row in rows}


async def polls_again(town: Town) -> float:
    """Wait until the bot fetches what somebody says: it lives, whatever its clock shows."""
    since, polls = time.monotonic(), town.stage.journal.polls
    town.stage.phone(town.people[0].name).say("Shall we bring a blanket?")
    await come_true(lambda: town.stage.journal.polls > polls)
    return time.monotonic() - since


async def heard_after(town: Town, letters: int, jump: object) -> float:
    """Jump, and wait until that many letters have arrived; how long the first of them took."""
    first = town.at_call(1, lambda: None)
    rest = town.at_call(letters, lambda: None)
    since = time.monotonic()
    jump()  # type: ignore[operator]  # a function of no arguments
    await first
    took = time.monotonic() - since
    await rest
    return took
