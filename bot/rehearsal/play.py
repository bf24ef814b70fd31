"""How a script plays on the phones: people who type and press, notice what arrives, and answer after a while.

A player reacts to what is on their screen and to nothing else, so the same script plays any programme.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle

from bot.rehearsal.clock import StageClock
from bot.rehearsal.message import Message
from bot.rehearsal.phone import Phone
from bot.rehearsal.stage import Stage

OPEN = "Open"
SHARE, KEEP = "Share it then", "Keep it mine"
ENOUGH = "That is all"
_CHROME = {"Later", "Skip", "Back", "Change", "Done", "Open again", "Take it back", OPEN, ENOUGH, SHARE, KEEP}
_LONGEST_PAGE = 20  # presses; a page that asks for more has gone round in circles

Scene = Callable[[], Awaitable[object]]


class NotOnThePhone(AssertionError):  # noqa: N818 - it says what was not there
    """The script looked for something that a phone does not show."""


@dataclass(frozen=True)
class Sealed:
    """What somebody wrote for an envelope, when, and whether they kept it."""

    words: str
    at: datetime
    kept: bool


@dataclass
class Player:
    """Somebody with a phone and habits."""

    name: str
    after: timedelta  # how long they take to open something
    lines: Sequence[str] = ()  # what they write, in turn
    prefers: Sequence[str] = ()  # labels they would press, the first that is there
    number: int = 6  # on a scale
    keeps: Callable[[str], bool] = lambda _: False  # whether they keep a sealed answer, by the text that asked
    ignores: Callable[[str], bool] = lambda _: False  # steps they let lie until reminded, by their text
    written: list[str] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)
    seen: dict[int, str] = field(default_factory=dict)  # message id -> what it said when last noticed
    _pen: Iterator[str] | None = None

    def writes(self) -> str:
        self._pen = self._pen or cycle(self.lines)
        words = next(self._pen)
        self.written.append(words)
        return words


@dataclass(frozen=True)
class Line:
    """One line of the transcript."""

    at: datetime
    who: str
    what: str


class Play:
    """The stage, the clock, the people; and a transcript of everything that happens."""

    def __init__(
        self,
        stage: Stage,
        clock: StageClock,
        players: Sequence[Player],
        *,
        tell: Callable[[Line], None],
        pace: float = 0.0,
    ) -> None:
        self.stage = stage
        self.clock = clock
        self.players = {player.name: player for player in players}
        self.transcript: list[Line] = []
        self._tell = tell
        self._pace = pace  # real seconds after each line, so that somebody can follow
        self._due: list[tuple[datetime, int, str, Message]] = []
        self._planned = 0

    def phone(self, name: str) -> Phone:
        return self.stage.phone(name)

    def line(self, who: str, what: str) -> None:
        line = Line(self.clock.now, who, what)
        self.transcript.append(line)
        self._tell(line)

    # What people do

    async def say(self, name: str, words: str, *, secret: bool = False) -> None:
        """Type; ``secret`` words are played but not printed."""
        self.line(name, "types: " + ("(their own words)" if secret else words))
        self.phone(name).say(words)
        await self._come_to_rest()

    async def press(self, name: str, message: Message, label: str) -> None:
        self.line(name, f"presses [{label}]")
        self.phone(name).press(message, label)
        await self._come_to_rest()

    async def press_newest(self, name: str, label: str) -> Message:
        """Press this button on the newest message that has it."""
        message = self.find(name, label)
        await self.press(name, message, label)
        return message

    async def open_link(self, name: str, link: str) -> None:
        self.line(name, "opens the link")
        self.phone(name).open_link(link)
        await self._come_to_rest()

    # What can be seen

    def find(self, name: str, label: str) -> Message:
        """The newest message on a phone with a button of this label.

        Raises:
            NotOnThePhone: no message has it.
        """
        for message in reversed(self.phone(name).received):
            if label in message.labels:
                return message
        raise NotOnThePhone(f"{name}'s phone shows no button [{label}] at {self.clock.now:%a %H:%M}")

    def expect(self, name: str, words: str) -> Message:
        """The newest message on a phone that says this.

        Raises:
            NotOnThePhone: none does.
        """
        for message in reversed(self.phone(name).received):
            if words in message.words:
                return message
        raise NotOnThePhone(f"{name}'s phone does not show “{words}” at {self.clock.now:%a %H:%M}")

    # Time

    async def until(self, instant: datetime) -> None:
        """Let time pass; on the way everybody answers what they receive, each after their own while."""
        self._notice()
        while True:
            stops = [instant, *(due for due, *_ in self._due)]
            following = self.clock.next_instant()
            stop = min([*stops, *([following] if following is not None else [])])
            if stop > instant or (stop >= instant and self.clock.now >= instant and not self._due_now()):
                break
            await self._wait_as_wished(stop)
            await self.clock.advance_to(max(stop, self.clock.now))
            self._notice()
            await self._react()
        if instant > self.clock.now:
            await self.clock.advance_to(instant)
            self._notice()

    async def _come_to_rest(self) -> None:
        await self.clock.settled()
        self._notice()
        if self._pace:
            await asyncio.sleep(self._pace)

    async def _wait_as_wished(self, stop: datetime) -> None:
        """Somebody at the page may have paused the clock or slowed it down."""
        turned = asyncio.Event()
        self.clock.listeners.append(turned.set)
        while self.clock.paused:
            turned.clear()
            await turned.wait()
        self.clock.listeners.remove(turned.set)
        if self.clock.speed is not None and stop > self.clock.now:
            await asyncio.sleep((stop - self.clock.now).total_seconds() / self.clock.speed)

    # Noticing and answering

    def _notice(self) -> None:
        for player in self.players.values():
            for message in self.phone(player.name).received:
                shown = message.words + "|" + "|".join(message.labels)
                if player.seen.get(message.id) == shown:
                    continue
                news = message.id not in player.seen
                player.seen[message.id] = shown
                self.line(f"→ {player.name}", _summary(message, edited=not news))
                if news and message.labels == [OPEN]:
                    self._planned += 1
                    self._due.append((self.clock.now + player.after, self._planned, player.name, message))

    def _due_now(self) -> list[tuple[datetime, int, str, Message]]:
        return sorted((one for one in self._due if one[0] <= self.clock.now), key=lambda one: one[:2])

    async def _react(self) -> None:
        for one in self._due_now():
            self._due.remove(one)
            _, _, name, message = one
            if OPEN in message.labels:
                await self.answer(self.players[name], message)

    async def answer(self, player: Player, message: Message) -> None:
        """Open a message and go through what it asks."""
        await self.press(player.name, message, OPEN)
        asked = message.words
        if player.ignores(asked):
            return
        for _ in range(_LONGEST_PAGE):
            if message.deleted_at is not None or not await self._answer_once(player, message, asked):
                return

    async def _answer_once(self, player: Player, message: Message, asked: str) -> bool:
        """One press or one text; false when the page has nothing more to ask."""
        labels = message.labels
        if SHARE in labels:
            keeps = player.keeps(asked)
            player.sealed.append(Sealed(player.written[-1], self.clock.now, kept=keeps))
            await self.press(player.name, message, KEEP if keeps else SHARE)
            return False
        if "Done" in labels:
            await self.press(player.name, message, "Done")
            return False
        choices = [label for label in labels if label not in _CHROME]
        if ENOUGH in labels:
            unticked = next((label for label in choices if label.startswith("☐")), None)
            ticked = any(label.startswith("☑") for label in choices)
            await self.press(player.name, message, ENOUGH if ticked or unticked is None else unticked)
            return True
        if not choices and "Skip" in labels:
            asked_before = (message.words, message.labels)
            await self.say(player.name, player.writes(), secret=True)
            if (message.words, message.labels) == asked_before:
                raise NotOnThePhone(f"{player.name} answered in writing and their page did not change")
            return True
        if not choices or ("Skip" not in labels and not any(label in choices for label in player.prefers)):
            return False
        number = str(player.number) if str(player.number) in choices else None
        liked = next((label for label in player.prefers if label in choices), choices[0])
        await self.press(player.name, message, number or liked)
        return "Skip" in labels


def _summary(message: Message, *, edited: bool) -> str:
    first = message.words.split("\n", 1)[0] or "(a picture)"
    shown = first if len(first) <= 78 else first[:77] + "…"
    files = "".join(f" 📎{file.name or file.kind}" for file in message.files)
    buttons = " ".join(f"[{label}]" for label in message.labels[:4]) + (" …" if len(message.labels) > 4 else "")
    marks = ("✎ " if edited else "") + ("silently: " if message.silent and not edited else "")
    return f"{marks}{shown}{files} {buttons}".rstrip()
