"""The inbox: nothing that was said is lost, nothing is handled twice, and everybody's order is kept."""

from __future__ import annotations

import asyncio

import pytest
from intake.conftest import NOON
from intake.updates import said, tapped
from sqlalchemy import update

from bot.intake.arrival import AlreadyHandled, arrival
from bot.intake.flood import Flood
from bot.intake.inbox import Inbox
from bot.storage.tables import Fact, InboxUpdate


async def ignore(_update):
    pass


async def test_what_is_stored_is_handled_and_its_payload_is_gone(desk):
    heard = []

    async def listen(one):
        heard.append(one)

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([said(7, text="hello")])
        await desk.settled(inbox)

    [row] = await desk.rows()
    assert heard == [said(7, text="hello")]
    assert (row.state, row.payload, row.handled_at, row.received_at) == ("handled", None, NOON, NOON)
    assert desk.bell.rung == 2  # it was found, and it was handled


async def test_words_that_wait_are_sealed(desk):
    await desk.inbox(ignore).store([said(7, text="what Ann wrote")])

    [row] = await desk.rows()
    assert b"Ann" not in row.payload
    assert (row.person_key, row.chat_key, row.state) == (1, 1, "waiting")


async def test_an_update_that_comes_five_times_out_of_order_is_handled_once(desk):
    heard = []

    async def listen(one):
        heard.append(one["update_id"])

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        for _ in range(5):
            await inbox.store([said(9), said(7)])
            await inbox.store([said(8)])
            await desk.settled(inbox)

    assert sorted(heard) == [7, 8, 9]


async def test_what_was_stored_before_a_crash_is_handled_after_it(desk):
    heard = []

    async def listen(one):
        heard.append(one["update_id"])

    await desk.inbox(ignore).store([said(one, person=one) for one in range(1, 101)])

    restarted = desk.inbox(listen)
    async with desk.working(restarted):
        await desk.settled(restarted)

    assert sorted(heard) == list(range(1, 101))


async def test_a_crash_inside_an_action_repeats_it_and_a_crash_after_it_does_not(desk):
    begun = asyncio.Event()
    acted = []

    async def act(one):
        async with desk.database.transaction() as tx:
            await arrival.get().mark_handled(tx, now=NOON)
            tx.add(Fact(name="acted", value=str(one["update_id"])))
            acted.append(one["update_id"])
            if len(acted) == 1:
                begun.set()
                await asyncio.Event().wait()
        if len(acted) == 2:
            begun.set()
            await asyncio.Event().wait()

    async def until_crash():
        begun.clear()
        work = asyncio.create_task(desk.inbox(act).run())
        await begun.wait()
        work.cancel()
        await asyncio.wait([work])

    await desk.inbox(ignore).store([said(7)])
    await until_crash()  # before the commit
    await until_crash()  # after the commit, before the handler returned
    after = desk.inbox(act)
    async with desk.working(after):
        await desk.settled(after)

    assert acted == [7, 7]
    assert [row.state for row in await desk.rows()] == ["handled"]


async def test_one_persons_updates_are_handled_in_order_and_others_do_not_wait(desk):
    finished = []
    ann_may_go_on = asyncio.Event()

    async def listen(one):
        if one["update_id"] == 1:
            await ann_may_go_on.wait()
        finished.append(one["update_id"])
        if one["update_id"] == 3:
            ann_may_go_on.set()

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([said(1, person=1), tapped(2, person=1), said(3, person=2)])
        await desk.settled(inbox)

    assert finished == [3, 1, 2]


async def test_one_chats_updates_are_handled_one_after_the_other(desk):
    inside = 0
    most = 0
    finished = []

    async def listen(one):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        finished.append(one["update_id"])

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([said(one, person=one, chat=-100) for one in range(1, 9)])
        await desk.settled(inbox)

    assert most == 1
    assert finished == list(range(1, 9))


async def test_a_later_update_never_overtakes_through_a_shared_chat(desk):
    finished = []
    first_may_go_on = asyncio.Event()

    async def listen(one):
        if one["update_id"] == 1:
            await first_may_go_on.wait()
        finished.append(one["update_id"])
        if one["update_id"] == 4:
            first_may_go_on.set()

    ann_in_group, bob_in_group, bob_alone = said(1, person=1, chat=-5), said(2, person=2, chat=-5), said(3, person=2)
    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([ann_in_group, bob_in_group, bob_alone, said(4, person=3)])
        await desk.settled(inbox)

    assert finished == [4, 1, 2, 3]


