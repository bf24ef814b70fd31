"""The stage: Telegram as state. People, bots, chats, updates; no sockets, no tasks, no bot code.

    clock = StageClock(start)
    stage = Stage(clock)
    bot = stage.bot("understory_bot", token="700001:...")
    ann = stage.person("Ann", language="en")
    phone = stage.phone("Ann")            # her private chat with the only bot; or stage.phone("Ann", "other_bot")
    maple = stage.groups.open("Maple", owner=ann, bots=[bot])
    phone = stage.phone("Ann", maple)     # her view of the group

`stage.journal` holds every call with its outcome, `stage.faults` what goes wrong on purpose, `stage.limiter` the
optional rate limits, `stage.files` what was uploaded. `stage.listeners` are called after every visible change,
`stage.update_watchers` with (bot, update in Bot API form) for every update that is created.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.rehearsal.clock import StageClock
from bot.rehearsal.faults import Faults
from bot.rehearsal.files import Files
from bot.rehearsal.groups import Groups
from bot.rehearsal.journal import Journal
from bot.rehearsal.message import Message, Poll, StoredFile, Version
from bot.rehearsal.phone import Phone
from bot.rehearsal.state import AnonymousAdmin, Chat, Json, Notification, Person, Query, Update
from bot.rehearsal.updates import UpdateQueue

if TYPE_CHECKING:
    from bot.rehearsal.limits import Limiter

FIRST_PERSON = 100_001
FIRST_BOT = 700_001
TOKEN = re.compile(r"(\d{1,16}):[A-Za-z0-9_-]{3,}")


@dataclass(eq=False, slots=True)
class Webhook:
    url: str
    secret: str | None = field(default=None, repr=False)
    max_connections: int = 40
    certificate: bool = False
    ip_address: str | None = None
    last_error: tuple[int, str] | None = None


@dataclass(eq=False, slots=True)
class Bot:
    id: int
    token: str = field(repr=False)
    username: str
    name: str
    updates: UpdateQueue
    privacy: bool = True
    topics_enabled: bool = False
    webhook: Webhook | None = None
    commands: dict[tuple[tuple[str, str], str], list[Json]] = field(default_factory=dict)
    profile: dict[tuple[str, str], str] = field(default_factory=dict)  # (name | description | …, language) -> words
    menu_button: Json = field(default_factory=lambda: {"type": "commands"})

    def as_json(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}


class Stage:
    def __init__(self, clock: StageClock) -> None:
        self.clock = clock
        self.people: dict[int, Person] = {}
        self.bots: dict[str, Bot] = {}
        self.chats: dict[int, Chat] = {}
        self.private: dict[tuple[int, int], Chat] = {}
        self.queries: dict[str, Query] = {}
        self.polls: dict[str, Poll] = {}
        self.notifications: dict[int, list[Notification]] = {}
        self.journal = Journal()
        self.faults = Faults()
        self.limiter: Limiter | None = None
        self.files = Files()
        self.groups = Groups(self)
        self.listeners: list[Callable[[], None]] = []
        self.update_watchers: list[Callable[[Bot, Json], None]] = []
        self.numbers = itertools.count(1)  # message ids of private chats and basic groups share one counter
        self.serial = itertools.count(1)
        clock.duties = self

    # Who is there

    def person(
        self,
        name: str,
        language: str | None = "en",
        id: int | None = None,  # noqa: A002 - the word of the Bot API
        *,
        username: str | None = None,
        last_name: str | None = None,
        zone: str | None = None,
    ) -> Person:
        number = id if id is not None else FIRST_PERSON + len(self.people)
        if number in self.people or any(person.name == name for person in self.people.values()):
            raise ValueError(f"there is already a person {name} or {number}")
        person = Person(number, name, language, username, last_name, zone)
        self.people[number] = person
        self.notifications[number] = []
        return person

    def bot(
        self,
        username: str = "understory_bot",
        *,
        token: str | None = None,
        name: str = "Understory",
        privacy: bool = True,
        topics_enabled: bool = False,
        first_update_id: int = 1,
    ) -> Bot:
        if token is None:
            token = f"{FIRST_BOT + len(self.bots)}:stage-token-of-{username}"
        form = TOKEN.fullmatch(token)
        if form is None:
            raise ValueError("a token is a number, a colon and a secret")
        bot = Bot(int(form[1]), token, username, name, UpdateQueue(first_update_id), privacy, topics_enabled)
        self.bots[token] = bot
        return bot

    def named(self, who: str | Person) -> Person:
        if isinstance(who, Person):
            return who
        for person in self.people.values():
            if person.name == who:
                return person
        raise LookupError(f"nobody is called {who}")

    def bot_named(self, username: str | None = None) -> Bot:
        bots = [bot for bot in self.bots.values() if username is None or bot.username == username.lstrip("@")]
        if len(bots) != 1:
            raise LookupError(f"{len(bots)} bots answer to {username or 'no name'}")
        return bots[0]

    def bot_of_id(self, bot_id: int) -> Bot | None:
        return next((bot for bot in self.bots.values() if bot.id == bot_id), None)

    def phone(self, who: str | Person, where: str | Bot | Chat | None = None) -> Phone:
        """A person's view of the private chat with a bot (by username; the only one if none is named) or of a group."""
        person = self.named(who)
        if isinstance(where, Chat):
            return Phone(self, person, where)
        bot = where if isinstance(where, Bot) else self.bot_named(where)
        return Phone(self, person, self.private_chat(bot, person))

    def private_chat(self, bot: Bot, person: Person) -> Chat:
        key = (bot.id, person.id)
        if key not in self.private:
            self.private[key] = Chat(person.id, "private", self.numbers, person=person, bot=bot)
        return self.private[key]

    def chats_of(self, person: Person) -> list[Chat]:
        """All chats that a person's phone lists."""
        private = [chat for (_, person_id), chat in self.private.items() if person_id == person.id]
        return [*private, *(chat for chat in self.chats.values() if chat.has(person.id))]

    # What happens

    def post(
        self,
        chat: Chat,
        sender: Person | Bot | AnonymousAdmin,
        content: Json,
        *,
        fixed: Json | None = None,
        silent: bool = False,
        thread: int | None = None,
        files: Iterable[StoredFile] = (),
    ) -> Message:
        """A message appears in a chat; bots hear of it unless a bot wrote it (service lines they hear anyway)."""
        now = self.clock.now
        message = Message(chat, next(chat.numbers), sender, now, content, [], silent, thread=thread)
        message.fixed = fixed or {}
        message.files = list(files)
        if "forum_topic_created" in message.fixed:
            message.thread = message.id
        message.versions.append(Version(now, time.monotonic(), content))
        chat.messages[message.id] = message
        if not isinstance(sender, Bot) or message.is_service:
            self.deliver("message", message)
        self._notify(message)
        self.changed()
        return message

    def change(self, message: Message, content: Json, *, edited: bool = True) -> None:
        """A message looks different from now on."""
        now = self.clock.now
        message.content = content
        message.versions.append(Version(now, time.monotonic(), content))
        if edited:
            message.edited_at = now
        self.changed()

    def remove(self, message: Message) -> None:
        """A message is gone from every phone."""
        message.deleted_at = self.clock.now
        message.versions.append(Version(message.deleted_at, time.monotonic(), None))
        if message.id in message.chat.pinned:
            message.chat.pinned.remove(message.id)
        self.changed()

    def deliver(self, kind: str, message: Message) -> None:
        """Tell every bot that may see it about a message."""
        chat = message.chat
        payload = message.as_json()
        if chat.bot is not None:
            self.tell(chat.bot, kind, payload, f"chat {chat.id}")
            return
        for bot in self.bots.values():
            if chat.has(bot.id) and self.groups.may_see(bot, message):
                self.tell(bot, kind, payload, f"chat {chat.id}")

    def tell(self, bot: Bot, kind: str, payload: Json, line: str) -> Update | None:
        """Create an update for a bot, if it asked for this kind."""
        update = bot.updates.issue(kind, payload, line, self.clock.now)
        if update is not None:
            for watch in self.update_watchers:
                watch(bot, update.as_json())
            self.clock.poke()
        return update

    def changed(self) -> None:
        for listen in self.listeners:
            listen()

    def _notify(self, message: Message) -> None:
        if message.is_service:
            return
        text = message.words or _wordless(message.content)
        note = Notification(text, message.silent, message.sent_at, message.versions[0].real, message.chat, message.id)
        for person in self._readers(message.chat):
            if person is not message.sender:
                self.notifications[person.id].append(note)

    def _readers(self, chat: Chat) -> list[Person]:
        if chat.person is not None:
            return [chat.person]
        return [member.who for member in chat.members.values() if member.present and isinstance(member.who, Person)]

    # What the clock asks

    def who_reports(self, bot_id: int | None) -> int:
        bot = self.bot_named() if bot_id is None else self.bot_of_id(bot_id)
        if bot is None:
            raise LookupError(f"there is no bot {bot_id}")
        return bot.id

    def last_owed(self, bot_id: int) -> int | None:
        return self._updates_of(bot_id).last_owed

    def has_received(self, bot_id: int) -> bool:
        updates = self._updates_of(bot_id)
        return updates.received or bool(updates.waiting)

    def _updates_of(self, bot_id: int) -> UpdateQueue:
        updates = next(bot.updates for bot in self.bots.values() if bot.id == bot_id)
        updates.expire(self.clock.now)
        return updates


def _wordless(content: Json) -> str:
    for kind in ("photo", "voice", "video", "animation", "audio", "document", "sticker", "poll"):
        if kind in content:
            return kind.capitalize()
    return ""
