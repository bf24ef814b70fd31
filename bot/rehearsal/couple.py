"""A couple's 72 hours as a script: Fay holds Maple, Ann and Bob go through the days after their session.

It plays every road once: seats and screens, a session, sealed answers that open and one that stays closed, a reminder,
a call, an urgent call at night, a note and its answer, words kept for oneself, a broadcast, the digest, an export.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.rehearsal.play import OPEN, NotOnThePhone, Play, Player

BERLIN = ZoneInfo("Europe/Berlin")
BEGINS = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # a Saturday, a week before
SESSION = datetime(2026, 11, 28, 14, 0, tzinfo=BERLIN)
ENDED = SESSION + timedelta(hours=3, minutes=5)

_LINK = re.compile(r"https://t\.me/\S+")
_GENTLE = (
    "All set",
    "Nothing",
    "Yes",
    "All right",
    "Good",
    "Well",
    "No, thank you",
    "No",
    "We listened",
    "I tried it",
    "Thank you",
)


def people() -> tuple[Player, Player, Player]:
    """Ann answers soon and shares; Bob takes his time, keeps one thing and lets one lie until he is reminded."""
    ann = Player(
        "Ann",
        after=timedelta(minutes=6),
        lines=(
            "Ann's first line, about courage",
            "Ann's second line, about the lake",
            "Ann's third line, about your hands",
            "Ann's fourth line, about tea",
            "Ann's fifth line, about the door",
            "Ann's sixth line, about Sunday",
        ),
        prefers=_GENTLE,
        number=7,
    )
    bob = Player(
        "Bob",
        after=timedelta(minutes=25),
        lines=(
            "Bob's first line, about patience",
            "Bob's second line, about the forest",
            "Bob's third line, about laughing",
            "Bob's fourth line, about rest",
            "Bob's fifth line, about asking",
            "Bob's sixth line, about walks",
        ),
        prefers=_GENTLE,
        number=6,
        keeps=lambda asked: "felt close" in asked,
        ignores=_once("that you noticed"),
    )
    return ann, bob, Player("Fay", after=timedelta(days=365))


def _once(words: str) -> Callable[[str], bool]:
    """True the first time a text with these words is opened."""
    met: list[bool] = []

    def ignores(asked: str) -> bool:
        if words not in asked or met:
            return False
        met.append(True)
        return True

    return ignores


async def play(it: Play) -> None:
    """From the first command to the end of the programme."""
    await _enrol(it)
    await _plan_the_session(it)
    await it.until(_at(27, 12, 0))
    await _ask_fay_something(it)
    await it.until(ENDED)
    await _end_the_session(it)
    await it.until(_at(30, 15, 0))
    await _ask_for_a_call(it)
    await it.until(_at(30, 21, 40))
    await _need_help_at_night(it)
    await it.until(_december(1, 17, 30))
    await _read_the_digest(it)
    await it.until(_december(2, 11, 0))
    await _broadcast(it)
    await it.until(_december(3, 9, 0))
    await _keep_and_export(it)
    await it.until(_december(6, 12, 0))


async def _enrol(it: Play) -> None:
    await it.say("Fay", "/newcohort couple Maple Ann Bob Europe/Berlin")
    for label in ("☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links"):
        await it.press_newest("Fay", label)
    links = {name: _link_for(it, name) for name in ("Ann", "Bob")}
    for name, link in links.items():
        await it.open_link(name, link)
        for label in (
            "Go on",
            "Go on",
            "☐ My check-ins may be read by Fay",
            "☐ I may open single answers to my partner",
            "I am 18 or older, go on",
            "All right, go on",
        ):
            await it.press_newest(name, label)
        await it.press_newest("Fay", "Admit")


def _link_for(it: Play, name: str) -> str:
    for message in it.phone("Fay").received:
        found = _LINK.search(message.words)
        if found and message.words.startswith(name):
            return found[0]
    raise NotOnThePhone(f"Fay's phone shows no link for {name}")


async def _plan_the_session(it: Play) -> None:
    await it.say("Fay", "/session Maple 2026-11-28 14:00 3h")
    await it.press_newest("Fay", "Confirm")
    for name in ("Ann", "Bob"):
        await it.press_newest(name, "I'm coming")


async def _ask_fay_something(it: Play) -> None:
    await it.say("Ann", "Shall we bring our own blanket?")
    await it.press_newest("Ann", "Send to Fay")
    note = await it.press_newest("Fay", OPEN)
    await it.press("Fay", note, "Answer")
    await it.say("Fay", "Yes please, whatever is soft.")
    await it.press_newest("Ann", OPEN)


async def _end_the_session(it: Play) -> None:
    await it.press_newest("Fay", "It has ended now")
    for label in ("With a companion", "With a driver"):
        await it.press_newest("Fay", label)


async def _ask_for_a_call(it: Play) -> None:
    await it.say("Ann", "/call")
    await it.until(it.clock.now + timedelta(minutes=4))
    alert = await it.press_newest("Fay", OPEN)
    await it.press("Fay", alert, "I've read it")
    await it.press_newest("Fay", "We spoke")


async def _need_help_at_night(it: Play) -> None:
    await it.say("Bob", "I cannot sleep")
    await it.press_newest("Bob", "I need help now")
    await it.until(it.clock.now + timedelta(minutes=11))
    alert = await it.press_newest("Fay", OPEN)
    await it.press("Fay", alert, "I've read it")
    await it.press_newest("Fay", "We spoke")
    await it.press_newest("Fay", "Resume their programme")


async def _read_the_digest(it: Play) -> None:
    await it.press_newest("Fay", OPEN)
    await it.say("Fay", "/board Maple")


async def _broadcast(it: Play) -> None:
    await it.say("Fay", "/broadcast Maple Thank you both. We meet again on the 19th.")
    await it.press_newest("Fay", "Send")
    await it.until(it.clock.now + timedelta(minutes=2))


async def _keep_and_export(it: Play) -> None:
    await it.say("Bob", "The lake was very still today")
    await it.press_newest("Bob", "Keep for me")
    await it.say("Ann", "/mydata")
    await it.press_newest("Ann", "Take it with me")
    await it.say("Ann", "/next")


def _at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN)


def _december(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=BERLIN)
