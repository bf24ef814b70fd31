"""/mydata and /journal: taking one's data along, erasing it, reading and writing one's own words."""

from __future__ import annotations

from bot.enrolment.compose import menu
from bot.errors import Refused
from bot.records import actions, compose, queries, rules
from bot.records.export import exported
from bot.storage.database import Transaction
from bot.storage.drafts import DraftGone, awaiting_draft, drop_draft, keep_draft
from bot.storage.tables import Draft, Person
from bot.texts import N_
from handlers.context import Context, Handler
from handlers.menus import Menu, offer

_JOURNAL = "journal"


async def my_data(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        await ctx.person(tx)
        screen = compose.my_data(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def export(ctx: Context) -> None:
    """Two files, to this person alone."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        portrait = await queries.portrait_of(tx, me)
        everything = await queries.everything_of(tx, me)
    await ctx.toast()
    for file in exported(portrait, everything, ctx.texts, now=ctx.now):
        await ctx.say(file)


async def erase(ctx: Context) -> None:
    """Ask first; who may not go yet reads so before they decide."""
    async with ctx.transaction() as tx:
        await actions.check_may_go(tx, await ctx.person(tx))
        screen = compose.confirm_erase(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def erase_now(ctx: Context) -> None:
    """Gone here at once; then the messages that Telegram still lets us delete, and last what was pressed."""
    async with ctx.transaction() as tx:
        result = await actions.erase(tx, await ctx.person(tx), now=ctx.now)
        screen = compose.erased(result, ctx.texts)
    await ctx.runtime.database.forget_erased_pages()
    await ctx.toast()
    for message_id in result.message_ids:
        if message_id != ctx.said.message_id:
            await ctx.remove(message_id)
    await ctx.show(screen)
    await offer(ctx.runtime, Menu(ctx.said.telegram_id, menu(frozenset(), ctx.texts)))


async def journal(ctx: Context) -> None:
    """One's own words, a page at a time."""
    page = int(ctx.said.tap.arg) if ctx.said.tap is not None and ctx.said.tap.arg.isdecimal() else 0
    async with ctx.transaction() as tx:
        entries = await queries.journal_of(tx, await ctx.person(tx))
        screen = compose.journal(entries, page, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def fold(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        await ctx.person(tx)
        screen = compose.journal_folded(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def write_journal(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await keep_draft(tx, me.id, _JOURNAL, {}, awaits=_JOURNAL, now=ctx.now)
        screen = compose.write_journal(draft.id, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def journal_written(ctx: Context) -> None:
    """Typed words for the journal."""
    if not ctx.said.text:
        raise rules.NothingWritten
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        await drop_draft(tx, await _begun(ctx, tx, me))
        await actions.keep_entry(tx, me, ctx.said.text, now=ctx.now)
        screen = compose.entry_kept(ctx.texts)
    await ctx.remove_what_was_typed()
    await ctx.say(screen)


async def not_now(ctx: Context) -> None:
    """Give up an entry that was begun."""
    async with ctx.transaction() as tx:
        draft = await _begun(ctx, tx, await ctx.person(tx))
        if draft.id != ctx.ref:
            raise DraftGone
        await drop_draft(tx, draft)
        screen = compose.given_up(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def _begun(ctx: Context, tx: Transaction, me: Person) -> Draft:
    draft = await awaiting_draft(tx, me.id, now=ctx.now)
    if draft is None or draft.kind != _JOURNAL:
        raise DraftGone
    return draft


COMMANDS: dict[str, Handler] = {"mydata": my_data, "journal": journal}

BUTTONS: dict[str, Handler] = {
    "mydata": my_data,
    "export": export,
    "erase": erase,
    "erase-now": erase_now,
    "journal": journal,
    "journal-write": write_journal,
    "not-now": not_now,
    "fold": fold,
}

TYPED: dict[str, Handler] = {_JOURNAL: journal_written}

REFUSALS: dict[type[Refused], str] = {
    rules.LastToHold: N_(
        "Nobody else holds {names} yet, and somebody has to be there for the people in it. Hand it over first: "
        "/cofacilitator makes a link for who shall hold it. Nothing was erased."
    ),
    rules.LastOwner: N_(
        "You are the only owner of this bot. Whoever runs it can make another one first, with OWNER_IDS or "
        "understory appoint. Nothing was erased."
    ),
    rules.NothingWritten: N_("The journal keeps words. Please type what you would like to keep."),
}
