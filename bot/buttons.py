"""What a button carries: an action, the row it speaks of, and an argument, in at most 64 bytes.

Whatever comes back is chosen by the client and proves nothing: ``decode`` may refuse it, and every action checks who
pressed. Only the id of a delivery inside a tap is evidence, that this delivery has arrived.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from uuid import UUID

from bot.errors import Refused
from bot.messages import Button

LONGEST_DATA = 64  # bytes, Telegram's limit for callback_data

_ACTION = re.compile(r"[a-z][a-z-]{0,19}")
_ARGUMENT = re.compile(r"[A-Za-z0-9_.,+-]{0,40}")


class UnknownButton(Refused):
    """A button this bot never made, or made long ago."""


@dataclass(frozen=True)
class Tap:
    action: str
    ref: UUID | None = None
    arg: str = ""


def encode(tap: Tap) -> str:
    """Write a tap as callback data.

    Raises:
        ValueError: the action or the argument has characters or a length that do not fit.
    """
    if not _ACTION.fullmatch(tap.action) or not _ARGUMENT.fullmatch(tap.arg):
        raise ValueError(f"not a button: {tap.action}")
    ref = base64.urlsafe_b64encode(tap.ref.bytes).rstrip(b"=").decode() if tap.ref else ""
    data = f"{tap.action}:{ref}:{tap.arg}"
    if len(data) > LONGEST_DATA:
        raise ValueError(f"a button of {len(data)} bytes: {tap.action}")
    return data


def decode(data: str) -> Tap:
    """Read callback data back.

    Raises:
        UnknownButton: it is not something ``encode`` writes.
    """
    parts = data.split(":")
    if len(parts) != 3 or not _ACTION.fullmatch(parts[0]) or not _ARGUMENT.fullmatch(parts[2]):
        raise UnknownButton
    action, ref, arg = parts
    if not ref:
        return Tap(action, None, arg)
    try:
        tap = Tap(action, UUID(bytes=base64.b64decode(ref + "==", altchars=b"-_", validate=True)), arg)
        one_spelling = encode(tap) == data
    except (binascii.Error, ValueError) as wrong:
        raise UnknownButton from wrong
    if not one_spelling:
        raise UnknownButton
    return tap


def button(label: str, action: str, ref: UUID | None = None, arg: str = "") -> Button:
    """A button with a label that does ``action`` when pressed."""
    return Button(label, encode(Tap(action, ref, arg)))


def link(label: str, url: str) -> Button:
    return Button(label, url=url)


def grid(buttons: list[Button], wide: int) -> tuple[tuple[Button, ...], ...]:
    """Buttons in rows of at most ``wide``."""
    return tuple(tuple(buttons[i : i + wide]) for i in range(0, len(buttons), wide))
