"""What a facilitator sees while planning: the questions button after button, and the pages of a cohort's meetings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bot.buttons import button, grid
from bot.messages import Html, Message, Row, escape
from bot.scheduling.compose import join, length, what, zone_name
from bot.scheduling.queries import Present
from bot.scheduling.rules import minutes
from bot.storage.tables import Attendance, Meeting
from bot.texts import N_, Texts
from bot.words import LeftHow, MeetingKind, MeetingState, ReleaseSource, Role, Rsvp

SHOWN = 8  # meetings on a cohort's page; earlier ones are in the records

DETAIL_FIELDS = ("place", "link", "present", "bring", "music", "instructions")

DETAIL_LABELS = {
    "place": N_("Place"),
    "link": N_("Link"),
    "present": N_("Who is there"),
    "bring": N_("What to bring"),
    "music": N_("Music"),
    "instructions": N_("Instructions"),
}
ROLE_LABELS = {
    Role.RECEIVING: N_("receiving"),
    Role.SUPPORTING: N_("supporting"),
    Role.ABSENT: N_("absent"),
}
_RSVP_WORDS = {
    Rsvp.COMING: N_("is coming"),
    Rsvp.CANNOT: N_("cannot come"),
    Rsvp.LATE: N_("will be late"),
}
_LEFT_LABELS = {
    LeftHow.COMPANION: N_("With a companion"),
    LeftHow.DRIVER: N_("With a driver"),
    LeftHow.ALONE: N_("Alone"),
}


# ── Pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sessions_page(cohort_id: UUID, name: str, shown: Sequence[Meeting], t: Texts, *, now: datetime) -> Message:
    """A cohort's meetings, the latest last, and what can be planned."""
    lines = [Html(f"<b>{escape(name)}</b>, {zone_name(t.zone, t)}")]
    lines += [_line(meeting, t, now=now) for meeting in shown[-SHOWN:]] or [t("Nothing is planned yet.")]
    buttons = [button(_short(meeting, t), "meeting", meeting.id) for meeting in shown[-SHOWN:]]
    plan = (
        button(t.label("New session"), "meeting-new", cohort_id, MeetingKind.SESSION.value),
        button(t.label("New gathering"), "meeting-new", cohort_id, MeetingKind.GATHERING.value),
    )
    back = (button(t.label("Back to the cohort"), "cohort", cohort_id),)
    return Message("\n".join(lines), (*grid(buttons, 2), plan, back))


def _short(meeting: Meeting, t: Texts) -> str:
    return t.label(
        "{what}: {when}",
        what=str(what(meeting, t)).capitalize(),
        when=t.short_day(meeting.starts_at),
    )


def _line(meeting: Meeting, t: Texts, *, now: datetime) -> Html:
    return Html(f"{what(meeting, t)} · {escape(t.when(meeting.starts_at))} · {state(meeting, t, now=now)}")


def state(meeting: Meeting, t: Texts, *, now: datetime) -> Html:
    """Where a meeting stands, in a few words."""
    if meeting.state is MeetingState.CANCELLED:
        return t("cancelled")
    if meeting.released_at is not None:
        if meeting.release_source is ReleaseSource.FALLBACK:
            return t("counted from its planned end, {hour}", hour=t.hour(meeting.released_at))
        return t("ended at {hour}", hour=t.hour(meeting.released_at))
    if now < meeting.starts_at:
        return t("planned, {length}", length=length(meeting.lasts))
    if now < meeting.starts_at + meeting.lasts:
        return t("now")
    return t("over") if meeting.kind is MeetingKind.GATHERING else t("its end is not recorded yet")


def meeting_page(
    meeting: Meeting, cohort: str, title: str, people: Sequence[Present], t: Texts, *, now: datetime, head: str = ""
) -> Message:
    """One meeting: when, who, and everything that can be done with it; ``head`` says what was just done."""
    end = meeting.released_at or meeting.starts_at + meeting.lasts
    lines = [
        Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>"),
        t(
            "{day}, {start} to {end}, {zone}",
            day=t.day(meeting.starts_at),
            start=t.hour(meeting.starts_at),
            end=t.hour(end),
            zone=zone_name(t.zone, t),
        ),
        state(meeting, t, now=now),
    ]
    if title:
        lines.insert(1, Html(f"<i>{escape(title)}</i>"))
    lines += [person_line(one, t) for one in people]
    if head:
        lines[:0] = [t(head), Html("")]
    return Message("\n".join(lines), (*_meeting_buttons(meeting, t, now=now), _back(meeting, t)))


