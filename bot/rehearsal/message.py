"""A message on the stage, with all it has ever been; the files and polls it may carry.

A `Message` is live: its `content` is replaced by every edit, and `versions` keeps every visible state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.rehearsal.state import Chat, Json


@dataclass(eq=False, slots=True)
class StoredFile:
    """Bytes that Telegram keeps; `id` may be sent again by any bot of the stage."""

    id: str
    kind: str
    content: bytes = field(repr=False)
    name: str | None
    mime: str
    described: Json = field(repr=False)
    path: str


@dataclass(frozen=True, slots=True)
class Version:
    """One visible state of a message; `content` is None once it is deleted. `real` is time.monotonic() in seconds."""

    at: datetime
    real: float
    content: Json | None


@dataclass(eq=False, slots=True)
class Message:
    chat: Chat
    id: int
    sender: Any  # Person or Bot
    sent_at: datetime
    content: Json = field(repr=False)
    versions: list[Version] = field(repr=False)
    silent: bool = False
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    thread: int | None = None
    files: list[StoredFile] = field(default_factory=list, repr=False)
    reactions: dict[int, str] = field(default_factory=dict)
    fixed: Json = field(default_factory=dict, repr=False)  # what an edit never changes: reply, forward origin, service

    def as_json(self, *, with_reply: bool = True) -> Json:
        said: Json = {
            "message_id": self.id,
            "from": self.sender.as_json(),
            "chat": self.chat.as_json(),
            "date": int(self.sent_at.timestamp()),
            **self.fixed,
            **self.content,
        }
        if self.edited_at is not None:
            said["edit_date"] = int(self.edited_at.timestamp())
        if self.thread is not None:
            said["message_thread_id"] = self.thread
            said["is_topic_message"] = True
        if not with_reply:
            said.pop("reply_to_message", None)
        return said

    @property
    def text(self) -> str | None:
        return self.content.get("text")

    @property
    def caption(self) -> str | None:
        return self.content.get("caption")

    @property
    def words(self) -> str:
        """The text or the caption: what a person reads."""
        return self.content.get("text") or self.content.get("caption") or ""

    @property
    def entities(self) -> list[Json]:
        return self.content.get("entities") or self.content.get("caption_entities") or []

    @property
    def keyboard(self) -> list[list[Json]]:
        """Inline buttons in Bot API form, row by row."""
        rows: list[list[Json]] = self.content.get("reply_markup", {}).get("inline_keyboard", [])
        return rows

    @property
    def buttons(self) -> list[list[str]]:
        """Labels of the inline buttons, row by row."""
        return [[button["text"] for button in row] for row in self.keyboard]

    @property
    def labels(self) -> list[str]:
        return [label for row in self.buttons for label in row]

    @property
    def file(self) -> StoredFile | None:
        return self.files[0] if self.files else None

    @property
    def photo(self) -> bytes | None:
        return self._bytes("photo")

    @property
    def document(self) -> bytes | None:
        return self._bytes("document")

    @property
    def voice(self) -> bytes | None:
        return self._bytes("voice")

    @property
    def protected(self) -> bool:
        return bool(self.fixed.get("has_protected_content"))

    @property
    def reply_to(self) -> int | None:
        replied: int | None = self.fixed.get("reply_to_message", {}).get("message_id")
        return replied

    @property
    def is_service(self) -> bool:
        return bool(SERVICE & self.fixed.keys())

    def _bytes(self, kind: str) -> bytes | None:
        return self.files[0].content if kind in self.content and self.files else None


SERVICE = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "pinned_message",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "forum_topic_created",
    }
)


@dataclass(slots=True)
class Poll:
    id: str
    message: Message
    form: Json
    votes: dict[int, list[int]] = field(default_factory=dict)
