"""The queue: everybody's order is kept, nobody waits for strangers, and nobody is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.intake.queue import Queue, Waiting

KEYS = st.frozensets(st.tuples(st.sampled_from(["person", "chat"]), st.integers(1, 3)), max_size=2)


class Updates(RuleBasedStateMachine):
    """Updates come in any order, end in any order, and some of them have to be tried again."""

    @initialize()
    def begin(self):
        self.queue = Queue()
        self.now = 0.0
        self.known: dict[int, Waiting] = {}
        self.begun: dict[int, Waiting] = {}
        self.resting: dict[int, float] = {}

    @rule(number=st.integers(1, 30), keys=KEYS)
    def comes(self, number, keys):
        if number not in self.known:
            self.known[number] = Waiting(number, keys)
            self.queue.add(self.known[number])

    @rule(most=st.integers(0, 5))
    def are_begun(self, most):
        expected = self.first_in_all_their_lines()[:most]

        taken = self.queue.begin(self.now, most)

        assert [one.update_id for one in taken] == expected
        self.begun |= {one.update_id: one for one in taken}

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def ends(self, data):
        number = data.draw(st.sampled_from(sorted(self.begun)))
        self.queue.finish(self.begun.pop(number))
        del self.known[number]

    @precondition(lambda self: self.begun)
    @rule(data=st.data(), pause=st.sampled_from([1.0, 5.0]))
    def has_to_be_tried_again(self, data, pause):
        number = data.draw(st.sampled_from(sorted(self.begun)))
        self.queue.rest(self.begun.pop(number), self.now + pause)
        self.resting[number] = self.now + pause

    @rule(seconds=st.floats(0.1, 6.0))
    def passes(self, seconds):
        self.now += seconds

    @invariant()
    def the_oldest_and_the_numbers_are_right(self):
        assert (self.queue.oldest, self.queue.begun) == (min(self.known, default=None), len(self.begun))
        assert len(self.queue) == len(self.known)

    def first_in_all_their_lines(self) -> list[int]:
        taken: set[tuple[str, int]] = set().union(*(one.keys for one in self.begun.values()))
        found = []
        for number, one in sorted(self.known.items()):
            if number not in self.begun and not one.keys & taken and self.resting.get(number, 0.0) <= self.now:
                found.append(number)
            taken |= one.keys
        return found


TestUpdates = Updates.TestCase


@given(keys=st.lists(KEYS, max_size=20))
def test_everybody_has_their_turn_in_the_end(keys):
    queue = Queue()
    for number, some in enumerate(keys):
        queue.add(Waiting(number, some))

    finished = 0
    while taken := queue.begin(now=0.0, most=3):
        for one in taken:
            queue.finish(one)
            finished += 1

    assert finished == len(keys)


def test_an_update_that_came_twice_waits_once():
    queue = Queue()
    queue.add(Waiting(7, frozenset()))
    queue.add(Waiting(7, frozenset()))

    assert len(queue.begin(now=0.0, most=10)) == 1
