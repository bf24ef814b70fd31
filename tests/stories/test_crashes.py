"""The bot is killed at the worst instants and started again on the same database: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from going_wrong import ANN, come_true, copies, number_of, real_time_passes, states
from house import FAY, KEY, TOKEN, House, leases_run_out
from scenes import SATURDAY_MORNING, berlin, folded, unfold

from bot.storage.tables import Answer, Disclosure, InboxUpdate, Meeting, Opening
from bot.words import InboxState

EVENING = berlin(27, 18)  # the day before: both get a folded message
SEALED = berlin(27, 19, 30)  # and another, whose answers open when both have chosen to share
NIGHT, MORNING = berlin(27, 21, 30), berlin(28, 8)
A_MINUTE = 60.0  # real seconds; the bot is dead long before
AN_HOUR = timedelta(hours=1)


async def never(*_: object) -> None:
    await asyncio.Event().wait()


# ── A message on its way ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "arrived"), [("delay", 1), ("delay_before", 0)], ids=["accepted", "not yet accepted"])
async def test_what_was_on_its_way_is_unknown_and_not_sent_again(planned: House, kind: str, arrived: int) -> None:
    passing = await die_while_sending(planned, kind, EVENING)

    await planned.start()
    await passing
    await planned.until(EVENING + AN_HOUR)

    assert len(folded(planned, "Ann")) == arrived
    assert len(folded(planned, "Bob")) == 1
    assert await states(planned, "Ann", step="logistics") == ["unknown"]


async def test_a_tap_proves_what_nobody_knew(planned: House) -> None:
    passing = await die_while_sending(planned, "delay", EVENING)
    await planned.start()
    await passing

    await unfold(planned, "Ann")

    assert await states(planned, "Ann", step="logistics") == ["sent"]


async def test_the_reminder_covers_what_was_lost(released: House) -> None:
    await released.until(berlin(29, 9))
    before = len(folded(released, "Ann"))
    passing = await die_while_sending(released, "delay_before", berlin(29, 9, 30))
    await released.start()
    await passing
    await released.until(berlin(29, 12, 29))
    lost = len(folded(released, "Ann")) - before

    await released.until(berlin(29, 12, 30))

    assert await states(released, "Ann", step="first-morning") == ["unknown", "sent"]
    assert (lost, len(folded(released, "Ann")) - before) == (1, 2)  # another step came in between
    assert (await unfold(released, "Ann")).words.startswith("Good morning. Five taps, just as it is.")


async def test_a_real_process_that_is_killed_is_taken_over(planned: House, tmp_path: Path) -> None:
    await planned.stop()
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("understory"),
        "run",
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "BOT_TOKEN": TOKEN,
            "BOT_API_URL": planned.served.url,
            "CLOCK_URL": planned.served.clock_url,
            "DATABASE_URL": planned.settings.database_url,
            "ENCRYPTION_KEYS": KEY,
            "OWNER_IDS": str(FAY),
            "LOG_LEVEL": "WARNING",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    lost = planned.stage.faults.add("delay", method="sendMessage", chat=ANN, seconds=A_MINUTE)
    passing = asyncio.create_task(planned.until(EVENING))
    await come_true(lambda: lost.happened and folded(planned, "Bob"))
    planned.phone("Bob").press(folded(planned, "Bob")[-1], "Open")

    process.kill()
    _, said = await process.communicate()
    leases_run_out(planned.settings.database_url)
    await planned.start()
    await passing
    await planned.settled()

    assert said == b""
    assert len(folded(planned, "Ann")) == 1
    assert planned.shown("Bob")[-1].startswith("Your session is on Saturday, 28 November at 14:00.")
    assert await number_of(planned, InboxUpdate, state=InboxState.WAITING) == 0


# ── An update ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_stored_and_not_handled_is_handled_once(maple: House) -> None:
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    maple.bot.application.process_update = never
    maple.phone("Fay").press(preview, "Confirm")
    await come_true(lambda: not maple.stage.bot_named().updates.waiting)  # Telegram was told that we have it

    await maple.crash()
    await maple.start()
    await maple.settled()

    assert preview.words.startswith("It is planned.")
    await is_planned_once(maple)


async def test_what_was_handled_and_not_answered_is_not_handled_again(maple: House) -> None:
    preview = await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    cut = maple.stage.faults.add("delay", method="answerCallbackQuery", seconds=A_MINUTE)
    maple.phone("Fay").press(preview, "Confirm")
    await come_true(lambda: cut.happened)

    await maple.crash()
    await maple.start()
    await maple.settled()

    await is_planned_once(maple)


async def is_planned_once(house: House) -> None:
    assert await number_of(house, Meeting) == 1
    for name in ("Ann", "Bob"):
        invited = [message for message in house.phone(name).received if "I'm coming" in message.labels]
        assert len(invited) == 1


async def test_an_answer_is_kept_once(planned: House) -> None:
    await planned.until(SEALED)
    page = await unfold(planned, "Ann")
    cut = planned.stage.faults.add("delay", method="deleteMessage", chat=ANN, seconds=A_MINUTE)
    planned.phone("Ann").say("To be kind")
    await come_true(lambda: cut.happened)

    await planned.crash()
    await planned.start()
    await planned.settled()
    await planned.press("Ann", page, "Later")

    assert await number_of(planned, Answer) == 1


# ── An opening ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def both_share(house: House, *, at_night: bool) -> None:
    """Both write their line and share it; at night it waits for the morning."""
    await house.until(SEALED)
    for name in ("Ann", "Bob"):
        await unfold(house, name)
        await house.say(name, f"{name}'s line")
    if at_night:
        await house.until(NIGHT)
    for name in ("Ann", "Bob"):
        await house.press_newest(name, "Share it then")


async def test_an_opening_whose_hour_comes_while_the_bot_is_dead_is_decided_once(planned: House) -> None:
    await both_share(planned, at_night=True)
    await planned.crash()
    planned.clock.jump_to(MORNING + timedelta(minutes=20))

    await planned.start()
    await planned.settled()

    assert (await number_of(planned, Opening), await number_of(planned, Disclosure)) == (1, 2)
    assert [await states(planned, name, kind="opening") for name in ("Ann", "Bob")] == [["sent"], ["sent"]]
    for reader, author in (("Ann", "Bob"), ("Bob", "Ann")):
        assert f"{author}'s line" in (await planned.press_newest(reader, "Open")).words


async def test_an_opening_that_was_on_its_way_comes_at_most_twice_and_says_the_same(planned: House) -> None:
    await both_share(planned, at_night=True)
    before = {name: len(folded(planned, name)) for name in ("Ann", "Bob")}
    passing = await die_while_sending(planned, "delay", MORNING)

    await planned.start()
    await come_true(lambda: is_unknown(planned, "Ann", kind="opening"))
    await real_time_passes(planned)
    await passing

    assert (await number_of(planned, Opening), await number_of(planned, Disclosure)) == (1, 2)
    assert [len(folded(planned, name)) - before[name] for name in ("Ann", "Bob")] == [2, 1]
    assert max(copies(planned, "Ann").values()) == 2
    first, second = folded(planned, "Ann")[-2:]
    assert "Bob's line" in (await planned.press("Ann", second, "Open")).words
    await planned.press("Ann", first, "Open")
    assert (first.deleted_at is None, second.deleted_at is None) == (False, True)


# ── A broadcast ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_broadcast_leaves_once_though_the_bot_died_in_its_fifteen_seconds(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you on Saturday")
    await maple.press_newest("Fay", "Send")
    await maple.crash()
    maple.clock.jump_to(SATURDAY_MORNING + timedelta(seconds=20))

    await maple.start()
    await maple.until(SATURDAY_MORNING + timedelta(minutes=5))

    for name in ("Ann", "Bob"):
        assert [words for words in maple.shown(name) if "See you on Saturday" in words] == [maple.shown(name)[-1]]


async def test_undo_still_works_after_a_crash_in_the_fifteen_seconds(maple: House) -> None:
    await maple.say("Fay", "/broadcast Maple See you on Saturday")
    await maple.press_newest("Fay", "Send")
    await maple.crash()
    await maple.start()

    await maple.press_newest("Fay", "Undo")
    await maple.until(SATURDAY_MORNING + timedelta(minutes=5))

    assert not any("See you on Saturday" in words for name in ("Ann", "Bob") for words in maple.shown(name))


async def is_unknown(house: House, name: str, **having: object) -> bool:
    return await states(house, name, **having) == ["unknown"]


# ── Small steps ────────────────────────────────────────────────────────────────────────────────────────────────────


async def die_while_sending(house: House, kind: str, at: object) -> asyncio.Task[None]:
    """Kill the bot when Ann's message is on its way and Bob's has arrived; the time goes on once it lives again."""
    bobs = len(house.phone("Bob").received)
    lost = house.stage.faults.add(kind, method="sendMessage", chat=ANN, seconds=A_MINUTE)
    passing = asyncio.create_task(house.until(at))
    await come_true(lambda: lost.happened and len(house.phone("Bob").received) > bobs)
    await come_true(lambda: is_settled(house, "Bob"))
    await house.crash()
    return passing


async def is_settled(house: House, name: str) -> bool:
    return not {"claimed", "sending"} & set(await states(house, name))
