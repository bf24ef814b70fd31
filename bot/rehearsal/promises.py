"""What a rehearsal promises, each line held against what the phones have seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import median

from bot.rehearsal.couple import BERLIN
from bot.rehearsal.play import Sealed
from bot.rehearsal.verdict import Evidence
from bot.words import Lane

LATE = timedelta(seconds=2)  # of business time, which stands still while the bot works
TOGETHER = 1000.0  # milliseconds of real time between two partners' copies
_WAKING = (time(8), time(21))
_CARRIES_A_DELIVERY = re.compile(r"(open|unseal|reply-read):")


@dataclass(frozen=True)
class Check:
    """One promise, and whether the phones bear it out."""

    promise: str
    kept: bool
    detail: str = ""


def judge(evidence: Evidence) -> list[Check]:
    """All promises, kept or not."""
    return [
        _every_step(evidence),
        _nothing_twice(evidence),
        _on_time(evidence),
        _together(evidence),
        _quiet_nights(evidence),
        _discreet(evidence),
        _check_words(evidence),
        _sealed_until_the_hour(evidence),
        _kept_and_private(evidence),
        _opened_on_both(evidence),
        _same_line(evidence),
        _reminded_once(evidence),
        *_letters_and_alerts(evidence),
        *_at_the_end(evidence),
    ]


def _every_step(evidence: Evidence) -> Check:
    """Each step reached both phones, or Fay was told before she confirmed that it cannot be."""
    previews = [text for text in evidence.shown("Fay") if "Cannot be kept" in text]
    missing = [
        step.id
        for step in evidence.programme.steps
        for player in evidence.partners
        if not any(leaf.step == step.id and leaf.who == player.name for leaf in evidence.leaves)
        and not any(f"{step.id}:" in preview for preview in previews)
    ]
    sent = {leaf.step for leaf in evidence.leaves if leaf.kind == "prompt"}
    detail = f"{len(sent)} of {len(evidence.programme.steps)}, the rest said before Confirm"
    return Check(
        "Every step of the programme reached both phones",
        not missing and not evidence.lost,
        ", ".join(sorted({*missing, *evidence.lost})) or detail,
    )


def _nothing_twice(evidence: Evidence) -> Check:
    """A delivery's id travels in its buttons: two messages with one id would be two copies."""
    copies: Counter[str] = Counter()
    for player in evidence.partners:
        for message in evidence.play.phone(player.name).chat.messages.values():
            first = message.versions[0].content or {}
            rows = first.get("reply_markup", {}).get("inline_keyboard", [])
            data = (button.get("callback_data", "") for row in rows for button in row)
            copies.update(one for one in data if _CARRIES_A_DELIVERY.match(one))
    twice = [one for one, count in copies.items() if count > 1]
    return Check("Nothing was sent twice", bool(copies) and not twice, f"{len(copies)} messages with a button")


def _on_time(evidence: Evidence) -> Check:
    wrong = [leaf for leaf in evidence.leaves if not timedelta(0) <= leaf.shown_at - leaf.due_at <= LATE]
    return Check("Nothing was early or late", not wrong, _named(f"{leaf.kind} {leaf.step}" for leaf in wrong))


def _together(evidence: Evidence) -> Check:
    apart = [pair.milliseconds for pair in evidence.pairs]
    detail = f"{len(apart)} pairs, median {median(apart):.0f} ms, at most {max(apart):.0f} ms" if apart else "no pairs"
    return Check("Partners received their copies together", bool(apart) and max(apart) <= TOGETHER, detail)


def _quiet_nights(evidence: Evidence) -> Check:
    woken = [
        leaf
        for leaf in evidence.leaves
        if leaf.who != "Fay" and leaf.lane > Lane.SAFETY and not leaf.silent and not _is_waking(leaf.shown_at)
    ]
    return Check("Nothing but safety made a sound at night", not woken, _named(leaf.kind for leaf in woken))


def _is_waking(instant: datetime) -> bool:
    begins, ends = _WAKING
    return begins <= instant.astimezone(BERLIN).time() < ends


def _discreet(evidence: Evidence) -> Check:
    written = [words for player in evidence.partners for words in player.written]
    shown = [note.text for name in evidence.play.players for note in evidence.play.phone(name).notifications]
    loud = [text for text in shown if _says_any(text, written)]
    return Check("No lock screen showed anybody's words", bool(shown) and not loud, f"{len(shown)} notifications")


def _check_words(evidence: Evidence) -> Check:
    fay = " ".join(evidence.shown("Fay"))
    said = [re.search(r"two words: (\S+ \S+)", " ".join(evidence.shown(p.name))) for p in evidence.partners]
    return Check("Member and facilitator read the same check words", all(w and w[1] in fay for w in said))


# ── Sealed answers ─────────────────────────────────────────────────────────────────────────────────────────────────