def person_line(one: Present, t: Texts) -> Html:
    """Like "Ann: is coming, receiving"."""
    said = one.attendance.rsvp
    word = t(_RSVP_WORDS[said]) if said else t("has not said yet")
    return t("{name}: {rsvp}, {role}", name=one.name, rsvp=word, role=t(ROLE_LABELS[one.attendance.role]))


def _meeting_buttons(meeting: Meeting, t: Texts, *, now: datetime) -> list[Row]:
    if meeting.state is MeetingState.CANCELLED:
        return []
    rows: list[Row] = []
    is_session = meeting.kind is MeetingKind.SESSION
    if is_session and meeting.state is MeetingState.RELEASED:
        rows.append(
            (
                button(t.label("Correct the end"), "ended-at", meeting.id),
                button(t.label("How they left"), "left-ask", meeting.id),
            )
        )
    elif is_session and meeting.starts_at <= now:
        rows.append(
            (
                button(t.label("It has ended now"), "ended-now", meeting.id),
                button(t.label("It ended at…"), "ended-at", meeting.id),
            )
        )
    if meeting.state is MeetingState.PLANNED:
        rows.append(
            (
                button(t.label("Move"), "meeting-move", meeting.id),
                button(t.label("Call it off"), "meeting-cancel", meeting.id),
            )
        )
    rows.append(
        (
            button(t.label("Details"), "meeting-details", meeting.id),
            button(t.label("Roles"), "meeting-roles", meeting.id),
            button(t.label("Calendar file"), "meeting-file", meeting.id),
        )
    )
    return rows


def _back(meeting: Meeting, t: Texts) -> Row:
    return (button(t.label("All meetings"), "sessions", meeting.cohort_id),)


# ── Details ────────────────────────────────────────────────────────────────────────────────────────────────────────


