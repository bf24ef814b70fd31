from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from couple import (
    NOON,
    SAO_PAULO,
    add_cohort,
    add_facilitator,
    add_maple,
    add_member,
    add_person,
    arrive,
    fall_due,
    letters,
    said,
)
from sqlalchemy import select

from bot.broadcasts import actions, queries
from bot.broadcasts.compose import COMPOSERS, preview, progress, sample
from bot.broadcasts.rules import (
    BroadcastDecided,
    BroadcastGone,
    BroadcastTooLong,
    NobodyToReach,
    NothingWritten,
    Reader,
    Tally,
    Why,
    addressed,
    fits,
    once_each,
    tally,
)
from bot.messages import Attachment, visible_length
from bot.storage.tables import Broadcast, Chat, Facilitation, Member, Person
from bot.texts import Texts
from bot.words import BroadcastState, DeliveryState, Lane, MeetingState, QuietHours

T = Texts("en", SAO_PAULO)
LATER = timedelta(seconds=15)
WORDS = "Bring socks. <b>Warm</b> ones & tea."


async def written(tx, maple, words=WORDS, attachment=None, now=NOON):
    return await actions.write(tx, maple.fay, [maple.cohort], words, attachment, now=now)


async def left(database, now=NOON):
    """Write, send, and let the fifteen seconds pass."""
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        one = await written(tx, maple, now=now)
        await actions.send(tx, one.id, maple.fay, now=now)
    await fall_due(database, actions.MOMENTS, "broadcast-leaves", now + LATER)
    return maple, one


# ── Writing and looking at it ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_sample_shows_exactly_what_arrives_and_the_words_are_sealed(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        one = await written(tx, maple)

        assert (await sample(tx, one, T)).text == ("From Fay:\nBring socks. &lt;b&gt;Warm&lt;/b&gt; ones &amp; tea.")
        assert WORDS.encode() not in one.words
        assert await letters(tx, one.id) == []


async def test_the_preview_names_who_gets_it_who_sleeps_and_who_cannot_be_reached(database):
    evening = NOON + timedelta(hours=9)  # 22:00 in Berlin
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        (await tx.scalars(select(Chat).where(Chat.person_id == maple.bob.person_id))).one().unreachable_since = NOON
        cleo = await add_person(tx, "Cleo", 11, SAO_PAULO)
        await add_member(tx, maple.cohort, cleo, "Cleo")
        one = await written(tx, maple, now=evening)
        readers = await queries.readers_of(tx, [maple.cohort], evening)

        screen = preview(
            T, one, await queries.arrivals(tx, readers, evening), [r for r in readers if r.why_not], evening
        )

        assert screen.text.splitlines() == [
            "This reaches 2 people.",
            "At once: Cleo",
            "Ann: Tue 1 Dec, 04:00, when it is awake there",
            "Not Bob: has stopped the bot",
            "Answers come to you and whoever holds the group with you, one by one.",
        ]


@pytest.mark.parametrize(("column", "why"), [("held_at", Why.HELD), ("paused_at", Why.PAUSED)])
async def test_somebody_held_or_pausing_is_left_in_peace(database, column, why):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        setattr(maple.ann, column, NOON)

        readers = await queries.readers_of(tx, [maple.cohort], NOON)

        assert {reader.name: reader.why_not for reader in readers} == {"Ann": why, "Bob": None}


async def test_words_that_do_not_fit_are_refused_before_anything_is_kept(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)

        with pytest.raises(BroadcastTooLong) as no:
            await written(tx, maple, "x" * 4010)
        assert no.value.facts == {"limit": 4000, "too_many": 10}
        with pytest.raises(NothingWritten):
            await written(tx, maple, "")
        assert (await tx.scalars(select(Broadcast))).all() == []


@pytest.mark.parametrize(("length", "picture"), [(4000, None), (928, Attachment("photo", file_id="AgAC"))])
async def test_the_longest_words_fit_with_the_longest_name_and_markup_characters(database, length, picture):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        tx.seal(maple.fay, "name", "W" * 32)

        message = await sample(tx, await written(tx, maple, "<" * length, picture), T)

        assert visible_length(message.text) <= (1024 if picture else 4096)


async def test_an_empty_cohort_cannot_be_written_to(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        oak = await add_cohort(tx, "Oak", maple.fay.id, NOON)

        with pytest.raises(NobodyToReach):
            await actions.write(tx, maple.fay, [oak], WORDS, None, now=NOON)


# ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_leaves_in_the_first_fifteen_seconds(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        one = await written(tx, maple)
        await actions.send(tx, one.id, maple.fay, now=NOON)

    assert await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + timedelta(seconds=14)) == 0
    assert await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + LATER) == 1

    async with database.transaction() as tx:
        rows = await letters(tx, one.id)
        assert [(row.kind, row.lane, row.due_at) for row in rows] == [("broadcast", Lane.BROADCAST, NOON + LATER)] * 2
        assert {row.member_id for row in rows} == {maple.ann.id, maple.bob.id}


