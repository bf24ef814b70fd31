"""What the phones have seen, held against what was promised.

Everything is read from the stage's journal and screens; the bot's own database is asked only for what was due when.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from statistics import median
from uuid import UUID

from sqlalchemy import select

from bot.rehearsal.couple import BERLIN
from bot.rehearsal.play import Play, Player
from bot.rehearsal.stage import Stage
from bot.storage.database import Database
from bot.storage.tables import Attempt, Chat, Delivery, Disclosure, Opening, Person
from bot.words import DeliveryState, Lane, OpeningState, Origin

_HEALTH = re.compile(
    r"ketamin|therap|dose|medic|drug|session|treatment|clinic|symptom|mood|depress|anxi", re.IGNORECASE
)
LATE = timedelta(seconds=2)  # business time: the clock stands still while the bot works


@dataclass(frozen=True)
class Leaf:
    """One delivery that left: what, to whom, when it was due, when Telegram had it."""

    step: str
    kind: str
    who: str
    due_at: datetime
    sent_at: datetime
    real: float  # seconds on the monotonic clock
    state: DeliveryState
    silent: bool
    lane: int


@dataclass(frozen=True)
class Check:
    """One promise, and whether the phones bear it out."""

    promise: str
    kept: bool
    detail: str = ""


@dataclass
class Verdict:
    leaves: list[Leaf] = field(default_factory=list)
    pairs: list[tuple[str, datetime, float]] = field(default_factory=list)  # step, due, milliseconds apart
    openings: list[tuple[str, datetime, OpeningState]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return bool(self.checks) and all(check.kept for check in self.checks)


async def judge(play: Play, database: Database, partners: Sequence[Player]) -> Verdict:
    """Hold everything that reached the phones against everything that was promised."""
    verdict = Verdict()
    async with database.transaction() as tx:
        people = {chat.id: person for chat, person in await _private_chats(tx)}
        rows = list(await tx.scalars(select(Delivery).where(Delivery.chat_id.in_(people))))
        attempts = Counter(await tx.scalars(select(Attempt.delivery_id)))
        openings = list(await tx.scalars(select(Opening).order_by(Opening.due_at)))
        disclosures = list(await tx.scalars(select(Disclosure)))
    arrivals = _arrivals(play.stage)
    for row in rows:
        who = play.stage.people[people[row.chat_id].telegram_id].name
        arrived = arrivals.get((people[row.chat_id].telegram_id, row.message_id or 0))
        if row.verb == "send" and arrived is not None and row.sent_at is not None:
            verdict.leaves.append(
                Leaf(row.step or "", row.kind, who, row.due_at, row.sent_at, arrived, row.state, row.silent, row.lane)
            )
    verdict.leaves.sort(key=lambda leaf: (leaf.due_at, leaf.step, leaf.who))
    verdict.pairs = _pairs(verdict.leaves, {player.name for player in partners})
    verdict.openings = [(one.step, one.due_at, one.state) for one in openings]
    window = [row for row in rows if row.origin is Origin.WINDOW and row.kind == "prompt"]
    verdict.checks = [
        _every_step_arrived(window),
        _nothing_twice(rows, attempts),
        _on_time(verdict.leaves),
        _together(verdict.pairs),
        _quiet_nights(verdict.leaves),
        _discreet(play, partners),
        _check_words(play, partners),
        _sealed_until_the_hour(play, partners, openings),
        _opened_on_both(play, openings, disclosures, partners),
        _same_neutral_line(play, openings, partners),
        _reminded_only_the_silent(verdict.leaves),
        *_seen_on_the_phones(play),
    ]
    return verdict


async def _private_chats(tx: object) -> list[tuple[Chat, Person]]:
    found = await tx.execute(select(Chat, Person).join(Person, Person.id == Chat.person_id))  # type: ignore[attr-defined]
    return [(chat, person) for chat, person in found.all()]


def _arrivals(stage: Stage) -> dict[tuple[int, int], float]:
    """When each message was accepted, by chat and message."""
    return {
        (int(call.chat_id), call.message_id): call.real
        for call in stage.journal.accepted()
        if call.chat_id is not None and call.message_id is not None and call.method.lower().startswith("send")
    }


def _pairs(leaves: list[Leaf], partners: set[str]) -> list[tuple[str, datetime, float]]:
    """Copies of one step that were due at one instant for both, and how far apart they arrived in real time."""
    found: dict[tuple[str, str, datetime], list[Leaf]] = {}
    for leaf in leaves:
        if leaf.who in partners and leaf.kind in {"prompt", "opening"}:
            found.setdefault((leaf.step, leaf.kind, leaf.due_at), []).append(leaf)
    return [
        (step if kind == "prompt" else f"{step} (opening)", due_at, abs(both[0].real - both[1].real) * 1000)
        for (step, kind, due_at), both in found.items()
        if len(both) == 2
    ]


# ── The promises ───────────────────────────────────────────────────────────────────────────────────────────────────


def _every_step_arrived(window: list[Delivery]) -> Check:
    lost = [row.step or "" for row in window if row.state not in {DeliveryState.SENT, DeliveryState.CANCELLED}]
    steps = {row.step for row in window if row.state is DeliveryState.SENT}
    detail = f"{len(steps)} steps" if not lost else "not sent: " + ", ".join(sorted(set(lost)))
    return Check("Every planned step reached its phone", not lost and len(steps) >= 15, detail)


def _nothing_twice(rows: list[Delivery], attempts: Counter[UUID]) -> Check:
    twice = [row.kind for row in rows if row.verb == "send" and attempts[row.id] > 1]
    return Check("Nothing was sent twice", not twice, ", ".join(twice) or f"{sum(attempts.values())} calls")


def _on_time(leaves: list[Leaf]) -> Check:
    wrong = [leaf for leaf in leaves if not timedelta(0) <= leaf.sent_at - leaf.due_at <= LATE]
    return Check("Nothing was early or late", not wrong, ", ".join(f"{leaf.kind} {leaf.step}" for leaf in wrong[:5]))


def _together(pairs: list[tuple[str, datetime, float]]) -> Check:
    if not pairs:
        return Check("Partners received their copies together", kept=False, detail="no pair was seen")
    apart = [milliseconds for *_, milliseconds in pairs]
    detail = f"{len(pairs)} pairs, {median(apart):.0f} ms apart in the middle, {max(apart):.0f} ms at most"
    return Check("Partners received their copies together", max(apart) <= 1000, detail)


def _quiet_nights(leaves: list[Leaf]) -> Check:
    zone = BERLIN
    woken = [
        leaf
        for leaf in leaves
        if leaf.who != "Fay"
        and leaf.lane > Lane.SAFETY
        and not leaf.silent
        and not time(8) <= leaf.sent_at.astimezone(zone).time() < time(21)
    ]
    return Check("Nothing but safety made a sound in quiet hours", not woken, ", ".join(leaf.kind for leaf in woken))


def _discreet(play: Play, partners: Sequence[Player]) -> Check:
    shown = [note.text for player in partners for note in play.phone(player.name).notifications]
    ours = [words for player in partners for words in player.written]
    loud = [text for text in shown if any(words in text for words in ours)]
    return Check("No lock screen showed anybody's words", bool(shown) and not loud, f"{len(shown)} notifications")


def _check_words(play: Play, partners: Sequence[Player]) -> Check:
    facilitator = " ".join(play.phone("Fay").ever_shown)
    said = [re.search(r"two words: (\w+ \w+)", " ".join(play.phone(p.name).ever_shown)) for p in partners]
    kept = all(found is not None and found[1] in facilitator for found in said)
    return Check("Member and facilitator read the same check words", kept)


def _sealed_until_the_hour(play: Play, partners: Sequence[Player], openings: list[Opening]) -> Check:
    """No words of one partner were on the other's phone before an opening, or ever if they were kept."""
    first_hour = min((one.due_at for one in openings if one.state is OpeningState.OPENED), default=None)
    early = [
        words
        for author in partners
        for reader in partners
        if reader is not author
        for words in author.written
        for _, version in play.phone(reader.name).history
        if version.content is not None
        and words in str(version.content.get("text", ""))
        and (first_hour is None or version.at < first_hour)
    ]
    return Check("No words reached the partner before their hour", not early)


