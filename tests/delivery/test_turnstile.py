from __future__ import annotations

import asyncio

import pytest

from bot.delivery.governor import Effort, Governor, Limits
from bot.delivery.turnstile import Busy, Turnstile
from bot.words import Lane

WIDE = Limits(whole=1000, private=(1000, 1), group=(1000, 1))


class Passengers:
    """Go through a turnstile and stay on the other side until they are called back."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.turnstile = turnstile
        self.through: list[str] = []
        self.back: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def send(self, name: str, chat: int, lane: Lane = Lane.PROMPTS, patience: float = 60) -> asyncio.Task[None]:
        async def go() -> None:
            async with self.turnstile.passage(chat, lane, Effort.MESSAGE, patience=patience) as departure:
                await self.turnstile.leave(departure)
                self.through.append(name)
                await self.back.setdefault(name, asyncio.Event()).wait()

        task = asyncio.create_task(go())
        self.tasks.append(task)
        return task

    async def settle(self) -> list[str]:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.through

    async def returned(self, name: str) -> list[str]:
        self.back[name].set()
        return await self.settle()


async def test_messages_of_one_chat_go_one_after_the_other() -> None:
    people = Passengers(Turnstile(Governor(WIDE)))
    people.send("first", 1)
    people.send("second", 1)
    people.send("elsewhere", 2)

    before = list(await people.settle())
    after = list(await people.returned("first"))

    assert before == ["first", "elsewhere"]
    assert after == ["first", "elsewhere", "second"]


async def test_no_more_than_agreed_are_on_their_way_but_a_tap_is_answered() -> None:
    people = Passengers(Turnstile(Governor(WIDE), in_flight=2))
    for number in range(4):
        people.send(f"letter {number}", number + 1)
    people.send("reply", 1, Lane.INTERACTIVE)

    assert await people.settle() == ["letter 0", "letter 1", "reply"]
    assert (await people.returned("letter 0"))[-1] == "letter 2"


async def test_somebody_who_would_wait_too_long_for_their_chat_makes_room() -> None:
    turnstile = Turnstile(Governor(WIDE))
    people = Passengers(turnstile)
    turnstile.limited(1, 30)

    with pytest.raises(Busy) as busy:
        await people.send("limited", 1, patience=1.5)

    assert 29 < busy.value.seconds <= 30
    assert people.through == []


async def test_those_who_wait_already_are_told_when_their_chat_is_limited() -> None:
    turnstile = Turnstile(Governor(Limits(whole=1000, private=(1, 1.2))))
    people = Passengers(turnstile)
    people.send("first", 1)
    waiting = people.send("second", 1, patience=1.5)
    await people.settle()

    turnstile.limited(1, 30)

    with pytest.raises(Busy):
        await waiting


async def test_a_reply_does_not_wait_out_a_pause_of_the_whole_bot() -> None:
    turnstile = Turnstile(Governor(WIDE))
    turnstile.limited(None, 30)

    with pytest.raises(Busy):
        await Passengers(turnstile).send("reply", 1, Lane.INTERACTIVE, patience=10)


async def test_somebody_who_gives_up_waiting_leaves_no_gap() -> None:
    people = Passengers(Turnstile(Governor(WIDE), in_flight=1))
    people.send("first", 1)
    impatient = people.send("impatient", 2)
    people.send("last", 3)
    await people.settle()

    impatient.cancel()
    await people.settle()

    assert await people.returned("first") == ["first", "last"]


async def test_those_who_give_up_all_at_once_leave_no_gap_either() -> None:
    people = Passengers(Turnstile(Governor(WIDE), in_flight=1))
    people.send("first", 1)
    impatient = [people.send(f"impatient {number}", 2 + number) for number in range(3)]
    people.send("last", 9)
    await people.settle()

    people.back["first"].set()
    for task in impatient:
        task.cancel()

    assert await people.settle() == ["first", "last"]


async def test_nobody_leaves_into_a_pause_that_began_after_they_were_let_through() -> None:
    turnstile = Turnstile(Governor(WIDE))

    async with turnstile.passage(1, Lane.PROMPTS, Effort.MESSAGE) as departure:
        turnstile.limited(None, 30)

        with pytest.raises(Busy) as busy:
            await turnstile.leave(departure)

    assert 29 < busy.value.seconds <= 30


async def test_who_never_left_takes_nobodys_turn() -> None:
    turnstile = Turnstile(Governor(Limits(whole=1)))
    async with turnstile.passage(1, Lane.INTERACTIVE, Effort.MESSAGE):
        pass  # it was withdrawn while it was being written down

    async with asyncio.timeout(0.5), turnstile.passage(2, Lane.INTERACTIVE, Effort.MESSAGE) as departure:
        await turnstile.leave(departure)


async def test_the_next_one_goes_when_its_second_has_come() -> None:
    seconds = 0.0
    turnstile = Turnstile(Governor(Limits(whole=50)), seconds=lambda: seconds)
    people = Passengers(turnstile)
    for number in range(60):
        people.send(str(number), number + 1, Lane.INTERACTIVE)

    first = len(await people.settle())
    seconds = 1.1
    turnstile._open()
    later = len(await people.settle())

    assert (first, later) == (50, 60)


async def test_a_letter_in_the_lane_of_replies_counts_as_a_letter() -> None:
    turnstile = Turnstile(Governor(WIDE), in_flight=1)
    through: list[str] = []

    async def go(name: str, *, letter: bool) -> None:
        async with turnstile.passage(1, Lane.INTERACTIVE, Effort.MESSAGE, letter=letter):
            through.append(name)
            await asyncio.sleep(60)

    tasks = [
        asyncio.create_task(go("receipt", letter=True)),
        asyncio.create_task(go("another", letter=True)),
        asyncio.create_task(go("reply", letter=False)),
    ]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()

    assert through == ["receipt", "reply"]
