"""Scenes that many stories have in common, played on the phones: seats, a session, its end, the steps after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from house import House

from bot.rehearsal.message import Message

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY_MORNING = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # a week before the session
ENDED = datetime(2026, 11, 28, 16, 5, tzinfo=UTC)  # the session from 14:00 to 17:00 ended at 17:05 in Berlin
FIRST_EVENING = datetime(2026, 11, 29, 17, 29, tzinfo=UTC)  # 18:29 in Berlin

FOLDED = "Something small for you today."
NEUTRAL = "Nothing to open this time. There can be many reasons, some of them mine."

_LINK = re.compile(r"https://t\.me/\S+")
_TO_THE_SWITCHES = ("Go on", "Go on")
_SWITCHES = ("☐ My check-ins may be read by Fay", "☐ I may open single answers to my partner")
_TO_THE_END = ("I am 18 or older, go on", "All right, go on")


def berlin(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """An hour in Berlin, in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


# ── Seats ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def found_maple(house: House) -> dict[str, str]:
    """Fay makes Maple; returns the links of Ann and Bob."""
    await house.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    await house.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    return {name: link_for(house, name) for name in ("Ann", "Bob")}


def link_for(house: House, name: str, on: str = "Fay") -> str:
    """The newest link for somebody on the facilitator's phone."""
    for message in reversed(house.phone(on).received):
        found = _LINK.search(message.words)
        if found and message.words.startswith(f"{name}, "):
            return found[0]
    raise AssertionError(f"{on}'s phone shows no link for {name}")


async def join(house: House, name: str, link: str, switches: Sequence[str] = _SWITCHES) -> None:
    """Open the link and go through the screens."""
    await house.open(name, link)
    await house.press_newest(name, *_TO_THE_SWITCHES, *switches, *_TO_THE_END)


async def seat_maple(house: House) -> None:
    """Ann and Bob have their seats."""
    for name, link in (await found_maple(house)).items():
        await join(house, name, link)
        await house.press_newest("Fay", "Admit")


# ── The session ────────────────────────────────────────────────────────────────────────────────────────────────────


async def plan_the_session(house: House) -> None:
    """Saturday the 28th, 14:00 to 17:00 in Berlin; both are coming."""
    await house.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await house.press_newest("Fay", "Confirm")
    for name in ("Ann", "Bob"):
        await house.press_newest(name, "I'm coming")


async def end_the_session(house: House) -> None:
    """It ended at 17:05; both left with company."""
    await house.until(ENDED)
    await house.press_newest("Fay", "It has ended now", "With a companion", "With a companion")


# ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def folded(house: House, name: str) -> list[Message]:
    """What waits to be opened on a phone, oldest first."""
    return [message for message in house.phone(name).received if message.labels == ["Open"]]


async def unfold(house: House, name: str) -> Message:
    """Open the newest folded message."""
    return await house.press(name, folded(house, name)[-1], "Open")


async def answer(house: House, name: str, *labels: str) -> Message:
    """Open the newest folded message and press these buttons on it."""
    message = await unfold(house, name)
    for label in labels:
        await house.press(name, message, label)
    return message


async def reach_the_first_evening(house: House) -> None:
    """Sunday, 18:29: both have got through the day; in a minute they are asked for a moment, sealed."""
    for hour, minute, labels in ((19, 5, ["Yes"]), (33, 30, ["Skip"]), (35, 0, ["Skip"])):
        await house.until(berlin(28 + hour // 24, hour % 24, minute))
        for name in ("Ann", "Bob"):
            await answer(house, name, *labels)
    await house.until(FIRST_EVENING)


async def press_all(house: House, messages: Mapping[str, Sequence[Message]], label: str) -> None:
    """Everybody presses this button on each of their messages that has it."""
    for name, shown in messages.items():
        for message in shown:
            if label in message.labels:
                house.phone(name).press(message, label)
    await house.settled()


# ── People ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_cofacilitator(house: House, name: str) -> None:
    """Somebody who holds Maple together with Fay."""
    house.stage.person(name)
    shown = await house.say("Fay", "/cofacilitator Maple")
    await house.open(name, shown.words.split()[0])


async def add_facilitator(house: House, name: str) -> None:
    """Somebody whom Fay appoints."""
    house.stage.person(name)
    shown = await house.say("Fay", "/appoint")
    await house.open(name, shown.words.split()[0])
