from __future__ import annotations

from datetime import timedelta

from postbox import NOON, Maple, Office, Telegram

from bot.delivery import outbox
from bot.words import DeliveryState


async def test_what_is_due_leaves_once(maple: Maple, office: Office, telegram: Telegram) -> None:
    first, second = maple.row("first"), maple.row("second", maple.bob)
    later = maple.row("later", due_at=NOON + timedelta(hours=1))
    async with maple.database.transaction() as tx:
        planned = await outbox.plan(tx, [first, second, later])

    post = office.open()
    counts = await post.tick(NOON)
    again = await post.tick(NOON)

    assert planned == 3
    assert sorted(telegram.accepted) == [(1001, "first"), (1002, "second")]
    assert (counts.claimed, counts.sent, again.claimed) == (2, 2, 0)
    assert await maple.state(first) == (DeliveryState.SENT, None)
    assert (await maple.stored(first)).sent_at == NOON
    assert await maple.state(later) == (DeliveryState.PLANNED, None)
