"""What an operator asks first when something seems wrong. It looks and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import telegram
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from telegram.error import InvalidToken, TelegramError

from bot.app import open_keys
from bot.clock import SystemClock
from bot.delivery.realtime import real_now
from bot.delivery.transport import Transport
from bot.errors import Wrong
from bot.health import Pulse, take_pulse
from bot.knock import answers
from bot.settings import Settings
from bot.storage.database import Database, Transaction, open_database, sqlite_file
from bot.storage.lock import DatabaseInUse
from bot.storage.schema import revisions
from bot.storage.seal import check_bot, check_keys
from bot.storage.tables import Delivery
from bot.words import DeliveryState

MOST_SKEW = 2.0  # seconds between this machine's clock and the database's
MOST_LATE = 60.0  # seconds


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool = True


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything there is, and say of each thing how it is."""
    return [*await _process(settings), *await _telegram(settings), *await _database(settings)]


async def _process(settings: Settings) -> list[Finding]:
    if settings.metrics_listen is None:
        return [Finding("Whether a bot is running cannot be seen: METRICS_LISTEN is off.")]
    if await asyncio.to_thread(answers, settings.metrics_listen, "readyz"):
        return [Finding("A bot is running and ready.")]
    return [Finding("No bot that is ready answers on METRICS_LISTEN.", well=False)]


async def name_at_telegram(settings: Settings) -> str:
    """The bot's username.

    Raises:
        Wrong: Telegram does not know the token, or does not answer.
    """
    async with _calling(settings) as bot:
        return str(bot.username)


@asynccontextmanager
async def _calling(settings: Settings) -> AsyncIterator[telegram.Bot]:
    bot = telegram.Bot(
        settings.bot_token.get_secret_value(),
        base_url=f"{settings.bot_api_url}/bot",
        request=Transport(),
        get_updates_request=Transport(),
    )
    try:
        async with bot:
            yield bot
    except InvalidToken as no:
        raise Wrong("BOT_TOKEN: Telegram does not know it. Ask @BotFather for the current one.") from no
    except TelegramError as no:
        raise Wrong(f"BOT_API_URL: {settings.bot_api_url} does not answer ({type(no).__name__}).") from no


async def _telegram(settings: Settings) -> list[Finding]:
    try:
        async with _calling(settings) as bot:
            hook = await bot.get_webhook_info()
            found = [Finding(f"Telegram knows the bot as @{bot.username}.")]
    except Wrong as wrong:
        return [Finding(problem, well=False) for problem in wrong.problems]
    found.append(Finding(f"At Telegram {hook.pending_update_count} updates wait for us."))
    if hook.url and settings.webhook_url is None:
        found.append(Finding("A webhook is set at Telegram. The next start removes it."))
    if hook.last_error_message:
        found.append(Finding(f"Telegram could not call WEBHOOK_URL: {hook.last_error_message}.", well=False))
    return found


async def _database(settings: Settings) -> list[Finding]:
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        return [Finding(f"There is no database {file} yet. The first start makes it.")]
    try:
        database = open_database(settings.database_url, open_keys(settings))
    except DatabaseInUse:
        return [Finding(f"{file} is in use by a running bot. Stop that one to look inside.")]
    except Wrong as wrong:
        return [Finding(problem, well=False) for problem in wrong.problems]
    try:
        return await _inside(database, settings.bot_id)
    except Wrong as wrong:
        return [Finding(problem, well=False) for problem in wrong.problems]
    except (OSError, SQLAlchemyError) as error:
        return [Finding(f"DATABASE_URL: the database does not answer ({type(error).__name__}).", well=False)]
    finally:
        await database.close()


async def _inside(database: Database, bot_id: int) -> list[Finding]:
    now = await SystemClock().now()
    present, newest = await revisions(database)
    if present != newest:
        return [
            Finding(f"The database has schema {present}, this version needs {newest}. Run: understory migrate", False)
        ]
    found = [Finding(f"The database has the newest schema, {newest}.")]
    await check_keys(database)
    await check_bot(database, bot_id)
    found.append(Finding("The keys open it, and it belongs to this bot."))
    async with database.transaction() as tx:
        if database.is_sqlite:
            sound = await tx.scalar(text("PRAGMA quick_check")) == "ok"
            found.append(Finding("The database file is sound." if sound else "The database file is damaged.", sound))
        else:
            skew = abs((await tx.scalar(select(real_now())) - now).total_seconds())
            found.append(Finding(f"This clock and the database's differ by {skew:.1f} s.", skew <= MOST_SKEW))
        pulse = await take_pulse(tx, now=now)
        unknown = await _unknown(tx)
    return found + _about(pulse, unknown)


async def _unknown(tx: Transaction) -> int:
    unknown = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.UNKNOWN)
    return await tx.scalar(unknown) or 0


def _about(pulse: Pulse, unknown: int) -> list[Finding]:
    return [
        Finding(f"{pulse.deliveries_waiting} messages wait for their hour."),
        Finding(f"The oldest that is due has waited {pulse.late:.0f} s.", pulse.late <= MOST_LATE),
        Finding(
            f"The oldest update that waits has waited {pulse.inbox_oldest:.0f} s.", pulse.inbox_oldest <= MOST_LATE
        ),
        Finding(f"{unknown} messages may or may not have arrived."),
        Finding(
            f"{pulse.inbox_quarantined} updates could not be handled and were set aside.", pulse.inbox_quarantined == 0
        ),
        Finding(f"{pulse.moments_failed} decisions could not be carried out.", pulse.moments_failed == 0),
        Finding(f"{pulse.alerts_open} alerts are open."),
    ]
