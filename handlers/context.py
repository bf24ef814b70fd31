"""What a handler holds: who said what, the present instant, one transaction, and the ways to reply.

A handler is *decode, transaction, action, dedent, reply*. Everything that must not be lost happens inside the
transaction, which also marks the update as handled; what comes after it are screens, and losing one loses only that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import telegram

from bot.buttons import Tap, UnknownButton, decode
from bot.delivery import outbox
from bot.delivery.telegram import Call, Method
from bot.enrolment.actions import recognise_owner
from bot.enrolment.queries import meet_person
from bot.errors import Refused
from bot.intake.arrival import arrival
from bot.messages import Attachment, Message
from bot.runtime import Runtime
from bot.storage.database import Transaction
from bot.storage.tables import Person
from bot.texts import Texts, supported


class OnlyInPrivate(Refused):
    """Something that would show one person's matters to a group."""


LONGEST_NOTICE = 200  # Telegram's limit for the answer to a pressed button


@dataclass(frozen=True)
class Said:
    """One thing a person did on their phone, without Telegram's types."""

    telegram_id: int
    name: str
    language_code: str | None
    chat_id: int
    private: bool
    text: str = ""  # as typed, without the command
    message_id: int | None = None  # of what they typed, or of the message whose button they pressed
    reply_to: int | None = None
    replied_text: str = ""  # what stands in the message they reply to
    replied_attachment: Attachment | None = None
    tap: Tap | None = None
    callback_id: str | None = None
    attachment: Attachment | None = None  # by Telegram's file id
    shows_attachment: bool = False  # the tapped message is a picture: its caption is edited, not its text
    bot_is: str | None = None  # what the bot has become in this chat, in Telegram's words: member, kicked, left
    bot_was: str | None = None
    bot_may_write: bool = True  # false where it was muted
    chat_title: str = ""
    topic_id: int | None = None  # of a group's topic in which it was said
    moved_to: int | None = None  # the group has this number from now on
    moved_from: int | None = None
    nobody: bool = False  # said in the name of a group or channel: there is no person to know


def said(update: telegram.Update) -> Said | None:
    """Read an update; none if no person did it (channels, other bots) and it is no news of the chat itself.

    What an administrator says in the name of their group is marked as nobody's: its sender is Telegram's, not theirs.

    Raises:
        UnknownButton: the button is not one of ours.
    """
    user, chat = update.effective_user, update.effective_chat
    query, message = update.callback_query, update.effective_message
    if user is None or chat is None:
        return None
    moved = _moved(message)
    nobody = user.is_bot or bool(message is not None and query is None and message.sender_chat)
    if nobody and not (moved or update.my_chat_member or _as_the_group(message)):
        return None
    replied = message.reply_to_message if isinstance(message, telegram.Message) and not query else None
    words = "" if query or not message else (message.text or message.caption or "")
    if _is_command(message):
        words = words.removeprefix(words.split(maxsplit=1)[0])  # a new line ends the command too
    return Said(
        telegram_id=user.id,
        name=user.first_name,
        language_code=user.language_code,
        chat_id=chat.id,
        private=chat.type == chat.PRIVATE,
        text=words.strip(),
        message_id=message.message_id if message else None,
        reply_to=replied.message_id if replied else None,
        replied_text=(replied.text or replied.caption or "") if replied else "",
        replied_attachment=_attachment(replied),
        tap=decode(query.data or "") if query else None,
        callback_id=query.id if query else None,
        attachment=_attachment(message) if not query else None,
        shows_attachment=isinstance(message, telegram.Message) and _attachment(message) is not None,
        bot_is=update.my_chat_member.new_chat_member.status if update.my_chat_member else None,
        bot_was=update.my_chat_member.old_chat_member.status if update.my_chat_member else None,
        bot_may_write=_may_write(update.my_chat_member),
        chat_title=chat.title or "",
        topic_id=_topic(message),
        moved_to=moved[0] if moved else None,
        moved_from=moved[1] if moved else None,
        nobody=nobody,
    )


def _moved(message: telegram.MaybeInaccessibleMessage | None) -> tuple[int | None, int | None] | None:
    """Where a group went and where it came from, if this is Telegram's notice of that."""
    if not isinstance(message, telegram.Message):
        return None
    moved = (message.migrate_to_chat_id, message.migrate_from_chat_id)
    return moved if any(moved) else None


def _as_the_group(message: telegram.MaybeInaccessibleMessage | None) -> bool:
    """Whether an administrator hides behind the very group it was said in."""
    if not isinstance(message, telegram.Message) or message.sender_chat is None:
        return False
    return message.sender_chat.id == message.chat.id and not message.is_automatic_forward


def _topic(message: telegram.MaybeInaccessibleMessage | None) -> int | None:
    """A thread is a topic only where Telegram says so: in other groups it is a chain of replies."""
    if not isinstance(message, telegram.Message) or not message.is_topic_message:
        return None
    return message.message_thread_id


