"""The phones over HTTP, for the page and for playing by hand.

* ``GET /`` and ``GET /page/<file>``: the files of the page.
* ``GET /phones``: ``{"clock": …, "phones": [{"person", "id", "language", "zone", "notification", "chats": [{"chat",
  "title", "kind", "blocked", "keyboard", "commands", "pinned", "toasts", "messages": […]}]}]}``, see `picture` for one
  message.
* ``GET /events``: server-sent events; each says
  ``{"change": n, "clock": {"now", "next", "paused", "speed", "flowing"}}``.
* ``GET /script``: ``{"step", "of", "line", "done", "verdict"}`` while a script is played on the phones, else null.
* ``GET /phones/file/<file_id>``: the bytes of a photo, document or voice message.
* ``POST /phones/<person>/<act>`` with a JSON object: ``say`` {text, reply_to?}, ``press`` {message, button}, ``open``
  {link}, ``start``, ``edit`` {message, text}, ``react`` {message, emoji}, ``photo`` {data, caption?}, ``document``
  {data, name, caption?}, ``voice`` {data}, ``block``, ``unblock``; ``data`` is base64. ``chat`` (an id, or a bot's
  username) picks the chat; without it the only bot.
* ``POST /clock/control`` with any of {"paused": bool, "speed": number | null, "jump": "next" | ISO instant}; a jump
  steps through everything that is due on the way.
"""

from __future__ import annotations

import asyncio
import base64
import json
import mimetypes
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web_request import BaseRequest

from bot.rehearsal.clock import StageClock
from bot.rehearsal.message import Message
from bot.rehearsal.phone import Phone
from bot.rehearsal.refusals import not_found
from bot.rehearsal.stage import Stage
from bot.rehearsal.state import Chat, Json, Person
from bot.rehearsal.wire import json_object, json_response

NEWS_PAUSE = 0.05  # real seconds: a page is not told more often than this
TOASTS_SHOWN = 5
INERT = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}  # a file is looked at, never run