@pytest.mark.usefixtures("_impatient")
async def test_a_failing_update_is_tried_three_times_then_set_aside_with_a_reference(desk):
    tries, told = [], []

    async def fail(one):
        tries.append(one["update_id"])
        raise RuntimeError

    async def tell(one, reference):
        told.append((one, reference))

    inbox = desk.inbox(fail, on_quarantine=tell)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    [row] = await desk.rows()
    assert tries == [7, 7, 7]
    assert (row.state, row.tries, len(row.reference)) == ("quarantined", 3, 6)
    assert told == [(said(7), row.reference)]
    async with desk.database.transaction() as tx:
        assert tx.open_json(row, "payload") == said(7)


@pytest.mark.usefixtures("_impatient")
async def test_a_failure_that_only_the_error_handler_saw_counts_too(desk):
    tries = []

    async def fail_politely(_one):
        tries.append(1)
        arrival.get().failed(RuntimeError())

    inbox = desk.inbox(fail_politely)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert len(tries) == 3
    assert [row.state for row in await desk.rows()] == ["quarantined"]


@pytest.mark.usefixtures("_impatient")
async def test_a_failing_update_holds_up_its_own_person_only_and_in_order(desk):
    finished = []

    async def listen(one):
        if one["update_id"] == 1:
            raise RuntimeError
        finished.append(one["update_id"])

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([said(1, person=1), said(2, person=1), said(3, person=2)])
        await desk.settled(inbox)

    assert finished == [3, 2]


@pytest.mark.usefixtures("_impatient")
async def test_a_failure_after_the_action_was_kept_does_not_repeat_it(desk):
    acted = []

    async def act_then_fail(_one):
        async with desk.database.transaction() as tx:
            await arrival.get().mark_handled(tx, now=NOON)
            acted.append(1)
        raise RuntimeError

    inbox = desk.inbox(act_then_fail)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert acted == [1]
    assert [row.state for row in await desk.rows()] == ["handled"]


@pytest.mark.usefixtures("_impatient")
async def test_an_action_that_is_rolled_back_takes_its_mark_with_it(desk):
    acted = []

    async def act(_one):
        async with desk.database.transaction() as tx:
            await arrival.get().mark_handled(tx, now=NOON)
            acted.append(1)
            if len(acted) == 1:
                raise RuntimeError

    inbox = desk.inbox(act)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert acted == [1, 1]
    assert [(row.state, row.tries) for row in await desk.rows()] == [("handled", 1)]


async def test_an_action_may_mark_more_than_once(desk):
    async def act(_one):
        for _ in range(2):
            async with desk.database.transaction() as tx:
                await arrival.get().mark_handled(tx, now=NOON)
                await arrival.get().mark_handled(tx, now=NOON)

    inbox = desk.inbox(act)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert [(row.state, row.tries) for row in await desk.rows()] == [("handled", 0)]


async def test_an_update_that_another_process_has_handled_changes_nothing(desk):
    refused = []

    async def act_too_late(_one):
        async with desk.database.transaction() as tx:
            await tx.execute(update(InboxUpdate).values(state="handled", payload=None))
        try:
            async with desk.database.transaction() as tx:
                tx.add(Fact(name="acted", value="twice"))
                await arrival.get().mark_handled(tx, now=NOON)
        except AlreadyHandled as late:
            refused.append(1)
            arrival.get().failed(late)

    inbox = desk.inbox(act_too_late)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    async with desk.database.transaction() as tx:
        assert await tx.get(Fact, "acted") is None
    assert refused == [1]
    assert [(row.state, row.tries) for row in await desk.rows()] == [("handled", 0)]


@pytest.mark.usefixtures("_impatient")
async def test_an_update_that_hangs_counts_as_failed(desk, monkeypatch):
    monkeypatch.setattr("bot.intake.inbox._LONGEST", 0.01)

    async def hang(_one):
        await asyncio.Event().wait()

    inbox = desk.inbox(hang)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert [row.state for row in await desk.rows()] == ["quarantined"]


async def test_handled_says_up_to_where_everything_is_done(desk):
    may_go_on = asyncio.Event()
    inbox = desk.inbox(ignore)

    async def hold_the_second(one):
        if one["update_id"] == 2:
            await may_go_on.wait()

    inbox._process = hold_the_second
    unknown = inbox.handled()
    async with desk.working(inbox):
        await desk.bell.has_rung(1)
        before = inbox.handled()
        await inbox.store([said(1, person=1), said(2, person=2), said(3, person=3)])
        await desk.bell.has_rung(3)
        meanwhile = inbox.handled()
        may_go_on.set()
        await desk.settled(inbox)
        afterwards = inbox.handled()

    assert (unknown, before, meanwhile, afterwards) == (0, None, 1, 3)