def _sealed_until_the_hour(evidence: Evidence) -> Check:
    """Shared words appeared on the other phone only after an opening that came after they were sealed."""
    early = []
    for author, reader in evidence.readers:
        for sealed in author.sealed:
            seen_at = _first_seen(evidence, reader.name, sealed.words)
            if seen_at is not None and not _hour_between(evidence, sealed, seen_at):
                early.append(author.name)
    return Check("No sealed words were read before their hour", not early, _named(early))


def _hour_between(evidence: Evidence, sealed: Sealed, seen_at: datetime) -> bool:
    return any(hour.opened and sealed.at <= hour.due_at <= seen_at for hour in evidence.hours)


def _kept_and_private(evidence: Evidence) -> Check:
    """What was kept, and what was written for oneself alone, never left its author's phone."""
    leaked = []
    for author in evidence.partners:
        shared = {sealed.words for sealed in author.sealed if not sealed.kept}
        private = [words for words in author.written if words not in shared]
        others = [name for name in evidence.play.players if name != author.name]
        leaked += [name for name in others if any(_says_any(text, private) for text in evidence.shown(name))]
    return Check("What was kept or private stayed with its author", not leaked, _named(leaked))


def _opened_on_both(evidence: Evidence) -> Check:
    opened = [hour for hour in evidence.hours if hour.opened]
    unread = [
        reader.name
        for author, reader in evidence.readers
        for sealed in author.sealed
        if not sealed.kept
        and _partner_shared(evidence, author.name, sealed)
        and _first_seen(evidence, reader.name, sealed.words) is None
    ]
    return Check("Envelopes opened on both phones at their hour", bool(opened) and not unread, f"{len(opened)} opened")


def _partner_shared(evidence: Evidence, author: str, sealed: Sealed) -> bool:
    """Whether the other had shared too when the next hour came."""
    hour = next((hour for hour in evidence.hours if hour.due_at >= sealed.at), None)
    return hour is not None and hour.opened and bool(author)


def _same_line(evidence: Evidence) -> Check:
    closed = [hour for hour in evidence.hours if not hour.opened]
    lines = [
        {text for text in evidence.shown(player.name) if text.startswith("Nothing to open")}
        for player in evidence.partners
    ]
    kept = sum(sealed.kept for player in evidence.partners for sealed in player.sealed)
    same = all(len(line) == 1 and line == lines[0] for line in lines)
    return Check("What stayed closed reads the same on both", len(closed) == kept and same, f"{kept} kept")


def _first_seen(evidence: Evidence, name: str, words: str) -> datetime | None:
    found = (
        version.at
        for _, version in evidence.play.phone(name).history
        if version.content is not None and words in str(version.content.get("text", ""))
    )
    return min(found, default=None)


# ── Everything else ────────────────────────────────────────────────────────────────────────────────────────────────


def _reminded_once(evidence: Evidence) -> Check:
    reminded = Counter(f"{leaf.who}: {leaf.step}" for leaf in evidence.leaves if leaf.kind == "remind")
    only_bob = all(who.startswith("Bob") and count == 1 for who, count in reminded.items())
    return Check("Only the silent were reminded, once", bool(reminded) and only_bob, _named(reminded))


def _letters_and_alerts(evidence: Evidence) -> list[Check]:
    calls = [note.text for note in evidence.play.phone("Fay").notifications if "needs you" in note.text]
    named = [text for text in calls if "Ann" in text or "Bob" in text]
    read = all(_any_says(evidence.shown(player.name), "Fay read it at") for player in evidence.partners)
    return [
        Check("Fay's answer reached Ann", _any_says(evidence.shown("Ann"), "whatever is soft")),
        Check("Alerts named nobody on the lock screen", bool(calls) and not named, f"{len(calls)} alerts"),
        Check("The urgent one was repeated until it was read", len(calls) >= 4),
        Check("Ann and Bob read when Fay had read it", read),
    ]


def _at_the_end(evidence: Evidence) -> list[Check]:
    shown = {name: evidence.shown(name) for name in evidence.play.players}
    files = [message.file.name or "" for message in evidence.play.phone("Ann").received if message.file]
    both = all(_any_says(shown[player.name], "again on the 19th") for player in evidence.partners)
    still = [name for name in ("Ann", "Fay") if _any_says(shown[name], "lake was very still")]
    return [
        Check("The broadcast reached both", both),
        Check("Fay's page came when the window closed", _any_says(shown["Fay"], "the window has closed")),
        Check("Ann took her data with her", any(name.endswith(".md") for name in files)),
        Check("What Bob kept in his journal stayed there", not still),
    ]


def _says_any(text: str, words: Iterable[str]) -> bool:
    return any(one in text for one in words)


def _any_says(texts: Iterable[str], words: str) -> bool:
    return any(words in text for text in texts)


def _named(found: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(found))