class Control:
    def __init__(
        self, stage: Stage, clock: StageClock, page: Path | None, script: Callable[[], Json] | None = None
    ) -> None:
        self._stage = stage
        self._clock = clock
        self._page = page
        self._script = script
        self._changes = 0

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.method == "GET":
            return await self._read(request, parts)
        if request.method == "POST" and _from_here(request):
            return await self._act(request, parts)
        raise not_found()

    async def _read(self, request: BaseRequest, parts: list[str]) -> web.StreamResponse:
        if parts == ["phones"]:
            phones = [self._person(person) for person in self._stage.people.values()]
            return json_response({"clock": self._time(), "phones": phones})
        if parts == ["events"]:
            return await self._events(request)
        if parts == ["script"]:
            return json_response(self._script() if self._script else None)
        if parts[:2] == ["phones", "file"] and len(parts) == 3:
            stored = self._stage.files.by_id(parts[2])
            if stored is None:
                raise not_found()
            return web.Response(body=stored.content, content_type=stored.mime, headers=INERT)
        return self._page_file(parts)

    def _page_file(self, parts: list[str]) -> web.Response:
        name = "index.html" if parts == [""] else parts[1] if parts[0] == "page" and len(parts) == 2 else ""
        file = self._page / name if self._page and name and not name.startswith(".") else None
        if file is None or not file.is_file():
            raise not_found()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return web.Response(body=file.read_bytes(), content_type=kind, headers={"Cache-Control": "no-store"})

    async def _act(self, request: BaseRequest, parts: list[str]) -> web.Response:
        wish = json_object(await request.read())
        try:
            if parts == ["clock", "control"]:
                await self._set_clock(wish)
            elif parts[0] == "phones" and len(parts) == 3:
                self._do(parts[1], parts[2], wish)
            else:
                raise not_found()
        except (LookupError, ValueError, TypeError, TimeoutError) as wrong:
            return json_response({"ok": False, "error": str(wrong)}, 400)
        return json_response({"ok": True, "clock": self._time()})

    def _do(self, person: str, act: str, wish: Json) -> None:
        phone = self._phone(person, wish.get("chat"))
        message = phone.chat.messages.get(wish.get("message") or wish.get("reply_to") or 0)
        if act == "say":
            phone.say(wish["text"], message)
        elif act in {"press", "edit", "react"}:
            if message is None:
                raise LookupError("there is no such message")
            {"press": phone.press, "edit": phone.edit, "react": phone.react}[act](message, wish[_OBJECT[act]])
        elif act == "open":
            phone.open_link(wish["link"])
        elif act == "photo":
            phone.send_photo(base64.b64decode(wish["data"]), wish.get("caption") or "")
        elif act == "document":
            phone.send_document(base64.b64decode(wish["data"]), wish["name"], wish.get("caption") or "")
        elif act == "voice":
            phone.send_voice(base64.b64decode(wish["data"]))
        elif act in {"start", "block", "unblock"}:
            {"start": phone.start, "block": phone.block, "unblock": phone.unblock}[act]()
        else:
            raise LookupError(f"phones cannot {act}")

    def _phone(self, name: str, where: str | int | None) -> Phone:
        people = self._stage.people
        person = people[int(name)] if name.isdigit() and int(name) in people else self._stage.named(name)
        if isinstance(where, int) or (where or "").lstrip("-").isdigit():
            chat = self._stage.chats.get(int(where or 0))
            if chat is not None:
                return self._stage.phone(person, chat)
            where = None
        return self._stage.phone(person, where)

    async def _set_clock(self, wish: Json) -> None:
        if "speed" in wish:
            self._clock.speed = None if wish["speed"] is None else float(wish["speed"])
        if "paused" in wish:
            self._clock.paused = bool(wish["paused"])
        if wish.get("jump") == "next":
            await self._clock.jump_to_next()
        elif wish.get("jump"):
            await self._clock.advance_to(datetime.fromisoformat(wish["jump"]).astimezone(UTC))

    async def _events(self, request: BaseRequest) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        news = asyncio.Event()
        news.set()
        sources = (self._stage.listeners, self._clock.listeners)
        for source in sources:
            source.append(news.set)
        try:
            while True:
                await news.wait()
                news.clear()
                self._changes += 1
                said = json.dumps({"change": self._changes, "clock": self._time()})
                await stream.write(f"data: {said}\n\n".encode())
                await asyncio.sleep(NEWS_PAUSE)
        finally:
            for source in sources:
                source.remove(news.set)

    def _time(self) -> Json:
        clock = self._clock
        now = clock.now.isoformat(timespec="milliseconds")
        following = clock.next_instant()
        ahead = following.isoformat(timespec="milliseconds") if following else None
        return {"now": now, "next": ahead, "paused": clock.paused, "speed": clock.speed, "flowing": clock.flowing}

    def _person(self, person: Person) -> Json:
        chats = [self._chat(person, chat) for chat in self._stage.chats_of(person)]
        return {
            "person": person.name,
            "id": person.id,
            "language": person.language,
            "zone": person.zone,
            "notification": self._notification(person),
            "chats": chats,
        }

    def _notification(self, person: Person) -> Json | None:
        """What the lock screen shows: the last thing that reached this phone."""
        notes = self._stage.notifications[person.id]
        if not notes:
            return None
        note, chat = notes[-1], notes[-1].chat
        title = chat.bot.name if chat.bot else chat.title
        return {
            "number": len(notes),
            "title": title,
            "text": note.text,
            "silent": note.silent,
            "at": note.at.isoformat(),
        }

    def _chat(self, person: Person, chat: Chat) -> Json:
        phone = Phone(self._stage, person, chat)
        return {
            "chat": chat.id,
            "title": chat.bot.name if chat.bot else chat.title,
            "kind": chat.kind,
            "blocked": chat.blocked,
            "keyboard": phone.keyboard,
            "commands": phone.commands,
            "pinned": chat.pinned,
            "toasts": [
                {"number": number, "text": toast.text, "alert": toast.alert, "at": toast.at.isoformat()}
                for number, toast in list(enumerate(phone.toasts, 1))[-TOASTS_SHOWN:]
                if toast.text
            ],
            "messages": [picture(message, person) for message in chat.visible()],
        }


_OBJECT = {"press": "button", "edit": "text", "react": "emoji"}


def picture(message: Message, reader: Person) -> Json:
    """One message as the page draws it; offsets of entities count UTF-16 code units, as JavaScript does."""
    said: Json = {
        "id": message.id,
        "mine": message.sender is reader,
        "from": message.sender.as_json()["first_name"],
        "at": message.sent_at.isoformat(),
        "edited": message.edited_at.isoformat() if message.edited_at else None,
        "silent": message.silent,
        "protected": message.protected,
        "reply_to": message.reply_to,
        "text": message.words,
        "entities": message.entities,
        "buttons": [[_button(button) for button in row] for row in message.keyboard],
        "reactions": list(message.reactions.values()),
        "service": next((key for key in message.fixed if message.is_service and key != "reply_to_message"), None),
    }
    if message.file is not None:
        file = message.file
        size = len(file.content)
        said["file"] = {"kind": file.kind, "name": file.name, "mime": file.mime, "size": size}
        said["file"]["url"] = f"/phones/file/{file.id}"
    if "poll" in message.content:
        said["poll"] = message.content["poll"]
    return said


def _button(button: Json) -> Json:
    action = next(key for key in button if key not in {"text", "style", "icon_custom_emoji_id"})
    return {"text": button["text"], "action": action, "value": button[action]}


def _from_here(request: BaseRequest) -> bool:
    """A page of another site must not play with the phones: what a browser sends names its origin."""
    origin: Any = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
