"""A proof is worth what it can refute: each rule of the house is broken once, and some seed has to notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from world import Ground, play

from bot.delivery import claims, letters, telegram
from bot.delivery.governor import Governor, _Window
from bot.delivery.outbox import DELIVERY
from bot.delivery.outcomes import Outcome
from bot.delivery.turnstile import Turnstile
from bot.intake.arrival import Arrival
from bot.intake.inbox import Inbox
from bot.words import DeliveryState, OutcomeKind

Break = Callable[[pytest.MonkeyPatch], None]

MOST_SEEDS = 120


def it_calls_before_it_marks(patch: pytest.MonkeyPatch) -> None:
    async def mark(tx: Any, rows: Any, claimant: Any, now: Any) -> None:
        for row in rows:
            claims.remember(row, state=DeliveryState.SENDING, attempts=row.attempts + 1, attempt_id=uuid4())

    patch.setattr(claims, "mark_sending", mark)


def it_takes_a_lost_reply_for_a_lost_call(patch: pytest.MonkeyPatch) -> None:
    honest = telegram.outcome_of

    def hopeful(*asked: Any) -> Outcome:
        found = honest(*asked)
        return Outcome(OutcomeKind.NOT_SENT, "hope") if found.kind is OutcomeKind.UNKNOWN else found

    patch.setattr(telegram, "outcome_of", hopeful)


def it_repeats_what_the_dead_were_sending(patch: pytest.MonkeyPatch) -> None:
    async def bury(tx: Any, claimant: Any) -> None:
        ended = update(DELIVERY).where(DELIVERY.c.state == DeliveryState.SENDING)
        await tx.execute(ended.values(state=DeliveryState.PLANNED, claimed_by=None, term=None, lease_until=None))

    patch.setattr(claims, "bury_former_boots", bury)


def it_does_not_look_after_the_dead(patch: pytest.MonkeyPatch) -> None:
    async def rescue(tx: Any, claimant: Any) -> list[Any]:
        return []

    patch.setattr(claims, "rescue", rescue)


def it_ignores_pauses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Governor, "limited", lambda *_: False)


def it_knows_no_pace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Window, "_wait", lambda *_: 0.0)
    patch.setattr(Governor, "wait_for_all", lambda governor, *asked: governor.paused_for(asked[-1]))


def it_sends_the_newest_first(patch: pytest.MonkeyPatch) -> None:
    in_order = claims._due_in_lane

    async def backwards(*asked: Any) -> list[Any]:
        return (await in_order(*asked))[::-1]

    patch.setattr(claims, "_due_in_lane", backwards)


def it_deals_the_copies_of_cohorts_like_cards(patch: pytest.MonkeyPatch) -> None:
    in_order = claims._due_in_lane

    async def dealt(*asked: Any) -> list[Any]:
        rows = await in_order(*asked)
        return rows[::2] + rows[1::2]

    patch.setattr(claims, "_due_in_lane", dealt)


def it_sends_many_to_a_chat_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Turnstile, "_has_to_wait", lambda *_: False)
    patch.setattr(Turnstile, "_full", lambda *_: False)


def it_does_not_ask_again_before_it_marks(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> dict[Any, str]:
        return {}

    patch.setattr(letters, "reasons_to_stay", nothing)


def it_confirms_updates_before_it_has_stored_them(patch: pytest.MonkeyPatch) -> None:
    honest = Inbox.store

    async def store(inbox: Inbox, updates: list[Any]) -> None:
        asyncio.get_running_loop().call_later(0.3, lambda: asyncio.ensure_future(honest(inbox, updates)))

    patch.setattr(Inbox, "store", store)


def it_marks_an_update_after_its_action(patch: pytest.MonkeyPatch) -> None:
    honest = Arrival.mark_handled
    asked: set[int] = set()

    async def second_time(arrival: Arrival, tx: Any, *, now: Any) -> None:
        if id(arrival) in asked:
            await honest(arrival, tx, now=now)
        asked.add(id(arrival))

    patch.setattr(Arrival, "mark_handled", second_time)


RULES: list[tuple[Break, str]] = [
    (it_calls_before_it_marks, "left while it was claimed"),
    (it_takes_a_lost_reply_for_a_lost_call, "arrived 2 times"),
    (it_repeats_what_the_dead_were_sending, "arrived 2 times"),
    (it_does_not_look_after_the_dead, "in circles"),
    (it_ignores_pauses, "before a pause was over"),
    (it_knows_no_pace, "calls left within"),
    (it_sends_the_newest_first, "overtook"),
    (it_deals_the_copies_of_cohorts_like_cards, "torn apart"),
    (it_sends_many_to_a_chat_at_once, "while another letter of its chat"),
    (it_does_not_ask_again_before_it_marks, "said stop"),
    (it_confirms_updates_before_it_has_stored_them, "was handled 0 times"),
    (it_marks_an_update_after_its_action, "was handled 2 times"),
]


@pytest.mark.parametrize(("broken", "complaint"), RULES, ids=[broken.__name__ for broken, _ in RULES])
def test_a_broken_rule_is_noticed(
    broken: Break, complaint: str, ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)

    for seed in range(MOST_SEEDS):
        if any(complaint in said for said in play(seed, ground, tmp_path).complaints):
            return

    pytest.fail(f"{MOST_SEEDS} seeds were content although {broken.__name__.replace('_', ' ')}")
