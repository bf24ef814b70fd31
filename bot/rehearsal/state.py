"""What exists on the stage: people, bots, chats, members, messages. Values and their Bot API form; no rules.

A `Message` is live: its `content` is replaced by every edit, and `versions` keeps all it has ever been. Dictionaries
handed out in Bot API form are never changed afterwards, so an update that waits keeps saying what was true.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]

GENERAL_TOPIC = 1
ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
    "can_manage_tags",
    "can_send_welcome_messages",
)
MEMBER_RIGHTS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)


@dataclass(eq=False, slots=True)
class Person:
    id: int
    name: str
    language: str | None = "en"
    username: str | None = None
    last_name: str | None = None
    deactivated: bool = False

    def as_json(self) -> Json:
        said: Json = {"id": self.id, "is_bot": False, "first_name": self.name}
        for key, value in (("last_name", self.last_name), ("username", self.username), ("language_code", self.language)):
            if value:
                said[key] = value
        return said


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


SERVICE = frozenset({
    "new_chat_members",
    "left_chat_member",
    "pinned_message",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "forum_topic_created",
})


@dataclass(slots=True)
class Member:
    """Somebody's standing in a group; `rights` holds what an administrator may or a restricted member still may."""

    who: Any  # Person or Bot
    status: str = "member"
    rights: frozenset[str] = frozenset()

    @property
    def present(self) -> bool:
        return self.status in {"creator", "administrator", "member", "restricted"}

    @property
    def is_admin(self) -> bool:
        return self.status in {"creator", "administrator"}

    def may(self, right: str) -> bool:
        if self.status == "creator":
            return True
        return right in self.rights if self.status in {"administrator", "restricted"} else False

    def as_json(self) -> Json:
        said: Json = {"status": self.status, "user": self.who.as_json()}
        if self.status == "creator":
            said["is_anonymous"] = False
        elif self.status == "administrator":
            said.update(can_be_edited=False, is_anonymous=False)
            said.update({right: right in self.rights for right in ADMIN_RIGHTS})
        elif self.status == "restricted":
            said.update(is_member=True, until_date=0)
            said.update({right: right in self.rights for right in MEMBER_RIGHTS})
        elif self.status == "kicked":
            said["until_date"] = 0
        return said


@dataclass(eq=False, slots=True)
class Chat:
    """A private chat of one person with one bot, a basic group or a supergroup."""

    id: int
    kind: str  # private, group, supergroup
    numbers: itertools.count[int]
    title: str = ""
    person: Person | None = None
    bot: Any = None
    started: bool = False
    blocked: bool = False
    members: dict[int, Member] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    pinned: list[int] = field(default_factory=list)
    topics: dict[int, str] = field(default_factory=dict)
    forum: bool = False
    protected: bool = False
    deleted: bool = False
    migrated_to: Chat | None = None
    migrated_from: Chat | None = None
    reply_keyboards: dict[int, Json] = field(default_factory=dict, repr=False)
    menu_button: Json | None = None
    actions: list[tuple[datetime, str]] = field(default_factory=list)

    def as_json(self) -> Json:
        if self.person is not None:
            person = self.person
            said: Json = {"id": self.id, "type": "private", "first_name": person.name}
            if person.last_name:
                said["last_name"] = person.last_name
            if person.username:
                said["username"] = person.username
            return said
        said = {"id": self.id, "type": self.kind, "title": self.title}
        if self.forum:
            said["is_forum"] = True
        return said

    def member(self, who_id: int) -> Member | None:
        return self.members.get(who_id)

    def has(self, who_id: int) -> bool:
        member = self.members.get(who_id)
        return member is not None and member.present

    def visible(self) -> list[Message]:
        return [message for message in self.messages.values() if message.deleted_at is None]


@dataclass(eq=False, slots=True)
class Query:
    """A tap on an inline button, and the answer the phone got for it."""

    id: str
    bot_id: int
    person: Person
    chat: Chat
    message_id: int
    data: str
    at: datetime
    answered: Toast | None = None


@dataclass(frozen=True, slots=True)
class Toast:
    """What flashes up after a tap; `alert` is the box that wants an OK. Empty text: only the spinner stops."""

    text: str
    alert: bool
    url: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """What a lock screen shows; `silent` ones make no sound and do not light up the screen."""

    text: str
    silent: bool
    at: datetime
    real: float
    chat: Chat = field(repr=False)
    message_id: int


@dataclass(slots=True)
class Poll:
    id: str
    message: Message
    form: Json
    votes: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    kind: str
    payload: Json = field(repr=False)
    line: str  # updates of one line reach a webhook one after the other
    at: datetime

    def as_json(self) -> Json:
        return {"update_id": self.id, self.kind: self.payload}


Recent = deque[Update]
