"""The composition root: settings become a runtime, the rooms are handed to the post office, and everything runs.

This is the only module of ``bot`` that knows the handlers.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import aiohttp
import telegram
from aiohttp import web
from sqlalchemy.exc import DBAPIError
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, ExtBot

import handlers
from bot import logs
from bot.broadcasts import actions as broadcasting
from bot.broadcasts import compose as broadcast_words
from bot.checkins import actions as checking_in
from bot.checkins import compose as checkin_words
from bot.clock import Clock, RehearsalClock, SystemClock
from bot.delivery.bell import Bell
from bot.delivery.governor import Governor, Limits
from bot.delivery.leadership import Leadership
from bot.delivery.outcomes import ONCE, TWICE
from bot.delivery.post import PostOffice
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.transport import Transport
from bot.delivery.turnstile import Turnstile
from bot.desk import actions as desk
from bot.desk import compose as desk_words
from bot.enrolment import actions as enrolling
from bot.enrolment import circle
from bot.enrolment import compose as enrolment_words
from bot.enrolment import grouping as group_words
from bot.enrolment import place as place_words
from bot.enrolment.queries import has_owner
from bot.errors import Wrong
from bot.health import Health
from bot.heart import Heart
from bot.intake.flood import Flood
from bot.intake.inbox import Inbox, Update
from bot.intake.polling import poll
from bot.intake.webhook import announce, webhook
from bot.jobs import Beat, metronome, once
from bot.records import compose as records_words
from bot.runtime import Runtime
from bot.safety import actions as safety
from bot.safety import compose as safety_words
from bot.scheduling import actions as scheduling
from bot.scheduling import compose as scheduling_words
from bot.settings import PAID_RATE, Address, Settings
from bot.storage.database import Database, Transaction, make_room, open_database, sqlite_file
from bot.storage.keys import Keyring, keys_beside, read_keys
from bot.storage.schema import bring_up_to_date, revisions
from bot.storage.seal import check_bot, check_keys
from bot.storage.tables import Chat, Delivery
from bot.window import actions as window
from bot.window.queries import may_not_go
from handlers.errors import apologise
from handlers.menus import announce_menus

log = logging.getLogger(__name__)

PULSE = timedelta(seconds=30)  # between two looks at the numbers that METRICS_LISTEN shows
HANDLES = 15.0  # seconds that updates which were begun get when we stop
IN_FLIGHT = 10  # deliveries on the wire at once: so many may be unknown after a crash, no more

# Where a lost reply may be answered with a second copy: an opening shows nothing new, and what was asked for is missed.
POLICIES = {
    "opening": ONCE,
    "opening-reply": ONCE,
    "seat-link": TWICE,
    "shared-link": TWICE,
    "seat-opened": TWICE,
    "welcome": TWICE,
    "invitation": TWICE,
    "moved": TWICE,
    "cancelled": TWICE,
    "note": TWICE,
    "note-answer": TWICE,
}

Say = Callable[[str], None]

_UNBOUND = (1000, 1.0)  # calls in seconds


@dataclass(frozen=True)
class Bot:
    """Everything that runs; for the command line, the rehearsal and the tests."""

    runtime: Runtime
    application: handlers.App
    inbox: Inbox
    post: PostOffice
    leadership: Leadership
    heart: Heart


def open_keys(settings: Settings) -> Keyring:
    """The keys the operator gave, or those beside the SQLite file."""
    if settings.encryption_keys_file is not None:
        return read_keys(settings.encryption_keys_file.read_text())
    if settings.encryption_keys is not None:
        return read_keys(settings.encryption_keys.get_secret_value())
    file = sqlite_file(settings.database_url)
    if file is None:
        raise Wrong("ENCRYPTION_KEYS: missing; PostgreSQL always needs them.")
    return keys_beside(file)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, migrated, with keys that fit.

    Raises:
        Wrong: it is in use, cannot be used, is of a newer version, or sealed with other keys.
    """
    file = sqlite_file(settings.database_url)
    if file is not None:
        make_room(file)  # before the keys are written beside it
    database = open_database(settings.database_url, open_keys(settings))
    try:
        await _check_usable(database, file)
        await bring_up_to_date(database)
        await check_keys(database)
        await database.forget_erased_pages()  # an erasure may have been cut short by a crash
        yield database
    finally:
        await database.close()


async def _check_usable(database: Database, file: Path | None) -> None:
    """Raises Wrong if nothing can be read there."""
    try:
        await revisions(database)
    except (DBAPIError, OSError) as wrong:
        what = f"{file} is not a database that can be read" if file else "the database does not answer"
        remedy = "Name another file, or restore a backup" if file else "Check that it runs, its address and password"
        raise Wrong(f"DATABASE_URL: {what} ({type(wrong).__name__}). {remedy}.") from wrong


