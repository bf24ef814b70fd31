"""What must hold whatever happens: looked at when a call leaves, and again when all is quiet.

It reads what is committed through a connection of its own, and history that triggers wrote into the seed's database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faulty_telegram import HttpCall
from virtual import VirtualLoop, WallClock, open_raw

from bot.delivery.governor import Limits
from bot.delivery.outcomes import Policy, policy_of
from bot.delivery.states import ARROWS
from bot.words import DeliveryState

FINAL = {"sent", "failed", "skipped", "cancelled"}
BEING_MARKED = 2.0  # seconds, at most
ONE_BY_ONE = 61.0  # seconds after which a set clock cannot mislead the memory of the rate any more

HISTORY = (
    "CREATE TABLE history (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, row TEXT, old TEXT, new TEXT)",
    (
        "CREATE TRIGGER planned AFTER INSERT ON delivery BEGIN"
        " INSERT INTO history (what, row, new) VALUES ('state', new.id, new.state); END"
    ),
    (
        "CREATE TRIGGER moved AFTER UPDATE OF due_at ON delivery BEGIN"
        " INSERT INTO history (what, row) VALUES ('moved', new.id); END"
    ),
    (
        "CREATE TRIGGER changed AFTER UPDATE OF state ON delivery WHEN old.state <> new.state BEGIN"
        " INSERT INTO history (what, row, old, new) VALUES ('state', new.id, old.state, new.state); END"
    ),
)

_ROW = """
    SELECT d.id, d.state, d.attempts, d.lane, d.due_at, d.expires_at, a.started_at, c.telegram_id
    FROM delivery d JOIN chat c ON c.id = d.chat_id LEFT JOIN attempt a ON a.id = d.attempt_id
"""
_CHANGES = """
    LEFT JOIN delivery t ON t.id = d.target
    WHERE d.verb = ? AND d.state = 'sending' AND coalesce(json_extract(d.facts, '$.message_id'), t.message_id) = ?
"""
_AT_REST = """
    SELECT (SELECT count(*) FROM delivery WHERE state IN ('claimed', 'sending'))
         + (SELECT count(*) FROM delivery WHERE state = 'planned' AND due_at <= :now)
         + (SELECT count(*) FROM delivery WHERE state = 'unknown' AND lease_until IS NOT NULL)
         + (SELECT count(*) FROM moment WHERE state = 'waiting' AND due_at <= :now)
         + (SELECT :said - count(*) FROM inbox WHERE state <> 'waiting')
