"""The sending limits, when a rehearsal asks for them."""

from __future__ import annotations

import pytest

from bot.rehearsal.limits import Limiter


@pytest.fixture
def limiter(stage):
    stage.limiter = Limiter()
    return stage.limiter


def test_one_private_chat_takes_a_burst_and_then_one_a_second():
    limiter = Limiter(burst=3)

    waits = [limiter.wait(1, now=0.0) for _ in range(4)]

    assert waits == [None, None, None, 1]
    assert [limiter.wait(1, now=1.0), limiter.wait(1, now=1.0)] == [None, 1]


def test_thirty_a_second_over_all():
    limiter = Limiter()

    waits = [limiter.wait(person, now=0.5) for person in range(1, 32)]

    assert waits == [None] * 30 + [1]
    assert limiter.wait(99, now=1.5) is None


def test_twenty_a_minute_in_one_group():
    limiter = Limiter()

    waits = [limiter.wait(-5, now=float(second)) for second in range(21)]

    assert waits == [None] * 20 + [40]
    assert limiter.wait(-5, now=60.0) is None


def test_a_limited_stage_answers_429_and_edits_count_too(limiter, ann, call):
    sent = [call("sendMessage", chat_id=ann.chat.id, text=f"{n}") for n in range(4)]

    outcome = call("editMessageText", chat_id=ann.chat.id, message_id=sent[0]["message_id"], text="x")

    assert outcome == "429: Too Many Requests: retry after 1"
    assert limiter.refused == 1


def test_without_a_limiter_nothing_is_limited(ann, call):
    outcomes = [call("sendMessage", chat_id=ann.chat.id, text="x") for _ in range(100)]

    assert len(ann.received) == len(outcomes)
