"""What happens to group chats: people and bots come and go, roles, topics, the move to a supergroup."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bot.rehearsal.message import Message
from bot.rehearsal.state import ADMIN_RIGHTS, AnonymousAdmin, Chat, Json, Member, Person

if TYPE_CHECKING:
    from bot.rehearsal.stage import Bot, Stage

FIRST_GROUP = 4_000_001
FIRST_SUPERGROUP = 1_000_000_000_001  # supergroup ids are -100 followed by their number
ALL_RIGHTS = frozenset(ADMIN_RIGHTS)


class Groups:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ids = itertools.count()

    def open(
        self,
        title: str,
        owner: Person,
        members: Iterable[Person] = (),
        *,
        bots: Iterable[Bot] = (),
        supergroup: bool = False,
        forum: bool = False,
    ) -> Chat:
        """Somebody opens a group; its bots hear that they were added."""
        chat = self._new(title, supergroup=supergroup or forum)
        chat.forum = forum
        chat.members[owner.id] = Member(owner, "creator")
        for person in members:
            chat.members[person.id] = Member(person)
        for bot in bots:
            self.add(chat, bot, by=owner)
        return chat

    def _new(self, title: str, *, supergroup: bool) -> Chat:
        number = next(self._ids)
        if supergroup:
            chat = Chat(-(FIRST_SUPERGROUP + number), "supergroup", itertools.count(1), title)
        else:
            chat = Chat(-(FIRST_GROUP + number), "group", self._stage.numbers, title)
        self._stage.chats[chat.id] = chat
        return chat

    def owner(self, chat: Chat) -> Person:
        owner: Person = next(member.who for member in chat.members.values() if member.status == "creator")
        return owner

    def add(self, chat: Chat, who: Person | Bot, by: Person | AnonymousAdmin | None = None) -> None:
        by = by or self.owner(chat)
        self._stand(chat, who, "member", by=by)
        self._service(chat, by, {"new_chat_members": [who.as_json()]})

    def remove(self, chat: Chat, who: Person | Bot, by: Person | AnonymousAdmin | None = None) -> None:
        """Throw somebody out; without `by` they leave by themselves."""
        self._service(chat, by or who, {"left_chat_member": who.as_json()})
        self._stand(chat, who, "kicked" if by else "left", by=by or who)

    def promote(self, chat: Chat, who: Person | Bot, rights: Iterable[str] = ALL_RIGHTS) -> None:
        self._stand(chat, who, "administrator", rights=frozenset(rights), by=self.owner(chat))

    def demote(self, chat: Chat, who: Person | Bot) -> None:
        self._stand(chat, who, "member", by=self.owner(chat))

    def restrict(self, chat: Chat, who: Person | Bot, may: Iterable[str] = ()) -> None:
        """Somebody may only do what `may` names (can_send_messages and so on)."""
        self._stand(chat, who, "restricted", rights=frozenset(may), by=self.owner(chat))

    def delete(self, chat: Chat) -> None:
        """The owner deletes the group."""
        chat.deleted = True
        self._stage.changed()

    def migrate(self, chat: Chat) -> Chat:
        """A basic group becomes a supergroup with another id; both chats say so."""
        new = self._new(chat.title, supergroup=True)
        new.members = dict(chat.members)
        chat.migrated_to = new
        owner = self.owner(chat)
        self._service(chat, owner, {"migrate_to_chat_id": new.id})
        self._service(new, owner, {"migrate_from_chat_id": chat.id})
        return new

    def enable_topics(self, chat: Chat) -> Chat:
        """Switch topics on; a basic group becomes a supergroup by this."""
        forum = chat if chat.kind == "supergroup" else self.migrate(chat)
        forum.forum = True
        self._stage.changed()
        return forum

    def open_topic(self, chat: Chat, name: str, by: Person | Bot | None = None) -> Message:
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = self._service(chat, by or self.owner(chat), created)
        chat.topics[message.id] = name
        return message

    def may_see(self, bot: Bot, message: Message) -> bool:
        """Privacy mode: commands to it, replies to it, service messages; as an administrator or without privacy all."""
        member = message.chat.members[bot.id]
        if member.is_admin or not bot.privacy or message.is_service:
            return True
        reply = message.fixed.get("reply_to_message")
        return (reply is not None and reply["from"]["id"] == bot.id) or self._is_command_for(bot, message)

    def _is_command_for(self, bot: Bot, message: Message) -> bool:
        text = message.words
        for entity in message.entities:
            if entity["type"] != "bot_command":
                continue
            command = text.encode("utf-16-le")[entity["offset"] * 2 : (entity["offset"] + entity["length"]) * 2]
            _, _, name = command.decode("utf-16-le").partition("@")
            if name:
                return name.lower() == bot.username.lower()
            bots = [member for member in message.chat.members.values() if member.present and self._is_bot(member.who)]
            return len(bots) == 1 or self._spoke_last(bot, message.chat)
        return False

    def _is_bot(self, who: Any) -> bool:
        return not isinstance(who, Person)

    def _spoke_last(self, bot: Bot, chat: Chat) -> bool:
        for message in reversed(chat.messages.values()):
            if self._is_bot(message.sender):
                return message.sender is bot
        return False

    def _service(self, chat: Chat, by: Person | Bot | AnonymousAdmin, said: Json) -> Message:
        return self._stage.post(chat, by, {}, fixed=said)

    def _stand(
        self,
        chat: Chat,
        who: Person | Bot,
        status: str,
        *,
        rights: frozenset[str] = frozenset(),
        by: Person | Bot | AnonymousAdmin,
    ) -> None:
        """Somebody's standing changes; the bot itself, and administrators who asked for it, are told."""
        stage = self._stage
        old = chat.members.get(who.id) or Member(who, "left")
        new = Member(who, status, rights)
        chat.members[who.id] = new
        change = {
            "chat": chat.as_json(),
            "from": by.as_json(),
            "date": int(stage.clock.now.timestamp()),
            "old_chat_member": old.as_json(),
            "new_chat_member": new.as_json(),
        }
        for bot in stage.bots.values():
            member = chat.members.get(bot.id)
            if bot is who:
                stage.tell(bot, "my_chat_member", change, f"my membership in {chat.id}")
            elif member is not None and member.is_admin:
                stage.tell(bot, "chat_member", change, f"membership in {chat.id}")
        stage.changed()
