"""Erasing: everything of one person is gone in one transaction, everybody else keeps their own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from couple import NOON, SAO_PAULO, add_cohort, add_facilitator, add_member, add_person
from everything import Filled, fill, tables
from sqlalchemy import func, inspect, select

from bot.enrolment.queries import meet_person
from bot.records.actions import erase
from bot.records.inventory import OWN
from bot.records.queries import everything_of, whose
from bot.records.rules import LastOwner, LastToHold
from bot.storage.audit import first_break
from bot.storage.columns import Sealed
from bot.storage.database import Database, Transaction
from bot.storage.tables import (
    Appointment,
    AuditEntry,
    Cohort,
    Delivery,
    Facilitation,
    InboxUpdate,
    Moment,
    Person,
)
from bot.words import DeliveryState, InboxState, MomentState, Office, Verb


async def filled_in(database: Database) -> Filled:
    async with database.transaction() as tx:
        return await fill(tx)


async def erase_ann(database: Database) -> Any:
    async with database.transaction() as tx:
        ann = (await tx.scalars(select(Person).where(Person.telegram_id == 1002))).one()
        return await erase(tx, ann, now=NOON)


# ── What is gone ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_row_of_theirs_is_left_in_any_table(database: Database) -> None:
    filled = await filled_in(database)
    async with database.transaction() as tx:
        who = await whose(tx, filled.ann)

    await erase_ann(database)

    async with database.transaction() as tx:
        left = {
            own.name: await tx.scalar(select(func.count()).select_from(own.table).where(own.mine(who))) for own in OWN
        }
    assert left.pop("audit") == 1  # ids without a name, in a chain that cannot be cut
    assert left.pop("invitation") == 1  # likewise: that a link was used
    assert {name for name, count in left.items() if count} == set()


async def test_none_of_their_ids_stands_in_a_column_apart_from_the_audit(database: Database) -> None:
    filled = await filled_in(database)
    async with database.transaction() as tx:
        who = await whose(tx, filled.ann)
    gone = [who.person_id, who.telegram_id, who.chat_id, *who.member_ids]

    await erase_ann(database)

    async with database.transaction() as tx:
        found = [
            (table.__tablename__, column.key)
            for table in tables()
            for row in await tx.scalars(select(table))
            for column in inspect(table).columns
            if getattr(row, column.key) in gone
        ]
    assert sorted(found) == [("audit", "actor_id"), ("audit", "subject_id"), ("invitation", "used_by")]


async def test_what_they_sent_and_nobody_had_read_yet_is_gone_and_waits_no_longer(database: Database) -> None:
    await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        rows = list(await tx.scalars(select(InboxUpdate).order_by(InboxUpdate.update_id)))
    assert [(row.state, row.payload is None, row.person_key) for row in rows] == [
        (InboxState.HANDLED, True, None),
        (InboxState.WAITING, False, 1003),
    ]


async def test_not_one_byte_of_it_is_left_in_the_file_or_its_log(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL keeps its pages to itself; its vacuum is its own business")
    await filled_in(database)
    async with database.transaction() as tx:
        sealed = await sealed_bytes(tx)
    file = Path(str(database.engine.url.database))
    before = held(file, sealed["Ann"])

    await erase_ann(database)
    await database.forget_erased_pages()

    assert before == len(sealed["Ann"])
    assert before >= 8
    assert held(file, sealed["Ann"]) == 0
    assert held(file, sealed["Bob"]) == len(sealed["Bob"]) - 1  # his small answer hung on what Ann had opened


async def sealed_bytes(tx: Transaction) -> dict[str, list[bytes]]:
    """What is sealed, by whose word is in it."""
    found: dict[str, list[bytes]] = {"Ann": [], "Bob": []}
    for table in tables():
        columns = [column.key for column in inspect(table).columns if isinstance(column.type, Sealed)]
        for row in await tx.scalars(select(table)):
            for column in columns:
                for name, theirs in found.items():
                    if f"canary of {name}" in tx.open(row, column):
                        theirs.append(getattr(row, column))
    return found


def held(file: Path, canaries: list[bytes]) -> int:
    """How many of these stand in the database or in its log."""
    log = file.with_name(file.name + "-wal")
    content = file.read_bytes() + (log.read_bytes() if log.exists() else b"")
    return sum(canary in content for canary in canaries)


class PowerCutError(Exception):
    pass


async def erase_without_power(database: Database, filled: Filled) -> None:
    async with database.transaction() as tx:
        await erase(tx, await tx.get_one(Person, filled.ann.id), now=NOON)
        raise PowerCutError


async def test_it_happens_at_once_or_not_at_all(database: Database) -> None:
    filled = await filled_in(database)
    async with database.transaction() as tx:
        before = await everything_of(tx, filled.ann)

    with pytest.raises(PowerCutError):
        await erase_without_power(database, filled)

    async with database.transaction() as tx:
        after = await everything_of(tx, await tx.get_one(Person, filled.ann.id))
    assert after == before


# ── What stays ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_partner_keeps_all_of_their_own(database: Database) -> None:
    filled = await filled_in(database)
    async with database.transaction() as tx:
        before = await everything_of(tx, filled.bob)

    await erase_ann(database)

    async with database.transaction() as tx:
        after = await everything_of(tx, await tx.get_one(Person, filled.bob.id))
    folds = [row["id"] for row in after["delivery"] if row["kind"] == "opening-folded"]
    after["delivery"] = [row for row in after["delivery"] if row["id"] not in folds]
    between_them = {"disclosure", "disclosure_to_you", "candle"}  # what was opened and witnessed between the two
    assert len(folds) == 1
    assert {name for name in before if before[name] != after[name]} == between_them


async def test_nothing_the_partner_still_gets_moves_or_goes(database: Database) -> None:
    filled = await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        waiting = await tx.scalars(
            select(Delivery).where(
                Delivery.member_id == filled.maple.bob.id,
                Delivery.state == DeliveryState.PLANNED,
                Delivery.verb == "send",
            )
        )
        assert [(row.key, row.due_at) for row in waiting] == [("later:Bob", NOON + timedelta(hours=1))]


async def test_the_audit_says_that_something_was_erased_and_not_whose_and_stays_whole(database: Database) -> None:
    await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        last = (await tx.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))).one()
        assert (last.action, last.actor_id, last.subject_id, last.facts) == ("erase", None, None, None)
        assert await first_break(tx) is None


# ── Phones ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_was_opened_folds_on_the_partners_phone_and_facilitators_copies_say_that_it_is_gone(
    database: Database,
) -> None:
    await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        due = (Delivery.verb == Verb.EDIT, Delivery.state == DeliveryState.PLANNED)
        edits = await tx.scalars(select(Delivery).where(*due))
        shown = sorted((row.kind, (row.facts or {}).get("message_id")) for row in edits if row.kind == "erased-copy")
        folds = list(await tx.scalars(select(Delivery).where(Delivery.kind == "opening-folded")))
        targets = [(await tx.get_one(Delivery, row.target)).message_id for row in folds]
    assert shown == [("erased-copy", 200), ("erased-copy", 201)]
    assert targets == [102]


async def test_only_what_telegram_still_lets_us_delete_is_named(database: Database) -> None:
    await filled_in(database)

    erased = await erase_ann(database)

    assert erased.message_ids == (101,)
    assert erased.older


async def test_the_facilitator_reads_which_seat_is_free_and_no_name(database: Database) -> None:
    from bot.records.compose import COMPOSERS
    from bot.texts import Texts

    await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        row = (await tx.scalars(select(Delivery).where(Delivery.kind == "seat-erased"))).one()
        message = await COMPOSERS["seat-erased"](tx, row, Texts("en"), NOON)
    assert message.text == (  # type: ignore[union-attr]
        "The seat Chair 1 in Maple is free: who had it has erased everything and gets nothing more. "
        "The others are not told."
    )


async def test_decisions_that_waited_for_them_are_gone(database: Database) -> None:
    await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        waiting = await tx.scalars(select(Moment.key).where(Moment.state == MomentState.WAITING))
        assert [key for key in waiting if "Ann" in key] == []


# ── Who may go ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_holds_people_alone_hands_them_over_first(database: Database) -> None:
    filled = await filled_in(database)

    with pytest.raises(LastToHold) as no:
        async with database.transaction() as tx:
            await erase(tx, await tx.get_one(Person, filled.maple.fay.id), now=NOON)

    assert no.value.facts == {"names": "Maple"}


async def test_who_shares_a_cohort_may_go_and_the_other_answers_for_it(database: Database) -> None:
    filled = await filled_in(database)
    async with database.transaction() as tx:
        cohort = await tx.get_one(Cohort, filled.maple.cohort.id)
        cohort.responder_id = filled.maple.fay.id
        gil = await add_facilitator(tx, cohort, "Gil", 1009)
        tx.add(Appointment(person_id=gil.id, office=Office.OWNER, appointed_at=NOON))

    async with database.transaction() as tx:
        await erase(tx, await tx.get_one(Person, filled.maple.fay.id), now=NOON)

    async with database.transaction() as tx:
        cohort = await tx.get_one(Cohort, filled.maple.cohort.id)
        assert (cohort.responder_id, cohort.closed_at) == (None, None)
        assert list(await tx.scalars(select(Facilitation.person_id))) == [gil.id]


async def test_the_only_owner_stays_until_there_is_another(database: Database) -> None:
    async with database.transaction() as tx:
        fay = await add_person(tx, "Fay", 1001, SAO_PAULO)
        tx.add(Appointment(person_id=fay.id, office=Office.OWNER, appointed_at=NOON))

    with pytest.raises(LastOwner):
        async with database.transaction() as tx:
            await erase(tx, await tx.get_one(Person, fay.id), now=NOON)


async def test_a_cohort_that_is_empty_is_closed_when_its_only_facilitator_goes(database: Database) -> None:
    async with database.transaction() as tx:
        gil = await add_person(tx, "Gil", 1009, SAO_PAULO)
        cohort = await add_cohort(tx, "Birch", gil.id, NOON)
        tx.add(Facilitation(cohort_id=cohort.id, person_id=gil.id, since=NOON))
        left = await add_member(tx, cohort, await add_person(tx, "Cy", 1010), "Cy")
        left.left_at = NOON

    async with database.transaction() as tx:
        await erase(tx, await tx.get_one(Person, gil.id), now=NOON)

    async with database.transaction() as tx:
        assert (await tx.get_one(Cohort, cohort.id)).closed_at == NOON


async def test_who_has_erased_everything_can_begin_anew(database: Database) -> None:
    filled = await filled_in(database)

    await erase_ann(database)

    async with database.transaction() as tx:
        again = await meet_person(tx, 1002, "Ann", "en", now=NOON)
        assert again.id != filled.ann.id
        assert tx.open(again, "name") == "Ann"
        assert {name for name, rows in (await everything_of(tx, again)).items() if rows} == {"person", "chat"}


def test_every_table_of_a_person_hangs_on_them_or_is_deleted_by_name() -> None:
    """A new table that points to a person without ON DELETE CASCADE would keep them in the database for good."""
    loose = {
        (table.__tablename__, key.parent.name)
        for table in tables()
        for key in table.__table__.foreign_keys  # type: ignore[attr-defined]  # every mapped class has a Table
        if key.column.table.name in {"person", "member", "chat"} and key.ondelete != "CASCADE"
    }

    assert loose == {("cohort", "chat_id"), ("journal_entry", "member_id")}  # a group's chat; an entry is the person's
