"""Every table, in the order a cohort's life touches them.

All tables live in this one file: spread over the rooms they would tie every room into one import cycle. Columns typed
``Sealed`` hold what people wrote or are called. ``due_at`` and its kin are business time; ``not_before``,
``lease_until`` and ``expires_on`` are the database's own clock.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    Time,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.clock import new_id
from bot.storage.columns import Sealed, UtcDateTime, Word, ZoneName
from bot.words import (
    AlertCause,
    AlertOutcome,
    AlertState,
    BroadcastState,
    Choice,
    CohortKind,
    Consent,
    DeliveryState,
    InboxState,
    LeftHow,
    Level,
    MeetingKind,
    MeetingState,
    MemberState,
    MomentState,
    Office,
    OpeningState,
    Origin,
    OutcomeKind,
    Pace,
    ReleaseSource,
    Role,
    RoundState,
    Rsvp,
    SecretsPolicy,
    Verb,
    Visibility,
)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way of saying it
        datetime: UtcDateTime,
        ZoneInfo: ZoneName,
        dict[str, Any]: JSON,
        bytes: LargeBinary,
        time: Time,
    }


class HasId:
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


@event.listens_for(Base, "init", propagate=True)
def _name_the_row(row: Base, _args: Any, values: dict[str, Any]) -> None:
    """Give a row its id when it is made, so that it can be sealed and spoken of before it is stored."""
    if isinstance(row, HasId):
        values.setdefault("id", new_id())


def _word(words: type[StrEnum]) -> Any:
    return mapped_column(Word(words))


# ── People and where they are reached ──────────────────────────────────────────────────────────────────────────────


class Person(HasId, Base):
    """One Telegram account."""

    __tablename__ = "person"
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    name: Mapped[bytes] = mapped_column(Sealed)
    language: Mapped[str] = mapped_column(String(8))
    zone: Mapped[ZoneInfo]
    zone_confirmed: Mapped[bool] = mapped_column(default=False)
    country: Mapped[str | None] = mapped_column(String(2))  # ISO 3166
    quiet_begins: Mapped[time] = mapped_column(default=time(21, 0))
    quiet_ends: Mapped[time] = mapped_column(default=time(8, 0))
    discreet: Mapped[bool] = mapped_column(default=True)
    digest_at: Mapped[time] = mapped_column(default=time(8, 30))
    met_at: Mapped[datetime]


class Chat(HasId, Base):
    """A private chat or a group, by our own id: Telegram's may change."""

    __tablename__ = "chat"
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    zone: Mapped[ZoneInfo | None]  # of a group; a private chat uses the person's
    language: Mapped[str | None] = mapped_column(String(8))
    quiet_begins: Mapped[time | None]
    quiet_ends: Mapped[time | None]
    unreachable_since: Mapped[datetime | None]
    unreachable_why: Mapped[str | None] = mapped_column(String(64))
    not_before: Mapped[datetime | None]


class ChatAlias(Base):
    """A former Telegram id of a chat (a group that became a supergroup)."""

    __tablename__ = "chat_alias"
    telegram_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chat.id", ondelete="CASCADE"))


class Appointment(HasId, Base):
    """An owner or a facilitator, by numeric id and never by username."""

    __tablename__ = "appointment"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    office: Mapped[Office] = _word(Office)
    appointed_by: Mapped[UUID | None]
    appointed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(HasId, Base):
    """A single-use link that makes an owner, a facilitator or a co-facilitator of one cohort."""

    __tablename__ = "invitation"
    office: Mapped[Office] = _word(Office)
    cohort_id: Mapped[UUID | None] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"))
    fingerprint: Mapped[bytes] = mapped_column(unique=True)
    made_by: Mapped[UUID | None]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[UUID | None]


# ── Programmes, cohorts, seats, members ────────────────────────────────────────────────────────────────────────────


