"""Telegram answers late, wrongly, twice or not at all: what was said is said once, and nobody waits for somebody else."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from going_wrong import ANN, come_true, number_of, real_time_passes, rows_of, states
from house import House
from scenes import berlin, folded, unfold

from bot.storage.tables import Attendance, Draft, InboxUpdate, Meeting, Note
from bot.words import InboxState, Rsvp

EVENING = berlin(27, 18)
MORNING = berlin(29, 9, 30)  # five taps, with a reminder three hours later
A_WHILE = timedelta(minutes=5)
ON_SQLITE = pytest.mark.parametrize("beginnings", ["sqlite"], indirect=True)  # the way of a call is the same on both


# ── Replies that are lost ──────────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
@pytest.mark.parametrize("kind", ["accept_then_reset", "accept_then_hang_up", "half_reply"])
async def test_a_prompt_whose_reply_is_lost_is_unknown_until_a_tap_proves_it(planned: House, kind: str) -> None:
    planned.stage.faults.add(kind, method="sendMessage", chat=ANN)
    await planned.until(EVENING + A_WHILE)
    await real_time_passes(planned)
    await planned.until(EVENING + 2 * A_WHILE)

    unknown, seen = await states(planned, "Ann", step="logistics"), len(folded(planned, "Ann"))
    await unfold(planned, "Ann")
    proven = await states(planned, "Ann", step="logistics")

    assert (unknown, seen, proven) == (["unknown"], 1, ["sent"])


async def test_a_prompt_that_never_arrived_is_covered_by_its_reminder(released: House) -> None:
    await released.until(berlin(29, 9))
    before = len(folded(released, "Ann"))
    released.stage.faults.add("reset_before", method="sendMessage", chat=ANN)

    await released.until(MORNING + A_WHILE)
    lost = len(folded(released, "Ann")) - before
    await released.until(MORNING + timedelta(hours=3))

    assert lost == 0
    assert await states(released, "Ann", step="first-morning") == ["unknown", "sent"]
    assert (await unfold(released, "Ann")).words.startswith("Good morning. Five taps, just as it is.")


async def test_a_safety_message_whose_replies_are_lost_is_said_three_times_at_most(released: House) -> None:
    safe_home = berlin(28, 19, 5)
    lost = released.stage.faults.add("accept_then_reset", method="sendMessage", chat=ANN, times=None)
    passing = asyncio.create_task(released.until(safe_home))

    for copies in (1, 2, 3):
        await come_true(lambda copies=copies: happened_and_unknown(released, lost, copies))
        await real_time_passes(released)
    await passing
    await released.until(safe_home + timedelta(minutes=30))

    assert len(folded(released, "Ann")) == 3
    assert len(folded(released, "Bob")) == 1
    assert await states(released, "Ann", step="safe-home", kind="prompt") == ["unknown"]


async def happened_and_unknown(house: House, lost: object, copies: int) -> bool:
    settled = await states(house, "Ann", step="safe-home", kind="prompt") == ["unknown"]
    return settled and lost.happened == copies


@ON_SQLITE
@pytest.mark.parametrize("body", ["json", "html", "empty"])
@pytest.mark.parametrize(("accepted", "arrived"), [(True, 1), (False, 0)], ids=["after accepting", "without accepting"])
async def test_an_error_of_telegrams_own_may_hide_a_message_so_it_is_not_repeated(
    planned: House, body: str, accepted: bool, arrived: int
) -> None:
    planned.stage.faults.add("broken", method="sendMessage", chat=ANN, code=502, body=body, accepted=accepted)

    await planned.until(EVENING + A_WHILE)

    assert await states(planned, "Ann", step="logistics") == ["unknown"]
    assert len(folded(planned, "Ann")) == arrived
    assert len(folded(planned, "Bob")) == 1


async def test_a_screen_that_is_lost_loses_only_itself(planned: House) -> None:
    await planned.until(EVENING)
    planned.stage.faults.add("broken", method="editMessageText", chat=ANN, code=500)

    lost = await unfold(planned, "Ann")
    words = lost.words
    await planned.press("Ann", lost, "Open")

    assert words == "Something small for you today."
    assert lost.words.startswith("Your session is on Saturday, 28 November at 14:00.")


# ── Limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_limit_on_one_chat_does_not_hold_the_partner_back(planned: House) -> None:
    limit = planned.stage.faults.add("too_many", method="sendMessage", chat=ANN, seconds=1)
    passing = asyncio.create_task(planned.until(EVENING))
    await come_true(lambda: limit.happened and folded(planned, "Bob"))
    waiting = len(folded(planned, "Ann"))

    await passing

    assert (waiting, len(folded(planned, "Ann")), len(folded(planned, "Bob"))) == (0, 1, 1)
    assert await states(planned, "Ann", step="logistics") == ["sent"]


# ── Updates ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_updates_that_come_twice_and_in_any_order_have_one_effect(maple: House) -> None:
    for kind in ("duplicate_updates", "reorder_updates"):
        maple.stage.faults.add(kind, method="getUpdates", times=None)
    await maple.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await maple.press_newest("Fay", "Confirm")
    invitation = maple.newest("Ann", "I can't")

    for label in ("I'm coming", "I'll be late", "I can't"):
        maple.phone("Ann").press(invitation, label)
    maple.phone("Ann").say("Shall we bring a blanket?")
    await maple.settled()
    await maple.press_newest("Ann", "Send to Fay")

    assert (await number_of(maple, Meeting), await number_of(maple, Note), await number_of(maple, Draft)) == (1, 1, 0)
    assert [one.rsvp for one in await rows_of(maple, Attendance) if one.rsvp] == [Rsvp.CANNOT]
    assert await number_of(maple, InboxUpdate, state=InboxState.QUARANTINED) == 0


async def test_an_update_that_comes_five_times_is_handled_once(maple: House) -> None:
    before = await number_of(maple, InboxUpdate)
    fay = maple.stage.named("Ann").as_json()
    private = {"id": fay["id"], "type": "private", "first_name": "Ann"}
    said = {
        "update_id": 900_000,
        "message": {
            "message_id": 900_000,
            "date": 1,
            "chat": private,
            "from": fay,
            "text": "Shall we bring a blanket?",
        },
    }

    for _ in range(5):
        await maple.bot.inbox.store([said])
    await maple.bot.inbox.store([said] * 5)
    await come_true(lambda: handled(maple))

    assert await number_of(maple, InboxUpdate) == before + 1
    assert await number_of(maple, Draft) == 1


async def handled(house: House) -> bool:
    return await number_of(house, InboxUpdate, state=InboxState.WAITING) == 0
