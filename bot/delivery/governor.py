"""How fast we may speak: windows for the whole bot, each private chat and each group; pauses that Telegram asked for.

Pure: real seconds of a monotonic clock come in, decisions go out. A call is let through, is written down, and leaves:
between the two something may happen, so the windows are asked twice, and only what left counts in them for good.
Limits as Telegram's FAQ names them: about 30
messages a second for a bot, one a second in a chat, 20 a minute in a group. Edits share them, deletions and answers to
taps do not.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.words import Lane

TWO_CHATS_WITHIN = 5.0  # seconds: two chats limited so close together mean the whole bot
INTERACTIVE_SHARE = 0.3  # of what leaves while others wait
_AHEAD = 0.05  # seconds that one is let through before the whole bot's window lets it leave: writing it down takes time
_CATCHES_UP = 0.1  # seconds of its pace that a late sender may make up for
_SHARES = {Lane.SAFETY: 60, Lane.PROMPTS: 30, Lane.BROADCAST: 10}  # of the rest, when all of them wait
_SAVES = {Lane.INTERACTIVE: 2.0, Lane.SAFETY: 1.0, Lane.PROMPTS: 1.0, Lane.BROADCAST: 1.0}  # turns


class Effort(Enum):
    """What a call counts for."""

    MESSAGE = "message"  # sends, edits and pins: the whole bot's window and its chat's
    QUIET = "quiet"  # deletions and uploads: the whole bot's window only
    FREE = "free"  # answers to taps: only pauses hold them


@dataclass(frozen=True)
class Limits:
    """How many calls in how many seconds."""

    whole: float = 25
    private: tuple[int, float] = (3, 3.05)
    group: tuple[int, float] = (20, 60.5)

    @property
    def whole_window(self) -> tuple[int, float]:
        most = max(1, int(self.whole))
        # A little more than a second: what left a second apart may arrive a little closer together.
        return most, (most + 0.6) / self.whole


class _Window:
    """At most ``most`` departures in any ``span`` seconds."""

    __slots__ = ("coming", "gone", "most", "span")

    def __init__(self, most: int, span: float) -> None:
        self.most = most
        self.span = span
        self.coming = 0  # let through and not gone yet
        self.gone: deque[float] = deque()  # when each left, in order

    def wait(self, at: float) -> float:
        """Seconds until one more may be let through, should those who are coming leave at once."""
        return self._wait(at, self.coming)

    def wait_to_leave(self, at: float) -> float:
        return self._wait(at, 0)

    def is_idle(self, at: float) -> bool:
        """Whether there is nothing left to remember."""
        self._wait(at, 0)
        return not self.gone and not self.coming

    def _wait(self, at: float, coming: int) -> float:
        while self.gone and self.gone[0] + self.span <= at:
            self.gone.popleft()
        too_many = len(self.gone) + coming - self.most
        if too_many < 0:
            return 0.0
        return self.gone[too_many] + self.span - at if too_many < len(self.gone) else self.span


@dataclass(eq=False, slots=True)
class Departure:
    """One call that was let through."""

    chat: int | None
    effort: Effort
    windows: Sequence[_Window]


class Governor:
    """Remembers what left and who asked for a pause; says how long a call still has to wait."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._whole = _Window(*self.limits.whole_window)
        self._chats: dict[int, list[_Window]] = {}
        self._interval = 1 / (1.1 * self.limits.whole)
        self._next_at = float("-inf")  # of the even pace that all but interactive calls keep
        self._paused_until = float("-inf")
        self._chat_paused_until: dict[int, float] = {}
        self._limited: deque[tuple[float, int]] = deque()
        self._turns = dict.fromkeys(Lane, 0.0)

    def wait(self, chat: int | None, lane: Lane, effort: Effort, at: float) -> float:
        """Seconds until this call may leave; 0 is now."""
        return max(self.wait_for_all(lane, effort, at), self.wait_for_chat(chat, effort, at))

    def wait_for_all(self, lane: Lane, effort: Effort, at: float) -> float:
        """The part of the wait that has nothing to do with its chat."""
        wait = self._paused_until - at
        if effort is not Effort.FREE:
            wait = max(wait, self._whole.wait(at) - _AHEAD)
            if lane is not Lane.INTERACTIVE:
                wait = max(wait, self._next_at - at)
        return max(0.0, wait)

    def wait_for_chat(self, chat: int | None, effort: Effort, at: float) -> float:
        """The part of the wait that only this chat has."""
        if chat is None:
            return 0.0
        wait = self._chat_paused_until.get(chat, at) - at if effort is not Effort.FREE else 0.0
        if effort is Effort.MESSAGE and chat in self._chats:
            wait = max(wait, *(window.wait(at) for window in self._chats[chat]))
        return max(0.0, wait)

    def let_through(self, chat: int | None, lane: Lane, effort: Effort, at: float) -> Departure:
        """A call whose wait is 0 is on its way out; tell us when it leaves, or that it never will."""
        departure = Departure(chat, effort, self._counted_in(chat, effort, at))
        for window in departure.windows:
            window.coming += 1
        if effort is not Effort.FREE and lane is not Lane.INTERACTIVE:
            self._next_at = max(self._next_at, at - _CATCHES_UP) + self._interval
        return departure

    def wait_to_leave(self, departure: Departure, at: float) -> float:
        """Seconds for which it must be held back after all; 0 is now."""
        pauses = [self._paused_until - at]
        if departure.chat is not None and departure.effort is not Effort.FREE:
            pauses.append(self._chat_paused_until.get(departure.chat, at) - at)
        return max(0.0, *pauses, *(window.wait_to_leave(at) for window in departure.windows))

    def leaves(self, departure: Departure, at: float) -> None:
        """It leaves now."""
        for window in departure.windows:
            window.coming -= 1
            window.gone.append(at)

    def stays(self, departure: Departure) -> None:
        """It never left, and makes room for another."""
        for window in departure.windows:
            window.coming -= 1

    def limited(self, chat: int | None, seconds: float, at: float) -> bool:
        """Telegram asked for a pause; says whether the whole bot pauses now. No pause is ever shortened."""
        until = at + seconds
        if chat is None:
            self._paused_until = max(self._paused_until, until)
            return True
        self._chat_paused_until[chat] = max(self._chat_paused_until.get(chat, until), until)
        self._limited = deque((t, c) for t, c in self._limited if t > at - TWO_CHATS_WITHIN)
        self._limited.append((at, chat))
        chats = {c for _, c in self._limited}
        if len(chats) < 2:
            return False
        self._paused_until = max(self._paused_until, *(self._chat_paused_until[c] for c in chats))
        return True

    def pause_chat(self, chat: int, seconds: float, at: float) -> None:
        """A pause that an earlier process was asked for."""
        self._chat_paused_until[chat] = max(self._chat_paused_until.get(chat, at), at + seconds)

    def paused_for(self, at: float) -> float:
        """Seconds that the whole bot still pauses."""
        return max(0.0, self._paused_until - at)

    def remember(self, chat: int, seconds_ago: float, at: float) -> None:
        """A call that an earlier process made."""
        for window in self._counted_in(chat, Effort.MESSAGE, at):
            insort(window.gone, at - seconds_ago)

    def choose(self, waiting: Collection[Lane]) -> Lane:
        """Whose turn it is among lanes that have something ready: each gets its share in the long run.

        A lane that had nothing to say has saved up for a turn or two, so that a tap is answered at once.
        """
        total = sum(_SHARES[lane] for lane in waiting if lane is not Lane.INTERACTIVE)
        if not total:
            return Lane.INTERACTIVE
        left = 1 - INTERACTIVE_SHARE if Lane.INTERACTIVE in waiting else 1.0
        for lane in Lane:
            share = INTERACTIVE_SHARE if lane is Lane.INTERACTIVE else left * _SHARES[lane] / total
            saved = self._turns[lane] + share
            self._turns[lane] = saved if lane in waiting else min(_SAVES[lane], saved)
        chosen = max(sorted(waiting), key=lambda lane: self._turns[lane])
        self._turns[chosen] -= 1.0
        return chosen

    def _counted_in(self, chat: int | None, effort: Effort, at: float) -> list[_Window]:
        if effort is Effort.FREE:
            return []
        its_own = self._windows_of(chat, at) if effort is Effort.MESSAGE and chat is not None else []
        return [self._whole, *its_own]

    def _windows_of(self, chat: int, at: float) -> list[_Window]:
        if chat not in self._chats:
            if len(self._chats) > 4096:
                self._forget(at)
            windows = [_Window(*self.limits.private)]
            if chat < 0:
                windows.append(_Window(*self.limits.group))
            self._chats[chat] = windows
        return self._chats[chat]

    def _forget(self, at: float) -> None:
        """Let go of chats that have nothing left to remember."""
        idle = [
            chat
            for chat, windows in self._chats.items()
            if all(w.wait(at) == 0 and not w.gone and not w.coming for w in windows)
        ]
        for chat in idle:
            del self._chats[chat]
        self._chat_paused_until = {c: until for c, until in self._chat_paused_until.items() if until > at}
