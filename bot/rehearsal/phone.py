"""A phone: one person's view of one chat, and everything they can do there.

Acts: start, say, say_anonymously, open_link, press, forge, send_photo, send_document, send_voice, send_audio,
send_video, send_animation, send_sticker, edit, delete, react, vote, block, unblock. Reads (from `Screen`): messages,
received, last, find, service_messages, pinned, notifications, toasts, history, ever_shown, keyboard, commands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from bot.rehearsal.entities import tidy
from bot.rehearsal.files import Upload, content_of
from bot.rehearsal.message import Message
from bot.rehearsal.screen import Screen
from bot.rehearsal.state import AnonymousAdmin, Chat, Json, Query

if TYPE_CHECKING:
    from bot.rehearsal.stage import Bot

LONGEST_TEXT = 4096  # longer ones are sent as several messages, as the apps do
START_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
SMALLEST_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000500015e"
    "f3a27d0000000049454e44ae426082"
)


class Phone(Screen):
    # What the person does

    def start(self) -> Message:
        """Tap START, or RESTART where the bot was blocked."""
        self.unblock()
        return self.say("/start")

    def say(self, text: str, reply_to: Message | None = None, thread: int | None = None) -> Message:
        """Write a text; the apps cut one of more than 4096 characters into several, the last of which is returned."""
        pieces = [text[at : at + LONGEST_TEXT] for at in range(0, len(text), LONGEST_TEXT)]
        for piece in pieces:
            plain, entities = tidy(piece, [])
            if not plain:
                raise ValueError("the apps do not send an empty text")
            message = self._write(_with({"text": plain}, entities=entities), reply_to, thread=thread)
        return message

    def say_anonymously(self, text: str) -> Message:
        """Write as an administrator who hides behind the group."""
        plain, entities = tidy(text, [])
        said = _with({"text": plain}, entities=entities)
        return self._stage.post(self.chat, AnonymousAdmin(), said, fixed={"sender_chat": self.chat.as_json()})

    def open_link(self, link: str, group: Chat | None = None) -> Message:
        """Follow https://t.me/<bot>?start=<token> (or ?startgroup=, with the group that the person picks)."""
        username, parameters = _deep_link(link)
        bot = self._stage.bot_named(username)
        if "startgroup" in parameters:
            if group is None:
                raise ValueError("a startgroup link asks for a group")
            self._stage.groups.add(group, bot, by=self.person)
            token = parameters["startgroup"]
            return Phone(self._stage, self.person, group).say(f"/start@{bot.username} {token}".rstrip())
        phone = self._stage.phone(self.person, bot)
        phone.unblock()
        return phone.say(f"/start {parameters.get('start', '')}".rstrip())

    def press(self, message: Message, button: str) -> Query | Message:
        """Tap a button that is visible, by its label or else its data; a deep link is opened."""
        shown = [pressed for row in message.keyboard for pressed in row] if message.deleted_at is None else []
        for key in ("text", "callback_data"):
            for pressed in shown:
                if pressed.get(key) == button:
                    return self._tap(message, pressed)
        raise LookupError(f"there is no button {button!r}; there are {[pressed['text'] for pressed in shown]}")

    def forge(self, message_id: int, data: str) -> Query:
        """Send tap data that no button offers, for any message id: what a modified app can do."""
        bot = self.chat.bot or next(iter(self._bots()))
        return self._query(bot, message_id, data)

    def send_photo(self, content: bytes = SMALLEST_PICTURE, caption: str = "", **more: Any) -> Message:
        return self._send("photo", Upload("picture.png", content), caption, **more)

    def send_document(
        self, content: bytes, name: str, caption: str = "", mime: str | None = None, **more: Any
    ) -> Message:
        return self._send("document", Upload(name, content, mime), caption, **more)

    def send_voice(self, content: bytes = b"OggS", seconds: int = 3, caption: str = "", **more: Any) -> Message:
        return self._send("voice", Upload("", content), caption, details={"duration": seconds}, **more)

    def send_audio(self, content: bytes, name: str, caption: str = "", **more: Any) -> Message:
        return self._send("audio", Upload(name, content), caption, **more)

    def send_video(self, content: bytes, name: str = "video.mp4", caption: str = "", **more: Any) -> Message:
        return self._send("video", Upload(name, content), caption, **more)

    def send_animation(self, content: bytes, name: str = "moving.mp4", caption: str = "", **more: Any) -> Message:
        return self._send("animation", Upload(name, content), caption, **more)

    def send_sticker(self, emoji: str = "👍") -> Message:
        return self._send("sticker", Upload("", b"RIFF"), "", details={"emoji": emoji})

    def edit(self, message: Message, text: str) -> None:
        """Change one's own text or caption."""
        if message.sender is not self.person:
            raise ValueError("people change only their own messages")
        plain, entities = tidy(text, [])
        key = "text" if "text" in message.content else "caption"
        marked = "entities" if key == "text" else "caption_entities"
        kept = {name: value for name, value in message.content.items() if name not in {key, marked}}
        self._stage.change(message, _with({**kept, key: plain}, **{marked: entities}))
        self._stage.deliver("edited_message", message)

    def delete(self, message: Message) -> None:
        """Remove a message for everybody; bots are not told."""
        self._stage.remove(message)

    def react(self, message: Message, emoji: str | None) -> None:
        """Put a reaction on a message, or take it back with None."""
        old = message.reactions.pop(self.person.id, None)
        if emoji:
            message.reactions[self.person.id] = emoji
        change = {
            "chat": self.chat.as_json(),
            "message_id": message.id,
            "user": self.person.as_json(),
            "date": int(self._stage.clock.now.timestamp()),
            "old_reaction": _reaction(old),
            "new_reaction": _reaction(emoji),
        }
        for bot in self._bots():
            if self.chat.bot is bot or self.chat.members[bot.id].is_admin:
                self._stage.tell(bot, "message_reaction", change, f"reactions in {self.chat.id}")
        self._stage.changed()

    def vote(self, message: Message, *options: int) -> None:
        """Answer a poll by the numbers of its options, from 0; none takes the vote back."""
        poll = self._stage.polls[message.content["poll"]["id"]]
        if poll.form["is_closed"]:
            raise ValueError("this poll is closed")
        poll.votes[self.person.id] = list(options)
        if not poll.form["is_anonymous"]:
            answer = {
                "poll_id": poll.id,
                "user": self.person.as_json(),
                "option_ids": list(options),
                "option_persistent_ids": [poll.form["options"][number]["persistent_id"] for number in options],
            }
            self._stage.tell(message.sender, "poll_answer", answer, f"poll {poll.id}")
        self._stage.changed()

    def block(self) -> None:
        """Stop the bot: it is told, and cannot write any more."""
        self._set_blocked(blocked=True)

    def unblock(self) -> None:
        self._set_blocked(blocked=False)

    # Below

    def _write(self, content: Json, reply_to: Message | None = None, **more: Any) -> Message:
        if self.chat.blocked:
            raise ValueError("who has blocked the bot must unblock it before writing")
        if self.chat.bot is None and not self.chat.has(self.person.id):
            raise ValueError("only members write in a group")
        self.chat.started = True
        fixed = {} if reply_to is None else {"reply_to_message": reply_to.as_json(with_reply=False)}
        return self._stage.post(self.chat, self.person, content, fixed=fixed, **more)

    def _send(
        self,
        kind: str,
        upload: Upload,
        caption: str,
        reply_to: Message | None = None,
        details: Json | None = None,
    ) -> Message:
        stored = self._stage.files.keep(kind, upload, details or {})
        plain, entities = tidy(caption, [])
        content = _with(content_of(kind, stored), caption=plain, caption_entities=entities)
        return self._write(content, reply_to, files=[stored])

    def _tap(self, message: Message, pressed: Json) -> Query | Message:
        if "callback_data" in pressed:
            return self._query(message.sender, message.id, pressed["callback_data"])
        if "url" in pressed:
            return self.open_link(pressed["url"])
        raise LookupError(f"the button {pressed['text']!r} does nothing on the stage")

    def _query(self, bot: Bot, message_id: int, data: str) -> Query:
        stage = self._stage
        query = Query(
            str(4_000_000_000 + next(stage.serial)), bot.id, self.person, self.chat, message_id, data, stage.clock.now
        )
        stage.queries[query.id] = query
        message = self.chat.messages.get(message_id)
        if message is None or message.deleted_at is not None:
            shown: Json = {"chat": self.chat.as_json(), "message_id": message_id, "date": 0}
        else:
            shown = message.as_json()
        payload = {
            "id": query.id,
            "from": self.person.as_json(),
            "message": shown,
            "chat_instance": str(7_000_000_000 + abs(self.chat.id)),
            "data": data,
        }
        stage.tell(bot, "callback_query", payload, f"taps of {self.person.id}")
        return query

    def _set_blocked(self, *, blocked: bool) -> None:
        chat, bot = self.chat, self.chat.bot
        if bot is None:
            raise ValueError("only a private chat can be blocked")
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        member, kicked = (
            {"status": "member", "user": bot.as_json()},
            {"status": "kicked", "user": bot.as_json(), "until_date": 0},
        )
        change = {
            "chat": chat.as_json(),
            "from": self.person.as_json(),
            "date": int(self._stage.clock.now.timestamp()),
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }
        self._stage.tell(bot, "my_chat_member", change, f"my membership in {chat.id}")
        self._stage.changed()


def _with(content: Json, **more: Any) -> Json:
    """The content with those of the further fields that are not empty."""
    return content | {key: value for key, value in more.items() if value}


def _reaction(emoji: str | None) -> list[Json]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []


def _deep_link(link: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(link if "://" in link else f"https://{link}")
    parameters = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if parts.scheme == "tg" and parts.netloc == "resolve":
        username = parameters.get("domain", "")
    elif parts.netloc in {"t.me", "telegram.me"}:
        username = parts.path.strip("/")
    else:
        raise ValueError("this link does not open a bot")
    for key in ("start", "startgroup"):
        if parameters.get(key) and not START_TOKEN.fullmatch(parameters[key]):
            raise ValueError("Telegram drops start parameters other than 1 to 64 of A-Z a-z 0-9 _ -")
    return username, parameters