async def test_undo_within_fifteen_seconds_reaches_nobody(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        one = await written(tx, maple)
        await actions.send(tx, one.id, maple.fay, now=NOON)
        await actions.cancel(tx, one.id, maple.fay)

    await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + LATER)

    async with database.transaction() as tx:
        assert await letters(tx, one.id) == []
        assert (await tx.get_one(Broadcast, one.id)).state is BroadcastState.CANCELLED


async def test_a_second_press_on_send_is_refused_and_sends_nothing_twice(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        one = await written(tx, maple)
        await actions.send(tx, one.id, maple.fay, now=NOON)

        with pytest.raises(BroadcastDecided):
            await actions.send(tx, one.id, maple.fay, now=NOON)


async def test_nobody_else_can_send_stop_or_read_a_draft(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        gil = await add_facilitator(tx, maple.cohort, "Gil", 31)
        one = await written(tx, maple)

        for forbidden in (
            actions.send(tx, one.id, gil, now=NOON),
            actions.cancel(tx, one.id, gil),
            actions.stop(tx, one.id, gil, now=NOON),
            actions.mine(tx, one.id, gil),
        ):
            with pytest.raises(BroadcastGone):
                await forbidden


async def test_undo_after_it_left_is_too_late(database):
    maple, one = await left(database)

    async with database.transaction() as tx:
        with pytest.raises(BroadcastDecided):
            await actions.cancel(tx, one.id, await tx.get_one(Person, maple.fay.id))


async def test_those_who_sleep_get_it_in_their_morning(database):
    midnight = NOON + timedelta(hours=11)

    _, one = await left(database, midnight)

    async with database.transaction() as tx:
        assert {row.due_at for row in await letters(tx, one.id)} == {NOON + timedelta(hours=19)}


async def test_a_cohort_in_its_acute_phase_waits_for_its_end_and_for_the_morning_after(database):
    evening = NOON + timedelta(hours=7, minutes=50)  # 19:50 in Berlin
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        maple.meeting.starts_at = evening - timedelta(hours=3)
        maple.meeting.released_at = evening
        one = await written(tx, maple, now=evening)
        await actions.send(tx, one.id, maple.fay, now=evening)

    await fall_due(database, actions.MOMENTS, "broadcast-leaves", evening + LATER)

    async with database.transaction() as tx:
        assert {row.due_at for row in await letters(tx, one.id)} == {NOON + timedelta(hours=19)}


async def test_a_cancelled_session_makes_nobody_wait(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        maple.meeting.starts_at, maple.meeting.released_at = NOON - timedelta(hours=1), None
        maple.meeting.state = MeetingState.CANCELLED
        one = await written(tx, maple)
        await actions.send(tx, one.id, maple.fay, now=NOON)

    await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + LATER)

    async with database.transaction() as tx:
        assert {row.due_at for row in await letters(tx, one.id)} == {NOON + LATER}


async def test_somebody_in_two_cohorts_gets_one_copy(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        oak = await add_cohort(tx, "Oak", maple.fay.id, NOON)
        tx.add(Facilitation(cohort_id=oak.id, person_id=maple.fay.id, since=NOON))
        await add_member(tx, oak, await tx.get_one(Person, maple.ann.person_id), "Annie")
        one = await actions.write(tx, maple.fay, [maple.cohort, oak], WORDS, None, now=NOON)
        await actions.send(tx, one.id, maple.fay, now=NOON)

    await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + LATER)

    async with database.transaction() as tx:
        assert len(await letters(tx, one.id)) == 2


async def test_whoever_gave_the_cohort_away_before_it_leaves_reaches_nobody(database):
    async with database.transaction() as tx:
        maple = await add_maple(tx)
        one = await written(tx, maple)
        await actions.send(tx, one.id, maple.fay, now=NOON)
        (await tx.scalars(select(Facilitation))).one().ended_at = NOON

    await fall_due(database, actions.MOMENTS, "broadcast-leaves", NOON + LATER)

    async with database.transaction() as tx:
        assert [row.kind for row in await letters(tx, one.id)] == []


# ── Stopping and reporting ─────────────────────────────────────────────────────────────────────────────────────────


async def test_stopping_keeps_what_arrived_and_withdraws_the_rest(database):
    maple, one = await left(database)
    async with database.transaction() as tx:
        fay = await tx.get_one(Person, maple.fay.id)
        first, second = await letters(tx, one.id)
        await arrive(tx, first, 7, NOON)

        await actions.stop(tx, one.id, fay, now=NOON + LATER)

        tallied = await queries.tally_of(tx, await tx.get_one(Broadcast, one.id), NOON)
        names = {member.id: tx.open(member, "alias") for member in await tx.scalars(select(Member))}
        assert tallied == Tally(
            arrived=(names[first.member_id],),
            waiting=(),
            uncertain=(),
            not_reached=((names[second.member_id], Why.STOPPED),),
        )
        with pytest.raises(BroadcastDecided):
            await actions.stop(tx, one.id, fay, now=NOON + LATER)


async def test_a_copy_on_its_way_is_dropped_when_it_was_stopped_or_its_reader_went_away(database):
    maple, one = await left(database)
    async with database.transaction() as tx:
        to_ann = (await letters(tx, one.id, maple.ann))[0]
        assert (await said(tx, to_ann, COMPOSERS, NOON)).text.startswith("From Fay:\n")

        (await tx.get_one(Member, maple.ann.id)).paused_at = NOON
        assert (await said(tx, to_ann, COMPOSERS, NOON)).why == Why.PAUSED
        (await tx.get_one(Broadcast, one.id)).state = BroadcastState.STOPPED
        assert (await said(tx, to_ann, COMPOSERS, NOON)).why == Why.STOPPED


async def test_the_report_waits_until_every_copy_has_come_to_its_end_and_comes_once(database):
    maple, one = await left(database)
    at = NOON + LATER
    await fall_due(database, actions.MOMENTS, "broadcast-report", at)
    async with database.transaction() as tx:
        assert "broadcast-report" not in [row.kind for row in await letters(tx, one.id)]
        to_ann, to_bob = (await letters(tx, one.id, maple.ann))[0], (await letters(tx, one.id, maple.bob))[0]
        await arrive(tx, to_ann, 7, at)
        to_bob.state, to_bob.reason = DeliveryState.SKIPPED, "blocked"

    for minute in (1, 2, 3):
        await fall_due(database, actions.MOMENTS, "broadcast-report", at + timedelta(minutes=minute))

    async with database.transaction() as tx:
        (report,) = await letters(tx, one.id, maple.fay)
        assert (await tx.get_one(Broadcast, one.id)).state is BroadcastState.SENT
        assert (await said(tx, report, COMPOSERS, at)).text.splitlines() == [
            "1 person has it.",
            "Ann",
            "Not Bob: has stopped the bot",
        ]


async def test_a_copy_nobody_knows_of_is_reported_as_uncertain(database):
    maple, one = await left(database)
    async with database.transaction() as tx:
        for row in await letters(tx, one.id):
            row.state = DeliveryState.UNKNOWN
    await fall_due(database, actions.MOMENTS, "broadcast-report", NOON + LATER)

    async with database.transaction() as tx:
        (report,) = await letters(tx, one.id, maple.fay)
        text = (await said(tx, report, COMPOSERS, NOON)).text
        assert text.splitlines() == ["0 people have it.", "Nobody knows whether it arrived: Ann and Bob"]


async def test_while_copies_wait_the_author_can_stop_the_rest(database):
    maple, one = await left(database)
    async with database.transaction() as tx:
        stored = await actions.mine(tx, one.id, await tx.get_one(Person, maple.fay.id))

        screen = progress(T, stored, await queries.tally_of(tx, stored, NOON))

        assert [row[0].label for row in screen.buttons] == ["Stop the rest", "Look again"]


async def test_an_erased_reader_leaves_no_trace_in_the_report(database):
    maple, one = await left(database)
    async with database.transaction() as tx:
        await tx.delete(await tx.get_one(Member, maple.ann.id))

    async with database.transaction() as tx:
        stored = await tx.get_one(Broadcast, one.id)
        assert (await queries.tally_of(tx, stored, NOON)).waiting == ("Bob",)


# ── Pure ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("Maple Bring socks.\nWarm ones.", "Maple", "Bring socks.\nWarm ones."),
        ('"Maple Grove" Bring socks.', "Maple Grove", "Bring socks."),
        ("„Maple Grove“ Bring socks.", "Maple Grove", "Bring socks."),
        ("Maple", "Maple", ""),
        ("all\nTea at four", "all", "Tea at four"),
    ],
)
def test_the_first_word_says_to_whom_and_the_lines_stay_as_typed(line, name, words):
    assert addressed(line) == (name, words)


def test_somebody_in_two_cohorts_is_taken_where_they_can_be_reached():
    same = UUID(int=1)
    free = Reader(same, same, same, same, "Annie", SAO_PAULO, QuietHours())
    held = replace(free, name="Ann", why_not=Why.HELD)

    assert once_each([held, free]) == once_each([free, held]) == [free]


def test_every_state_of_a_copy_is_counted_once():
    outcomes = [(state.value, state, None) for state in DeliveryState]

    counted = tally(outcomes, [("away", Why.PAUSED)])

    everybody = [*counted.arrived, *counted.waiting, *counted.uncertain, *(name for name, _ in counted.not_reached)]
    assert sorted(everybody) == sorted([*DeliveryState, "away"])


def test_a_caption_is_shorter_than_a_text():
    fits("x" * 4000, with_attachment=False)

    with pytest.raises(BroadcastTooLong):
        fits("x" * 929, with_attachment=True)
