"""Text as Telegram reads it: HTML to plain text and entities, cleaning, lengths.

`read_text(text, parse_mode, entities)` is the whole way of one text: parse, clean, trim, detect links and commands.
Lengths are counted in Unicode code points after parsing, offsets of entities in UTF-16 code units.
Errors are those of github.com/tdlib/td (MessageEntity.cpp); the "byte offset" in them counts UTF-8 bytes.
MarkdownV2 is not spoken here: the stage refuses every parse mode but HTML.
"""

from __future__ import annotations

import re

from bot.rehearsal.autolinks import detect
from bot.rehearsal.markup import TYPE_OF_TAG, Entity, parse_html, utf16_length
from bot.rehearsal.parameters import only
from bot.rehearsal.refusals import bad

ENTITY_TYPES = frozenset(TYPE_OF_TAG.values()) | {
    "expandable_blockquote",
    "text_mention",
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
}
ENTITY = {
    "type": str,
    "offset": int,
    "length": int,
    "url": str,
    "user": dict,
    "language": str,
    "custom_emoji_id": str,
    "unix_time": int,
    "date_time_format": str,
}
MOST_ENTITIES = 100  # the rest is silently dropped by Telegram


def utf16_slice(text: str, offset: int, length: int) -> str:
    units = text.encode("utf-16-le")[offset * 2 : (offset + length) * 2]
    return units.decode("utf-16-le", "replace")


def read_text(text: str, parse_mode: str, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    """Return what a phone shows: the plain text and its entities. Raises Refusal as Telegram does."""
    mode = parse_mode.strip().lower()
    if mode in {"", "none"}:
        marked = checked_entities(text, entities or [])
    elif mode == "html":
        text, marked = parse_html(text)
    else:
        raise bad("unsupported parse_mode")
    return tidy(text, marked)


def tidy(text: str, marked: list[Entity]) -> tuple[str, list[Entity]]:
    """Clean and trim the text, drop empty entities, then find mentions, links and commands."""
    text = UNSEEN.sub("", text)
    text = CONTROL.sub(" ", text)
    text = text.rstrip()
    first = min((entity["offset"] for entity in marked), default=len(text))
    leading = min(len(text) - len(text.lstrip()), first)
    if leading:
        text = text[leading:]
        marked = [{**entity, "offset": entity["offset"] - leading} for entity in marked]
    kept = _within(marked, text)
    found = detect(text, kept)
    kept.extend(found)
    kept.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return text, kept[:MOST_ENTITIES]


UNSEEN = re.compile("[\r\u2028-\u202e]")
CONTROL = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f]")


def _within(marked: list[Entity], text: str) -> list[Entity]:
    kept = []
    end = utf16_length(text)
    for entity in marked:
        length = min(entity["length"], end - entity["offset"])
        if length <= 0:
            continue
        inside = utf16_slice(text, entity["offset"], length)
        if inside.strip() or entity["type"] in {"pre", "code"}:
            kept.append({**entity, "length": length})
    return kept


def checked_entities(text: str, entities: list[Entity]) -> list[Entity]:
    """Entities given explicitly: known types inside the text (Telegram would skip some of the wrong ones silently)."""
    end = utf16_length(text)
    for entity in entities:
        if only("MessageEntity", entity, ENTITY).get("type") not in ENTITY_TYPES:
            raise bad("can't parse MessageEntity: unsupported type specified")
        offset, length = entity.get("offset"), entity.get("length")
        if offset is None or length is None or offset < 0 or length < 0:
            raise bad("can't parse MessageEntity: field offset or length is wrong")
        if offset + length > end:
            raise bad("can't parse entities: an entity ends beyond the text")
    return [dict(entity) for entity in entities]
