"""What the edges share: one ``Runtime`` per process, made by ``bot.app``."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import Clock
from bot.delivery.bell import Bell
from bot.delivery.telegram import Carrier
from bot.settings import Settings
from bot.storage.database import Database


@dataclass(frozen=True)
class Runtime:
    """For the edges only: rooms get what they need as arguments."""

    settings: Settings
    database: Database
    clock: Clock
    carrier: Carrier
    bell: Bell
    bot_id: int
    bot_username: str
