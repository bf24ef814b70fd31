"""People who press buttons, and when each press was answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from benchmarks.people import FIRST_MEMBER
from benchmarks.telegram import Telegram
from bot.buttons import Tap, encode

_BEAT = 0.05  # seconds between two handfuls


def press(number: int, tap: Tap) -> dict[str, Any]:
    """The update of somebody's press under the message that carries their delivery."""
    who = {"id": FIRST_MEMBER + number, "is_bot": False, "first_name": "Ann", "language_code": "en"}
    bot = {"id": 123456789, "is_bot": True, "first_name": "Understory", "username": "understory_bot"}
    chat = {"id": who["id"], "type": "private", "first_name": "Ann"}
    message = {"message_id": number + 1, "date": int(time.time()), "chat": chat, "from": bot, "text": "."}  # noqa: TID251 - as a phone would say it
    query = {"id": f"press-{number}", "from": who, "message": message, "chat_instance": "1", "data": encode(tap)}
    return {"update_id": number + 1, "callback_query": query}


def presses(deliveries: Sequence[UUID], action: str, argument: str = "") -> list[dict[str, Any]]:
    return [press(n, Tap(action, row, argument)) for n, row in enumerate(deliveries)]


def press_evenly(telegram: Telegram, updates: Sequence[dict[str, Any]], each_second: float) -> dict[str, float]:
    """Hand them to the server at this pace; when each was pressed, by the id of its press."""
    pressed: dict[str, float] = {}
    began = time.monotonic()
    while len(pressed) < len(updates):
        due = min(len(updates), int((time.monotonic() - began) * each_second) + 1)
        if handful := updates[len(pressed) : due]:
            at = time.monotonic()
            pressed |= {one["callback_query"]["id"]: at for one in handful}
            telegram.hand_out(handful)
        time.sleep(_BEAT)
    return pressed


def waits(telegram: Telegram, pressed: dict[str, float]) -> list[float]:
    """Seconds from each press to the call that answers it, for those that were answered."""
    answered = {call.text: call.at for call in telegram.calls() if call.method == "answerCallbackQuery"}
    return [answered[one] - at for one, at in pressed.items() if one in answered]


def wait_for_answers(telegram: Telegram, pressed: dict[str, float], longest: float) -> list[float]:
    """The same, once all are answered or nobody wants to wait any longer."""
    until = time.monotonic() + longest
    while len(waits(telegram, pressed)) < len(pressed) and time.monotonic() < until:
        time.sleep(1.0)
    return waits(telegram, pressed)