"""


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Ledger:
    """Complaints are collected; a seed passes if there are none."""

    loop: VirtualLoop
    wall: WallClock
    file: Path
    limits: Limits
    in_flight: int
    policies: dict[str, Policy]
    complaints: list[str] = field(default_factory=list)
    out: list[HttpCall] = field(default_factory=list)  # on the wire for the life that is
    left: list[tuple[float, int, int | None, bool, bool]] = field(
        default_factory=list
    )  # at, life, chat, letter, counts
    about: dict[HttpCall, str] = field(default_factory=dict)
    calls_of: Counter[str] = field(default_factory=Counter)
    stepped_at: float = -1e9
    lost_in_crashes: int = 0
    paused: dict[int, tuple[float, float]] = field(default_factory=dict)  # chat: from, until
    all_paused: tuple[float, float] = (0.0, 0.0)
    limited: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.raw = open_raw(self.file, self.wall)

    def complain(self, what: str) -> None:
        self.complaints.append(f"{self.loop.time() - 1000:.3f}: {what}")

    # When a call leaves

    def departs(self, call: HttpCall) -> None:
        row = self._row_of(call)
        letter = row is not None
        if row is None:
            if call.text != "heard":
                self.complain(f"{call.method} to {call.chat} left without being marked")
        else:
            self._look_at(call, row)
        self._rate(call, letter=letter)
        self.out.append(call)

    def _row_of(self, call: HttpCall) -> Any:
        if call.text is not None:
            return self.raw.execute(f"{_ROW} WHERE d.id = ?", [call.text]).fetchone()
        verb = "delete" if call.method == "deleteMessage" else "pin"
        return self.raw.execute(_ROW + _CHANGES, [verb, call.message_id]).fetchone()

    def _look_at(self, call: HttpCall, row: Any) -> None:
        row_id, state, attempts, _, due_at, expires_at, started_at, chat = row
        self.about[call] = row_id
        self.calls_of[row_id] += 1
        name = f"{row_id[-6:]} ({call.method})"
        if state != "sending" or started_at is None:
            self.complain(f"{name} left while it was {state}")
            return
        if self.calls_of[row_id] > attempts:
            self.complain(f"{name} left {self.calls_of[row_id]} times and was marked {attempts} times")
        if instant(due_at) > self.wall.latest:
            self.complain(f"{name} left before its hour")
        if expires_at is not None and instant(started_at) >= instant(expires_at):
            self.complain(f"{name} left after it had expired")
        if chat != call.chat:
            self.complain(f"{name} went to another chat")
        if any(self.about.get(other) and other.chat == call.chat for other in self.out):
            self.complain(f"{name} left while another letter of its chat was on its way")
        if sum(other in self.about for other in self.out) >= self.in_flight:
            self.complain(f"{name} was one too many on the wire")
        for begun, until in (self.paused.get(call.chat or 0, (0, 0)), self.all_paused):
            # What had been let through and was being marked when the pause was asked for may still leave.
            if begun + BEING_MARKED < self.loop.time() < until - 0.01:
                self.complain(f"{name} left {until - self.loop.time():.2f} s before a pause was over")

    def _rate(self, call: HttpCall, *, letter: bool) -> None:
        at = self.loop.time()
        counts = call.method not in {"deleteMessage", "answerCallbackQuery"}
        self.left.append((at, call.life, call.chat, letter, counts))
        private, group = (3, 3.0), (20, 60.0)
        self._window(call, None, int(self.limits.whole), 1.0)
        if counts:
            most, span = self.limits.private
            self._window(call, call.chat, most, min(span, private[1]))
            if (call.chat or 0) < 0:
                self._window(call, call.chat, self.limits.group[0], min(self.limits.group[1], group[1]))

    def _window(self, call: HttpCall, chat: int | None, most: int, span: float) -> None:
        """Replies to taps are not written down, and a clock that was set misleads who remembers by it."""
        at = self.loop.time()
        calm = at - self.stepped_at > ONE_BY_ONE
        inside = 0
        for left, life, to, letter, counts in reversed(self.left):
            if left <= at - span:
                break
            if (chat is None or (to == chat and counts)) and (life == call.life or (letter and calm)):
                inside += 1
        if inside > most:
            self.complain(f"{inside} calls left within {span} s{f' to chat {chat}' if chat else ''}")

    def ended(self, call: HttpCall) -> None:
        if call in self.out:
            self.out.remove(call)
        if call.answered_at is None or call.asks is None:
            return
        at, chat = self.loop.time(), call.chat or 0
        begun, until = self.paused.get(chat, (at, 0.0))
        self.paused[chat] = (at if at >= until else begun, max(until, at + call.asks))
        self.limited = [(t, c) for t, c in self.limited if t > at - 5] + [(at, chat)]
        chats = {c for _, c in self.limited}
        if len(chats) > 1:
            until = max(self.paused[c][1] for c in chats)
            begun = self.all_paused[0] if at < self.all_paused[1] else at
            self.all_paused = (begun, max(self.all_paused[1], until))

    def stepped(self) -> None:
        self.stepped_at = self.loop.time()

    def died(self) -> None:
        """A life is over; the next knows what is written down."""
        self.lost_in_crashes += self.raw.execute("SELECT count(*) FROM delivery WHERE state = 'sending'").fetchone()[0]
        self.out.clear()
        self.limited.clear()
        at, now = self.loop.time(), self.wall.read()
        rests = self.raw.execute("SELECT telegram_id, not_before FROM chat WHERE not_before IS NOT NULL")
        self.paused = {c: (at, at + (instant(until) - now).total_seconds()) for c, until in rests}
        pause = self.raw.execute("SELECT arrives_at FROM rate_bucket WHERE name = 'pause'").fetchone()
        self.all_paused = (at, at + (instant(pause[0]) - now).total_seconds()) if pause else (0.0, 0.0)

    # When all is quiet

    def at_rest(self, said: int) -> bool:
        now = self.wall.read().strftime("%Y-%m-%d %H:%M:%S.%f")
        return self.raw.execute(_AT_REST, {"now": now, "said": said}).fetchone()[0] == 0

    def close_books(self) -> None:
        self._arrows()
        self._copies()
        self._attempts()
        self._order()
        self._pauses()
        self._moments()

    def history(self) -> list[tuple[Any, ...]]:
        """What was committed, in its order."""
        return self.raw.execute("SELECT what, row, old, new FROM history ORDER BY seq").fetchall()

    def _history(self, what: str) -> list[tuple[int, str, str | None, str | None]]:
        return self.raw.execute("SELECT seq, row, old, new FROM history WHERE what = ? ORDER BY seq", [what]).fetchall()

    def _arrows(self) -> None:
        for _, row, old, new in self._history("state"):
            if old is not None and DeliveryState(str(new)) not in ARROWS[DeliveryState(old)]:
                self.complain(f"{row[-6:]} went from {old} to {new}")

    def _copies(self) -> None:
        arrived: dict[str, list[HttpCall]] = defaultdict(list)
        for call, row_id in self.about.items():
            if call.accepted_at is not None:
                arrived[row_id].append(call)
        extra = 0
        columns = "id, verb, kind, lane, state, resends, message_id, lease_until, due_at, reason"
        now = self.wall.read()
        for row_id, verb, kind, lane, state, resends, message, lease, due_at, reason in self.raw.execute(
            f"SELECT {columns} FROM delivery"
        ):
            name = f"{row_id[-6:]} ({kind})"
            copies = arrived[row_id]
            if (
                state in {"claimed", "sending"}
                or (state == "unknown" and lease)
                or (state == "planned" and instant(due_at) <= now)
            ):
                self.complain(f"{name} is {state} for ever ({reason})")
            if verb != "send":
                continue
            allowed = (self.policies.get(kind) or policy_of(lane)).resends
            if not len(copies) <= 1 + resends <= 1 + allowed:
                self.complain(f"{name} arrived {len(copies)} times with {resends} resends of {allowed}")
            extra += max(0, len(copies) - 1)
            if state == "sent" and message not in [call.gave for call in copies]:
                self.complain(f"{name} is called sent and never arrived")
            if copies and state not in {"sent", "unknown"} and not resends:
                self.complain(f"{name} arrived and is called {state} ({reason})")
        lost = self.lost_in_crashes + sum(call.ambiguous or call.answered_at is None for call in self.about)
        if extra > lost:
            self.complain(f"{extra} copies too many for {lost} lost replies")

    def _attempts(self) -> None:
        written = dict(self.raw.execute("SELECT delivery_id, count(*) FROM attempt GROUP BY delivery_id").fetchall())
        for row_id, calls in self.calls_of.items():
            if calls > written.get(row_id, 0):
                self.complain(f"{row_id[-6:]} was called {calls} times, {written.get(row_id, 0)} are written down")
        made = Counter(self.about[call] for call in self.about if call.answered_at is not None)
        sent = "SELECT delivery_id, count(*) FROM attempt WHERE outcome NOT IN ('unknown', 'not-sent') GROUP BY delivery_id"
        for row_id, answers in self.raw.execute(sent):
            if answers > made[row_id]:
                self.complain(f"{row_id[-6:]} has {answers} answers and got {made[row_id]}")

    def _order(self) -> None:
        """Within a chat and lane: who was there and due no later, and was never moved, is marked first."""
        moved = {row for _, row, _, _ in self._history("moved")}
        made: dict[str, int] = {}
        claimed: dict[str, int] = {}
        marked: dict[str, int] = {}
        for seq, row, _, new in self._history("state"):
            target = {"planned": made, "claimed": claimed, "sending": marked}.get(str(new))
            if target is not None:
                if target is claimed and row not in marked:
                    target[row] = seq
                target.setdefault(row, seq)
        lines: dict[tuple[str, int], list[tuple[tuple[Any, ...], str]]] = defaultdict(list)
        columns = "id, chat_id, lane, due_at, cohort_id"
        for row, chat, lane, due, cohort in self.raw.execute(f"SELECT {columns} FROM delivery WHERE verb = 'send'"):
            if row in marked and row not in moved:
                lines[chat, lane].append(((due, cohort or "", row), row))
        for line in lines.values():
            line.sort()
            for index, (_, first) in enumerate(line):
                for _, second in line[index + 1 :]:
                    if marked[second] < marked[first] and made[first] < claimed[second]:
                        self.complain(f"{second[-6:]} overtook {first[-6:]} in its chat")

    def _pauses(self) -> None:
        """Nothing is marked for somebody who has said stop before."""
        chats = dict(self.raw.execute("SELECT id, chat_id FROM delivery").fetchall())
        silent: set[str] = set()
        everything = "SELECT what, row, new FROM history ORDER BY seq"
        for what, row, new in self.raw.execute(everything):
            if what == "stop":
                silent.add(row)
            elif what == "go on":
                silent.discard(row)
            elif new == "sending" and chats.get(row) in silent:
                self.complain(f"{row[-6:]} left to somebody who had said stop")

    def _moments(self) -> None:
        runs = Counter(row for _, row, _, _ in self._history("moment"))
        for key, state in self.raw.execute("SELECT key, state FROM moment"):
            if runs[key] != (state == "done"):
                self.complain(f"the moment {key} is {state} and ran {runs[key]} times")

    def inbox(self, said: dict[int, int], hopeless: set[int]) -> None:
        """Every update was handled once, in the order of its person; what cannot be handled is set aside."""
        handled = [int(row) for _, row, _, _ in self._history("handled")]
        states = dict(self.raw.execute("SELECT update_id, state FROM inbox").fetchall())
        times = Counter(handled)
        for update in said:
            expected = "quarantined" if update in hopeless else "handled"
            if states.get(update) != expected or times[update] != (update not in hopeless):
                self.complain(f"update {update} is {states.get(update)} and was handled {times[update]} times")
        for person in set(said.values()):
            own = [update for update in handled if said[update] == person]
            if own != sorted(own):
                self.complain(f"the updates of {person} were handled as {own}")

    def together(self) -> None:
        """In calm weather nothing comes between the copies of a cohort, and nothing is late or repeated."""
        rows = {
            row: (lane, due, cohort)
            for row, lane, due, cohort, verb in self.raw.execute(
                "SELECT id, lane, due_at, cohort_id, verb FROM delivery"
            )
            if verb == "send"
        }
        lines: dict[int, list[tuple[str, str]]] = defaultdict(list)
        last: dict[int | None, float] = {}
        held: set[tuple[str, str]] = set()
        for call, row in self.about.items():
            if row in rows:
                lane, due, cohort = rows[row]
                lines[lane].append((due, cohort))
                if call.left_at - last.get(call.chat, 0.0) < 5:  # it had to wait for another letter of its chat
                    held.add((due, cohort))
                last[call.chat] = call.left_at
        for line in lines.values():
            seen: set[tuple[str, str]] = set()
            for before, group in zip([None, *line], line, strict=False):
                if group != before and group in seen - held:
                    self.complain(f"the copies of cohort {group[1][-6:]} were torn apart")
                seen.add(group)
        for row, calls in self.calls_of.items():
            if row in rows and calls != 1:
                self.complain(f"{row[-6:]} was called {calls} times in calm weather")
