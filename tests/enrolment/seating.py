"""Fay and her couple, made the way the bot makes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.enrolment import actions, joining
from bot.enrolment.queries import meet_person, seats_of
from bot.enrolment.rules import ABOUT, READERS, SWITCHES, seat_labels
from bot.enrolment.wish import Wish
from bot.programmes.shelf import library, pin
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member, Person, Seat
from bot.words import CohortKind, Office, SecretsPolicy

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
FAY, ANN, BOB, EVE = 100, 200, 300, 400


async def fay(tx: Transaction, telegram_id: int = FAY, name: str = "Fay") -> Person:
    """A facilitator in São Paulo."""
    person = await meet_person(tx, telegram_id, name, "en", now=NOON)
    if Office.FACILITATOR not in await actions.offices(tx, person):
        await actions._appoint(tx, person, Office.FACILITATOR, by=None, now=NOON)
    person.zone, person.zone_confirmed = ZoneInfo("America/Sao_Paulo"), True
    return person


def a_wish(name: str = "Maple", kind: CohortKind = CohortKind.COUPLE, **more: Any) -> Wish:
    labels = {
        CohortKind.COUPLE: ("Ann", "Bob"),
        CohortKind.GROUP: seat_labels(CohortKind.GROUP, ["3"]),
        CohortKind.INDIVIDUAL: ("Ann",),
    }[kind]
    known = {"zone": "Europe/Berlin", "policy": SecretsPolicy.JUDGED, "screened": True, "labels": labels}
    return Wish(kind, name, **(known | more))


async def make(tx: Transaction, by: Person, wish: Wish | None = None) -> Cohort:
    programme = await pin(tx, library()["light-touch"].source, NOON)
    return await actions.make_cohort(
        tx, wish or a_wish(), by, programme=programme.digest, lighter=programme.digest, now=NOON
    )


async def maple(tx: Transaction) -> tuple[Person, Cohort, list[Seat]]:
    """Fay and her couple with two empty seats."""
    facilitator = await fay(tx)
    cohort = await make(tx, facilitator)
    return facilitator, cohort, await seats_of(tx, cohort)


async def sit(tx: Transaction, seat: Seat, telegram_id: int = ANN, name: str = "Ann") -> tuple[Person, Member]:
    person = await meet_person(tx, telegram_id, name, "en", now=NOON)
    return person, await joining.take_seat(tx, seat, person, now=NOON)


async def join(tx: Transaction, seat: Seat, telegram_id: int = ANN, name: str = "Ann") -> tuple[Person, Member]:
    """Through all the screens, up to waiting."""
    person, member = await sit(tx, seat, telegram_id, name)
    joining.go_to(member, READERS)
    joining.go_to(member, SWITCHES)
    await joining.confirm_adult(tx, member, version="v", language="en", now=NOON)
    assert member.screen == ABOUT
    await joining.finish(tx, member, person, ZoneInfo("Europe/Berlin"), now=NOON)
    return person, member


async def kinds(tx: Transaction, to: Person) -> list[str]:
    """What waits to be sent to somebody, in order."""
    from bot.window.queries import private_chat

    chat = await private_chat(tx, to.id)
    return sorted(await tx.scalars(select(Delivery.kind).where(Delivery.chat_id == chat.id)))
