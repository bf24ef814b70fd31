"""What can become of one call, and how often each kind of letter may be repeated when nobody knows.

Telegram has no key that would make a repeated send harmless. A call whose reply was lost may have arrived: it is
*unknown*, and what then happens is a policy of its kind, decided here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.words import Lane, OutcomeKind


@dataclass(frozen=True)
class Outcome:
    """What became of one call; ``detail`` is a short name and never anybody's words."""

    kind: OutcomeKind
    detail: str | None = None
    retry_after: float | None = None  # real seconds, for ``LIMITED``
    message_id: int | None = None
    new_chat_id: int | None = None  # for ``MOVED``

    @property
    def done(self) -> bool:
        return self.kind is OutcomeKind.DONE


@dataclass(frozen=True)
class Policy:
    """How often an unknown send may be repeated, and after how many real seconds."""

    resends: int
    resend_after: float = 20.0


NEVER = Policy(0)  # prompts, broadcasts: the reminder in other words, or the facilitator, covers a loss
ONCE = Policy(1)  # openings: both have consented, a copy shows nothing new
TWICE = Policy(2)  # safety, alerts, receipts: a copy is harmless, a loss is not


def policy_of(lane: int) -> Policy:
    """The policy of a kind that names none."""
    return TWICE if lane <= Lane.SAFETY else NEVER