def details_page(meeting: Meeting, cohort: str, written: dict[str, str], t: Texts) -> Message:
    """What was written so far, each with a button to write it."""
    lines = [Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>")]
    lines += [
        t("{label}: {words}", label=t(DETAIL_LABELS[field]), words=written[field])
        for field in DETAIL_FIELDS
        if field in written
    ]
    lines.append(t("Everybody in {cohort} will read this. What is empty is not mentioned.", cohort=cohort))
    buttons = [button(t.label(DETAIL_LABELS[field]), "meeting-detail", meeting.id, field) for field in DETAIL_FIELDS]
    return Message("\n".join(lines), (*grid(buttons, 3), (button(t.label("Back"), "meeting", meeting.id),)))


def ask_detail(meeting: Meeting, cohort: str, field: str, words: str, t: Texts) -> Message:
    """One detail to be typed; what is there now can be cleared."""
    label = t(DETAIL_LABELS[field])
    parts = [t("<b>{label}</b>\nPlease type it. Everybody in {cohort} will read it.", label=label, cohort=cohort)]
    if words:
        parts.append(t("Now it says: {words}", words=words))
    clear = (button(t.label("Clear it"), "detail-clear", meeting.id, field),) if words else ()
    return Message("\n\n".join(parts), ((*clear, button(t.label("Back"), "meeting-details", meeting.id)),))


# ── Roles, and going home ──────────────────────────────────────────────────────────────────────────────────────────


def roles_page(meeting: Meeting, cohort: str, people: Sequence[Present], t: Texts) -> Message:
    """Who is what in this meeting; a name leads to the choice."""
    lines = [Html(f"<b>{escape(cohort)}, {what(meeting, t)}</b>"), *(person_line(one, t) for one in people)]
    buttons = [button(one.name, "role-of", one.attendance.id) for one in people]
    return Message("\n".join(lines), (*grid(buttons, 2), (button(t.label("Back"), "meeting", meeting.id),)))


def role_choice(meeting: Meeting, one: Present, t: Texts) -> Message:
    text = t(
        "{name}, {what}: now {role}. The role decides which messages they get.",
        name=one.name,
        what=what(meeting, t),
        role=t(ROLE_LABELS[one.attendance.role]),
    )
    choices = tuple(
        button(t.label(ROLE_LABELS[role]).capitalize(), "role-set", one.attendance.id, role.value) for role in Role
    )
    return Message(text, (choices, (button(t.label("Back"), "meeting-roles", meeting.id),)))


def role_was_set(meeting: Meeting, one: Present, t: Texts) -> Message:
    text = t(
        "{name} is {role} in {what}. What follows for them is planned anew.",
        name=one.name,
        role=t(ROLE_LABELS[one.attendance.role]),
        what=what(meeting, t),
    )
    return Message(text, ((button(t.label("Roles"), "meeting-roles", meeting.id),),))


def ask_end(meeting: Meeting, cohort: str, t: Texts, *, now: datetime) -> Message:
    """The hour at which it ended: a few to pick, or typed."""
    planned = meeting.starts_at + meeting.lasts
    offered = {planned, *(_quarter(now) - timedelta(minutes=n) for n in (0, 15, 30, 60))}
    buttons = [
        button(t.hour(when), "ended-when", meeting.id, str(minutes(when)))
        for when in sorted(offered)
        if meeting.starts_at < when <= now and when != meeting.released_at
    ]
    text = t(
        "<b>{cohort}, {what}</b>\nAt what time did it end, {zone}? You can also type it, like {example}.",
        cohort=cohort,
        what=what(meeting, t),
        zone=zone_name(t.zone, t),
        example="17:40",
    )
    return Message(text, (*grid(buttons, 3), (button(t.label("Back"), "meeting", meeting.id),)))


def _quarter(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)


def which_has_ended(found: Sequence[tuple[str, Meeting]], t: Texts) -> Message:
    """Several sessions have begun; the name says whose has ended."""
    buttons = [button(cohort, "ended-ask", meeting.id) for cohort, meeting in found]
    return Message(t("Whose session has ended?"), grid(buttons, 2))


def still_going_on(meeting: Meeting, cohort: str, t: Texts) -> Message:
    text = t(
        "<b>{cohort}, {what}</b>\nGood. I ask again at {hour}.",
        cohort=cohort,
        what=what(meeting, t),
        hour=t.hour(meeting.starts_at + meeting.lasts),
    )
    return Message(text, ((button(t.label("It has ended now"), "ended-now", meeting.id),),))


def ask_leaving(head: Html, one: Present, t: Texts) -> Message:
    """How one member went home."""
    choices = tuple(
        button(t.label(label), "left-how", one.attendance.id, how.value) for how, label in _LEFT_LABELS.items()
    )
    text = t("How did {name} leave?", name=one.name)
    later = (button(t.label("Skip the rest"), "meeting", one.attendance.meeting_id),)
    return Message(f"{head}\n\n{text}" if head else text, (choices, later))


def left(one: Present, t: Texts) -> Html:
    """What was just said of one of them; somebody who went alone may be glad of a call."""
    if one.attendance.left_how is LeftHow.ALONE:
        return t("{name} left alone. Perhaps call {name} this evening.", name=one.name)
    return t("Noted for {name}.", name=one.name)


def all_left(meeting: Meeting, head: Html, people: Sequence[Present], t: Texts) -> Message:
    """Everybody is on their way; those who went alone are named."""
    alone = [one.name for one in people if one.attendance.left_how is LeftHow.ALONE]
    parts = [head] if head else []
    if len(alone) > 1:
        parts.append(t("Alone: {names}. Perhaps call them this evening.", names=join(alone, t)))
    parts.append(t("Thank you, that is all."))
    return Message("\n\n".join(parts), ((button(t.label("Open this session"), "meeting", meeting.id),),))


def next_to_leave(people: Sequence[Present]) -> Present | None:
    """Who has not been asked about yet; who was absent is not."""
    return next((one for one in people if _is_open(one.attendance)), None)


def _is_open(attendance: Attendance) -> bool:
    return attendance.role is not Role.ABSENT and attendance.left_how is None
