"""A phone's screen: what one person sees of one chat, now and ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.rehearsal.state import Chat, Json, Notification, Person, Toast

if TYPE_CHECKING:
    from bot.rehearsal.message import Message, Version
    from bot.rehearsal.stage import Bot, Stage


class Screen:
    def __init__(self, stage: Stage, person: Person, chat: Chat) -> None:
        self._stage = stage
        self.person = person
        self.chat = chat

    def __repr__(self) -> str:
        return f"<Phone of {self.person.id} in {self.chat.id}>"

    @property
    def messages(self) -> list[Message]:
        """What can be read in the chat now, oldest first; service lines are in `service_messages`."""
        return [message for message in self.chat.visible() if not message.is_service]

    @property
    def service_messages(self) -> list[Message]:
        return [message for message in self.chat.visible() if message.is_service]

    @property
    def last(self) -> Message:
        return self.messages[-1]

    @property
    def received(self) -> list[Message]:
        """Messages by others."""
        return [message for message in self.messages if message.sender is not self.person]

    @property
    def pinned(self) -> list[Message]:
        return [self.chat.messages[number] for number in self.chat.pinned]

    @property
    def notifications(self) -> list[Notification]:
        return [note for note in self._stage.notifications[self.person.id] if note.chat is self.chat]

    @property
    def toasts(self) -> list[Toast]:
        """Answers to this person's taps, in the order of the taps."""
        mine = (query for query in self._stage.queries.values() if query.person is self.person)
        return [query.answered for query in mine if query.chat is self.chat and query.answered is not None]

    @property
    def history(self) -> list[tuple[Message, Version]]:
        """Everything that was ever to be seen in this chat, in the order in which it appeared or vanished."""
        seen = [(message, version) for message in self.chat.messages.values() for version in message.versions]
        return sorted(seen, key=lambda each: each[1].real)

    @property
    def ever_shown(self) -> list[str]:
        """Every text this chat has ever shown on the phone: all versions of all messages, then what flashed up."""
        contents = [version.content or {} for _, version in self.history]
        words = [content.get("text") or content.get("caption") for content in contents]
        return [text for text in [*words, *(toast.text for toast in self.toasts)] if text]

    @property
    def keyboard(self) -> list[list[str]]:
        """Labels of the reply keyboard under the text field, row by row."""
        markup = self.chat.reply_keyboards.get(self.person.id, {})
        return [[_label(button) for button in row] for row in markup.get("keyboard", [])]

    @property
    def commands(self) -> dict[str, str]:
        """The command menu of this chat in the person's language: {command: description}."""
        for bot in self._bots():
            for scope in self._scopes():
                for language in (self.person.language or "", ""):
                    listed = bot.commands.get((scope, language))
                    if listed:
                        return {entry["command"]: entry["description"] for entry in listed}
        return {}

    def find(self, words: str) -> Message:
        """The newest visible message that says `words`."""
        for message in reversed(self.messages):
            if words in message.words:
                return message
        raise LookupError(f"no message says {words!r}; to be read are {[message.words for message in self.messages]}")

    def _bots(self) -> list[Bot]:
        if self.chat.bot is not None:
            return [self.chat.bot]
        return [bot for bot in self._stage.bots.values() if self.chat.has(bot.id)]

    def _scopes(self) -> list[tuple[str, str]]:
        """Command scopes from the narrowest to the widest, as the apps look them up."""
        chat, person = str(self.chat.id), str(self.person.id)
        if self.chat.bot is not None:
            return [("chat", chat), ("all_private_chats", ""), ("default", "")]
        member = self.chat.members.get(self.person.id)
        admin = member is not None and member.is_admin
        scopes = [("chat_member", f"{chat}/{person}")]
        scopes += [("chat_administrators", chat)] if admin else []
        scopes += [("chat", chat)]
        scopes += [("all_chat_administrators", "")] if admin else []
        return [*scopes, ("all_group_chats", ""), ("default", "")]


def _label(button: Json | str) -> str:
    return button if isinstance(button, str) else str(button["text"])