def _opened_on_both(
    play: Play, openings: list[Opening], disclosures: list[Disclosure], partners: Sequence[Player]
) -> Check:
    opened = [one for one in openings if one.state is OpeningState.OPENED]
    both = all(sum(1 for d in disclosures if d.opening_id == one.id) == 2 for one in opened)
    shown = all(
        any(words in text for text in play.phone(reader.name).ever_shown for words in author.written)
        for author in partners
        for reader in partners
        if reader is not author
    )
    return Check(
        "Envelopes opened on both phones, from one decision", bool(opened) and both and shown, f"{len(opened)} opened"
    )


def _same_neutral_line(play: Play, openings: list[Opening], partners: Sequence[Player]) -> Check:
    closed = [one for one in openings if one.state is OpeningState.UNOPENED]
    expected = sum(player.kept for player in partners)
    lines = [
        {text for text in play.phone(player.name).ever_shown if text.startswith("Nothing to open")}
        for player in partners
    ]
    same = all(line == lines[0] and len(line) == 1 for line in lines) if closed else True
    return Check(
        "What stayed closed reads the same on both phones",
        len(closed) == expected and same,
        f"{len(closed)} stayed closed",
    )


def _reminded_only_the_silent(leaves: list[Leaf]) -> Check:
    reminded = [leaf for leaf in leaves if leaf.kind == "remind"]
    who = sorted({f"{leaf.who}: {leaf.step}" for leaf in reminded})
    return Check(
        "Only the silent were reminded, once", len(reminded) == len(set(who)) and bool(reminded), ", ".join(who)
    )


def _seen_on_the_phones(play: Play) -> list[Check]:
    ann, bob, fay = (play.phone(name).ever_shown for name in ("Ann", "Bob", "Fay"))
    alerts = [note.text for note in play.phone("Fay").notifications if "needs you" in note.text]
    return [
        Check("The answer of Fay reached Ann", _has(ann, "whatever is soft")),
        Check(
            "Alerts named nobody on the lock screen",
            bool(alerts) and not any("Ann" in a or "Bob" in a for a in alerts),
            f"{len(alerts)} alerts",
        ),
        Check("An urgent one was repeated until it was read", len(alerts) >= 4, f"{len(alerts)} calls for Fay"),
        Check("Ann and Bob read that Fay has read it", _has(ann, "Fay read it at") and _has(bob, "Fay read it at")),
        Check("The broadcast reached both", _has(ann, "again on the 19th") and _has(bob, "again on the 19th")),
        Check("The digest came at the window's end", _has(fay, "the window has closed")),
        Check(
            "Ann took her data with her",
            any(m.file and m.file.name.endswith(".md") for m in play.phone("Ann").received if m.file and m.file.name),
        ),
        Check("What Bob kept for himself stayed with him", not _has([*ann, *fay], "lake was very still")),
    ]


def _has(shown: list[str], words: str) -> bool:
    return any(words in text for text in shown)
