"""What people are told about a meeting: invitations, moves, calendar files, and the questions at its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.lists import format_list

from bot.buttons import button
from bot.messages import Attachment, Button, Html, Message, Row, Withdrawn, escape
from bot.scheduling.calendar import Entry, calendar_file
from bot.scheduling.queries import attendance_of, cohort_name, details, title_of
from bot.scheduling.rules import from_minutes, number_name, proposed_role
from bot.storage.database import Transaction
from bot.storage.tables import Attendance, Cohort, Delivery, Meeting, Member
from bot.texts import N_, Texts
from bot.window.queries import facilitators_of, name_of
from bot.words import MeetingKind, MeetingState, Role, Rsvp

RSVP_LABELS: dict[Rsvp, str] = {
    Rsvp.COMING: N_("I'm coming"),
    Rsvp.CANNOT: N_("I can't"),
    Rsvp.LATE: N_("I'll be late"),
}
_RSVP_NEWS: dict[Rsvp, str] = {
    Rsvp.COMING: N_("{name} can come after all: {what}, {when}."),
    Rsvp.CANNOT: N_("{name} cannot come: {what}, {when}."),
    Rsvp.LATE: N_("{name} will be late: {what}, {when}."),
}


# ── To members ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def invitation(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """When it is, in the reader's own time, and whether they can make it."""
    meeting = await _meeting(tx, row)
    if why := _outdated(meeting, row, now):
        return Withdrawn(why)
    return await invited(tx, row, meeting, t)


async def invited(tx: Transaction, row: Delivery, meeting: Meeting, t: Texts) -> Message:
    """The invitation as it stands, with the answer that was given."""
    attendance = await attendance_of(tx, meeting.id, row.member_id) if row.member_id else None
    rsvp = attendance.rsvp if attendance else None
    was = (row.facts or {}).get("was")
    head = [Html(f"<b>{escape(await cohort_name(tx, meeting))}</b>")]
    if was is not None:
        head.append(t("Moved from {old} to", old=Html(f"<s>{escape(t.when(from_minutes(was)))}</s>")))
    head.append(
        t(
            "{start} until {end}, your time",
            start=t.instant(meeting.starts_at),
            end=t.hour(meeting.starts_at + meeting.lasts),
        )
    )
    head += _where(tx, meeting, t)
    reader = await _facilitators(tx, meeting, t)
    question = t("Can you make it? Only {name} reads your answer.", name=reader)
    if was is not None:
        question = t("Can you make it then? An earlier answer no longer counts. Only {name} reads it.", name=reader)
    if rsvp is not None:
        question = _rsvp_kept(rsvp, reader, t)
    return Message("\n".join(head) + f"\n\n{question}", (_rsvp_buttons(row, rsvp, t),), silent=bool(row.silent))