class PinnedProgramme(Base):
    """The exact text a cohort began with, by the digest of its bytes; a series has the digest of what it wraps."""

    __tablename__ = "programme"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hex
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    wraps: Mapped[str | None] = mapped_column(ForeignKey("programme.digest"))
    kind: Mapped[CohortKind | None] = mapped_column(Word(CohortKind))  # the cohorts that a series was wrapped for
    pinned_at: Mapped[datetime]


class Cohort(HasId, Base):
    __tablename__ = "cohort"
    kind: Mapped[CohortKind] = _word(CohortKind)
    name: Mapped[bytes] = mapped_column(Sealed)
    zone: Mapped[ZoneInfo]
    language: Mapped[str] = mapped_column(String(8))
    quiet_begins: Mapped[time] = mapped_column(default=time(21, 0))
    quiet_ends: Mapped[time] = mapped_column(default=time(8, 0))
    seats: Mapped[int]
    programme: Mapped[str] = mapped_column(ForeignKey("programme.digest"))
    lighter_programme: Mapped[str | None] = mapped_column(ForeignKey("programme.digest"))
    secrets_policy: Mapped[SecretsPolicy] = _word(SecretsPolicy)
    minimal: Mapped[bool] = mapped_column(default=False)
    screened_at: Mapped[datetime]  # "each screened alone, off-bot"
    screened_by: Mapped[UUID]
    responder_id: Mapped[UUID | None]  # person who answers alerts; the enrolling facilitator until a roster is set
    backup_id: Mapped[UUID | None]
    duty_begins: Mapped[time] = mapped_column(default=time(8, 0))
    duty_ends: Mapped[time] = mapped_column(default=time(21, 0))
    chat_id: Mapped[UUID | None] = mapped_column(ForeignKey("chat.id", ondelete="SET NULL"))  # the linked group
    topic_id: Mapped[int | None]
    posts_dates: Mapped[bool] = mapped_column(default=True)  # whether the linked group reads when they meet
    created_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    unpaired_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Facilitation(HasId, Base):
    """A facilitator holds a cohort, from then to then."""

    __tablename__ = "facilitation"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Seat(HasId, Base):
    """A place in a cohort and the link that fills it once."""

    __tablename__ = "seat"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    label: Mapped[bytes] = mapped_column(Sealed)
    issue: Mapped[int] = mapped_column(default=1)
    fingerprint: Mapped[bytes] = mapped_column(unique=True)  # of the secret in its link
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    burnt_at: Mapped[datetime | None]  # its link was shown in a group


class SharedLink(HasId, Base):
    """One link for all the seats of a group; when they are taken, whoever opens it waits for one."""

    __tablename__ = "shared_link"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), unique=True)
    issue: Mapped[int] = mapped_column(default=1)
    fingerprint: Mapped[bytes] = mapped_column(unique=True)  # of the secret in the link
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    burnt_at: Mapped[datetime | None]


class Member(HasId, Base):
    """A person in a cohort."""

    __tablename__ = "member"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    seat_id: Mapped[UUID | None] = mapped_column(ForeignKey("seat.id", ondelete="SET NULL"))
    alias: Mapped[bytes] = mapped_column(Sealed)  # what the others in the cohort read
    state: Mapped[MemberState] = _word(MemberState)
    screen: Mapped[str] = mapped_column(String(16), default="")  # where the joining stands; empty when done
    pace: Mapped[Pace] = _word(Pace)
    misses: Mapped[int] = mapped_column(default=0)  # in a row
    joined_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    held_at: Mapped[datetime | None]  # flagged: their openings rest until the facilitator resumes
    unpaired_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_member_one_place",
            "cohort_id",
            "person_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
    )


class ConsentGiven(HasId, Base):
    """One switch turned on or off; the latest row of a switch holds."""

    __tablename__ = "consent"
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    switch: Mapped[Consent] = _word(Consent)
    granted: Mapped[bool]
    version: Mapped[str] = mapped_column(String(32))  # of the words that were read
    language: Mapped[str] = mapped_column(String(8))
    given_at: Mapped[datetime]


