"""The words of the house as values: states, roles and kinds, one word per thing.

Their strings are stored in the database and in programme files; a rename is a migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import IntEnum, StrEnum


class CohortKind(StrEnum):
    COUPLE = "couple"
    GROUP = "group"
    INDIVIDUAL = "individual"


class SecretsPolicy(StrEnum):
    """What a facilitator does with what one partner tells them alone (shown to every member before consent)."""

    KEPT = "kept"  # what one tells me alone stays with me
    JUDGED = "judged"  # I decide with care what needs to be shared, and tell you first
    OPEN = "open"  # I keep no secrets between you


class MemberState(StrEnum):
    JOINING = "joining"  # is walking through the joining screens
    WAITING = "waiting"  # finished them; the facilitator has not admitted yet
    LISTED = "listed"  # every seat is taken: waits for one
    ENROLLED = "enrolled"
    DECLINED = "declined"
    LEFT = "left"


class Pace(StrEnum):
    FULL = "full"
    LIGHTER = "lighter"  # every second prompt and practice rests
    LIGHT_TOUCH = "light-touch"  # the light-touch programme instead, for this member alone


class Consent(StrEnum):
    """The three switches; each is asked, stored and withdrawn on its own."""

    FACILITATOR = "facilitator"  # my check-ins may be read by the facilitator
    PARTNER = "partner"  # I may choose to open single answers to my partner
    CIRCLE = "circle"  # I may choose to share in rounds


class MeetingKind(StrEnum):
    SESSION = "session"
    GATHERING = "gathering"  # RSVP, reminders and calendar, but no window


class MeetingState(StrEnum):
    PLANNED = "planned"
    RELEASED = "released"
    CANCELLED = "cancelled"


class ReleaseSource(StrEnum):
    RECORDED = "recorded"
    CORRECTED = "corrected"
    FALLBACK = "fallback"  # nobody recorded it; the planned end is used and the board says so


class Role(StrEnum):
    """What a member is in one session."""

    RECEIVING = "receiving"
    SUPPORTING = "supporting"
    ABSENT = "absent"


class Rsvp(StrEnum):
    COMING = "coming"
    CANNOT = "cannot"
    LATE = "late"


class LeftHow(StrEnum):
    """How somebody went home after a session."""

    COMPANION = "companion"
    DRIVER = "driver"
    ALONE = "alone"


class Visibility(StrEnum):
    """Who may read an answer; every input says so."""

    ME = "me"
    FACILITATOR = "facilitator"
    PAIR = "pair"
    CIRCLE = "circle"
    NONE = "none"


class StepKind(StrEnum):
    REMINDER = "reminder"
    PROMPT = "prompt"
    PRACTICE = "practice"
    CHECK_IN = "check-in"


class Pacing(StrEnum):
    """Whether a step has one instant for the whole cohort or everyone's own hour."""

    TOGETHER = "together"
    LOCAL = "local"


class Level(StrEnum):
    """How urgent an alert is."""

    AMBER = "amber"
    RED = "red"


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class AlertCause(StrEnum):
    CALL = "call"  # asked for a call
    UNSAFE = "unsafe"  # pressed "I need help now" or answered a safety item so
    ANSWER = "answer"  # an answer that its programme marks
    SILENCE = "silence"  # a step that asks for an answer stayed silent
    UNREACHABLE = "unreachable"  # blocked the bot or cannot be written to


class AlertOutcome(StrEnum):
    CONTACTED = "contacted"
    HANDED_OVER = "handed-over"
    NOT_NEEDED = "not-needed"


class Choice(StrEnum):
    """What a member does with their own sealed answer until the hour."""

    UNDECIDED = "undecided"
    SHARE = "share"
    KEEP = "keep"


class OpeningState(StrEnum):
    SEALED = "sealed"
    OPENED = "opened"
    UNOPENED = "unopened"  # something was missing; both read the one neutral line
    DESTROYED = "destroyed"  # unpaired, left or erased before its hour


class RoundState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class BroadcastState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"  # for its fifteen seconds, its hour, or a cohort in its acute phase
    LEAVING = "leaving"
    STOPPED = "stopped"
    SENT = "sent"
    TAKEN_BACK = "taken-back"
    CANCELLED = "cancelled"


class Office(StrEnum):
    """What a person may do for the whole bot; holding a cohort is a row of its own."""

    OWNER = "owner"
    FACILITATOR = "facilitator"


class DeliveryState(StrEnum):
    """Where one planned call stands; docs/states.md draws the arrows."""

    PLANNED = "planned"  # waits for its hour
    CLAIMED = "claimed"  # a sender has taken it; nothing has left yet
    SENDING = "sending"  # committed before the call: from here on it may have arrived
    SENT = "sent"
    UNKNOWN = "unknown"  # the reply was lost; it may or may not have arrived
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """Which call a delivery makes."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"
    PIN = "pin"


class Origin(StrEnum):
    """Which room planned a delivery; each plans and withdraws its own."""

    WINDOW = "window"
    ENROLMENT = "enrolment"
    SCHEDULING = "scheduling"
    CHECKINS = "checkins"
    ROUNDS = "rounds"
    BROADCASTS = "broadcasts"
    SAFETY = "safety"
    DESK = "desk"
    RECORDS = "records"


class Lane(IntEnum):
    """The order in which the wire is shared; smaller goes first, none starves."""

    INTERACTIVE = 0
    SAFETY = 1
    PROMPTS = 2
    BROADCAST = 3


class OutcomeKind(StrEnum):
    """What became of one call, decided by the cause of its exception."""

    DONE = "done"
    NOT_SENT = "not-sent"  # certainly never reached Telegram: try again
    LIMITED = "limited"  # refused for now, with a time to wait
    MOVED = "moved"  # the chat has a new id
    REFUSED = "refused"  # refused for good
    UNREACHABLE = "unreachable"  # blocked, deactivated, kicked
    UNKNOWN = "unknown"  # anything else: it may have arrived


class MomentState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class InboxState(StrEnum):
    WAITING = "waiting"
    HANDLED = "handled"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class QuietHours:
    """When a chat wants silence, in its own local time; equal ends mean never."""

    begins: time = time(21, 0)
    ends: time = time(8, 0)
