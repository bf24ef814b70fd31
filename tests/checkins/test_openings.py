"""The promise this bot stands on: nobody's words are shown before both have spoken and both choose to share."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.checkins.rules import NotWiderNow, Side, choose, decide
from bot.words import Choice, OpeningState

sides = st.builds(
    Side,
    answered=st.booleans(),
    choice=st.sampled_from(Choice),
    consents=st.booleans(),
    here=st.booleans(),
    held=st.booleans(),
)


@given(sides, sides)
def test_it_opens_only_if_both_have_answered_share_consent_and_are_here(one: Side, other: Side) -> None:
    both = all(s.answered and s.choice is Choice.SHARE and s.consents and s.here and not s.held for s in (one, other))

    assert (decide(one, other) is OpeningState.OPENED) == both


@given(sides, sides)
def test_the_decision_does_not_know_who_is_who(one: Side, other: Side) -> None:
    assert decide(one, other) == decide(other, one)


@given(sides, sides, st.sampled_from(["answered", "choice", "consents", "here", "held"]))
def test_taking_anything_back_never_opens_what_was_closed(one: Side, other: Side, what: str) -> None:
    narrower = {"answered": False, "choice": Choice.KEEP, "consents": False, "here": False, "held": True}

    before = decide(one, other)
    after = decide(replace(one, **{what: narrower[what]}), other)

    assert after is OpeningState.UNOPENED or before is OpeningState.OPENED


@given(st.sampled_from(Choice), st.sampled_from(Choice), st.booleans())
def test_narrowing_always_works_and_widening_rests_when_it_must(now: Choice, wanted: Choice, rests: bool) -> None:
    try:
        chosen = choose(now, wanted, widening_rests=rests)
    except NotWiderNow:
        assert rests
        assert wanted is Choice.SHARE
        assert now is not Choice.SHARE
    else:
        assert chosen is wanted


class TwoPhones(RuleBasedStateMachine):
    """Two partners do whatever they like until the hour; each phone shows only what its own side says.

    A twin of the partner's side runs beside it and does something else all the time: the member's own view must never
    tell the two apart before the opening.
    """

    @initialize()
    def begin(self) -> None:
        self.mine = Side()
        self.theirs = Side()
        self.twin = Side()

    def view(self, mine: Side) -> object:
        """What the sealed message on my phone is made of; ``compose.kept`` takes no fact of the other side."""
        return (mine.answered, mine.choice)

    @rule(answered=st.booleans())
    def i_answer_or_withdraw(self, answered: bool) -> None:
        self.mine = replace(self.mine, answered=answered, choice=self.mine.choice if answered else Choice.UNDECIDED)

    @rule(choice=st.sampled_from(Choice))
    def i_choose(self, choice: Choice) -> None:
        if self.mine.answered:
            self.mine = replace(self.mine, choice=choice)

    @rule(side=sides, twin=sides)
    def they_do_something_and_their_twin_something_else(self, side: Side, twin: Side) -> None:
        before = self.view(self.mine)
        self.theirs, self.twin = side, twin
        assert self.view(self.mine) == before

    @rule()
    def i_leave_or_pause(self) -> None:
        self.mine = replace(self.mine, here=False)

    @rule(held=st.booleans())
    def i_am_held_or_resumed(self, held: bool) -> None:
        self.mine = replace(self.mine, held=held)

    @rule()
    def the_hour_comes(self) -> None:
        if decide(self.mine, self.theirs) is OpeningState.OPENED:
            assert self.mine.offers
            assert self.theirs.offers
        self.begin()


TestTwoPhones = TwoPhones.TestCase
