"""The ledger: what Telegram accepted against what the database says. It takes values, returns a verdict, touches nothing.

A delivery is known by its ``tag`` on both sides. In doubt is no fault: the row says that nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from itertools import pairwise

ENDS = frozenset({"sent", "unknown", "skipped", "failed", "cancelled"})
NEVER_LEFT = frozenset({"planned", "claimed", "skipped", "cancelled", "failed"})
NEEDS_REASON = frozenset({"skipped", "failed"})
PRIVATE = (3, 3.0)  # messages in seconds
GROUP = (20, 60.0)
JITTER = 0.1  # seconds that two calls may arrive closer together than they left, on a machine that is busy


@dataclass(frozen=True)
class Row:
    """A delivery as the database has it when everything is over."""

    tag: str
    chat: int
    lane: int
    due_at: datetime
    state: str
    reason: str | None = None
    copies: int = 1  # at most; docs/delivery.md
    attempts: int = 1
    repeated: bool = False  # it went again after a lost reply, so it may come out of order
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Accepted:
    """A message that Telegram took."""

    tag: str
    chat: int
    at: datetime  # business time
    real: float  # monotonic seconds


@dataclass(frozen=True)
class Verdict:
    """What went wrong, in one line each; ``holds`` if nothing did."""

    deliveries: int = 0
    accepted: int = 0
    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    ghosts: Sequence[str] = ()
    untimely: Sequence[str] = ()
    disordered: Sequence[str] = ()
    too_fast: Sequence[str] = ()
    in_doubt: Sequence[str] = ()
    second_copies: int = 0  # allowed ones
    latest: float = 0.0  # seconds from being due to the first copy
    busiest: int = 0  # calls in one second
    faults: dict[str, Sequence[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        named = ("lost", "doubled", "ghosts", "untimely", "disordered", "too_fast")
        object.__setattr__(self, "faults", {name: getattr(self, name) for name in named})

    @property
    def holds(self) -> bool:
        return not any(self.faults.values())

    def __str__(self) -> str:
        numbers = [
            f"{one.name.replace('_', ' ')} {_number(getattr(self, one.name))}"
            for one in fields(self)
            if one.name != "faults"
        ]
        wrong = [f"  {name.replace('_', ' ')}: {what}" for name, whats in self.faults.items() for what in whats[:5]]
        return "\n".join([", ".join(numbers), *wrong])


def balance(
    rows: Sequence[Row],
    accepted: Sequence[Accepted],
    calls: Iterable[tuple[int, float]] = (),
    *,
    rate: int | None = None,
    punctual: timedelta | None = None,
) -> Verdict:
    """Compare both sides. ``calls`` are the chat and instant of every call that counts against the limits."""
    copies: dict[str, list[Accepted]] = defaultdict(list)
    for one in sorted(accepted, key=lambda one: one.real):
        copies[one.tag].append(one)
    known = {row.tag: row for row in rows}
    calls = sorted(calls, key=lambda call: call[1])
    first = {row.tag: copies[row.tag][0] for row in rows if copies.get(row.tag)}
    return Verdict(
        deliveries=len(rows),
        accepted=len(accepted),
        lost=[why for row in rows if (why := _lost(row, row.tag in first))],
        doubled=[
            f"{row.tag}: {len(copies[row.tag])} copies, {row.attempts} tries, {row.copies} allowed"
            for row in rows
            if len(copies.get(row.tag, ())) > min(row.copies, row.attempts)
            and not (row.state in NEVER_LEFT and row.attempts == 0)  # that one is a ghost
        ],
        ghosts=[f"{tag}: accepted, and no row" for tag in copies if tag not in known]
        + [f"{row.tag}: accepted, and the row says {row.state}" for row in rows if row.tag in first and _ghost(row)],
        untimely=[why for row in rows if row.tag in first and (why := _untimely(row, first[row.tag], punctual))],
        disordered=_disordered(rows, first),
        too_fast=[] if rate is None else _too_fast(calls, rate),
        in_doubt=[row.tag for row in rows if row.state == "unknown"],
        second_copies=sum(len(those) - 1 for those in copies.values()),
        latest=max(((first[row.tag].at - row.due_at).total_seconds() for row in rows if row.tag in first), default=0.0),
        busiest=_most([at for _, at in calls], 1.0),
    )


def _lost(row: Row, arrived: bool) -> str | None:
    if row.state == "sent" and not arrived:
        return f"{row.tag}: the row says sent, Telegram never had it"
    if row.state not in ENDS:
        return f"{row.tag}: still {row.state}"
    if row.state in NEEDS_REASON and not row.reason:
        return f"{row.tag}: {row.state} without a reason"
    return None


def _ghost(row: Row) -> bool:
    return row.state in NEVER_LEFT


def _untimely(row: Row, first: Accepted, punctual: timedelta | None) -> str | None:
    if first.at < row.due_at:
        return f"{row.tag}: {(row.due_at - first.at).total_seconds():.1f} s too early"
    if row.expires_at is not None and first.at > row.expires_at + timedelta(seconds=30):
        return f"{row.tag}: after it had expired"
    if punctual is not None and first.at > row.due_at + punctual:
        return f"{row.tag}: {(first.at - row.due_at).total_seconds():.1f} s late"
    return None


def _disordered(rows: Sequence[Row], first: dict[str, Accepted]) -> list[str]:
    """Within a chat and a lane the earlier comes first; ``rows`` are in the order in which they were planned."""
    lines: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row.tag in first and not row.repeated:
            lines[row.chat, row.lane].append(row)
    wrong = []
    for line in lines.values():
        line.sort(key=lambda row: row.due_at)
        wrong += [
            f"{later.tag} came before {earlier.tag}"
            for earlier, later in pairwise(line)
            if first[later.tag].real < first[earlier.tag].real
        ]
    return wrong


def _too_fast(calls: Sequence[tuple[int, float]], rate: int) -> list[str]:
    wrong = []
    if (most := _most([at for _, at in calls], 1.0 - JITTER)) > rate:
        wrong.append(f"{most} calls in one second, {rate} allowed")
    chats: dict[int, list[float]] = defaultdict(list)
    for chat, at in calls:
        chats[chat].append(at)
    for chat, times in chats.items():
        allowed, seconds = PRIVATE if chat > 0 else GROUP
        if (most := _most(times, seconds - JITTER)) > allowed:
            wrong.append(f"{most} calls to {chat} in {seconds:g} seconds, {allowed} allowed")
    return wrong


def _most(times: Sequence[float], seconds: float) -> int:
    """The most that ever fell into a window of this length."""
    most = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(len(value) if isinstance(value, Sequence) else value)
