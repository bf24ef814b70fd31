"""/mydata and /journal: taking one's data along, erasing it, reading and writing one's own words."""

from __future__ import annotations

from bot.buttons import UnknownButton
from bot.errors import Refused
from bot.messages import Message
from bot.records import actions, compose, queries
from bot.storage.drafts import awaiting_draft, drop_draft, keep_draft, read_draft
from bot.storage.tables import JournalEntry
from handlers.context import Context, Handler


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
        everything = await queries.everything_of(tx, me)
        to_read, for_machines = compose.exported(everything, ctx.texts, now=ctx.now)
    await ctx.toast()
    await ctx.say(to_read)
    await ctx.say(for_machines)


async def erase(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        await ctx.person(tx)
        screen = compose.confirm_erase(ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def erase_now(ctx: Context) -> None:
    """Gone here at once; then the messages that Telegram still lets us delete."""
    async with ctx.transaction() as tx:
        result = await actions.erase(tx, await ctx.person(tx), now=ctx.now)
        screen = compose.erased(result, ctx.texts)
    await ctx.runtime.database.forget_erased_pages()
    await ctx.toast()
    await ctx.say(screen)
    for message_id in result.message_ids:
        await ctx.remove(message_id)


async def journal(ctx: Context) -> None:
    """One's own words, a page at a time."""
    page = int(ctx.said.tap.arg or "0") if ctx.said.tap is not None and ctx.said.tap.arg.isdigit() else 0
    async with ctx.transaction() as tx:
        entries = await queries.journal_of(tx, await ctx.person(tx))
        screen = compose.journal(entries, page, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def write_journal(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await keep_draft(tx, me.id, "journal", {}, awaits="journal", now=ctx.now)
        screen = compose.write_journal(draft.id, ctx.texts)
    await ctx.toast()
    await ctx.show(screen)


async def journal_written(ctx: Context) -> None:
    """Typed words for the journal."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        entry = JournalEntry(person_id=me.id, written_at=ctx.now)
        tx.seal(entry, "words", ctx.said.text)
        tx.add(entry)
        if draft is not None:
            await drop_draft(tx, draft)
        screen = Message(ctx.texts("Kept. Only you can read it, under /journal."))
    await ctx.remove_what_was_typed()
    await ctx.say(screen)


async def not_now(ctx: Context) -> None:
    """Give up something begun."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        draft = await awaiting_draft(tx, me.id, now=ctx.now)
        if draft is None or draft.id != ctx.ref:
            raise UnknownButton
        await drop_draft(tx, await read_draft(tx, ctx.ref, me.id, draft.kind, now=ctx.now))
        screen = Message(ctx.texts("All right."))
    await ctx.toast()
    await ctx.show(screen)


async def fold(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        await ctx.person(tx)
        screen = Message(ctx.texts("Folded away."))
    await ctx.toast()
    await ctx.show(screen)


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

TYPED: dict[str, Handler] = {"journal": journal_written}

REFUSALS: dict[type[Refused], str] = {}
