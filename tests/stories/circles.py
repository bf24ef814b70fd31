"""Scenes with groups: Birch, its one link, and people who come through it."""

from __future__ import annotations

import re

from house import House
from scenes import _LINK

from bot.rehearsal.message import Message

SWITCHES = ("☐ My check-ins may be read by Fay", "☐ I may share in rounds with my group")
_SCREENS = ("Go on", "Go on", "I am 18 or older, go on", "All right, go on")


async def found_birch(house: House, seats: str = "2", programme: str = "light-touch") -> str:
    """Fay makes a group with so many seats; returns its link."""
    await house.say("Fay", f"/newcohort group Birch {seats} Europe/Berlin {programme}")
    await house.press_newest("Fay", "☐ Each was screened alone, off this bot", "○ It stays with me", "Make the links")
    return newest_link(house)


def newest_link(house: House, on: str = "Fay") -> str:
    """The link that came last."""
    for message in reversed(house.phone(on).received):
        found = _LINK.search(message.words)
        if found:
            return found[0]
    raise AssertionError(f"{on}'s phone shows no link")


async def come(house: House, name: str, link: str) -> Message:
    """Somebody opens the link of the group and goes through the screens."""
    if name not in {person.name for person in house.stage.people.values()}:
        house.stage.person(name)
    await house.open(name, link)
    return await house.press_newest(name, *_SCREENS)


async def enter(house: House, name: str, link: str) -> None:
    """... and is admitted."""
    await come(house, name, link)
    await house.press_newest("Fay", "Admit")


async def seat_birch(house: House, *names: str) -> str:
    """Everybody sits in Birch; returns its link."""
    link = await found_birch(house, str(max(len(names), 2)))
    for name in names:
        await enter(house, name, link)
    return link


def words_of(house: House, name: str) -> str:
    """Everything a phone ever showed, buttons too."""
    ever = []
    for message in house.phone(name).received:
        for version in message.versions:
            if version.content is not None:
                ever.append(version.content.get("text") or version.content.get("caption") or "")
                rows = version.content.get("reply_markup", {}).get("inline_keyboard", [])
                ever += [button["text"] for row in rows for button in row]
    ever += [toast.text for toast in house.phone(name).toasts]
    return "\n".join(ever)


def has(words: str, pattern: str) -> list[str]:
    return re.findall(pattern, words, re.IGNORECASE)
