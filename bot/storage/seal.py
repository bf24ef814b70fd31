"""Whether these keys and this bot belong to this database; asked once, at the start."""

from __future__ import annotations

import base64

from bot.errors import Wrong
from bot.storage.database import Database
from bot.storage.keys import Place, WrongKey
from bot.storage.tables import Fact

_CANARY = Place("fact", "value", "canary")
_SONG = "understory"


async def check_keys(database: Database) -> None:
    """Open the canary, or leave one if the database is new.

    Raises:
        WrongKey: the database was sealed with other keys; nothing was changed.
    """
    async with database.transaction() as tx:
        canary = await tx.get(Fact, "canary")
        if canary is None:
            sealed = database.keys.seal(_SONG, _CANARY)
            tx.add(Fact(name="canary", value=base64.b64encode(sealed).decode()))
            return
        try:
            song = database.keys.open(base64.b64decode(canary.value), _CANARY)
        except WrongKey as wrong:
            raise _refusal() from wrong
        if song != _SONG:
            raise _refusal()


async def check_bot(database: Database, bot_id: int) -> None:
    """A database belongs to one bot for good.

    Raises:
        Wrong: it belongs to another.
    """
    async with database.transaction() as tx:
        known = await tx.get(Fact, "bot")
        if known is None:
            tx.add(Fact(name="bot", value=str(bot_id)))
        elif known.value != str(bot_id):
            raise Wrong(
                f"BOT_TOKEN: this token is of bot {bot_id}, but the database belongs to bot {known.value}. "
                "Use the token of that bot, or another DATABASE_URL."
            )


def _refusal() -> WrongKey:
    return WrongKey(
        "ENCRYPTION_KEYS: these keys do not open this database. Bring back the keys it was made with; "
        "nothing was changed."
    )
