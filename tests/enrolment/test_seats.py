"""What a seat's link promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from seating import ANN, BOB, EVE, FAY, LATER, NOON, a_wish, fay, join, kinds, make, maple, sit
from sqlalchemy import select

from bot.enrolment import actions, compose, joining
from bot.enrolment.queries import meet_person, memberships, seats_of
from bot.enrolment.rules import AlreadySeated, LinkBurnt, LinkState, LinkUsed, OwnSeat, UnknownLink, link_state
from bot.messages import Message, Withdrawn
from bot.storage.database import Database, Transaction
from bot.storage.tables import AuditEntry, Delivery, Seat
from bot.texts import Texts
from bot.words import CohortKind, MemberState


def secret_of(tx: Transaction, seat: Seat) -> str:
    return tx.keys.link_secret(seat.id, seat.issue)


async def test_a_couple_has_two_seats_whose_links_open_only_their_own(database: Database) -> None:
    async with database.transaction() as tx:
        _, cohort, seats = await maple(tx)

        found = [await actions.find_link(tx, secret_of(tx, seat)) for seat in seats]

        assert [tx.open(seat, "label") for seat in seats] == ["Ann", "Bob"]
        assert found == seats
        assert all(len(secret_of(tx, seat)) * 6 >= 128 for seat in seats)
        assert cohort.seats == 2


async def test_a_facilitator_who_has_told_no_zone_reads_hours_in_their_cohorts(database: Database) -> None:
    async with database.transaction() as tx:
        told = await fay(tx)
        guessed = await meet_person(tx, EVE, "Eve", "en", now=NOON)

        await make(tx, told)
        await make(tx, guessed)

        assert [person.zone.key for person in (told, guessed)] == ["America/Sao_Paulo", "Europe/Berlin"]
        assert not guessed.zone_confirmed


async def test_a_link_works_once(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        await sit(tx, seats[0])
        eve = await meet_person(tx, EVE, "Eve", "en", now=NOON)

        with pytest.raises(LinkUsed):
            await joining.take_seat(tx, seats[0], eve, now=LATER)


async def test_of_two_people_who_open_one_link_at_once_one_gets_the_seat(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        secret = secret_of(tx, seats[0])

    async def opens(who: int) -> bool:
        async with database.transaction() as tx:
            person = await meet_person(tx, who, "Somebody", "en", now=NOON)
            seat = await actions.find_link(tx, secret)
            assert isinstance(seat, Seat)
            try:
                await joining.take_seat(tx, seat, person, now=NOON)
            except LinkUsed:
                return False
            return True

    assert sorted(await asyncio.gather(opens(ANN), opens(EVE))) == [False, True]


async def test_opening_ones_own_link_again_goes_on_where_one_was(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        ann, member = await sit(tx, seats[0])
        joining.go_to(member, "readers")

        again = await joining.take_seat(tx, seats[0], ann, now=NOON + timedelta(days=9))

        assert again is member
        assert again.screen == "readers"


async def test_a_link_is_too_old_after_seven_days(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        ann = await meet_person(tx, ANN, "Ann", "en", now=NOON)

        with pytest.raises(LinkBurnt):
            await joining.take_seat(tx, seats[0], ann, now=NOON + timedelta(days=7))

        assert await memberships(tx, ann) == []


async def test_the_facilitator_is_asked_once_for_a_new_link_however_often_it_is_wanted(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)

        await actions.ask_for_new_link(tx, seats[0], now=LATER)
        await actions.ask_for_new_link(tx, seats[0], now=LATER)

        assert await kinds(tx, facilitator) == ["seat-wanted"]


async def test_a_link_shown_in_a_group_is_burnt_and_the_facilitator_reads_so(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        await actions.burn_seat_link(tx, seats[0], now=LATER)
        ann = await meet_person(tx, ANN, "Ann", "en", now=NOON)

        with pytest.raises(LinkBurnt):
            await joining.take_seat(tx, seats[0], ann, now=LATER)

        assert await kinds(tx, facilitator) == ["seat-wanted"]


async def test_a_new_link_makes_the_one_before_it_useless(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        old = secret_of(tx, seats[0])

        await actions.new_link(tx, seats[0], facilitator, now=LATER)
        await tx.flush()

        assert await actions.find_link(tx, old) is None
        assert await actions.find_link(tx, secret_of(tx, seats[0])) is seats[0]


async def test_a_seat_somebody_holds_gets_no_new_link(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        await sit(tx, seats[0])

        with pytest.raises(LinkUsed):
            await actions.new_link(tx, seats[0], facilitator, now=LATER)


async def test_nobody_sits_in_a_cohort_they_facilitate(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)

        with pytest.raises(OwnSeat):
            await joining.take_seat(tx, seats[0], facilitator, now=LATER)

        assert seats[0].used_at is None


async def test_one_person_cannot_take_both_seats(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        ann, _ = await sit(tx, seats[0])

        with pytest.raises(AlreadySeated):
            await joining.take_seat(tx, seats[1], ann, now=LATER)

        assert seats[1].used_at is None


async def test_a_closed_cohort_lets_nobody_in(database: Database) -> None:
    async with database.transaction() as tx:
        _, cohort, seats = await maple(tx)
        cohort.closed_at = NOON
        ann = await meet_person(tx, ANN, "Ann", "en", now=NOON)

        with pytest.raises(UnknownLink):
            await joining.take_seat(tx, seats[0], ann, now=LATER)


async def test_one_person_may_sit_in_two_cohorts(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        other = await make(tx, facilitator, a_wish("Oak", CohortKind.GROUP))
        ann, _ = await sit(tx, seats[0])

        await joining.take_seat(tx, (await seats_of(tx, other))[2], ann, now=LATER)

        assert len(await memberships(tx, ann)) == 2


async def test_a_link_can_be_shown_as_often_as_the_facilitator_asks(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, cohort, seats = await maple(tx)

        first = await actions.send_all_links(tx, cohort, facilitator, "a_bot", now=NOON)
        second = await actions.send_links(tx, seats[:1], facilitator, "a_bot", now=NOON)

        assert (first, second) == (2, 1)
        assert await kinds(tx, facilitator) == ["seat-link"] * 3


async def test_links_of_taken_seats_are_not_shown(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, cohort, seats = await maple(tx)
        await sit(tx, seats[0])

        assert await actions.send_all_links(tx, cohort, facilitator, "a_bot", now=NOON) == 1


async def test_a_link_message_can_be_forwarded_as_it_is(database: Database) -> None:
    """It names its own person, and neither anybody else nor what it is about."""
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        await actions.send_links(tx, seats[:1], facilitator, "a_bot", now=NOON)
        row = (await tx.scalars(select(Delivery))).one()

        said = await compose.seat_link(tx, row, Texts("en"), NOON)

        assert isinstance(said, Message)
        assert f"https://t.me/a_bot?start={secret_of(tx, seats[0])}" in said.text
        assert said.attachment is not None
        assert said.attachment.content is not None
        assert said.attachment.content.startswith(b"\x89PNG")
        assert "Ann" in said.text
        assert not [word for word in ("Bob", "Maple", "Fay", "therap", "ketamine", "couple") if word in said.text]


async def test_a_replaced_link_is_not_sent_any_more(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        await actions.send_links(tx, seats[:1], facilitator, "a_bot", now=NOON)
        row = (await tx.scalars(select(Delivery))).one()
        await actions.new_link(tx, seats[0], facilitator, now=LATER)

        assert await compose.seat_link(tx, row, Texts("en"), LATER) == Withdrawn("link replaced")


async def test_nothing_of_a_link_is_stored_that_could_open_it(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, cohort, seats = await maple(tx)
        await actions.send_all_links(tx, cohort, facilitator, "a_bot", now=NOON)

        stored = [str(row.facts) for row in await tx.scalars(select(Delivery))]
        stored += [str(row.facts) for row in await tx.scalars(select(AuditEntry))]

        assert not any(secret_of(tx, seat) in facts for seat in seats for facts in stored)
        assert secret_of(tx, seats[0]).encode() != seats[0].fingerprint


async def test_declining_frees_the_seat_with_a_new_link(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        old = secret_of(tx, seats[0])
        eve, member = await join(tx, seats[0], EVE, "Eve")

        freed = await joining.decline(tx, member, facilitator, now=LATER)
        await tx.flush()

        assert freed is seats[0]
        assert member.state is MemberState.DECLINED
        assert await memberships(tx, eve) == []
        assert await actions.find_link(tx, old) is None
        state = link_state(used_at=freed.used_at, burnt_at=freed.burnt_at, expires_at=freed.expires_at, now=LATER)
        assert state is LinkState.FREE
        assert await kinds(tx, eve) == ["seat-declined"]


async def test_whoever_was_declined_by_mistake_can_come_back_with_the_new_link(database: Database) -> None:
    async with database.transaction() as tx:
        facilitator, _, seats = await maple(tx)
        ann, member = await join(tx, seats[0])
        await joining.decline(tx, member, facilitator, now=LATER)

        again = await joining.take_seat(tx, seats[0], ann, now=LATER)

        assert again.id != member.id
        assert again.state is MemberState.JOINING


async def test_two_strangers_have_two_seats(database: Database) -> None:
    async with database.transaction() as tx:
        _, _, seats = await maple(tx)
        _, ann = await sit(tx, seats[0], ANN, "Ann")
        _, bob = await sit(tx, seats[1], BOB, "Bob")

        assert {ann.seat_id, bob.seat_id} == {seat.id for seat in seats}
        assert (await fay(tx)).telegram_id == FAY
