from __future__ import annotations

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.delivery.governor import Departure, Effort, Governor, Limits
from bot.words import Lane

PROMPTS, BROADCAST, SAFETY, INTERACTIVE = Lane.PROMPTS, Lane.BROADCAST, Lane.SAFETY, Lane.INTERACTIVE


def most_within(times: list[float], span: float) -> int:
    window: deque[float] = deque()
    most = 0
    for at in times:
        window.append(at)
        while at - window[0] >= span:
            window.popleft()
        most = max(most, len(window))
    return most


def send_to(governor: Governor, chats: list[int], lane: Lane = PROMPTS) -> list[float]:
    """Send to each as soon as the governor lets; the seconds at which they leave."""
    at, left = 0.0, []
    for chat in chats:
        at += governor.wait(chat, lane, Effort.MESSAGE, at)
        departure = governor.let_through(chat, lane, Effort.MESSAGE, at)
        at += governor.wait_to_leave(departure, at)
        governor.leaves(departure, at)
        left.append(at)
    return left


def test_two_thousand_prompts_leave_at_the_rate_of_the_free_tier() -> None:
    left = send_to(Governor(Limits(whole=30)), list(range(1, 2001)))

    assert most_within(left, 1.0) <= 30
    assert 2000 / left[-1] >= 29


def test_thirty_thousand_messages_leave_at_a_thousand_a_second() -> None:
    left = send_to(Governor(Limits(whole=1000)), list(range(1, 30_001)))

    assert most_within(left, 1.0) <= 1000
    assert 30_000 / left[-1] >= 1000


def test_a_private_chat_gets_one_message_a_second_with_short_bursts() -> None:
    left = send_to(Governor(), [7] * 12)

    assert most_within(left, 3.0) == 3
    assert left[2] < 1


def test_a_group_gets_twenty_a_minute() -> None:
    left = send_to(Governor(), [-7] * 45)

    assert most_within(left, 60.0) == 20


def test_deletions_and_answers_to_taps_leave_room_for_messages() -> None:
    governor = Governor()
    for _ in range(5):
        for effort in (Effort.QUIET, Effort.FREE):
            governor.leaves(governor.let_through(7, INTERACTIVE, effort, 0.0), 0.0)

    assert governor.wait_for_chat(7, Effort.MESSAGE, 0.0) == 0


def test_a_limited_chat_rests_while_others_are_served() -> None:
    governor = Governor()

    whole = governor.limited(-7, 30, at=0.0)

    assert not whole
    assert governor.wait(-7, PROMPTS, Effort.MESSAGE, 1.0) == 29
    assert governor.wait(8, PROMPTS, Effort.MESSAGE, 1.0) == 0


def test_two_limited_chats_within_five_seconds_rest_the_whole_bot() -> None:
    governor = Governor()
    governor.limited(1, 20, at=0.0)

    whole = governor.limited(2, 10, at=2.0)

    assert whole
    assert governor.wait(3, INTERACTIVE, Effort.FREE, 2.0) == 18


def test_two_limited_chats_far_apart_rest_alone() -> None:
    governor = Governor()
    governor.limited(1, 60, at=0.0)

    assert not governor.limited(2, 60, at=6.0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 3600)), min_size=1, max_size=8))
def test_a_pause_is_never_shortened(pauses: list[tuple[float, float]]) -> None:
    governor = Governor()
    for at, seconds in sorted(pauses):
        governor.limited(5, seconds, at)

    last = max(at for at, _ in pauses)
    until = max(at + seconds for at, seconds in pauses)

    assert governor.wait_for_chat(5, Effort.MESSAGE, last) >= until - last - 1e-6


def test_what_an_earlier_process_sent_counts() -> None:
    governor = Governor()
    for ago in range(20, 0, -1):
        governor.remember(-7, float(ago), at=100.0)

    assert governor.wait(-7, PROMPTS, Effort.MESSAGE, 100.0) > 40