# ── Sessions and gatherings ────────────────────────────────────────────────────────────────────────────────────────


class Series(HasId, Base):
    """Several sessions planned as one thing, each movable alone."""

    __tablename__ = "series"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    rhythm: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class Meeting(HasId, Base):
    """A session or a gathering; its release is the anchor of the window."""

    __tablename__ = "meeting"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("series.id", ondelete="SET NULL"))
    number: Mapped[int]  # within its cohort and kind, from 1
    kind: Mapped[MeetingKind] = _word(MeetingKind)
    state: Mapped[MeetingState] = _word(MeetingState)
    starts_at: Mapped[datetime]
    lasts: Mapped[timedelta]
    title: Mapped[bytes | None] = mapped_column(Sealed)
    details: Mapped[bytes | None] = mapped_column(Sealed)  # JSON: place, link, present, bring, music, instructions
    sequence: Mapped[int] = mapped_column(default=0)  # of its calendar entry
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    erased: Mapped[int] = mapped_column(default=0)  # how many of its people erased everything since it was planned
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None]
    release_source: Mapped[ReleaseSource | None] = mapped_column(Word(ReleaseSource))
    cancelled_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("cohort_id", "kind", "number"),)


class Attendance(HasId, Base):
    """One member in one meeting: what they said, what the facilitator decided, how they went home."""

    __tablename__ = "attendance"
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = _word(Role)
    rsvp: Mapped[Rsvp | None] = mapped_column(Word(Rsvp))
    rsvp_at: Mapped[datetime | None]
    left_how: Mapped[LeftHow | None] = mapped_column(Word(LeftHow))
    released_at: Mapped[datetime | None]  # left earlier than the others
    __table_args__ = (UniqueConstraint("meeting_id", "member_id"),)


# ── The post office ────────────────────────────────────────────────────────────────────────────────────────────────


class Delivery(HasId, Base):
    """One planned call to one chat. It holds references, never sentences; words are composed when it leaves."""

    __tablename__ = "delivery"
    key: Mapped[str] = mapped_column(String(200))  # planned once; see the partial unique index
    origin: Mapped[Origin] = _word(Origin)
    verb: Mapped[Verb] = _word(Verb)
    kind: Mapped[str] = mapped_column(String(24))  # which composer speaks
    lane: Mapped[int] = mapped_column(Integer)
    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chat.id", ondelete="CASCADE"))
    cohort_id: Mapped[UUID | None] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    step: Mapped[str | None] = mapped_column(String(64))  # id of a programme's step
    ref: Mapped[UUID | None]  # what a composer needs: an opening, an alert, a broadcast
    facts: Mapped[dict[str, Any] | None]  # small and never anybody's words: times, counts, variants
    target: Mapped[UUID | None]  # the delivery whose message is edited, deleted or pinned
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    silent: Mapped[bool] = mapped_column(default=False)
    state: Mapped[DeliveryState] = _word(DeliveryState)
    reason: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    resends: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(32))
    term: Mapped[int | None]
    lease_until: Mapped[datetime | None]
    attempt_id: Mapped[UUID | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    sent_at: Mapped[datetime | None]  # business time of the confirmed send
    made_at: Mapped[datetime]
    __table_args__ = (
        Index(
            "uq_delivery_key_once",
            "key",
            unique=True,
            sqlite_where=text("state <> 'cancelled'"),
            postgresql_where=text("state <> 'cancelled'"),
        ),
        Index(
            "ix_delivery_due",
            "lane",
            "due_at",
            "cohort_id",
            "id",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_delivery_next",
            "due_at",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_delivery_in_flight",
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
        Index("ix_delivery_member_id_meeting_id", "member_id", "meeting_id"),
        Index("ix_delivery_cohort_id_state", "cohort_id", "state"),
        Index("ix_delivery_chat_id_message_id", "chat_id", "message_id"),
        Index("ix_delivery_ref", "ref"),
        Index("ix_delivery_target", "target"),
    )


class Attempt(HasId, Base):
    """One call that was really made."""

    __tablename__ = "attempt"
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    owner: Mapped[str] = mapped_column(String(32))
    term: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[OutcomeKind | None] = mapped_column(Word(OutcomeKind))
    detail: Mapped[str | None] = mapped_column(String(120))  # an error's name, never anybody's words
    message_id: Mapped[int | None] = mapped_column(BigInteger)


class Moment(HasId, Base):
    """A decision that falls due, as durable as a delivery: it runs once, before anything is claimed."""

    __tablename__ = "moment"
    key: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    due_at: Mapped[datetime]
    cohort_id: Mapped[UUID | None] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    step: Mapped[str | None] = mapped_column(String(64))
    ref: Mapped[UUID | None]
    state: Mapped[MomentState] = _word(MomentState)
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(String(64))
    done_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "ix_moment_due",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_moment_failed",
            "due_at",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
    )


# ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Response(HasId, Base):
    """One member at one step: where they are in its questions and, if it is sealed, what they choose."""

    __tablename__ = "response"
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    step: Mapped[str] = mapped_column(String(64))
    programme: Mapped[str] = mapped_column(String(64))  # digest of the text they were asked
    delivery_id: Mapped[UUID | None]
    visibility: Mapped[Visibility] = _word(Visibility)
    question: Mapped[str | None] = mapped_column(String(32))  # the one they are at; none when finished
    choice: Mapped[Choice] = _word(Choice)
    begun_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    skipped_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("member_id", "meeting_id", "step"),)


