"""The updates that wait for one bot: creation, confirmation by offset, expiry. Business time throughout.

Constants from github.com/tdlib/telegram-bot-api: 24 hours for updates, 150 seconds for callback queries.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from bot.rehearsal.state import Json, Update

KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "guest_message",
        "message_reaction",
        "message_reaction_count",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
        "managed_bot",
        "stopped_message_generation",
        "subscription",
    }
)
DEFAULT_KINDS = KINDS - {"chat_member", "message_reaction", "message_reaction_count"}
EXPIRES = timedelta(hours=24)
CALLBACK_EXPIRES = timedelta(seconds=150)


class UpdateQueue:
    """Updates of one bot in order; `waiting` are unconfirmed, `seen` remembers the last confirmed ones."""

    def __init__(self, first_id: int) -> None:
        self.waiting: deque[Update] = deque()
        self.seen: deque[Update] = deque(maxlen=100)
        self.allowed: frozenset[str] = DEFAULT_KINDS
        self.explicit: list[str] | None = None
        self.wakers: list[Callable[[], None]] = []
        self.received = False  # whether the bot has, since it introduced itself
        self._next_id = first_id
        self._owed = 0
        self._expires_first: datetime | None = None

    @property
    def last_owed(self) -> int | None:
        """The highest update_id that the bot has to handle before time may move; None if there was none yet."""
        return self._owed or None

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Remember allowed_updates as Telegram does: None keeps the last choice, an empty list is the default."""
        if kinds is None:
            return
        self.explicit = [kind for kind in kinds if kind in KINDS]
        self.allowed = frozenset(self.explicit) or DEFAULT_KINDS

    def issue(self, kind: str, payload: Json, line: str, now: datetime) -> Update | None:
        """Create an update; None when the bot did not ask for this kind at this moment."""
        if kind not in self.allowed:
            return None
        update = Update(self._next_id, kind, payload, line, now)
        self._next_id += 1
        self._owed = update.id
        self._expires_first = min(self._expires_first or _expiry(update), _expiry(update))
        self.waiting.append(update)
        for wake in list(self.wakers):
            wake()
        return update

    def confirm(self, offset: int) -> None:
        """Forget what lies before `offset`; a negative offset keeps only that many of the newest."""
        if offset < 0:
            offset = self.waiting[max(len(self.waiting) + offset, 0)].id if self.waiting else 0
        while self.waiting and self.waiting[0].id < offset:
            self.done(self.waiting[0])

    def done(self, update: Update) -> None:
        """The bot has received this one."""
        self.received = True
        self.waiting.remove(update)
        self.seen.append(update)

    def take(self, limit: int, now: datetime) -> list[Update]:
        self.expire(now)
        return [update for update, _ in zip(self.waiting, range(limit), strict=False)]

    def expire(self, now: datetime) -> None:
        """Drop what Telegram would no longer deliver."""
        if self._expires_first is not None and self._expires_first < now:
            self._keep([update for update in self.waiting if _expiry(update) >= now])

    def drop(self) -> None:
        self._keep(())

    def _keep(self, updates: Iterable[Update]) -> None:
        self.waiting = deque(updates)
        newest = self.waiting or self.seen
        self._owed = newest[-1].id if newest else 0
        self._expires_first = min(map(_expiry, self.waiting), default=None)


def _expiry(update: Update) -> datetime:
    return update.at + (CALLBACK_EXPIRES if update.kind == "callback_query" else EXPIRES)
