from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from postbox import FAST, NOON, Maple, Office, Telegram, add_person, refusal, say_the_step, until
from sqlalchemy import select, text

from bot.delivery import outbox
from bot.delivery.governor import Governor
from bot.delivery.moments import plan_moment
from bot.delivery.outcomes import Policy
from bot.delivery.sorting import Ties
from bot.delivery.telegram import Carrier
from bot.delivery.turnstile import Turnstile
from bot.messages import Attachment, Message, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Attempt, Chat, Delivery, Moment
from bot.texts import Texts
from bot.words import DeliveryState, Lane, Verb

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PLANNED, SENT, UNKNOWN = DeliveryState.PLANNED, DeliveryState.SENT, DeliveryState.UNKNOWN
FAILED, SKIPPED = DeliveryState.FAILED, DeliveryState.SKIPPED


async def plan(maple: Maple, *rows: Delivery) -> None:
    async with maple.database.transaction() as tx:
        await outbox.plan(tx, rows)


async def states(maple: Maple, *rows: Delivery) -> list[tuple[DeliveryState, str | None]]:
    return [await maple.state(row) for row in rows]


def restarted(carrier: Carrier) -> Carrier:
    """The same door after a restart: it remembers nothing by itself."""
    return Carrier(carrier.bot, Turnstile(Governor(FAST)))


# ── What leaves ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_due_leaves_once(maple: Maple, office: Office, telegram: Telegram) -> None:
    first, second = maple.row("first"), maple.row("second", maple.bob)
    later = maple.row("later", due_at=NOON + HOUR)
    await plan(maple, first, second, later)

    post = office.open()
    counts = await post.tick(NOON)
    again = await post.tick(NOON)

    assert sorted(telegram.accepted) == [(1001, "first"), (1002, "second")]
    assert (counts.claimed, counts.sent, again.claimed) == (2, 2, 0)
    assert await states(maple, first, later) == [(SENT, None), (PLANNED, None)]
    assert (await maple.stored(first)).sent_at == NOON


async def test_partners_copies_are_on_the_wire_together(maple: Maple, office: Office, telegram: Telegram) -> None:
    telegram.delay = 0.1
    await plan(maple, maple.row("ann"), maple.row("bob", maple.bob))

    await office.open().tick(NOON)

    assert telegram.most_at_once == 2