class Answer(HasId, Base):
    """What was answered to one question."""

    __tablename__ = "answer"
    response_id: Mapped[UUID] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(String(32))
    value: Mapped[bytes | None] = mapped_column(Sealed)  # JSON; none for "skipped"
    given_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("response_id", "question"),)


class Opening(HasId, Base):
    """The hour at which a couple's sealed answers to one step open, decided once under this row."""

    __tablename__ = "opening"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime]
    state: Mapped[OpeningState] = _word(OpeningState)
    decided_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("meeting_id", "step"),)


class Disclosure(HasId, Base):
    """Whose answer was opened to whom, and whether it was folded since."""

    __tablename__ = "disclosure"
    opening_id: Mapped[UUID] = mapped_column(ForeignKey("opening.id", ondelete="CASCADE"), index=True)
    response_id: Mapped[UUID] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    reader_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    opened_at: Mapped[datetime]
    folded_at: Mapped[datetime | None]
    reply: Mapped[bytes | None] = mapped_column(Sealed)  # the reader's small answer, JSON
    replied_at: Mapped[datetime | None]
    agreed_at: Mapped[datetime | None]  # the reader says that what stands there is right for them
    __table_args__ = (UniqueConstraint("opening_id", "reader_id"),)


class Round(HasId, Base):
    """A group takes turns; it opens only at its close."""

    __tablename__ = "round"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(64))
    closes_at: Mapped[datetime]
    anonymous: Mapped[bool] = mapped_column(default=False)
    state: Mapped[RoundState] = _word(RoundState)
    closed_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("meeting_id", "step"),)


class Turn(HasId, Base):
    """One member's turn in a round; passing is a turn."""

    __tablename__ = "turn"
    round_id: Mapped[UUID] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    response_id: Mapped[UUID | None] = mapped_column(ForeignKey("response.id", ondelete="CASCADE"))
    passed: Mapped[bool] = mapped_column(default=False)
    taken_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    folded_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("round_id", "member_id"),)