async def cancelled(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """It will not take place."""
    meeting = await _meeting(tx, row)
    cohort = await cohort_name(tx, meeting)
    if row.member_id is None:
        t = await _in_cohort_time(tx, meeting, t)
        text = t(
            "<b>{cohort}</b>: {what} on {when}, {zone}, is cancelled.",
            cohort=cohort,
            what=what(meeting, t),
            when=t.when(meeting.starts_at),
            zone=zone_name(t.zone, t),
        )
    else:
        when = Html(f"<s>{escape(t.when(meeting.starts_at))}</s>")
        text = t("<b>{cohort}</b>\n{when} is cancelled.", cohort=cohort, when=when)
    return Message(text, silent=bool(row.silent))


async def moved(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """Old and new time; a member is asked again in the same message."""
    if row.member_id is not None:
        return await invitation(tx, row, t, now)
    meeting = await _meeting(tx, row)
    if why := _outdated(meeting, row, now):
        return Withdrawn(why)
    t = await _in_cohort_time(tx, meeting, t)
    return Message(
        t(
            "<b>{cohort}</b>: {what} has moved.\n{old} → {new}, {zone}",
            cohort=await cohort_name(tx, meeting),
            what=what(meeting, t),
            old=t.when(from_minutes((row.facts or {})["was"])),
            new=t.when(meeting.starts_at),
            zone=zone_name(t.zone, t),
        ),
        silent=bool(row.silent),
    )


async def invitation_closed(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """What an old invitation says once its time is no longer true; its buttons are gone."""
    meeting = await _meeting(tx, row)
    copy = await tx.get(Delivery, row.target) if row.target else None
    if copy is None:
        return Withdrawn("nothing to close")
    head = Html(f"<b>{escape(await cohort_name(tx, meeting))}</b>\n")
    old = Html(f"<s>{escape(t.when(from_minutes((copy.facts or {}).get('start', 0))))}</s>")
    if meeting.state is MeetingState.CANCELLED:
        return Message(head + t("{old} is cancelled.", old=old))
    return Message(head + t("{old} moved to {new}.", old=old, new=t.instant(meeting.starts_at)))


async def calendar_entry(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """The calendar file for its reader's zone."""
    meeting = await _meeting(tx, row)
    if meeting.state is not MeetingState.CANCELLED and (why := _outdated(meeting, row, now)):
        return Withdrawn(why)
    return await calendar_message(tx, meeting, t, now=now)


async def calendar_message(tx: Transaction, meeting: Meeting, t: Texts, *, now: datetime) -> Message:
    """The file as a message; it never says more than the cohort's name and the place."""
    written = details(tx, meeting)
    gone = meeting.state is MeetingState.CANCELLED
    entry = Entry(
        meeting_id=meeting.id,
        sequence=meeting.sequence,
        starts_at=meeting.starts_at,
        ends_at=meeting.starts_at + meeting.lasts,
        summary=await cohort_name(tx, meeting),
        written_at=now,
        location=written.get("place", ""),
        url=written.get("link", ""),
        cancelled=gone,
    )
    line = t("This takes it out of your calendar.") if gone else t("For your calendar, if you like.")
    return Message(line, attachment=Attachment("document", "calendar.ics", calendar_file(entry, t.zone)), silent=True)


# ── To facilitators ────────────────────────────────────────────────────────────────────────────────────────────────


async def rsvp_notice(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """Somebody cannot come or will be late; what that suggests is one press away."""
    attendance = await tx.get(Attendance, row.ref) if row.ref else None
    if attendance is None or attendance.rsvp is None or attendance.rsvp.value != (row.facts or {}).get("rsvp"):
        return Withdrawn("changed")
    meeting = await _meeting(tx, row)
    t = await _in_cohort_time(tx, meeting, t)
    member = await tx.get_one(Member, attendance.member_id)
    text = t(
        _RSVP_NEWS[attendance.rsvp],
        name=tx.open(member, "alias"),
        what=f"{await cohort_name(tx, meeting)}, {what(meeting, t)}",
        when=t.when(meeting.starts_at),
    )
    role = proposed_role(attendance.rsvp, attendance.role)
    labels = {Role.ABSENT: N_("Count as absent"), Role.RECEIVING: N_("Count as receiving")}
    buttons = ((button(t.label(labels[role]), "role-set", attendance.id, role.value),),) if role else ()
    return Message(text, buttons, silent=bool(row.silent))


async def release_question(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """Has it ended? From there the window counts."""
    meeting = await _meeting(tx, row)
    if meeting.state is not MeetingState.PLANNED:
        return Withdrawn("ended")
    return await has_it_ended(tx, meeting, t)


async def has_it_ended(tx: Transaction, meeting: Meeting, t: Texts) -> Message:
    """The question with its three answers."""
    t = await _in_cohort_time(tx, meeting, t)
    text = t(
        "<b>{cohort}</b>: {what} was planned until {end}, {zone}. Has it ended?",
        cohort=await cohort_name(tx, meeting),
        what=what(meeting, t),
        end=t.hour(meeting.starts_at + meeting.lasts),
        zone=zone_name(t.zone, t),
    )
    return Message(
        text,
        (
            (button(t.label("It has ended now"), "ended-now", meeting.id),),
            (
                button(t.label("It ended at…"), "ended-at", meeting.id),
                button(t.label("It goes on"), "ended-not", meeting.id),
            ),
        ),
    )


async def release_fallback(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """Nobody said when it ended; the plan was taken."""
    meeting = await _meeting(tx, row)
    if meeting.released_at is None:
        return Withdrawn("not ended")
    t = await _in_cohort_time(tx, meeting, t)
    text = t(
        "<b>{cohort}</b>: nobody said when {what} ended, so I count from its planned end, {end}, {zone}. "
        "You can correct this.",
        cohort=await cohort_name(tx, meeting),
        what=what(meeting, t),
        end=t.hour(meeting.released_at),
        zone=zone_name(t.zone, t),
    )
    return Message(text, ((button(t.label("Correct the end"), "ended-at", meeting.id),),), silent=bool(row.silent))


# ── Phrases ────────────────────────────────────────────────────────────────────────────────────────────────────────


def what(meeting: Meeting, t: Texts) -> Html:
    """Like "session 2"."""
    return what_kind(meeting.kind, meeting.number, t)


def what_kind(kind: MeetingKind, number: int, t: Texts) -> Html:
    if kind is MeetingKind.GATHERING:
        return t("gathering {number}", number=number_name(kind, number))
    return t("session {number}", number=number)


def zone_name(zone: ZoneInfo, t: Texts) -> Html:
    """Like "Berlin time"."""
    return t("{city} time", city=t.city(zone))


def length(lasts: timedelta) -> str:
    """Like "1h30"."""
    hours, minutes = divmod(lasts // timedelta(minutes=1), 60)
    return f"{minutes}m" if not hours else f"{hours}h{minutes:02}" if minutes else f"{hours}h"


def join(words: list[str], t: Texts) -> str:
    """Like "Ann and Bob"."""
    return str(format_list(words, locale=t.locale))


def _where(tx: Transaction, meeting: Meeting, t: Texts) -> list[Html]:
    written = details(tx, meeting)
    lines = [Html(f"<i>{escape(title)}</i>")] if (title := title_of(tx, meeting)) else []
    if place := written.get("place"):
        lines.append(t("Place: {place}", place=place))
    if link := written.get("link"):
        lines.append(t("Link: {link}", link=link))
    return lines


def _rsvp_kept(rsvp: Rsvp, reader: str, t: Texts) -> Html:
    kept = {
        Rsvp.COMING: N_("Good, {name} will see that you are coming."),
        Rsvp.CANNOT: N_("Thank you for saying so. {name} will see that you cannot come."),
        Rsvp.LATE: N_("Thank you for saying so. {name} will see that you will be late."),
    }
    return t(kept[rsvp], name=reader)


def _rsvp_buttons(row: Delivery, rsvp: Rsvp | None, t: Texts) -> Row:
    return tuple(_rsvp_button(row, one, rsvp, t) for one in Rsvp)


def _rsvp_button(row: Delivery, one: Rsvp, given: Rsvp | None, t: Texts) -> Button:
    mark = "✓ " if one is given else ""
    return button(mark + t.label(RSVP_LABELS[one]), "rsvp", row.id, one.value)


async def _facilitators(tx: Transaction, meeting: Meeting, t: Texts) -> str:
    names = [name_of(tx, person) for person in await facilitators_of(tx, meeting.cohort_id)]
    return join(names, t) or t.label("your facilitator")


async def _in_cohort_time(tx: Transaction, meeting: Meeting, t: Texts) -> Texts:
    """Facilitators read and type the cohort's own time."""
    return replace(t, zone=(await tx.get_one(Cohort, meeting.cohort_id)).zone)


async def _meeting(tx: Transaction, row: Delivery) -> Meeting:
    return await tx.get_one(Meeting, row.meeting_id)


def _outdated(meeting: Meeting, row: Delivery, now: datetime) -> str | None:
    """Why news of a meeting need not be told any more."""
    if meeting.state is MeetingState.CANCELLED:
        return "cancelled"
    if from_minutes((row.facts or {}).get("start", 0)) != meeting.starts_at:
        return "moved"
    return "begun" if meeting.starts_at <= now else None


Composer = Callable[[Transaction, Delivery, Texts, datetime], Awaitable[Message | Withdrawn]]

COMPOSERS: dict[str, Composer] = {
    "invitation": invitation,
    "moved": moved,
    "cancelled": cancelled,
    "invitation-closed": invitation_closed,
    "calendar-file": calendar_entry,
    "rsvp-notice": rsvp_notice,
    "release-question": release_question,
    "release-fallback": release_fallback,
}
