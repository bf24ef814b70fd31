"""The commands that Telegram offers: to everybody at the start, and to each by their roles once these change."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import telegram

from bot.enrolment.compose import menu
from bot.enrolment.queries import roles
from bot.runtime import Runtime
from bot.storage.database import Transaction
from bot.storage.tables import Person
from bot.texts import Texts, languages

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Menu:
    """The commands of one person, in their language."""

    telegram_id: int
    commands: list[tuple[str, str]]


async def announce_menus(runtime: Runtime) -> None:
    """The command menu that everybody sees, in every language; offices and seats get theirs when they are given."""
    for language in languages():
        code = None if language == runtime.settings.default_language else language
        scope = telegram.BotCommandScopeAllPrivateChats()
        await _set(runtime, menu(frozenset(), Texts(language)), scope, code)


async def menu_of(tx: Transaction, person: Person) -> Menu:
    """What this person may do here, read before the transaction ends; shown after it."""
    return Menu(person.telegram_id, menu(await roles(tx, person), Texts(person.language)))


async def offer(runtime: Runtime, mine: Menu) -> None:
    """Put a person's commands under their text field."""
    await _set(runtime, mine.commands, telegram.BotCommandScopeChat(mine.telegram_id))


async def _set(
    runtime: Runtime, commands: list[tuple[str, str]], scope: telegram.BotCommandScope, language: str | None = None
) -> None:
    """A menu is a convenience: every command works without it, so a no of Telegram's does not matter."""
    offered = [telegram.BotCommand(name, words) for name, words in commands]
    try:
        await runtime.carrier.bot.set_my_commands(offered, scope=scope, language_code=language)
    except telegram.error.TelegramError as wrong:
        log.warning("a command menu could not be set (%s)", type(wrong).__name__)