async def test_what_is_stored_before_the_first_look_is_not_called_handled(desk, monkeypatch):
    may_look, look = asyncio.Event(), Inbox._look

    async def look_slowly(inbox):
        await may_look.wait()
        await look(inbox)

    monkeypatch.setattr(Inbox, "_look", look_slowly)
    inbox = desk.inbox(ignore)
    async with desk.working(inbox):
        await asyncio.sleep(0)
        await inbox.store([said(7)])
        before = inbox.handled()
        may_look.set()
        await desk.settled(inbox)
        afterwards = inbox.handled()

    assert (before, afterwards) == (0, 7)


async def test_stopping_finishes_what_was_begun_and_begins_nothing(desk):
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    finished = []

    async def listen(one):
        begun.set()
        await may_go_on.wait()
        finished.append(one["update_id"])

    inbox = desk.inbox(listen)
    async with desk.working(inbox):
        await inbox.store([said(1), said(2)])
        await begun.wait()
        inbox.stop()
        may_go_on.set()

    assert finished == [1]
    assert [row.state for row in await desk.rows()] == ["handled", "waiting"]


async def test_who_floods_is_not_listened_to_and_others_are(desk):
    heard = []

    async def listen(one):
        heard.append(one["update_id"])

    inbox = desk.inbox(listen, flood=Flood())
    async with desk.working(inbox):
        await inbox.store([tapped(one, person=1) for one in range(1, 51)] + [tapped(51, person=2)])
        await desk.settled(inbox)

    rows = await desk.rows()
    assert sorted(heard) == [*range(1, 21), 51]
    assert [row.reference for row in rows] == [None] * 20 + ["flood"] * 30 + [None]
    assert {(row.state, row.payload) for row in rows} == {("handled", None)}


async def test_what_was_said_over_ten_hours_of_silence_is_no_flood(desk):
    inbox = desk.inbox(ignore, flood=Flood())

    await inbox.store([said(one, date=one * 600) for one in range(1, 61)])

    assert {row.state for row in await desk.rows()} == {"waiting"}


async def test_updates_of_unknown_kinds_and_without_people_pass_through(desk):
    heard = []
    odd = [
        {"update_id": 1, "something_new": {"id": "x"}},
        {"update_id": 2},
        {"update_id": 3, "poll_answer": {"poll_id": "1", "user": {"id": 5}}},
        {"update_id": 4, "something_old": 3},
        {"update_id": 5, "callback_query": {"id": "1", "from": {"id": 6}, "inline_message_id": "a"}},
    ]

    async def listen(one):
        heard.append(one)

    inbox = desk.inbox(listen, flood=Flood())
    async with desk.working(inbox):
        await inbox.store(odd)
        await desk.settled(inbox)

    assert sorted(heard, key=lambda one: one["update_id"]) == odd
    assert [row.person_key for row in await desk.rows()] == [None, None, 5, None, 6]


@pytest.mark.usefixtures("_impatient")
async def test_a_database_that_is_away_for_a_while_costs_no_update_a_try(desk, monkeypatch):
    heard = []
    failures = 0
    there = desk.database.transaction

    async def listen(one):
        async with desk.database.transaction() as tx:
            await arrival.get().mark_handled(tx, now=NOON)
        heard.append(one["update_id"])

    def sometimes():
        nonlocal failures
        if arrival.get(None) is not None and failures < 8:
            failures += 1
            raise OSError
        return there()

    inbox = desk.inbox(listen)
    monkeypatch.setattr(desk.database, "transaction", sometimes)
    async with desk.working(inbox):
        await inbox.store([said(7)])
        await desk.settled(inbox)

    assert (failures, heard) == (8, [7])
    assert [(row.state, row.tries) for row in await desk.rows()] == [("handled", 0)]


async def test_an_inbox_that_cannot_be_read_at_the_start_is_read_when_it_can(desk, monkeypatch):
    monkeypatch.setattr("bot.intake.inbox._LOOK", 0.01)
    heard = []
    failures = 0
    there = desk.database.transaction

    async def listen(one):
        heard.append(one["update_id"])

    def later():
        nonlocal failures
        if failures < 3:
            failures += 1
            raise OSError
        return there()

    await desk.inbox(ignore).store([said(7)])
    inbox = desk.inbox(listen)
    monkeypatch.setattr(desk.database, "transaction", later)
    async with desk.working(inbox):
        await desk.bell.has_rung(2)

    assert heard == [7]