def _may_write(change: telegram.ChatMemberUpdated | None) -> bool:
    standing = change.new_chat_member if change else None
    return not isinstance(standing, telegram.ChatMemberRestricted) or bool(standing.can_send_messages)


def _is_command(message: telegram.MaybeInaccessibleMessage | None) -> bool:
    """Whether Telegram reads the first word as a command; words that only begin with a slash are words."""
    if not isinstance(message, telegram.Message) or not message.text or not message.entities:
        return False
    first = message.entities[0]
    return first.type == telegram.MessageEntity.BOT_COMMAND and first.offset == 0


def _attachment(message: telegram.Message | None) -> Attachment | None:
    if message is None:
        return None
    if message.photo:
        return Attachment("photo", file_id=message.photo[-1].file_id)
    if message.voice:
        return Attachment("voice", file_id=message.voice.file_id)
    if message.document:
        return Attachment("document", name=message.document.file_name or "", file_id=message.document.file_id)
    return None


class Context:
    """One update being handled."""

    def __init__(self, runtime: Runtime, heard: Said, now: datetime) -> None:
        self.runtime = runtime
        self.said = heard
        self.now = now
        language = supported(heard.language_code, runtime.settings.default_language)
        self.texts = Texts(language)  # until we know the person
        self._me: Person | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The one transaction of this update: its action and the done mark, together or not at all."""
        async with self.runtime.database.transaction() as tx:
            await arrival.get().mark_handled(tx, now=self.now)
            tx.after_commit(self.runtime.bell.ring)
            await self._prove(tx)
            yield tx

    async def _prove(self, tx: Transaction) -> None:
        """A button that carries a delivery proves that this delivery has arrived."""
        tap, message_id = self.said.tap, self.said.message_id
        if tap is not None and tap.ref is not None and message_id is not None:
            await outbox.prove(tx, tap.ref, message_id, chat=self.said.chat_id, now=self.now)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Transaction]:
        """A transaction that only looks, to decide which handler this update is for."""
        async with self.runtime.database.transaction() as tx:
            yield tx

    async def person(self, tx: Transaction) -> Person:
        """Who this is; a stranger becomes a person we know nothing about but their first name."""
        if self._me is None or self._me not in tx:  # met in a transaction that only looked: changes would be lost
            self._me = await meet_person(
                tx,
                self.said.telegram_id,
                self.said.name,
                self.texts.language,
                now=self.now,
            )
            if self.said.telegram_id in self.runtime.settings.owner_ids:
                await recognise_owner(tx, self._me, now=self.now)
            self.texts = Texts(self._me.language, self._me.zone)
        return self._me

    def stay_private(self) -> None:
        """Go on only in a private chat.

        Raises:
            OnlyInPrivate: this is a group.
        """
        if not self.said.private:
            raise OnlyInPrivate

    @property
    def tap(self) -> Tap:
        assert self.said.tap is not None  # noqa: S101 - only handlers registered for buttons ask
        return self.said.tap

    @property
    def ref(self) -> UUID:
        """The row a pressed button speaks of."""
        if self.tap.ref is None:
            raise UnknownButton
        return self.tap.ref

    async def show(self, message: Message) -> None:
        """Put a screen where the pressed button was, or say it anew if nothing was pressed."""
        if self.said.callback_id is None or self.said.message_id is None or message.attachment:
            await self.say(message)
            return
        await self.edit(self.said.message_id, message, captioned=self.said.shows_attachment)

    async def say(self, message: Message) -> None:
        """Say a screen as a new message."""
        await self.runtime.carrier.do(Call(Method.SEND, self.said.chat_id, message, topic_id=self.said.topic_id))

    async def edit(self, message_id: int, message: Message, *, captioned: bool = False) -> None:
        """Change one of our own messages in this chat."""
        await self.runtime.carrier.do(
            Call(Method.EDIT, self.said.chat_id, message, message_id=message_id, captioned=captioned)
        )

    async def toast(self, words: str = "", *, alert: bool = False) -> None:
        """Answer the press itself; Telegram shows the words for a moment, at most 200 characters."""
        if self.said.callback_id is not None:
            notice = words[:LONGEST_NOTICE] or None
            await self.runtime.carrier.do(
                Call(Method.ANSWER, callback_id=self.said.callback_id, notice=notice, alert=alert)
            )

    async def remove_what_was_typed(self) -> None:
        """Take a typed answer out of the chat once it is kept."""
        if self.said.message_id is not None and self.said.callback_id is None:
            await self.remove(self.said.message_id)

    async def remove(self, message_id: int) -> None:
        """Take a message out of this chat; Telegram allows it for 48 hours."""
        await self.runtime.carrier.do(Call(Method.DELETE, self.said.chat_id, message_id=message_id))

    def deep_link(self, secret: str) -> str:
        return f"https://t.me/{self.runtime.bot_username}?start={secret}"


Handler = Callable[[Context], Awaitable[None]]
