"""The bot dies between the statements of one transaction: afterwards all of it was done, or nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from faults.pairs import EVERYTHING, NOTHING, both_share, decided, write_journals
from faults.processes import MORTAL, BotProcess
from faults.town import Enter, Someone, Town, Towns, come_true
from house import leases_run_out
from sqlalchemy import func, select, update

from bot.records.inventory import OWN, Whose
from bot.records.queries import everything_of, whose
from bot.storage.tables import Answer, Delivery, JournalEntry, Member, Person, Response
from bot.words import DeliveryState

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
EVERY = 1  # statements between two deaths in an erasure; it makes many
WAITING = "SELECT count(*) FROM delivery WHERE state <> 'sent' AND kind = 'broadcast'"
CHANGES = {"inbox", "delivery"}  # what goes on while the bot runs
YES = "Yes, erase everything"


# ── An opening ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_between_the_decision_of_an_opening_and_its_letters_there_is_no_instant_to_die_in(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=1) as town:
        [meeting] = await both_share(town, town.couples, town.now)
        doomed = await town.start((*MORTAL, "before deciding", "1"))
        assert await doomed.bury() == -9
        leases_run_out(town.url)
        assert await decided(town, meeting) == NOTHING

        deaths = 1
        for statement in count(1):
            doomed = await town.start((*MORTAL, "inside opening", str(statement)))
            await dead_or(doomed, lambda: envelopes(town) == 2)
            if doomed.lives:
                break
            deaths += 1
            leases_run_out(town.url)
            assert await decided(town, meeting) == NOTHING
        await town.at_rest()

        assert await doomed.stop() == 0
        entered(await town.verdict(), deaths=deaths)
        assert await decided(town, meeting) == EVERYTHING
        assert deaths >= 5


async def dead_or(life: BotProcess, done: Callable[[], bool]) -> None:
    """Wait until it has died, or was through with it."""
    await come_true(lambda: not life.lives or done())


def envelopes(town: Town) -> int:
    return len([one for one in town.accepted() if one.tag.startswith("folded")])


# ── An erasure ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_erasure_that_is_cut_short_anywhere_has_erased_nothing_and_is_done_afterwards(
    settle: Towns, entered: Enter
) -> None:
    async with settle(couples=2) as town:
        ann, bob, cleo, dan = town.people
        await they_have_something(town)
        whose_rows = {one.name: await everything_is_whose(town, one) for one in town.people}
        before = {one.name: await belongings(town, whose_rows[one.name]) for one in town.people}
        kept = {one.name: await told(town, one) for one in (bob, dan)}
        await asked_whether_to_erase(town, ann, cleo)

        press_yes(town, ann)
        deaths = 0
        for statement in count(1, EVERY):
            doomed = await town.start((*MORTAL, "inside erasing", str(statement)))
            await dead_or(doomed, lambda: is_gone(town, ann))
            if doomed.lives:
                break
            deaths += 1
            leases_run_out(town.url)
            assert await belongings(town, whose_rows[ann.name]) == before[ann.name]
        assert await doomed.stop() == 0  # what it was at, it finishes

        press_yes(town, cleo)
        doomed = await town.start((*MORTAL, "after handling", "1"))
        assert await doomed.bury() == -9
        leases_run_out(town.url)
        assert set((await belongings(town, whose_rows[cleo.name])).values()) == {0}

        await every_letter_is_due_now(town)
        heard = len(town.stage.journal.calls)
        last = await town.start()
        await come_true(lambda: len(town.accepted()) == 6)
        await come_true(lambda: town.ask(WAITING, default=1) == 0)
        assert await last.stop() == 0

        entered(await town.verdict(), deaths=deaths + 1)
        assert deaths >= 5
        for gone in (ann, cleo):
            assert set((await belongings(town, whose_rows[gone.name])).values()) == {0}
            assert [call for call in town.stage.journal.calls[heard:] if call.chat_id == gone.telegram_id] == []
        assert {one.name: await told(town, one) for one in (bob, dan)} == kept
        assert len([one for one in town.accepted() if one.chat in {bob.telegram_id, dan.telegram_id}]) == 6


@pytest.mark.parametrize("town_url", ["sqlite"], indirect=True)
async def test_of_what_was_erased_no_byte_is_left_though_the_bot_died_right_after_it(settle: Towns) -> None:
    async with settle(couples=1) as town:
        ann, _ = town.people
        await they_have_something(town)
        sealed = await sealed_words(town, ann)
        await asked_whether_to_erase(town, ann)
        press_yes(town, ann)
        doomed = await town.start((*MORTAL, "after handling", "1"))
        assert await doomed.bury() == -9

        polls = town.stage.journal.polls
        last = await town.start()
        await come_true(lambda: town.stage.journal.polls > polls)
        left = [word for word in sealed if any(word in file.read_bytes() for file in its_files(town))]

        assert await last.stop() == 0
        assert len(sealed) >= 2
        assert left == []


async def they_have_something(town: Town) -> None:
    """Everybody has a sealed answer, a line in the journal, and three letters that are due tomorrow."""
    await both_share(town, town.couples, town.now + timedelta(days=1))
    await write_journals(town, town.people)
    await town.plan_letters(3 * len(town.people), due_at=town.now + timedelta(days=1))


async def asked_whether_to_erase(town: Town, *people: Someone) -> None:
    """They have been asked on their phones, and the bot is down again."""
    life = await town.start()
    for one in people:
        phone = town.stage.phone(one.name)
        phone.say("/mydata")
        await come_true(lambda phone=phone: phone.received and "Erase everything" in phone.received[-1].labels)
        phone.press(phone.received[-1], "Erase everything")
        await come_true(lambda phone=phone: YES in phone.received[-1].labels)
    assert await life.stop() == 0


def press_yes(town: Town, one: Someone) -> None:
    phone = town.stage.phone(one.name)
    phone.press(phone.received[-1], YES)


def is_gone(town: Town, one: Someone) -> bool:
    return town.ask(f"SELECT count(*) FROM person WHERE telegram_id = {one.telegram_id}", default=1) == 0


async def everything_is_whose(town: Town, one: Someone) -> Whose:
    async with town.records() as database, database.transaction() as tx:
        person = (await tx.scalars(select(Person).where(Person.telegram_id == one.telegram_id))).one()
        return await whose(tx, person)


async def belongings(town: Town, who: Whose) -> Mapping[str, int]:
    """How many rows of each table are theirs; what was said is emptied when it is handled, and the audit keeps ids."""
    async with town.records() as database, database.transaction() as tx:
        return {
            own.name: await tx.scalar(select(func.count()).select_from(own.table).where(own.mine(who))) or 0
            for own in OWN
            if own.name not in {"audit", "inbox"}
        }


async def told(town: Town, one: Someone) -> Any:
    """All that is theirs, word for word."""
    async with town.records() as database, database.transaction() as tx:
        person = (await tx.scalars(select(Person).where(Person.telegram_id == one.telegram_id))).one()
        everything = await everything_of(tx, person)
    return json.loads(json.dumps({name: rows for name, rows in everything.items() if name not in CHANGES}, default=str))


async def every_letter_is_due_now(town: Town) -> None:
    async with town.records() as database, database.transaction() as tx:
        waiting = (Delivery.state == DeliveryState.PLANNED, Delivery.kind == "broadcast")
        await tx.execute(update(Delivery).where(*waiting).values(due_at=town.now))


async def sealed_words(town: Town, one: Someone) -> list[bytes]:
    """What of theirs lies sealed in the file."""
    async with town.records() as database, database.transaction() as tx:
        answers = await tx.scalars(
            select(Answer).join(Response, Response.id == Answer.response_id).where(Response.member_id == one.member_id)
        )
        entries = await tx.scalars(
            select(JournalEntry)
            .join(Member, Member.person_id == JournalEntry.person_id)
            .where(Member.id == one.member_id)
        )
        return [*(answer.value for answer in answers if answer.value), *(entry.words for entry in entries)]


def its_files(town: Town) -> list[Path]:
    file = Path(town.url.removeprefix("sqlite:///"))
    return [one for one in file.parent.glob(f"{file.name}*") if one.suffix != ".lock"]