async def test_messages_of_a_chat_arrive_in_the_order_of_their_hours(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    await plan(maple, *(maple.row(f"{n}", due_at=NOON - n * MINUTE) for n in range(6)))

    await office.open().tick(NOON)

    assert telegram.texts() == ["5", "4", "3", "2", "1", "0"]


async def test_each_call_leaves_one_attempt(maple: Maple, office: Office, telegram: Telegram) -> None:
    await plan(maple, *(maple.row(f"{n}") for n in range(7)))

    await office.open().tick(NOON)

    async with maple.database.transaction() as tx:
        attempts = list(await tx.scalars(select(Attempt)))
    assert len(attempts) == len(telegram.calls) == 7
    assert {(attempt.owner, attempt.term, attempt.number) for attempt in attempts} == {("first", 1, 1)}


async def test_everyone_is_written_to_in_their_own_language_and_zone(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    async def say_who(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Message:
        return Message(f"{texts.language} {texts.zone.key}")

    async with maple.database.transaction() as tx:
        dana = await add_person(tx, 1003, "en", "America/New_York")
        group, room = Chat(telegram_id=-7), Chat(telegram_id=-8, language="en", zone=ZoneInfo("Asia/Kolkata"))
        tx.add_all([group, room])
    await plan(maple, *(maple.row(f"{chat}", chat) for chat in (maple.bob, dana, group.id, room.id)))

    await office.open(ties=Ties({"prompt": say_who})).tick(NOON)

    assert sorted(telegram.accepted) == [
        (-8, "en Asia/Kolkata"),
        (-7, "de Europe/Berlin"),
        (1002, "de Europe/Berlin"),
        (1003, "en America/New_York"),
    ]


async def test_a_silent_row_makes_a_silent_message(maple: Maple, office: Office, telegram: Telegram) -> None:
    await plan(maple, maple.row("hush", silent=True))

    await office.open().tick(NOON)

    assert telegram.calls[0][1]["disable_notification"] == "true"


async def test_moments_are_decided_before_anything_is_claimed(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def open_envelopes(tx: Transaction, moment: Moment, *, now: datetime) -> None:
        await outbox.plan(tx, [maple.row("opening", due_at=now)])
        await outbox.withdraw(tx, Delivery.key == "stale", reason="superseded")

    await plan(maple, maple.row("stale", maple.bob))
    async with maple.database.transaction() as tx:
        await plan_moment(tx, Moment(key="m", kind="open", due_at=NOON))

    counts = await office.open(ties=Ties({"prompt": say_the_step}, {"open": open_envelopes})).tick(NOON)

    assert telegram.texts() == ["opening"]
    assert (counts.moments, counts.sent) == (1, 1)


# ── What stays ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_came_too_late_is_skipped(maple: Maple, office: Office, telegram: Telegram) -> None:
    row = maple.row("stale", due_at=NOON - 2 * MINUTE, expires_at=NOON)
    await plan(maple, row)

    await office.open().tick(NOON)

    assert await maple.state(row) == (SKIPPED, "too late")
    assert telegram.calls == []


async def test_after_an_outage_a_chat_gets_the_newest_of_what_is_still_fresh(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    fresh = {"expires_at": NOON + HOUR}
    old, newer, newest = (maple.row(f"{n} h", due_at=NOON - n * HOUR, **fresh) for n in (3, 2, 1))
    bobs = maple.row("bob", maple.bob, due_at=NOON - 3 * HOUR, **fresh)
    await plan(maple, old, newer, newest, bobs)

    await office.open().tick(NOON)

    assert sorted(telegram.texts()) == ["1 h", "bob"]
    assert await states(maple, old, newer) == [(SKIPPED, "too late")] * 2


async def test_after_an_outage_safety_goes_first_and_what_cannot_go_stale_goes_too(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    fresh = {"expires_at": NOON + HOUR}
    prompt = maple.row("prompt", due_at=NOON - HOUR, **fresh)
    safety = [maple.row(f"safety {n}", lane=Lane.SAFETY, due_at=NOON - n * HOUR, **fresh) for n in (2, 3)]
    opening = maple.row("opening", due_at=NOON - 2 * HOUR)
    await plan(maple, prompt, opening, *safety)

    await office.open().tick(NOON)

    assert telegram.texts()[0] == "safety 3"
    assert sorted(telegram.texts()) == ["opening", "safety 2", "safety 3"]
    assert await maple.state(prompt) == (SKIPPED, "too late")


async def test_two_messages_of_the_same_hour_both_go(maple: Maple, office: Office, telegram: Telegram) -> None:
    await plan(maple, *(maple.row(f"{n}", expires_at=NOON + HOUR, due_at=NOON - n * MINUTE) for n in range(2)))

    await office.open().tick(NOON)

    assert telegram.texts() == ["1", "0"]


async def test_a_room_may_hold_a_row_back_until_the_very_last(maple: Maple, office: Office, telegram: Telegram) -> None:
    asked: list[int] = []

    async def recheck(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> Mapping[UUID, str]:
        asked.append(len(rows))
        return {} if len(asked) == 1 else {row.id: "paused" for row in rows if row.key == "ann"}

    ann, bob = maple.row("ann"), maple.row("bob", maple.bob)
    await plan(maple, ann, bob)

    await office.open(ties=Ties({"prompt": say_the_step}, recheck=recheck)).tick(NOON)

    assert asked == [2, 2]
    assert telegram.texts() == ["bob"]
    assert await maple.state(ann) == (SKIPPED, "paused")


async def test_a_row_withdrawn_after_its_claim_does_not_leave(maple: Maple, office: Office, telegram: Telegram) -> None:
    post = office.open()
    office.carrier.turnstile.limited(None, 0.5)
    await plan(maple, maple.row("secret"))

    ticking = asyncio.create_task(post.tick(NOON))
    await until(lambda: post.counts.claimed == 1)
    async with maple.database.transaction() as tx:
        await outbox.withdraw(tx, Delivery.key == "secret", reason="consent withdrawn")
    await ticking

    assert telegram.calls == []


async def test_a_composer_may_have_nothing_to_say_any_more(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def nothing(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Withdrawn:
        return Withdrawn("answered")

    row = maple.row("a")
    await plan(maple, row)

    await office.open(ties=Ties({"prompt": nothing})).tick(NOON)

    assert await maple.state(row) == (SKIPPED, "answered")
    assert telegram.calls == []


@pytest.mark.parametrize("poison", ["raises", "breaks the transaction", "is too long", "has no composer"])
async def test_one_row_that_cannot_be_written_leaves_the_others_alone(
    poison: str, maple: Maple, office: Office, telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    async def compose(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Message:
        if row.step == "raises":
            raise RuntimeError("words that somebody wrote")
        if row.step == "breaks the transaction":
            await tx.execute(text("SELECT nothing FROM nowhere"))
        return Message("x" * 5000 if row.step == "is too long" else row.step)

    bad = maple.row(poison, kind="unheard-of" if poison == "has no composer" else "prompt")
    good = [maple.row(f"{n}", maple.bob) for n in range(9)]
    await plan(maple, *good[:4], bad, *good[4:])

    await office.open(ties=Ties({"prompt": compose})).tick(NOON)

    state, reason = await maple.state(bad)
    assert (state, len(telegram.accepted)) == (FAILED, 9)
    assert reason is not None
    assert reason.removeprefix("could not be written, reference ") in caplog.text


# ── Edits, deletions, pins ─────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_changes_the_message_of_its_target(maple: Maple, office: Office, telegram: Telegram) -> None:
    target = maple.row("prompt")
    await plan(maple, target)
    post = office.open()
    await post.tick(NOON)
    sent_as = (await maple.stored(target)).message_id

    changes = [maple.row(verb.value, verb=verb, target=target.id) for verb in (Verb.EDIT, Verb.PIN, Verb.DELETE)]
    await plan(maple, *(change for change in changes))
    await post.tick(NOON)

    later = telegram.calls[1:]
    assert {method for method, _ in later} == {"editMessageText", "pinChatMessage", "deleteMessage"}
    assert {fields["message_id"] for _, fields in later} == {str(sent_as)}
    assert await states(maple, *changes) == [(SENT, None)] * 3


async def test_an_edit_that_comes_with_a_picture_changes_its_caption(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    async def with_picture(tx: Transaction, row: Delivery, texts: Texts, *, now: datetime) -> Message:
        return Message("folded", attachment=Attachment("photo"))

    target = maple.row("prompt", state=SENT)
    await plan(maple, target)
    async with maple.database.transaction() as tx:
        stored = await tx.get_one(Delivery, target.id)
        stored.state, stored.message_id = SENT, 9
    await plan(maple, maple.row("fold", verb=Verb.EDIT, target=target.id))

    await office.open(ties=Ties({"prompt": with_picture})).tick(NOON)

    assert [(method, fields["caption"]) for method, fields in telegram.calls] == [("editMessageCaption", "folded")]


async def test_there_is_nothing_to_edit_where_nothing_arrived(maple: Maple, office: Office, telegram: Telegram) -> None:
    target = maple.row("prompt", due_at=NOON + HOUR)
    edit = maple.row("fold", verb=Verb.EDIT, target=target.id)
    await plan(maple, target, edit)

    await office.open().tick(NOON)

    assert await maple.state(edit) == (SKIPPED, "nothing to edit")
    assert telegram.calls == []


async def test_an_edit_waits_for_its_message_that_is_still_on_its_way(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    target = maple.row("prompt")
    edit = maple.row("fold", verb=Verb.EDIT, target=target.id)
    await plan(maple, target, edit)
    async with maple.database.transaction() as tx:
        (await tx.get_one(Delivery, target.id)).state = DeliveryState.SENDING

    await office.open().tick(NOON)

    assert await maple.state(edit) == (PLANNED, None)
    assert telegram.calls == []


# ── What Telegram answers ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_chat_that_blocked_us_hears_nothing_more_and_the_room_is_told_once(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    told: list[tuple[str, str]] = []

    async def when_unreachable(tx: Transaction, row: Delivery, why: str, *, now: datetime) -> None:
        told.append((row.key, why))

    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        blocked = fields["chat_id"] == "1001"
        return refusal(403, "Forbidden: bot was blocked by the user") if blocked else None

    telegram.script = script
    rows = [maple.row(f"{n}", due_at=NOON - (4 - n) * MINUTE) for n in range(4)]
    await plan(maple, *rows, maple.row("bob", maple.bob))

    await office.open(ties=Ties({"prompt": say_the_step}, when_unreachable=when_unreachable)).tick(NOON)

    assert len(telegram.calls) == 2
    assert told == [("0", "blocked")]
    assert await states(maple, *rows[:2]) == [(FAILED, "blocked"), (SKIPPED, "blocked")]
    assert telegram.texts() == ["bob"]


async def test_a_limited_group_holds_nobody_else_back(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        return refusal(429, "Too Many Requests", retry_after=30) if fields["chat_id"] == "-7" else None

    telegram.script = script
    async with maple.database.transaction() as tx:
        group = Chat(telegram_id=-7)
        tx.add(group)
    held = [maple.row(f"group {n}", group.id, due_at=NOON - HOUR + n * MINUTE) for n in range(90)]
    await plan(maple, *held, *(maple.row(f"{n}", maple.bob) for n in range(50)))

    counts = await office.open().tick(NOON)

    assert len(telegram.accepted) == 50
    assert [fields["chat_id"] for _, fields in telegram.calls].count("-7") == 1
    assert counts.sent == 50
    assert await states(maple, held[0], held[89]) == [(PLANNED, "limited"), (PLANNED, None)]


async def test_a_limited_group_resumes_in_order(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        return refusal(429, "Too Many Requests", retry_after=1) if len(telegram.calls) == 1 else None

    telegram.script = script
    await plan(maple, *(maple.row(f"{n}", due_at=NOON - HOUR + n * MINUTE) for n in range(5)))
    post = office.open()

    await post.tick(NOON)
    await asyncio.sleep(1.1)
    await post.tick(NOON)

    assert telegram.texts() == ["0", "1", "2", "3", "4"]


async def test_a_pause_of_the_whole_bot_survives_a_restart(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response:
        return refusal(429, "Too Many Requests", retry_after=20)

    telegram.script = script
    await plan(maple, maple.row("ann"), maple.row("bob", maple.bob))
    await office.open().tick(NOON)

    office.carrier = restarted(office.carrier)
    async with maple.database.transaction() as tx:
        dana = await add_person(tx, 1003)
    await plan(maple, maple.row("dana", dana))
    post = office.open("second")
    running = asyncio.create_task(post.run())
    await asyncio.sleep(0.5)
    await post.stop()
    await running

    assert len(telegram.calls) == 2
    assert office.carrier.turnstile.governor.paused_for(0.0) > 15


async def test_a_moved_group_gets_its_messages_at_the_new_address(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        if fields["chat_id"] == "-7":
            return refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1007)
        return None

    telegram.script = script
    async with maple.database.transaction() as tx:
        group = Chat(telegram_id=-7)
        tx.add(group)
    await plan(maple, *(maple.row(f"{n}", group.id, due_at=NOON - HOUR + n * MINUTE) for n in range(3)))

    await office.open().tick(NOON)

    assert sorted(telegram.accepted) == [(-1007, "0"), (-1007, "1"), (-1007, "2")]


async def test_a_lost_reply_never_doubles_a_prompt(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response:
        telegram.accept(method, fields)
        return web.Response(status=502)

    telegram.script = script
    row = maple.row("prompt")
    await plan(maple, row)

    for _ in range(3):
        await office.open().tick(NOON)

    assert telegram.texts() == ["prompt"]
    assert await maple.state(row) == (UNKNOWN, "NetworkError")


async def test_a_lost_alert_goes_out_twice_more_and_then_rests(
    maple: Maple, office: Office, telegram: Telegram
) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response:
        telegram.accept(method, fields)
        return web.Response(status=502)

    telegram.script = script
    row = maple.row("alert", lane=Lane.SAFETY)
    await plan(maple, row)
    post = office.open(ties=Ties({"prompt": say_the_step}, policies={"prompt": Policy(2, resend_after=0.1)}))

    for _ in range(5):
        await post.tick(NOON)
        await asyncio.sleep(0.15)

    assert telegram.texts() == ["alert"] * 3
    assert (await maple.state(row))[0] is UNKNOWN


async def test_a_lost_edit_is_repeated_until_it_is_answered(maple: Maple, office: Office, telegram: Telegram) -> None:
    async def script(method: str, fields: dict[str, str]) -> web.Response | None:
        return web.Response(status=502) if len(telegram.calls) == 1 else None

    telegram.script = script
    edit = maple.row("fold", verb=Verb.EDIT, facts={"message_id": 5})
    await plan(maple, edit)
    post = office.open()

    await post.tick(NOON)
    await asyncio.sleep(1.1)
    await post.tick(NOON)

    assert len(telegram.calls) == 2
    assert await maple.state(edit) == (SENT, None)


# ── Rooms are told ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_follows_a_sent_message_is_planned_with_it(maple: Maple, office: Office) -> None:
    async def when_sent(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> None:
        for row in rows:
            assert (row.state, row.sent_at) == (SENT, now)
            await plan_moment(tx, Moment(key=f"silence:{row.key}", kind="silence", due_at=now + HOUR))

    await plan(maple, maple.row("ann"), maple.row("bob", maple.bob))

    await office.open(ties=Ties({"prompt": say_the_step}, when_sent=when_sent)).tick(NOON)

    async with maple.database.transaction() as tx:
        assert set(await tx.scalars(select(Moment.key))) == {"silence:ann", "silence:bob"}


async def test_a_room_that_stumbles_afterwards_costs_nobody_a_result(
    maple: Maple, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async def when_sent(tx: Transaction, rows: Sequence[Delivery], *, now: datetime) -> None:
        for row in rows:
            if row.key == "ann":
                await tx.execute(text("SELECT nothing FROM nowhere"))
            await plan_moment(tx, Moment(key=f"silence:{row.key}", kind="silence", due_at=now + HOUR))

    ann, bob = maple.row("ann"), maple.row("bob", maple.bob)
    await plan(maple, ann, bob)

    await office.open(ties=Ties({"prompt": say_the_step}, when_sent=when_sent)).tick(NOON)

    async with maple.database.transaction() as tx:
        assert list(await tx.scalars(select(Moment.key))) == ["silence:bob"]
    assert await states(maple, ann, bob) == [(SENT, None)] * 2
    assert str(ann.id) in caplog.text
