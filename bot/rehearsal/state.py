"""What exists on the stage: people, chats, members, taps, updates. Values and their Bot API form; no rules.

Dictionaries handed out in Bot API form are never changed afterwards, so an update that waits keeps saying what was
true.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.rehearsal.message import Message

Json = dict[str, Any]

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
    zone: str | None = None  # where the phone thinks it is, IANA name; bots are never told
    deactivated: bool = False

    def as_json(self) -> Json:
        said: Json = {"id": self.id, "is_bot": False, "first_name": self.name}
        for key, value in (
            ("last_name", self.last_name),
            ("username", self.username),
            ("language_code", self.language),
        ):
            if value:
                said[key] = value
        return said


@dataclass(frozen=True, slots=True)
class AnonymousAdmin:
    """Who seems to speak when an administrator of a group hides behind it."""

    id: int = 1087968824

    def as_json(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


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
    deleted: bool = False
    migrated_to: Chat | None = None
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


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    kind: str
    payload: Json = field(repr=False)
    line: str  # updates of one line reach a webhook one after the other
    at: datetime

    def as_json(self) -> Json:
        return {"update_id": self.id, self.kind: self.payload}
