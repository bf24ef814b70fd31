"""What the database promises."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from bot.errors import Wrong
from bot.storage.database import Database, open_database
from bot.storage.keys import Keyring, Place, WrongKey, new_key, read_keys
from bot.storage.schema import bring_up_to_date
from bot.storage.tables import Person

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def a_person() -> Person:
    return Person(telegram_id=1, language="en", zone=ZoneInfo("Europe/Berlin"), met_at=NOON)


async def test_what_was_sealed_opens_again_in_a_later_transaction(database: Database) -> None:
    person = a_person()
    async with database.transaction() as tx:
        tx.seal(person, "name", "Ann")
        tx.add(person)

    async with database.transaction() as tx:
        found = await tx.get_one(Person, person.id)

        assert tx.open(found, "name") == "Ann"
        assert found.met_at == NOON
        assert found.zone == ZoneInfo("Europe/Berlin")


async def test_the_database_holds_no_name_in_clear(database: Database) -> None:
    async with database.transaction() as tx:
        person = a_person()
        tx.seal(person, "name", "Canary")
        tx.add(person)

    async with database.transaction() as tx:
        stored = (await tx.execute(text("SELECT name FROM person"))).scalar_one()

    assert b"Canary" not in bytes(stored)


async def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            person = a_person()
            tx.seal(person, "name", "Ann")
            tx.add(person)
            await tx.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with database.transaction() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM person"))).scalar_one() == 0


async def test_what_waits_for_the_commit_does_not_happen_without_it(database: Database) -> None:
    rung: list[str] = []

    async def fail() -> None:
        async with database.transaction() as tx:
            tx.after_commit(lambda: rung.append("too early"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as tx:
        tx.after_commit(lambda: rung.append("after"))

    assert rung == ["after"]


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await bring_up_to_date(database)
    await bring_up_to_date(database)


async def test_a_naive_instant_is_refused(database: Database) -> None:
    async def store() -> None:
        async with database.transaction() as tx:
            person = a_person()
            person.met_at = NOON.replace(tzinfo=None)
            tx.seal(person, "name", "Ann")
            tx.add(person)

    with pytest.raises(StatementError, match="needs its zone"):
        await store()


async def test_a_schema_of_newer_code_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Wrong, match="newer version"):
        await bring_up_to_date(database)

    async with database.transaction() as tx:  # the next test gets this database as it is
        await tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))


async def test_a_second_process_on_the_same_file_is_kept_out(tmp_path: Path, keys: Keyring) -> None:
    first = open_database(f"sqlite:///{tmp_path / 'one.db'}", keys)

    with pytest.raises(Wrong, match="in use by another process"):
        open_database(f"sqlite:///{tmp_path / 'one.db'}", keys)

    await first.close()
    await open_database(f"sqlite:///{tmp_path / 'one.db'}", keys).close()


def test_a_sealed_value_does_not_open_in_another_row(keys: Keyring) -> None:
    sealed = keys.seal("mine", Place("answer", "value", "a"))

    with pytest.raises(WrongKey):
        keys.open(sealed, Place("answer", "value", "b"))


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    old, new = new_key(), new_key()
    place = Place("answer", "value", "a")

    sealed = read_keys(old).seal("words", place)
    both = read_keys(f"{new}\n{old}")

    assert both.open(sealed, place) == "words"
    with pytest.raises(WrongKey):
        read_keys(old).open(both.seal("words", place), place)
