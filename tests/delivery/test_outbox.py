from __future__ import annotations

from datetime import timedelta

from postbox import NOON, Maple, Office, Telegram
from sqlalchemy import select

from bot.delivery import outbox
from bot.storage.tables import Delivery
from bot.words import DeliveryState, Verb

HOUR = timedelta(hours=1)
ANNS, BOBS = 1001, 1002  # Telegram's ids of their chats
PLANNED, CLAIMED, CANCELLED = DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.CANCELLED
SENT, UNKNOWN = DeliveryState.SENT, DeliveryState.UNKNOWN


async def put(maple: Maple, *rows: Delivery, **values: object) -> None:
    """Store rows as they would be in the middle of their lives."""
    async with maple.database.transaction() as tx:
        await outbox.plan(tx, rows)
    async with maple.database.transaction() as tx:
        for row in rows:
            stored = await tx.get_one(Delivery, row.id)
            for name, value in values.items():
                setattr(stored, name, value)


async def test_a_key_is_planned_once_whatever_became_of_it(maple: Maple) -> None:
    await put(maple, maple.row("a"), state=SENT)

    async with maple.database.transaction() as tx:
        new = await outbox.plan(tx, [maple.row("a"), maple.row("b"), maple.row("c")])

    assert new == 2


async def test_a_withdrawn_key_may_be_planned_again(maple: Maple) -> None:
    await put(maple, maple.row("a"))
    async with maple.database.transaction() as tx:
        await outbox.withdraw(tx, Delivery.key == "a", reason="paused")

    async with maple.database.transaction() as tx:
        new = await outbox.plan(tx, [maple.row("a")])

    assert new == 1


async def test_a_thousand_rows_are_planned_at_once(maple: Maple) -> None:
    async with maple.database.transaction() as tx:
        assert await outbox.plan(tx, [maple.row(f"k{n}") for n in range(1203)]) == 1203


async def test_only_what_has_not_left_is_withdrawn(maple: Maple) -> None:
    rows = {state: maple.row(state.value, state=state) for state in DeliveryState if state is not CANCELLED}
    for state, row in rows.items():
        await put(maple, row, state=state)

    async with maple.database.transaction() as tx:
        count = await outbox.withdraw(tx, Delivery.cohort_id == maple.cohort, reason="left")

    assert count == 2
    states = {state: (await maple.stored(row)).state for state, row in rows.items()}
    assert states == {state: CANCELLED if state in {PLANNED, CLAIMED} else state for state in rows}
    assert await maple.state(rows[CLAIMED]) == (CANCELLED, "left")


async def test_rows_are_withdrawn_by_the_beginning_of_their_key(maple: Maple) -> None:
    await put(maple, maple.row("prompt:1:a"), maple.row("prompt:1:b"), maple.row("prompt:2:a"))

    async with maple.database.transaction() as tx:
        count = await outbox.withdraw(tx, Delivery.key.startswith("prompt:1:", autoescape=True), reason="moved")

    assert count == 2


async def test_a_claimed_row_that_is_moved_waits_again(maple: Maple) -> None:
    row, gone = maple.row("a"), maple.row("b")
    await put(maple, row, state=CLAIMED, claimed_by="first", term=1)
    await put(maple, gone, state=SENT)

    async with maple.database.transaction() as tx:
        moved = [await outbox.move(tx, each.id, due_at=NOON + HOUR, expires_at=NOON + 2 * HOUR) for each in (row, gone)]

    stored = await maple.stored(row)
    assert moved == [True, False]
    assert (stored.state, stored.due_at, stored.expires_at) == (PLANNED, NOON + HOUR, NOON + 2 * HOUR)
    assert stored.claimed_by is None


async def test_edits_that_still_wait_become_one(maple: Maple) -> None:
    await put(maple, maple.row("fold", verb=Verb.EDIT))

    async with maple.database.transaction() as tx:
        new = await outbox.plan(tx, [maple.row("fold", verb=Verb.EDIT)])

    assert new == 0


async def test_an_edit_that_may_be_composed_already_is_composed_again(maple: Maple) -> None:
    row = maple.row("fold", verb=Verb.EDIT)
    await put(maple, row, state=CLAIMED)

    async with maple.database.transaction() as tx:
        await outbox.plan(tx, [maple.row("fold", verb=Verb.EDIT)])

    assert (await maple.stored(row)).state is PLANNED


async def test_an_edit_that_has_left_makes_room_for_the_next(maple: Maple) -> None:
    await put(maple, maple.row("fold", verb=Verb.EDIT), state=SENT)
    await put(maple, maple.row("fold", verb=Verb.EDIT), state=DeliveryState.SENDING)

    async with maple.database.transaction() as tx:
        new = await outbox.plan(tx, [maple.row("fold", verb=Verb.EDIT)])
        states = list(await tx.scalars(select(Delivery.state).where(Delivery.key == "fold")))

    assert new == 1
    assert states == [PLANNED]


async def test_a_tap_proves_what_nobody_knew(maple: Maple) -> None:
    row = maple.row("a")
    await put(maple, row, state=UNKNOWN, attempts=1)

    async with maple.database.transaction() as tx:
        news = await outbox.prove(tx, row.id, 77, chat=ANNS, now=NOON)

    stored = await maple.stored(row)
    assert news
    assert (stored.state, stored.message_id, stored.sent_at) == (SENT, 77, NOON)


async def test_a_tap_stops_a_copy_that_waits_to_go(maple: Maple, office: Office, telegram: Telegram) -> None:
    row = maple.row("a")
    await put(maple, row, attempts=1, resends=1)
    async with maple.database.transaction() as tx:
        await outbox.prove(tx, row.id, 77, chat=ANNS, now=NOON)

    await office.open().tick(NOON)

    assert telegram.calls == []


async def test_a_tap_on_what_was_never_sent_proves_nothing(maple: Maple) -> None:
    row, withdrawn = maple.row("a"), maple.row("b")
    await put(maple, row)
    await put(maple, withdrawn, attempts=1, state=CANCELLED)

    async with maple.database.transaction() as tx:
        news = [await outbox.prove(tx, each.id, 77, chat=ANNS, now=NOON) for each in (row, withdrawn)]

    assert news == [False, False]
    assert await maple.state(row) == (PLANNED, None)


async def test_a_tap_in_another_chat_proves_nothing(maple: Maple) -> None:
    row = maple.row("a")
    await put(maple, row, state=UNKNOWN, attempts=1)

    async with maple.database.transaction() as tx:
        news = await outbox.prove(tx, row.id, 77, chat=BOBS, now=NOON)

    assert not news
    assert await maple.state(row) == (UNKNOWN, None)


async def test_of_two_known_copies_the_older_is_deleted(maple: Maple, office: Office, telegram: Telegram) -> None:
    row = maple.row("a")
    await put(maple, row, state=SENT, attempts=2, message_id=90)
    async with maple.database.transaction() as tx:
        await outbox.prove(tx, row.id, 77, chat=ANNS, now=NOON)

    await office.open().tick(NOON)

    assert [(method, fields["message_id"]) for method, fields in telegram.calls] == [("deleteMessage", "77")]
    assert (await maple.stored(row)).message_id == 90


async def test_where_a_copy_lies_is_known_once_it_has_arrived(maple: Maple) -> None:
    sent, waiting = maple.row("a"), maple.row("b")
    await put(maple, sent, state=SENT, message_id=90)
    await put(maple, waiting)

    async with maple.database.transaction() as tx:
        copies = [await outbox.sent_copy(tx, row.id) for row in (sent, waiting)]

    assert copies == [outbox.SentCopy(1001, 90), None]