def test_no_lane_starves_and_interactive_takes_its_share_at_most() -> None:
    governor = Governor()

    turns = Counter(governor.choose(set(Lane)) for _ in range(10_000))

    assert abs(turns[INTERACTIVE] - 3000) <= 2
    assert turns[SAFETY] > turns[PROMPTS] > turns[BROADCAST] > 500


def test_a_tap_is_answered_before_a_broadcast_goes_on() -> None:
    governor = Governor()
    for _ in range(10):
        governor.choose({BROADCAST})

    assert governor.choose({BROADCAST, PROMPTS, INTERACTIVE}) is INTERACTIVE


@given(st.lists(st.booleans(), min_size=100, max_size=400))
def test_taps_that_come_and_go_never_take_more_than_their_share_for_long(waiting: list[bool]) -> None:
    governor = Governor()

    chosen = [governor.choose({BROADCAST, INTERACTIVE} if tap else {BROADCAST, PROMPTS}) for tap in waiting]

    assert chosen.count(INTERACTIVE) <= 0.3 * len(chosen) + 3


CHATS = st.sampled_from([1, 2, 3, -4, -5])


class Wire(RuleBasedStateMachine):
    """Whatever is asked for and whenever, no window is exceeded and no pause is broken."""

    @initialize(rate=st.sampled_from([1, 2, 7, 25, 30]))
    def begin(self, rate: int) -> None:
        self.rate = rate
        self.governor = Governor(Limits(whole=rate))
        self.at = 0.0
        self.coming: list[Departure] = []
        self.left: list[tuple[float, int]] = []
        self.paused: dict[int, float] = {}

    @rule(seconds=st.floats(0.001, 3))
    def time_passes(self, seconds: float) -> None:
        self.at += seconds

    @rule(chats=st.lists(CHATS, min_size=1, max_size=40), lane=st.sampled_from(Lane))
    def are_let_through(self, chats: list[int], lane: Lane) -> None:
        for chat in chats:
            if self.governor.wait(chat, lane, Effort.MESSAGE, self.at) == 0:
                assert self.at >= self.paused.get(chat, 0.0)
                self.coming.append(self.governor.let_through(chat, lane, Effort.MESSAGE, self.at))

    @rule(data=st.data(), late=st.floats(0, 0.05))
    def leave_in_any_order(self, data: st.DataObject, late: float) -> None:
        for departure in data.draw(st.permutations(self.coming)):
            self.at += late  # marking it took a moment
            if self.governor.wait_to_leave(departure, self.at) == 0:
                assert departure.chat is not None
                assert self.at >= self.paused.get(departure.chat, 0.0)
                self.governor.leaves(departure, self.at)
                self.coming.remove(departure)
                self.left.append((self.at, departure.chat))

    @rule()
    def stay(self) -> None:
        for departure in self.coming:
            self.governor.stays(departure)
        self.coming = []

    @precondition(lambda self: not self.coming)
    @rule()
    def after_a_while_everybody_may_speak(self) -> None:
        self.at = max([self.at, *self.paused.values()]) + 61

        assert self.governor.wait(9, PROMPTS, Effort.MESSAGE, self.at) == 0

    @rule(chat=CHATS, seconds=st.floats(1, 60))
    def limited(self, chat: int, seconds: float) -> None:
        self.governor.limited(chat, seconds, self.at)
        self.paused[chat] = max(self.paused.get(chat, 0.0), self.at + seconds)

    @invariant()
    def windows_hold(self) -> None:
        if not getattr(self, "left", None):
            return
        assert most_within([at for at, _ in self.left], 1.0) <= max(1, self.rate)
        for chat in {chat for _, chat in self.left}:
            times = [at for at, to in self.left if to == chat]
            assert most_within(times, 3.0) <= 3
            if chat < 0:
                assert most_within(times, 60.0) <= 20


TestWire = Wire.TestCase
