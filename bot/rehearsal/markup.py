"""Telegram's HTML: tags and references to plain text and entities, with the errors of github.com/tdlib/td.

Offsets and lengths of entities count UTF-16 code units; the "byte offset" in an error counts UTF-8 bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bot.rehearsal.refusals import Refusal, bad

TYPE_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
DATE_TIME_FORMAT = re.compile(r"[rR]|[tTdDwW]*")
SPACE = " \t\n\r\v\f\0"


Entity = dict[str, Any]


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    start: int
    format: str = ""


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of Telegram's HTML; raises "can't parse entities: ..." with the byte offset."""
    return _Html(text).parse()


class _Html:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.points = 0
        self.units = 0
        self.open: list[_Open] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        source, end = self.source, len(self.source)
        while self.at < end:
            stop = _SPECIAL.search(source, self.at)
            self._say(source[self.at : stop.start() if stop else end])
            if stop is None:
                break
            self.at = stop.start()
            if source[self.at] == "&":
                self._reference()
            elif source.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        if self.open:
            raise self._wrong(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self.out), self.entities

    def _say(self, piece: str) -> None:
        if piece:
            self.out.append(piece)
            self.points += len(piece)
            self.units += utf16_length(piece)

    def _reference(self) -> None:
        character, length = _decode_reference(self.source, self.at)
        if 0xD800 <= ord(character) <= 0xDFFF:
            raise self._wrong(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        self._say(character)
        self.at += length

    def _byte(self, position: int) -> int:
        return len(self.source[:position].encode("utf-8"))

    def _wrong(self, sentence: str, position: int | None = None) -> Refusal:
        where = "" if position is None else f" at byte offset {self._byte(position)}"
        return bad(f"can't parse entities: {sentence}{where}")

    def _skip(self, until: str) -> None:
        """Move on until one of the given characters or the end."""
        while self.at < len(self.source) and self.source[self.at] not in until:
            self.at += 1

    def _skip_space(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in SPACE:
            self.at += 1

    @property
    def _ended(self) -> bool:
        return self.at >= len(self.source)

    def _start_tag(self) -> None:
        begin = self.at
        self.at += 1
        self._skip(SPACE + ">")
        if self._ended:
            raise self._wrong("Unclosed start tag", begin)
        tag = self.source[begin + 1 : self.at].lower()
        if tag not in TYPE_OF_TAG:
            raise self._wrong(f'Unsupported start tag "{tag}"', begin)
        opened = _Open(tag, "", self.units, self.points)
        while self.source[self.at] != ">":
            self._skip_space()
            if not self._ended and self.source[self.at] == ">":
                break
            name, value = self._attribute(tag, begin)
            _take(opened, name, value)
        if tag == "span" and opened.argument != "spoiler":
            raise self._wrong('Tag "span" must have class "tg-spoiler"', begin)
        self.at += 1
        self.open.append(opened)

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        start = self.at
        self._skip(SPACE + "=>/\"'")
        name = self.source[start : self.at]
        if not name:
            raise self._wrong(f'Empty attribute name in the tag "{tag}"', begin)
        self._skip_space()
        if self._ended:
            raise self._wrong(f'Unclosed start tag "{tag}"', begin)
        if self.source[self.at] != "=":
            if tag == "blockquote" and name == "expandable":
                return name, ""
            raise self._wrong(f'Expected equal sign in declaration of an attribute of the tag "{tag}"', begin)
        self.at += 1
        self._skip_space()
        if self._ended:
            raise self._wrong(f'Unclosed start tag "{tag}"', begin)
        value = self._quoted() if self.source[self.at] in "'\"" else self._token()
        if self._ended:
            raise self._wrong("Unclosed start tag", begin)
        return name, value

    def _token(self) -> str:
        start = self.at
        token = _TOKEN.match(self.source, self.at)
        self.at = token.end() if token else start
        if not self._ended and self.source[self.at] not in SPACE + ">":
            raise self._wrong("Unexpected end of name token", start)
        return self.source[start : self.at].lower()

    def _quoted(self) -> str:
        quote = self.source[self.at]
        self.at += 1
        value = []
        while not self._ended and self.source[self.at] != quote:
            if self.source[self.at] == "&":
                character, length = _decode_reference(self.source, self.at)
            else:
                character, length = self.source[self.at], 1
            value.append(character)
            self.at += length
        self.at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise self._wrong("Unexpected end tag", begin)
        self._skip(SPACE + ">")
        name = self.source[begin + 2 : self.at].lower()
        self._skip_space()
        if self._ended or self.source[self.at] != ">":
            raise self._wrong("Unclosed end tag", begin)
        self.at += 1
        opened = self.open.pop()
        if name and name != opened.tag:
            expected = f'Unmatched end tag at byte offset {self._byte(begin)}, expected "</{opened.tag}>", '
            raise self._wrong(f'{expected}found "</{name}>"')
        if self.units > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        span = {"offset": opened.offset, "length": self.units - opened.offset}
        entity: Entity = {"type": TYPE_OF_TAG[opened.tag], **span}
        if opened.tag == "a":
            link = opened.argument or "".join(self.out)[opened.start :]
            target = _link(link)
            if target is None:
                return
            entity.update(target)
        elif opened.tag == "blockquote" and opened.argument:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "tg-emoji":
            if not opened.argument.isdigit():
                raise self._wrong("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = opened.argument
        elif opened.tag == "tg-time":
            entity.update(self._date_time(opened))
        elif opened.tag == "code" and opened.argument:
            entity["language"] = opened.argument
        elif opened.tag == "pre":
            inner = self.entities[-1] if self.entities else None
            if inner and inner["type"] == "code" and inner.get("language") and {**inner, **span} == inner:
                inner["type"] = "pre"
                return
        self.entities.append(entity)

    def _date_time(self, opened: _Open) -> Entity:
        if not opened.argument.isdigit():
            raise self._wrong("Invalid Unix time specified")
        if not DATE_TIME_FORMAT.fullmatch(opened.format):
            raise self._wrong("Invalid date-time format specified")
        said: Entity = {"unix_time": int(opened.argument)}
        if opened.format:
            said["date_time_format"] = opened.format
        return said


_SPECIAL = re.compile("[<&]")
_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")
_REFERENCE = re.compile(r"&(?:#(?P<dec>[0-9]{1,8})|#x(?P<hex>[0-9A-Fa-f]{1,8})|(?P<name>lt|gt|amp|quot));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ARGUMENT = {("a", "href"), ("tg-emoji", "emoji-id"), ("tg-time", "unix")}


def _decode_reference(source: str, at: int) -> tuple[str, int]:
    """The character a reference stands for and its length; anything unknown is a literal ampersand."""
    reference = _REFERENCE.match(source, at)
    if reference is None:
        return "&", 1
    if name := reference["name"]:
        return _NAMED[name], len(reference[0])
    code = int(reference["dec"]) if reference["dec"] else int(reference["hex"], 16)
    return (chr(code), len(reference[0])) if 0 < code < 0x10FFFF else ("&", 1)


def _take(opened: _Open, name: str, value: str) -> None:
    tag = opened.tag
    if (tag, name) in _ARGUMENT:
        opened.argument = value
    elif tag == "tg-time" and name == "format":
        opened.format = value
    elif tag == "code" and name == "class" and value.startswith("language-"):
        opened.argument = value.removeprefix("language-")
    elif tag == "span" and name == "class" and value.startswith("tg-"):
        opened.argument = value.removeprefix("tg-")
    elif tag == "blockquote" and name == "expandable":
        opened.argument = "1"


def _link(link: str) -> Entity | None:
    """What a tap on the words opens; None where Telegram shows plain words because the address is no address."""
    link = link.strip()
    if user := re.fullmatch(r"tg://user\?id=(\d+)", link):
        return {"type": "text_mention", "user_id": int(user[1])}
    if re.match(r"(tg|ton|mailto|tel):", link):
        return {"url": link}
    address = re.fullmatch(r"(?:(https?)://)?([^\s/?#]+\.[^\s/?#.]{2,}|localhost|[\d.]+)(:\d+)?([/?#]\S*)?", link)
    if address is None:
        return None
    scheme, host, port, rest = address.groups()
    return {"url": f"{scheme or 'http'}://{host}{port or ''}{rest or '/'}"}
