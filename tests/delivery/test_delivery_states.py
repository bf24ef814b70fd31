from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.delivery import states
from bot.delivery.outcomes import NEVER, ONCE, TWICE, Outcome, Policy, policy_of
from bot.delivery.states import ARROWS, Ruling, backoff
from bot.words import DeliveryState, Lane, OutcomeKind, Verb

FINAL = {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.CANCELLED}
outcomes = st.builds(Outcome, st.sampled_from(OutcomeKind), st.sampled_from([None, "reason"]))


def test_every_state_is_drawn_and_final_ones_lead_nowhere() -> None:
    assert set(ARROWS) == set(DeliveryState)
    assert {state for state, to in ARROWS.items() if not to} == FINAL


@given(outcomes, st.sampled_from(Verb), st.sampled_from([NEVER, ONCE, TWICE]), st.integers(1, 40), st.integers(0, 3))
def test_every_outcome_follows_a_drawn_arrow(
    outcome: Outcome, verb: Verb, policy: Policy, attempts: int, resends: int
) -> None:
    ruling = states.rule(outcome, verb, policy, attempts=attempts, resends=resends)

    assert ruling.state in ARROWS[DeliveryState.SENDING]


@pytest.mark.parametrize(
    ("lane", "copies"), [(Lane.INTERACTIVE, 2), (Lane.SAFETY, 2), (Lane.PROMPTS, 0), (Lane.BROADCAST, 0)]
)
def test_only_what_must_arrive_is_repeated_when_nobody_knows(lane: Lane, copies: int) -> None:
    assert policy_of(lane).resends == copies


def test_a_prompt_whose_reply_is_lost_stays_unknown() -> None:
    ruling = states.rule(Outcome(OutcomeKind.UNKNOWN, "reset"), Verb.SEND, NEVER, attempts=1, resends=0)

    assert ruling == Ruling(DeliveryState.UNKNOWN, "reset", None)


def test_a_receipt_whose_reply_is_lost_may_go_twice_more_after_twenty_seconds() -> None:
    lost = Outcome(OutcomeKind.UNKNOWN, "reset")

    rests = [states.rule(lost, Verb.SEND, TWICE, attempts=n + 1, resends=n).rests for n in range(3)]

    assert rests == [20.0, 20.0, None]


@pytest.mark.parametrize("verb", [Verb.EDIT, Verb.DELETE, Verb.PIN])
def test_a_change_is_repeated_until_it_is_answered_or_given_up(verb: Verb) -> None:
    lost = Outcome(OutcomeKind.UNKNOWN, "reset")

    first = states.rule(lost, verb, NEVER, attempts=1, resends=0)
    last = states.rule(lost, verb, NEVER, attempts=states.MOST_TRIES_AT_A_CHANGE, resends=0)

    assert first == Ruling(DeliveryState.PLANNED, "reset", 1.0)
    assert last == Ruling(DeliveryState.FAILED, "no answer")


def test_back_off_doubles_up_to_a_minute() -> None:
    assert [backoff(n) for n in (1, 2, 3, 6, 7, 500)] == [1, 2, 4, 32, 60, 60]


class OneDelivery(RuleBasedStateMachine):
    """Whatever happens to a delivery, it is called no oftener than its policy allows and nothing leaves a final state."""

    @initialize(policy=st.sampled_from([NEVER, ONCE, TWICE]), verb=st.sampled_from([Verb.SEND, Verb.EDIT]))
    def plan(self, policy: Policy, verb: Verb) -> None:
        self.policy = policy
        self.verb = verb
        self.state = DeliveryState.PLANNED
        self.attempts = self.resends = 0
        self.perhaps_there = 0  # calls that may have arrived

    def go(self, state: DeliveryState) -> None:
        assert state in ARROWS[self.state]
        self.state = state

    @precondition(lambda self: self.state is DeliveryState.PLANNED)
    @rule()
    def claim(self) -> None:
        self.go(DeliveryState.CLAIMED)

    @precondition(lambda self: self.state in states.WAITING)
    @rule(how=st.sampled_from([DeliveryState.CANCELLED, DeliveryState.SKIPPED]))
    def withdraw(self, how: DeliveryState) -> None:
        self.go(how)

    @precondition(lambda self: self.state is DeliveryState.CLAIMED)
    @rule()
    def owner_dies(self) -> None:
        self.go(DeliveryState.PLANNED)

    @precondition(lambda self: self.state is DeliveryState.CLAIMED)
    @rule(outcome=outcomes)
    def call(self, outcome: Outcome) -> None:
        self.go(DeliveryState.SENDING)
        self.attempts += 1
        if outcome.kind in {OutcomeKind.DONE, OutcomeKind.UNKNOWN}:
            self.perhaps_there += 1
        ruling = states.rule(outcome, self.verb, self.policy, attempts=self.attempts, resends=self.resends)
        self.go(ruling.state)
        self.waits = ruling.rests

    @precondition(lambda self: self.state is DeliveryState.UNKNOWN and self.waits is not None)
    @rule()
    def go_once_more(self) -> None:
        self.go(DeliveryState.PLANNED)
        self.resends += 1

    @precondition(lambda self: self.attempts and self.state in states.WAITING | states.PERHAPS_THERE)
    @rule()
    def somebody_presses_its_button(self) -> None:
        self.go(DeliveryState.SENT)

    @rule()
    def look(self) -> None:
        """The board may look at any time."""

    @invariant()
    def copies_are_bounded(self) -> None:
        if getattr(self, "verb", None) is Verb.SEND:
            assert self.perhaps_there <= 1 + self.policy.resends


TestOneDelivery = OneDelivery.TestCase
