"""What a chat shows: one ``Message``, or why there is none.

Texts are Telegram HTML and already escaped; whatever people wrote goes through ``escape`` (``Texts`` does it for every
parameter that is not already ``Html``).
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

LONGEST_TEXT = 4096  # code points after entity parsing; docs of sendMessage
LONGEST_CAPTION = 1024
LONGEST_NAME = 32

_TAG = re.compile(r"<[^>]*>")
# Zero-width, bidirectional and other control characters let a name imitate the bot or somebody else.
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200d", "\ufe0f"}  # kept: they hold family emoji together
# What Telegram would turn into something to tap, and letters that look the same and mean nothing to it.
_TAPPABLE = re.compile(
    r"@(?=\w)|(?<![\w<>/.@])/(?=\w)|(?<![\w#&])#(?=\w)|(?<![\w$])\$(?=\w)|(?<=\w)\.(?=[^\W\d_]{2})|:(?=//)"
)
_DEAF = str.maketrans("@/#$.:", "＠／＃＄․：")


class Html(str):
    """Text that is already safe to send."""

    __slots__ = ()


def escape(words: str) -> Html:
    """People's words as Telegram HTML that shows exactly them."""
    return words if isinstance(words, Html) else Html(html.escape(words, quote=False))


def visible_length(text: str) -> int:
    """How many code points Telegram counts: tags do not, an entity is one."""
    return len(html.unescape(_TAG.sub("", text)))


def clean_name(words: str) -> str:
    """A name or label as others may see it: one line, nothing invisible or to tap, at most 32 code points."""
    kept = (
        c for c in unicodedata.normalize("NFC", words) if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE
    )
    shown = " ".join("".join(kept).split())[:LONGEST_NAME].strip()
    return _TAPPABLE.sub(lambda found: found[0].translate(_DEAF), shown)


@dataclass(frozen=True)
class Button:
    """One button: it either answers the bot (``data``) or opens a link (``url``)."""

    label: str
    data: str | None = None
    url: str | None = None


Row = tuple[Button, ...]


@dataclass(frozen=True)
class Attachment:
    """A picture, voice note or file: our own bytes, or Telegram's id of what somebody sent."""

    kind: Literal["photo", "voice", "document", "animation"]
    name: str = ""
    content: bytes | None = None
    file_id: str | None = None


@dataclass(frozen=True)
class Message:
    """One message as one API call."""

    text: str
    buttons: tuple[Row, ...] = ()
    attachment: Attachment | None = None
    silent: bool = False
    protected: bool = False  # cannot be forwarded or saved
    reply_to: int | None = None


@dataclass(frozen=True)
class Withdrawn:
    """Nothing is to be said any more, and why, in a word that the board can show."""

    why: str
