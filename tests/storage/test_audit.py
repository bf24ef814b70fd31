"""What the audit promises."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import delete, update

from bot.storage.audit import first_break, record
from bot.storage.database import Database
from bot.storage.tables import AuditEntry

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


async def three_entries(database: Database) -> None:
    for number in range(3):
        async with database.transaction() as tx:
            await record(
                tx, actor_id=uuid4(), action="admitted", subject_id=uuid4(), facts={"n": number, "ü": None}, now=NOON
            )


async def test_entries_are_numbered_and_each_carries_the_hash_of_the_one_before(database: Database) -> None:
    await three_entries(database)

    async with database.transaction() as tx:
        entries = [await tx.get_one(AuditEntry, number) for number in (1, 2, 3)]

        assert [entry.before for entry in entries] == [bytes(32), entries[0].hash, entries[1].hash]
        assert await first_break(tx) is None


async def test_a_changed_entry_is_noticed(database: Database) -> None:
    await three_entries(database)

    async with database.transaction() as tx:
        await tx.execute(update(AuditEntry).where(AuditEntry.number == 2).values(action="declined"))

        assert await first_break(tx) == 2


async def test_a_missing_entry_is_noticed(database: Database) -> None:
    await three_entries(database)

    async with database.transaction() as tx:
        await tx.execute(delete(AuditEntry).where(AuditEntry.number == 2))

        assert await first_break(tx) == 3
