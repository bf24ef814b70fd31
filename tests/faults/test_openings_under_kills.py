"""Sealed pair answers open while the bot is killed again and again: both sides from one decision, two copies at most."""

from __future__ import annotations

import random

import pytest
from faults.pairs import EVERYTHING, both_share, decided
from faults.test_sudden_deaths import die_again_and_again
from faults.town import Enter, Someone, Town, Towns, come_true
from house import leases_run_out

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RATE = 25


async def test_envelopes_open_for_both_though_the_bot_is_killed_again_and_again(settle: Towns, entered: Enter) -> None:
    async with settle(couples=40) as town:
        meetings = await both_share(town, town.couples, town.now)
        await town.plan_letters(40)
        town.stage.faults.seed(11)
        common = {"method": "sendMessage", "times": None}
        town.stage.faults.add("delay", **common, probability=0.5, seconds=0.15)
        lost = town.stage.faults.add("accept_then_reset", **common, probability=0.05)

        deaths = await die_again_and_again(town, 8, random.Random(80))
        town.stage.faults.clear()
        leases_run_out(town.url)
        last = await town.start()
        await town.at_rest()
        for someone in town.people:
            open_envelope(town, someone)
        await come_true(lambda: all(reads_the_other(town, *couple) for couple in town.couples))
        assert await last.stop() == 0

        verdict = await town.verdict(rate=RATE)
        opened = {one.tag for one in town.accepted() if one.tag.startswith("folded")}
        entered(verdict, deaths=deaths, lost_replies=lost.happened, opened=f"{len(opened)} of {len(town.people)}")
        assert [await decided(town, meeting) for meeting in meetings] == [EVERYTHING] * len(meetings)
        assert len(opened) == len(town.people)


async def test_an_envelope_whose_answer_is_lost_twice_comes_twice_and_no_more(settle: Towns, entered: Enter) -> None:
    async with settle(couples=1) as town:
        [meeting] = await both_share(town, town.couples, town.now)
        one, other = town.people
        town.stage.faults.add("accept_then_reset", method="sendMessage", chat=one.telegram_id, times=None)

        life = await town.start()
        await town.at_rest()
        assert await life.stop() == 0

        verdict = await town.verdict(rate=RATE)
        copies = {who.name: len(town.stage.journal.accepted("sendMessage", who.telegram_id)) for who in (one, other)}
        entered(verdict)
        assert copies == {one.name: 2, other.name: 1}
        assert len(verdict.in_doubt) == 1
        assert await decided(town, meeting) == EVERYTHING


def open_envelope(town: Town, someone: Someone) -> None:
    phone = town.stage.phone(someone.name)
    envelopes = [message for message in phone.received if message.labels == ["Open"]]
    phone.press(envelopes[-1], "Open")


def reads_the_other(town: Town, one: Someone, other: Someone) -> bool:
    return all(
        any(f"what {author.name} saw" in message.words for message in town.stage.phone(reader.name).received)
        for reader, author in ((one, other), (other, one))
    )
