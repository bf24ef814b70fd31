"""What Telegram makes tappable by itself: commands, mentions, hashtags, cashtags, links, e-mail addresses."""

from __future__ import annotations

import re

from bot.rehearsal.markup import Entity, utf16_length

_HINT = re.compile(r"[/@#$.]")
_FOUND = re.compile(
    r"(?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?!\w))"
    r"|(?P<url>(?<![\w@./-])(?:(?:https?|tg|ton)://[^\s<>\"]+"
    r"|(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+(?:com|org|net|me|dog|io|de|uk|at|ch|eu|info|app|dev|edu|gov|int)"
    r"(?::\d{1,5})?(?:[/?#][^\s<>\"]*)?(?![\w-])))"
    r"|(?P<bot_command>(?<![\w/<>.@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>@]))"
    r"|(?P<mention>(?<![\w@.])@[A-Za-z][A-Za-z0-9_]{2,31}(?![\w@]))"
    r"|(?P<hashtag>(?<![\w#&])#(?=\w*[^\W\d])\w{1,256}(?![\w#]))"
    r"|(?P<cashtag>(?<![\w$])\$[A-Z]{1,8}(?![\w$]))"
)
_CLOSED = frozenset({"pre", "code", "text_link", "text_mention", "custom_emoji", "mention", "url", "date_time"})


def detect(text: str, marked: list[Entity]) -> list[Entity]:
    """Entities Telegram adds to a text, outside code and links; offsets and lengths in UTF-16 code units."""
    if not _HINT.search(text):
        return []
    found = []
    for match in _FOUND.finditer(text):
        words = match[0]
        kind = match.lastgroup
        if kind == "url":
            words = _without_trailing_punctuation(words)
        offset = utf16_length(text[: match.start()])
        length = utf16_length(words)
        if not any(_overlaps(entity, offset, length) for entity in marked):
            found.append({"type": kind, "offset": offset, "length": length})
    return found


def _without_trailing_punctuation(address: str) -> str:
    while address[-1] in ".,:;!?'\"" or (address[-1] == ")" and address.count(")") > address.count("(")):
        address = address[:-1]
    return address


def _overlaps(entity: Entity, offset: int, length: int) -> bool:
    apart = entity["offset"] + entity["length"] <= offset or offset + length <= entity["offset"]
    return entity["type"] in _CLOSED and not apart
