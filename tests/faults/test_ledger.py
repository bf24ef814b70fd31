from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from faults.ledger import Accepted, Row, balance

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ANN, BOB, CIRCLE = 1, 2, -3
ROW = Row("a", ANN, 2, NOON, "sent")


def came(tag: str, after: float = 0.0, chat: int = ANN) -> Accepted:
    return Accepted(tag, chat, NOON + timedelta(seconds=after), 100.0 + after)


def test_what_was_said_once_and_is_known_holds() -> None:
    verdict = balance([ROW, replace(ROW, tag="b", chat=BOB)], [came("a"), came("b", 1, BOB)], rate=25)

    assert verdict.holds
    assert (verdict.deliveries, verdict.accepted, verdict.latest) == (2, 2, 1.0)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW, "the row says sent, Telegram never had it"),
        (replace(ROW, state="planned"), "still planned"),
        (replace(ROW, state="sending"), "still sending"),
        (replace(ROW, state="skipped"), "skipped without a reason"),
    ],
)
def test_what_nobody_had_and_nobody_knows_why_is_lost(row: Row, why: str) -> None:
    assert balance([row], []).lost == [f"a: {why}"]


@pytest.mark.parametrize("state", ["planned", "claimed", "skipped", "cancelled", "failed"])
def test_a_message_whose_row_says_that_it_never_left_is_a_ghost(state: str) -> None:
    verdict = balance([replace(ROW, state=state, reason="too late")], [came("a")])

    assert verdict.ghosts == [f"a: accepted, and the row says {state}"]


def test_a_message_without_a_row_is_a_ghost() -> None:
    assert balance([], [came("a")]).ghosts == ["a: accepted, and no row"]


def test_one_copy_more_than_allowed_or_tried_is_doubled() -> None:
    twice = [came("a"), came("a", 21)]

    assert balance([replace(ROW, attempts=2)], twice).doubled == ["a: 2 copies, 2 tries, 1 allowed"]
    assert balance([replace(ROW, copies=3)], twice).doubled == ["a: 2 copies, 1 tries, 3 allowed"]
    assert balance([replace(ROW, copies=3, attempts=2, repeated=True)], twice).holds


def test_what_nobody_knows_is_in_doubt_and_no_fault() -> None:
    rows = [replace(ROW, state="unknown"), replace(ROW, tag="b", chat=BOB, state="unknown")]

    verdict = balance(rows, [came("a")])

    assert verdict.holds
    assert verdict.in_doubt == ["a", "b"]


def test_what_comes_before_its_hour_or_too_late_is_untimely() -> None:
    late = timedelta(seconds=2)

    assert balance([ROW], [came("a", -1)]).untimely == ["a: 1.0 s too early"]
    assert balance([ROW], [came("a", 3)], punctual=late).untimely == ["a: 3.0 s late"]
    assert balance([replace(ROW, expires_at=NOON)], [came("a", 31)]).untimely == ["a: after it had expired"]
    assert balance([replace(ROW, expires_at=NOON)], [came("a", 29)]).holds


def test_messages_of_a_chat_keep_their_order_but_for_those_that_went_again() -> None:
    rows = [ROW, replace(ROW, tag="b", due_at=NOON + timedelta(seconds=1))]
    turned = [came("b", 1), came("a", 2)]

    assert balance(rows, turned).disordered == ["b came before a"]
    assert balance([replace(rows[0], repeated=True), rows[1]], turned).holds
    assert balance([replace(rows[0], lane=1), rows[1]], turned).holds


def test_more_calls_than_allowed_in_any_second_are_too_fast() -> None:
    calls = [(chat, 100 + chat / 25) for chat in range(1, 60)]

    assert balance([], [], calls, rate=25).holds
    assert balance([], [], [*calls, *((90 + n, 101.001 + n / 1000) for n in range(4))], rate=25).too_fast == [
        "27 calls in one second, 25 allowed"
    ]


def test_a_private_chat_takes_three_in_three_seconds_and_a_group_twenty_a_minute() -> None:
    one_chat = [(ANN, at) for at in (100.0, 101.0, 102.0, 102.8)]
    circle = [(CIRCLE, 100.0 + 2.5 * number) for number in range(21)]

    assert balance([], [], one_chat, rate=25).too_fast == [f"4 calls to {ANN} in 3 seconds, 3 allowed"]
    assert balance([], [], circle, rate=25).too_fast == [f"21 calls to {CIRCLE} in 60 seconds, 20 allowed"]
    assert balance([], [], [*one_chat[:3], (ANN, 103.1)], rate=25).holds


def test_a_verdict_says_its_numbers_and_what_is_wrong_in_words() -> None:
    said = str(balance([ROW], []))

    assert said.startswith("deliveries 1, accepted 0, lost 1, doubled 0, ghosts 0")
    assert said.endswith("\n  lost: a: the row says sent, Telegram never had it")