@asynccontextmanager
async def assembled(settings: Settings, say: Say = print) -> AsyncIterator[Bot]:
    """A bot that is ready to run: connected, checked, all rooms tied together.

    Raises:
        Wrong: the token, the keys or the database are not those of this bot.
    """
    _check_zones()
    async with AsyncExitStack() as house:
        database = await house.enter_async_context(open_house(settings))
        clock: Clock = RehearsalClock(settings.clock_url) if settings.clock_url else SystemClock()
        house.push_async_callback(clock.close)
        http = await house.enter_async_context(aiohttp.ClientSession())
        limits = _limits(settings)
        turnstile = Turnstile(Governor(limits), in_flight=max(IN_FLIGHT, settings.send_rate // 8))
        calls, polls = Transport(), Transport()
        for transport in (calls, polls):
            house.push_async_callback(transport.shutdown)  # the library closes them only after a good start
        telegram_bot: ExtBot[None] = ExtBot(
            settings.bot_token.get_secret_value(),
            base_url=f"{settings.bot_api_url}/bot",
            base_file_url=f"{settings.bot_api_url}/file/bot",
            request=calls,
            get_updates_request=polls,
        )
        application = ApplicationBuilder().bot(telegram_bot).updater(None).job_queue(None).build()
        try:
            await application.initialize()
        except InvalidToken as refused:
            raise Wrong(
                "BOT_TOKEN: Telegram does not know this token. Ask @BotFather for the current one."
            ) from refused
        except TelegramError as refused:
            raise Wrong(f"BOT_API_URL: {settings.bot_api_url} does not answer. Check the network.") from refused
        house.push_async_callback(application.shutdown)
        await check_bot(database, telegram_bot.id)
        bell, heart = Bell(), Heart()
        runtime = Runtime(
            settings=settings,
            database=database,
            clock=clock,
            carrier=Carrier(telegram_bot, turnstile, paid=settings.paid_broadcast),
            bell=bell,
            bot_id=telegram_bot.id,
            bot_username=telegram_bot.username,
        )
        handlers.register(application, runtime)
        inbox = Inbox(
            database,
            clock,
            bell,
            partial(_process, application),
            on_quarantine=partial(_apologise, application, runtime),
            flood=None if settings.clock_url else Flood(),  # a script's hands are quicker than anybody's
            heart=heart,
        )
        leadership = Leadership(database, heart=heart)
        post = PostOffice(
            database,
            runtime.carrier,
            clock,
            bell,
            _ties(settings, http),
            owner=leadership.holder,
            term=lambda: leadership.term,
            trusted=leadership.trusted,
            handled=inbox.handled,
            default_language=settings.default_language,
            heart=heart,
        )
        await _first_owner(runtime, say)
        await announce_menus(runtime)
        yield Bot(runtime, application, inbox, post, leadership, heart)


async def run(settings: Settings, say: Say = print) -> None:
    """Run until SIGTERM or SIGINT; then let what is on its way end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.say_unexpected)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as house:
        begun = asyncio.create_task(house.enter_async_context(assembled(settings, say)))
        if not await _unless(stopping, begun):
            return
        bot = begun.result()
        gc.freeze()  # what is loaded by now stays
        gc.set_threshold(20_000, 20, 50)  # looking for garbage as often as is usual took a fifth of each message's time
        log.info("running as @%s", bot.runtime.bot_username)
        await serve(bot, stopping)


async def serve(bot: Bot, stopping: asyncio.Event) -> None:
    """Take turns at leading until ``stopping``: whoever leads polls, handles and sends."""
    settings = bot.runtime.settings
    async with AsyncExitStack() as doors:
        if settings.webhook_url and settings.webhook_secret:
            secret = settings.webhook_secret.get_secret_value()
            server = webhook(bot.inbox, settings.webhook_url, secret)
            await doors.enter_async_context(_listening(server, settings.listen))
        if settings.metrics_listen is not None:
            runtime = bot.runtime
            health = Health(runtime.database, runtime.clock, bot.leadership, runtime.carrier, bot.heart)
            numbers = Beat("health", PULSE, health.refresh)
            await once(numbers)
            await doors.enter_async_context(_listening(health.server(), settings.metrics_listen))
            await doors.enter_async_context(metronome([numbers]))
        while not stopping.is_set():
            if await _unless(stopping, bot.leadership.win()):
                await _lead(bot, stopping)


async def _lead(bot: Bot, stopping: asyncio.Event) -> None:
    """One term: until it is lost, we are stopped, or something essential fails."""
    settings = bot.runtime.settings
    posting = asyncio.create_task(bot.post.run(), name="post office")
    handling = asyncio.create_task(bot.inbox.run(), name="inbox")
    leading = asyncio.create_task(bot.leadership.keep(), name="leadership")
    if settings.webhook_url and settings.webhook_secret:
        secret = settings.webhook_secret.get_secret_value()
        listening = asyncio.create_task(_announced(bot, settings.webhook_url, secret), name="webhook")
    else:
        listening = asyncio.create_task(_polling(bot), name="polling")
    stop = asyncio.create_task(stopping.wait(), name="stopping")
    try:
        done, _ = await asyncio.wait({posting, handling, leading, listening, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop, leading}:
            task.result()
    finally:
        if stopping.is_set():
            bot.runtime.database.hurry()
        listening.cancel()
        bot.inbox.stop()
        await asyncio.gather(_handled(handling), bot.post.stop())
        stop.cancel()
        leading.cancel()
        await asyncio.gather(posting, leading, listening, stop, return_exceptions=True)
        await bot.leadership.resign()


async def _handled(handling: asyncio.Task[None]) -> None:
    """Let the updates that were begun end; what takes too long is undone and begun again by who comes next."""
    await asyncio.wait({handling}, timeout=HANDLES)
    handling.cancel()
    await asyncio.gather(handling, return_exceptions=True)


async def _polling(bot: Bot) -> None:
    try:
        await poll(bot.runtime.carrier.bot, bot.inbox, heart=bot.heart)
    finally:
        bot.heart.rest("polling")


async def _announced(bot: Bot, url: str, secret: str) -> None:
    await announce(bot.runtime.carrier.bot, url, secret)
    await asyncio.Event().wait()


@asynccontextmanager
async def _listening(server: web.Application, at: Address) -> AsyncIterator[None]:
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=3.0)
    await runner.setup()
    await web.TCPSite(runner, at.host, at.port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def _unless(stopping: asyncio.Event, what: Any) -> bool:
    """Wait for ``what``, but no longer than until we are stopped; false if we were."""
    wanted, stop = asyncio.ensure_future(what), asyncio.ensure_future(stopping.wait())
    done, pending = await asyncio.wait({wanted, stop}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    return not stopping.is_set()


# ── What the rooms hand down ───────────────────────────────────────────────────────────────────────────────────────


def _ties(settings: Settings, http: aiohttp.ClientSession) -> Ties:
    return Ties(
        composers={
            **enrolment_words.COMPOSERS,
            **group_words.COMPOSERS,
            **place_words.COMPOSERS,
            **scheduling_words.COMPOSERS,
            **checkin_words.COMPOSERS,
            **broadcast_words.COMPOSERS,
            **safety_words.COMPOSERS,
            **desk_words.COMPOSERS,
            **records_words.COMPOSERS,
        },
        actions={
            **scheduling.MOMENTS,
            **checking_in.MOMENTS,
            **broadcasting.MOMENTS,
            **safety.moments(partial(_sound_the_siren, settings, http)),
            **desk.MOMENTS,
        },
        recheck=may_not_go,
        when_sent=window.when_sent,
        when_unreachable=_unreachable,
        when_refused=_refused,
        policies=POLICIES,
    )


def _limits(settings: Settings) -> Limits:
    """The pace; none but a ``SEND_RATE`` that was asked for while days pass in seconds."""
    limits = Limits(whole=settings.send_rate)
    if settings.clock_url is None:
        return limits
    whole = limits.whole if "send_rate" in settings.model_fields_set else PAID_RATE
    return replace(limits, whole=whole, private=_UNBOUND, group=_UNBOUND)


async def _unreachable(tx: Transaction, row: Delivery, why: str, *, now: datetime) -> None:
    """A chat refused us for good: its member rests, or its group stays silent; the facilitator is told once."""
    chat = await tx.get_one(Chat, row.chat_id)
    if chat.person_id is None:
        await circle.lose(tx, chat, why, now=now)
    else:
        await safety.lose(tx, chat, now=now)


async def _refused(tx: Transaction, row: Delivery, why: str, *, now: datetime) -> None:
    """Telegram takes a message nowhere but in another place: a topic that is gone."""
    if why in circle.TOPIC_GONE:
        await circle.topic_gone(tx, row, now=now)


def _sound_the_siren(settings: Settings, http: aiohttp.ClientSession, notice: dict[str, Any]) -> None:
    """Call the operator's address while a red alert stays unread; it learns that, and nothing of anybody."""
    if settings.alert_webhook_url is None:
        return

    async def call() -> None:
        try:
            async with http.post(settings.alert_webhook_url or "", json=notice, timeout=_SIREN_LIMIT) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as wrong:
            log.warning("ALERT_WEBHOOK_URL could not be called (%s)", type(wrong).__name__)

    _sirens.add(task := asyncio.get_running_loop().create_task(call()))
    task.add_done_callback(_sirens.discard)


_SIREN_LIMIT = aiohttp.ClientTimeout(total=10)
_sirens: set[asyncio.Task[None]] = set()  # asyncio keeps only weak references


async def _process(application: handlers.App, update: Update) -> None:
    await application.process_update(telegram.Update.de_json(update, application.bot))


async def _apologise(application: handlers.App, runtime: Runtime, update: Update, reference: str) -> None:
    await apologise(runtime, telegram.Update.de_json(update, application.bot), reference)


async def _first_owner(runtime: Runtime, say: Say) -> None:
    """Without OWNER_IDS and without an owner, print the link that makes one."""
    if runtime.settings.owner_ids:
        return
    now = await runtime.clock.now()
    async with runtime.database.transaction() as tx:
        if await has_owner(tx):
            return
        secret = await enrolling.make_owner_link(tx, now=now)
    say(f"Open this link once on your phone to become the owner: https://t.me/{runtime.bot_username}?start={secret}")


def _check_zones() -> None:
    if "Europe/Berlin" not in available_timezones():
        raise Wrong("Time zones are missing on this machine. Install the Python package tzdata.")
    ZoneInfo("Europe/Berlin")
