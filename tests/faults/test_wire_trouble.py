"""The way to Telegram breaks while hundreds of letters leave: lost replies, slow ones, limits, blocks, moves."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from faults.processes import BotProcess
from faults.town import Enter, Town, Towns, come_true
from house import FAY
from sqlalchemy import func, select, update

from bot.storage.tables import Attempt, Chat, Delivery
from bot.words import Lane

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RATE = 25


async def test_replies_that_are_lost_leave_a_doubt_and_no_second_prompt(settle: Towns, entered: Enter) -> None:
    async with settle(couples=50) as town:
        await town.plan_letters(150)
        await town.plan_letters(50, lane=Lane.SAFETY)
        lost = town.stage.faults.add("accept_then_reset", method="sendMessage", times=None, probability=0.05)
        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        rows = {row.tag: row for row in await town.rows()}
        entered(verdict, lost_replies=lost.happened)
        assert lost.happened >= 5
        assert verdict.second_copies + len(verdict.in_doubt) == lost.happened
        assert all(rows[tag].lane == Lane.PROMPTS for tag in verdict.in_doubt)  # a call for help is said again


async def test_slow_replies_hold_nobody_else_back(settle: Towns, entered: Enter) -> None:
    async with settle(couples=40) as town:
        warm = await town.plan_letters(20, to=town.people[60:])
        life = await start_and_hear(town, len(warm))
        before = open_files(life)
        await life.stop()
        slow, quick = town.people[:6], town.people[6:60]
        await town.plan_letters(6, to=slow)
        await town.plan_letters(54, to=quick)
        for someone in slow:
            town.stage.faults.add("delay", method="sendMessage", chat=someone.telegram_id, seconds=60)

        since = time.monotonic()
        life = await start_and_hear(town, 60)
        heard_after = time.monotonic() - since
        await town.at_rest()
        await come_true(lambda: abs(open_files(life) - before) <= 2, within=60)
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        entered(verdict, all_heard_after=f"{heard_after:.1f} s")
        assert len(verdict.in_doubt) == 6
        assert verdict.second_copies == 0


async def test_a_limited_group_rests_and_goes_on_in_order_while_others_are_served(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=25) as town:
        circle = await town.open_circle()
        await town.plan_letters(5, to=[circle])
        await town.plan_letters(50)
        limit = town.stage.faults.add("too_many", method="sendMessage", chat=circle.telegram_id, seconds=30)

        since = time.monotonic()
        life = await start_and_hear(town, 50)
        served_after = time.monotonic() - since
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        calls = [call.real for call in town.stage.journal.calls if call.chat_id == circle.telegram_id]
        entered(verdict, others_after=f"{served_after:.1f} s", group_rested=f"{calls[1] - calls[0]:.1f} s")
        assert (limit.happened, len(calls)) == (1, 6)
        assert calls[1] - calls[0] >= 30
        assert max(one.real for one in town.accepted() if one.chat > 0) - calls[0] <= 5


async def test_a_storm_of_limits_silences_the_whole_bot_and_a_restart_does_not_shorten_that(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50) as town:
        await town.plan_letters(100)
        for someone in town.people[:3]:
            town.stage.faults.add("too_many", method="sendMessage", chat=someone.telegram_id, seconds=20)
        life = await town.start()
        await come_true(lambda: len(town.stage.journal.refused("sendMessage")) == 3)
        storm = time.monotonic()
        assert await life.stop() == 0

        last = await town.start()
        await town.at_rest()
        assert await last.stop() == 0

        verdict = await town.verdict(rate=RATE)
        later = [call.real - storm for call in town.stage.journal.calls if call.method == "sendMessage"]
        quiet = min(after for after in later if after > 1)
        entered(verdict, silent_for=f"{quiet:.1f} s")
        assert quiet >= 19.5
        assert len([after for after in later if 0 < after <= 1]) <= 10  # those that were on their way


async def test_somebody_who_blocks_us_is_called_once_and_only_their_facilitator_hears_of_it(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=4) as town:
        gone, partner = town.people[0], town.people[1]
        phone = town.stage.phone(gone.name)
        await town.plan_letters(3, to=[gone])
        await town.plan_letters(3, to=[partner])
        phone.block()
        town.stage.bot_named().updates.waiting.clear()  # nobody tells us: only the refused call does

        life = await town.start()
        await town.at_rest()
        refused = town.stage.journal.refused(chat_id=gone.telegram_id)
        told = town.stage.journal.accepted("sendMessage", FAY)
        phone.unblock()
        await come_true(lambda: town.ask("SELECT count(*) FROM chat WHERE unreachable_since IS NOT NULL") == 0)
        assert await life.stop() == 0
        await town.plan_letters(1, to=[gone])
        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        entered(await town.verdict(rate=RATE))
        states = [row.state for row in await town.rows() if row.chat == gone.telegram_id]
        assert len(refused) == 1
        assert len(told) == 1
        assert len(town.stage.journal.accepted("sendMessage", partner.telegram_id)) == 3
        assert sorted(states) == ["failed", "sent", "skipped", "skipped"]


@pytest.mark.parametrize("told", ["by a service message", "by an error"])
async def test_a_group_that_becomes_a_supergroup_gets_everything_once(told: str, settle: Towns, entered: Enter) -> None:
    async with settle(couples=2) as town:
        circle = await town.open_circle()
        group = town.stage.chats[circle.telegram_id]
        if told == "by an error":
            town.stage.bot_named().updates.waiting.clear()
            moved = town.stage.groups.migrate(group)
            town.stage.bot_named().updates.waiting.clear()
        else:
            moved = town.stage.groups.migrate(group)
        await town.plan_letters(5, to=[circle])

        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        entered(verdict)
        assert verdict.accepted == 5
        assert {one.chat for one in town.accepted()} == {moved.id}
        async with town.records() as database, database.transaction() as tx:
            assert await tx.scalar(select(func.count()).where(Chat.person_id.is_(None))) == 1


async def test_after_ten_hours_out_each_gets_what_is_fresh_once_and_nothing_floods(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=50, stage_clock=True, SEND_RATE=str(RATE)) as town:
        hour = timedelta(hours=1)
        for number in range(3):
            due_at = town.now + (number * 3 + 1) * hour
            await town.plan_letters(100, due_at=due_at, expires_after=5 * hour)
        town.clock.jump_to(town.now + 10 * hour)

        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        rows = await town.rows()
        entered(verdict)
        assert verdict.accepted == 100  # the newest for each; of the others one has expired, one made way
        assert {row.reason for row in rows if row.state == "skipped"} == {"too late"}
        assert len({one.chat for one in town.accepted()}) == 100


async def test_letters_that_cannot_be_written_or_are_refused_fail_alone(settle: Towns, entered: Enter) -> None:
    async with settle(couples=50) as town:
        refused = town.people[0]
        await town.plan_letters(1, to=[refused])
        await town.plan_letters(297, to=town.people[1:])
        broken = await town.plan_letters(1, to=town.people[1:2])
        await nobody_can_write(town, broken[0])
        fault = town.stage.faults.add("refused", method="sendMessage", chat=refused.telegram_id, code=400, times=None)
        fault.sentence = "Bad Request: message is too long"

        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        failed = [row for row in await town.rows() if row.state == "failed"]
        entered(verdict)
        assert len(life.complaints()) <= 2  # the one that could not be written, with its reference
        life.said.write_text("")
        assert len(failed) == 2
        assert max(row.attempts for row in failed) == 1
        assert verdict.accepted == 297


async def test_every_call_has_its_attempt(settle: Towns, entered: Enter) -> None:
    async with settle(couples=25) as town:
        await town.plan_letters(100)
        town.stage.faults.seed(5)
        town.stage.faults.add("reset_before", method="sendMessage", times=None, probability=0.1)
        town.stage.faults.add("too_many", method="sendMessage", times=None, probability=0.05, seconds=1)
        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        entered(await town.verdict(rate=RATE))
        async with town.records() as database, database.transaction() as tx:
            attempts = await tx.scalar(select(func.count()).select_from(Attempt))
        assert attempts == len([call for call in town.stage.journal.calls if call.method == "sendMessage"])


async def start_and_hear(town: Town, letters: int) -> BotProcess:
    """Start the bot and wait until so many letters have arrived."""
    life = await town.start()
    await town.heard(letters)
    return life


async def nobody_can_write(town: Town, delivery: object) -> None:
    """A row whose composer stumbles: it speaks to a member and names none."""
    async with town.records() as database, database.transaction() as tx:
        await tx.execute(update(Delivery).where(Delivery.id == delivery).values(member_id=None))


def open_files(life: BotProcess) -> int:
    """How many files and connections the process has open."""
    return len(list(Path(f"/proc/{life.process.pid}/fd").iterdir()))