class Candle(HasId, Base):
    """I witnessed this: the author learns that it was lit and never by how many."""

    __tablename__ = "candle"
    turn_id: Mapped[UUID] = mapped_column(ForeignKey("turn.id", ondelete="CASCADE"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    lit_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("turn_id", "member_id"),)


class JournalEntry(HasId, Base):
    """A member's own words, for nobody else."""

    __tablename__ = "journal_entry"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"))
    words: Mapped[bytes] = mapped_column(Sealed)
    written_at: Mapped[datetime]


# ── Facilitators and members write to each other ───────────────────────────────────────────────────────────────────


class Note(HasId, Base):
    """Words from a member to their facilitators, or back."""

    __tablename__ = "note"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    words: Mapped[bytes] = mapped_column(Sealed)
    attachment: Mapped[bytes | None] = mapped_column(Sealed)  # JSON: kind and Telegram's file id
    written_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Broadcast(HasId, Base):
    __tablename__ = "broadcast"
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    words: Mapped[bytes] = mapped_column(Sealed)
    attachment: Mapped[bytes | None] = mapped_column(Sealed)  # JSON: kind and Telegram's file id
    state: Mapped[BroadcastState] = _word(BroadcastState)
    made_at: Mapped[datetime]
    leaves_at: Mapped[datetime | None]


class BroadcastCohort(Base):
    __tablename__ = "broadcast_cohort"
    broadcast_id: Mapped[UUID] = mapped_column(ForeignKey("broadcast.id", ondelete="CASCADE"), primary_key=True)
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), primary_key=True)


class Alert(HasId, Base):
    """Somebody needs the facilitator."""

    __tablename__ = "alert"
    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohort.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    step: Mapped[str | None] = mapped_column(String(64))
    level: Mapped[Level] = _word(Level)
    cause: Mapped[AlertCause] = _word(AlertCause)
    state: Mapped[AlertState] = _word(AlertState)
    raised_at: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(default=0)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    outcome: Mapped[AlertOutcome | None] = mapped_column(Word(AlertOutcome))
    told_at: Mapped[datetime | None]  # when the member read that nobody had confirmed yet


# ── Begun on a phone, not finished ─────────────────────────────────────────────────────────────────────────────────


class Draft(HasId, Base):
    """Something begun on a phone and not yet confirmed: a preview, a question half asked, words without a place."""

    __tablename__ = "draft"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    awaits: Mapped[str | None] = mapped_column(String(24))  # the typed words it waits for, if any
    content: Mapped[bytes] = mapped_column(Sealed)  # JSON
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


# ── Intake, leadership, custody ────────────────────────────────────────────────────────────────────────────────────


class InboxUpdate(Base):
    """An update that Telegram was told we have; its payload is emptied in the transaction that handles it."""

    __tablename__ = "inbox"
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    row: Mapped[UUID] = mapped_column(default=uuid4)  # what its payload is bound to
    received_at: Mapped[datetime]
    payload: Mapped[bytes | None] = mapped_column(Sealed)
    person_key: Mapped[int | None] = mapped_column(BigInteger)
    chat_key: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[InboxState] = _word(InboxState)
    tries: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
    reference: Mapped[str | None] = mapped_column(String(16))  # what a person can quote when it failed
    __table_args__ = (
        Index(
            "ix_inbox_waiting",
            "update_id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_inbox_quarantined",
            "update_id",
            sqlite_where=text("state = 'quarantined'"),
            postgresql_where=text("state = 'quarantined'"),
        ),
    )


class Lease(Base):
    """Who polls and who sends, for which term."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))
    term: Mapped[int]
    expires_on: Mapped[datetime]


class RateBucket(Base):
    """A shared allowance for replicas: the theoretical arrival time of the next call."""

    __tablename__ = "rate_bucket"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    arrives_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what to which row, when; append-only, each entry carries the hash of the one before. No content."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(48))
    cohort_id: Mapped[UUID | None] = mapped_column(index=True)
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    facts: Mapped[dict[str, Any] | None]
    before: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Fact(Base):
    """What the house knows of itself: the bot it belongs to, its canary, whether it is held after a restore."""

    __tablename__ = "fact"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)
