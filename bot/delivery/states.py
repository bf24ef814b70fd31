"""Where a delivery can go from where it is: the diagram of docs/states.md as code.

    planned  → claimed → sending → sent · failed · unknown · planned (certainly not sent)
    unknown  → planned (once more, if its policy allows) · sent (somebody pressed its button)

``sending`` is committed before the call, so a delivery that is not ``sending`` has certainly no call on its way.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.delivery.outcomes import Outcome, Policy
from bot.words import DeliveryState, OutcomeKind, Verb

PLANNED, CLAIMED, SENDING = DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING
SENT, UNKNOWN, FAILED = DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.FAILED
SKIPPED, CANCELLED = DeliveryState.SKIPPED, DeliveryState.CANCELLED

ARROWS: dict[DeliveryState, frozenset[DeliveryState]] = {
    PLANNED: frozenset({CLAIMED, SKIPPED, CANCELLED, SENT}),  # sent: a tap proves it while it waits to go once more
    CLAIMED: frozenset({PLANNED, SENDING, SKIPPED, FAILED, CANCELLED, SENT}),
    SENDING: frozenset({SENT, PLANNED, FAILED, UNKNOWN}),
    UNKNOWN: frozenset({SENT, PLANNED}),
    SENT: frozenset(),
    FAILED: frozenset(),
    SKIPPED: frozenset(),
    CANCELLED: frozenset(),
}
WAITING = frozenset({PLANNED, CLAIMED})  # nothing has left yet: may still be moved or withdrawn
PERHAPS_THERE = frozenset({SENDING, UNKNOWN})

MOST_TRIES_AT_A_CHANGE = 10  # an edit, deletion or pin whose replies are lost this often is given up

_IDEMPOTENT = frozenset({Verb.EDIT, Verb.DELETE, Verb.PIN})
_LONGEST_BACKOFF = 60.0


@dataclass(frozen=True)
class Ruling:
    """What a delivery becomes, why, and for how many real seconds it then rests."""

    state: DeliveryState
    reason: str | None = None
    rests: float | None = None


def rule(outcome: Outcome, verb: Verb, policy: Policy, *, attempts: int, resends: int) -> Ruling:
    """What a delivery in ``sending`` becomes after its call; ``attempts`` counts this one."""
    match outcome.kind:
        case OutcomeKind.DONE:
            return Ruling(SENT)
        case OutcomeKind.LIMITED | OutcomeKind.MOVED:
            return Ruling(PLANNED, outcome.detail)  # the pause is the chat's, the new address is the chat's
        case OutcomeKind.NOT_SENT:
            return Ruling(PLANNED, outcome.detail, backoff(attempts))
        case OutcomeKind.REFUSED | OutcomeKind.UNREACHABLE:
            return Ruling(FAILED, outcome.detail or outcome.kind.value)
        case OutcomeKind.UNKNOWN if verb in _IDEMPOTENT:
            if attempts >= MOST_TRIES_AT_A_CHANGE:
                return Ruling(FAILED, "no answer")
            return Ruling(PLANNED, outcome.detail, backoff(attempts))
        case OutcomeKind.UNKNOWN:
            return Ruling(UNKNOWN, outcome.detail, policy.resend_after if resends < policy.resends else None)


def backoff(attempts: int) -> float:
    """Real seconds to wait after so many calls that certainly failed: 1, 2, 4 … 60."""
    return min(_LONGEST_BACKOFF, 2.0 ** (attempts - 1)) if attempts < 8 else _LONGEST_BACKOFF
