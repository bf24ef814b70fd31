"""Whatever the two do until the hour, on either database: nothing is shown too early, and nothing can be told apart.

Each example plays a sequence of what Ann and Bob do with one sealed question, on the real actions and screens, twice:
once as drawn, and once with another Bob. Ann does the same both times, so until the hour everything she sees must be
the same too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from couple import NOON, Maple, add_maple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.checkins import actions, compose, queries
from bot.checkins.rules import Side, decide
from bot.errors import Refused
from bot.messages import Message
from bot.programmes.schema import WHEN_BOTH, Step
from bot.programmes.shelf import library
from bot.storage.database import Database, Transaction
from bot.storage.tables import ConsentGiven, Delivery, Member, Moment
from bot.texts import Texts
from bot.window.queries import private_chat
from bot.words import Choice, Consent, DeliveryState, Lane, MemberState, MomentState, OpeningState, Origin, Verb

WORDS = {"Ann": "What Ann wrote for the hour", "Bob": "What Bob wrote for the hour"}
HOUR = NOON + timedelta(hours=5)
T = Texts("en")


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Transaction]:
    """A transaction of which nothing stays."""
    async with Transaction(database.engine, expire_on_commit=False) as tx:
        tx.keys = database.keys
        yield tx
        await tx.rollback()


def sealed_step() -> Step:
    steps = library()["couple-72h"].programme.steps
    return next(step for step in steps if step.is_sealed and step.opens != WHEN_BOTH and len(step.ask) == 1)


STEP = sealed_step()

DEEDS = ["open", "answer", "share", "keep", "withdraw", "skip", "change", "pause", "resume", "hold", "release", "leave"]
CONSENTS = ["allow", "forbid"]
deeds = st.lists(st.sampled_from(DEEDS + CONSENTS), max_size=8)


@dataclass
class Desk:
    """Both phones of one example."""

    tx: Transaction
    maple: Maple
    deliveries: dict[str, Delivery]

    def member(self, name: str) -> Member:
        return self.maple.ann if name == "Ann" else self.maple.bob


async def set_up(tx: Transaction) -> Desk:
    maple = await add_maple(tx)
    deliveries = {}
    for name, member in (("Ann", maple.ann), ("Bob", maple.bob)):
        tx.add(consent(member, granted=True, at=NOON - timedelta(days=8)))
        row = Delivery(
            key=f"prompt:{name}",
            origin=Origin.WINDOW,
            verb=Verb.SEND,
            kind="prompt",
            lane=Lane.PROMPTS,
            chat_id=(await private_chat(tx, member.person_id)).id,
            cohort_id=maple.cohort.id,
            member_id=member.id,
            meeting_id=maple.meeting.id,
            step=STEP.id,
            due_at=NOON,
            state="sent",
            made_at=NOON,
        )
        tx.add(row)
        deliveries[name] = row
    tx.add(
        Moment(
            key=queries.opening_key(maple.meeting.id, STEP.id),
            kind="opening",
            due_at=HOUR,
            cohort_id=maple.cohort.id,
            meeting_id=maple.meeting.id,
            step=STEP.id,
            state=MomentState.WAITING,
        )
    )
    await tx.flush()
    return Desk(tx, maple, deliveries)


def consent(member: Member, *, granted: bool, at: datetime) -> ConsentGiven:
    return ConsentGiven(
        member_id=member.id, switch=Consent.PARTNER, granted=granted, version="1", language="en", given_at=at
    )


async def do(desk: Desk, name: str, deed: str, now: datetime) -> str:
    """One deed on one phone; returns what that phone shows afterwards, without ids."""
    member = desk.member(name)
    page = await queries.page_of(desk.tx, desk.deliveries[name])
    gone = member.state is not MemberState.ENROLLED
    try:
        if deed in {"open", "answer", "share", "keep", "withdraw", "skip", "change"} and gone:
            return "gone"  # page_for refuses who has left
        match deed:
            case "open":
                await actions.begin(desk.tx, page, now=now)
            case "answer":
                await actions.keep_answer(desk.tx, page, STEP.ask[0], WORDS[name], now=now)
            case "share":
                await actions.choose_for(desk.tx, page, Choice.SHARE, now=now)
            case "keep":
                await actions.choose_for(desk.tx, page, Choice.KEEP, now=now)
            case "withdraw":
                await actions.withdraw_answer(desk.tx, page, now=now)
            case "skip":
                await actions.skip(desk.tx, page, now=now)
            case "change":
                await actions.ask_again(desk.tx, page, STEP.ask[0].id, now=now)
            case "pause":
                member.paused_at = now
            case "resume":
                member.paused_at = None
            case "hold":
                member.held_at = now
            case "release":
                member.held_at = None
            case "leave":
                member.state, member.left_at = MemberState.LEFT, now
            case "allow" | "forbid":
                desk.tx.add(consent(member, granted=deed == "allow", at=now))
    except Refused as no:
        await desk.tx.flush()
        return type(no).__name__
    await desk.tx.flush()
    return shown(compose.unfolded(await queries.page_of(desk.tx, desk.deliveries[name]), T, now=now))


def shown(message: Message) -> str:
    labels = [button.label for row in message.buttons for button in row]
    return f"{message.text} {labels} {message.silent} {message.protected}"


async def play(database: Database, anns: list[str], bobs: list[str]) -> tuple[list[str], list[object], str, Side, Side]:
    """Ann's and Bob's deeds in turn, then the hour; nothing of it stays in the database."""
    result = None
    async with undone(database) as tx:
        desk = await set_up(tx)
        seen = []
        for turn in range(max(len(anns), len(bobs))):
            now = NOON + timedelta(minutes=turn * 10)
            if turn < len(bobs):
                await do(desk, "Bob", bobs[turn], now)
            if turn < len(anns):
                seen.append(await do(desk, "Ann", anns[turn], now + timedelta(minutes=5)))
        sides = [
            (await queries.side_of(tx, desk.member(name), desk.maple.meeting.id, STEP.id, now=HOUR))[0]
            for name in ("Ann", "Bob")
        ]
        moment = (await tx.scalars(select(Moment).where(Moment.kind == "opening"))).one()
        await actions.decide_opening(tx, moment, now=HOUR)
        await actions.decide_opening(tx, moment, now=HOUR)
        chat = await private_chat(tx, desk.maple.ann.person_id)
        rows = list(await tx.scalars(select(Delivery).where(Delivery.chat_id == chat.id, Delivery.kind == "opening")))
        pushes = [
            (row.kind, row.due_at, row.lane, row.silent, shown(await compose.opening(tx, row, T, now=HOUR)))
            for row in rows
        ]
        inside = "".join([shown(await compose.inside(tx, row, T)) for row in rows])
        result = (seen, pushes, inside, sides[0], sides[1])
    assert result is not None
    return result


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(anns=deeds, bobs=deeds, twins=deeds)
async def test_until_the_hour_ann_cannot_tell_two_bobs_apart(
    database: Database, anns: list[str], bobs: list[str], twins: list[str]
) -> None:
    seen, pushes, inside, ann, bob = await play(database, anns, bobs)
    seen_beside_twin, pushes_beside_twin, inside_beside_twin, same_ann, twin = await play(database, anns, twins)

    assert seen == seen_beside_twin
    assert pushes == pushes_beside_twin
    assert ann == same_ann
    assert not any(WORDS["Bob"] in screen for screen in seen)
    for other, shown_inside in ((bob, inside), (twin, inside_beside_twin)):
        opened = decide(ann, other) is OpeningState.OPENED
        assert (WORDS["Bob"] in shown_inside) == opened
    if decide(ann, bob) is decide(ann, twin) is OpeningState.UNOPENED:
        assert inside == inside_beside_twin


@pytest.mark.parametrize("missing", ["answered", "choice", "consents", "here", "held"])
async def test_any_one_thing_missing_keeps_both_closed_with_the_same_line(database: Database, missing: str) -> None:
    bobs = {
        "answered": ["open"],
        "choice": ["answer", "keep"],
        "consents": ["answer", "share", "forbid"],
        "here": ["answer", "share", "leave"],
        "held": ["answer", "share", "hold"],
    }[missing]

    _, pushes, inside, _, bob = await play(database, ["answer", "share"], bobs)

    offering = replace(Side(), answered=True, choice=Choice.SHARE)
    assert not bob.offers
    assert offering.offers
    assert len(pushes) == 1
    assert inside.startswith("Nothing to open this time.")


async def test_it_opens_when_both_have_answered_and_share(database: Database) -> None:
    _, pushes, inside, ann, bob = await play(database, ["answer", "share"], ["answer", "share"])

    assert ann.offers
    assert bob.offers
    assert len(pushes) == 1
    assert WORDS["Bob"] in inside
    assert WORDS["Ann"] not in inside


async def test_the_hour_chosen_last_is_the_one_at_which_a_step_comes_back(database: Database) -> None:
    async with undone(database) as tx:
        desk = await set_up(tx)
        desk.deliveries["Ann"].facts = {"kind": "prompt", "merged": ["arriving"]}
        page = await queries.page_of(tx, desk.deliveries["Ann"])

        for hours in (1, 20):
            await actions.come_back_later(tx, page, NOON + timedelta(hours=hours), now=NOON)

        waiting = await tx.scalars(
            select(Delivery).where(Delivery.key.startswith("later:"), Delivery.state == DeliveryState.PLANNED)
        )
        assert [(row.due_at, row.facts) for row in waiting] == [
            (NOON + timedelta(hours=20), {"kind": "prompt", "merged": ["arriving"]})
        ]
