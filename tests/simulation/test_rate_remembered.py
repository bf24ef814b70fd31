"""What the simulation once found: a crash after a slow mark let a fourth message leave within three seconds."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from delivery.postbox import NOON, Maple, add_cohort, add_person

from bot.clock import monotonic
from bot.delivery import memory, outbox
from bot.delivery.governor import Effort
from bot.delivery.turnstile import Turnstile
from bot.storage.database import Database
from bot.storage.tables import Attempt
from bot.words import OutcomeKind


async def test_a_call_counts_from_when_it_can_have_left_not_from_when_it_was_written_down(database: Database) -> None:
    async with database.transaction() as tx:
        maple = Maple(database, await add_cohort(tx), await add_person(tx, 1001), await add_person(tx, 1002))
        row = maple.row("prompt")
        await outbox.plan(tx, [row])
        for number in range(1, 4):
            written, ended = NOON - timedelta(seconds=3.2), NOON - timedelta(seconds=0.5)
            done = {"ended_at": ended, "outcome": OutcomeKind.DONE} if number < 3 else {}  # the last died on its way
            tx.add(
                Attempt(id=uuid4(), delivery_id=row.id, number=number, owner="x", term=1, started_at=written, **done)
            )
    turnstile = Turnstile()

    async with database.transaction() as tx:
        await memory.recall(tx, turnstile, now=NOON)

    assert turnstile.governor.wait_for_chat(1001, Effort.MESSAGE, monotonic()) > 2
