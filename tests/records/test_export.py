"""What somebody takes along: all of their own, and nothing of anybody else's."""

from __future__ import annotations

import json

from couple import BERLIN, NOON
from everything import Filled, fill, word
from sqlalchemy import inspect

from bot.records.export import exported
from bot.records.inventory import OWN
from bot.records.queries import everything_of, portrait_of
from bot.storage.columns import Sealed
from bot.storage.database import Database, Transaction
from bot.storage.tables import Person
from bot.texts import Texts

T = Texts("en", BERLIN)
OF_A_MEMBER = ("name", "alias", "answer", "journal", "draft", "letter", "reply")


async def files_of(tx: Transaction, person: Person) -> tuple[str, str, tuple[str, str]]:
    messages = exported(await portrait_of(tx, person), await everything_of(tx, person), T, now=NOON)
    to_read, for_machines = (message.attachment for message in messages)
    assert to_read is not None
    assert for_machines is not None
    assert to_read.content is not None
    assert for_machines.content is not None
    return to_read.content.decode(), for_machines.content.decode(), (to_read.name, for_machines.name)


async def test_everything_somebody_wrote_is_in_the_file_for_machines(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        _, machines, _ = await files_of(tx, filled.ann)

    assert [what for what in OF_A_MEMBER if word("Ann", what) not in machines] == []
    assert "Fay wrote to Ann" in machines


async def test_every_list_of_the_inventory_has_the_members_rows(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        everything = await everything_of(tx, filled.ann)

    of_facilitators = {"appointment", "facilitation", "broadcast"}
    assert {name for name, rows in everything.items() if not rows} == of_facilitators
    assert list(everything) == [own.name for own in OWN]


async def test_nothing_of_anybody_else_is_in_either_file(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        read, machines, _ = await files_of(tx, filled.ann)

    others = [word("Bob", what) for what in OF_A_MEMBER if what != "alias"]
    assert [
        words for words in [*others, "Fay wrote to Bob", word("Fay", "broadcast")] if words in read + machines
    ] == []
    assert word("Bob", "alias") not in machines


async def test_a_facilitator_takes_what_they_wrote_and_nothing_that_was_written_to_them(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        read, machines, _ = await files_of(tx, filled.maple.fay)

    assert [words for words in ("Fay wrote to Ann", "Fay wrote to Bob") if words not in read] == []
    assert word("Fay", "broadcast") in machines
    assert [name for name in ("Ann", "Bob") for what in OF_A_MEMBER if word(name, what) in read + machines] == []


async def test_what_is_sealed_is_opened_and_json_is_json(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        _, machines, _ = await files_of(tx, filled.ann)

    everything = json.loads(machines)
    assert [row["value"] for row in everything["answer"]] == [word("Ann", "answer")]
    assert [row["content"] for row in everything["draft"]] == [{"text": word("Ann", "draft")}]
    assert [row["reply"] for row in everything["disclosure_to_you"]] == [word("Ann", "reply")]
    assert [row["words"] for row in everything["journal_entry"]] == [word("Ann", "journal")]


async def test_the_file_to_read_says_what_was_asked_answered_and_opened(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        read, _, _ = await files_of(tx, filled.ann)

    assert read.splitlines()[:5] == [
        "# Your data",
        "",
        f"{word('Ann', 'name')}, 2026-11-30 13:00. Times are those of Europe/Berlin.",
        "",
        "## Journal",
    ]
    asked = read[read.index("### Your answers") : read.index("### Letters")]
    assert [line for line in asked.splitlines() if line] == [
        "### Your answers",
        "**2026-11-25 13:00**",
        f"One moment from yesterday or today when you felt close, to {word('Bob', 'alias')} or to yourself.",
        f"> {word('Ann', 'answer')}",
        "*Who can read it: your partner, from the hour on, if you both shared; you chose to share it*",
    ]
    assert read[read.index("### What was opened") :].splitlines()[2] == f"- 2026-11-30 12:00: {word('Bob', 'alias')}"


async def test_the_names_of_the_files_say_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)

        _, _, names = await files_of(tx, filled.ann)

    assert names == ("my-data-2026-11-30.md", "my-data-2026-11-30.json")


async def test_marks_in_somebodys_words_stay_their_words(database: Database) -> None:
    async with database.transaction() as tx:
        filled = await fill(tx)
        await rewrite_journal(tx, filled, "# not a heading\n- nor a list")

        read, _, _ = await files_of(tx, filled.ann)

    assert "> # not a heading\n> - nor a list\n" in read


async def rewrite_journal(tx: Transaction, filled: Filled, words: str) -> None:
    from sqlalchemy import select

    from bot.storage.tables import JournalEntry

    entry = (await tx.scalars(select(JournalEntry).where(JournalEntry.person_id == filled.ann.id))).one()
    tx.seal(entry, "words", words)
    await tx.flush()


def test_every_sealed_column_that_is_told_is_opened_as_text_or_as_json() -> None:
    sealed = {
        (own.name, column.key)
        for own in OWN
        for column in inspect(own.table).columns
        if isinstance(column.type, Sealed) and column.key in own.told
    }

    assert {(own.name, name) for own in OWN for name in own.json} <= sealed
