"""The board and the digest in words: facts and ages, no verdicts, no rankings, nobody beside anybody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.buttons import button, grid
from bot.checkins.rules import Value
from bot.desk.queries import Digest, Shown, digest_of
from bot.desk.queries import Row as Standing
from bot.messages import Html, Message, Row, Withdrawn, escape
from bot.programmes.schema import Programme, Question
from bot.storage.database import Transaction
from bot.storage.tables import Delivery, Meeting
from bot.texts import Texts
from bot.words import MemberState, Role, Rsvp

_SHOWN_ROWS = 12  # a phone's screen; the rest is counted


def boards(shown: list[Shown], t: Texts, *, now: datetime) -> Message:
    """All cohorts, one paragraph each."""
    if not shown:
        return Message(
            t("You hold nobody yet. Begin with a new cohort."), ((button(t.label("New cohort"), "new-cohort"),),)
        )
    urgent = sum(one.alerts for one in shown)
    head = (
        t.many("<b>One thing needs you.</b>", "<b>{n} things need you.</b>", urgent)
        if urgent
        else t("<b>All quiet.</b>")
    )
    parts: list[str] = [head, *(f"<b>{escape(one.name)}</b>\n{_clock(one, t, now=now)}" for one in shown)]
    buttons = [button(one.name, "board", one.cohort.id) for one in shown]
    rows: list[Row] = [*grid(buttons, 2)]
    if urgent:
        rows.insert(0, (button(t.label("Who needs me"), "alerts"),))
    return Message("\n\n".join(parts), tuple(rows))


def board(one: Shown, t: Texts, *, now: datetime) -> Message:
    """One cohort."""
    parts = [f"<b>{escape(one.name)}</b>"]
    if one.alerts:
        parts.append(t.many("One alert is open.", "{n} alerts are open.", one.alerts))
    parts.append(_clock(one, t, now=now))
    rows = [_person(row, t, now=now) for row in one.rows[:_SHOWN_ROWS]]
    if len(one.rows) > _SHOWN_ROWS:
        rows.append(t("and {n} more", n=len(one.rows) - _SHOWN_ROWS))
    if rows:
        parts.append("\n".join(rows))
    if one.open_seats:
        parts.append(t.many("One seat is still open.", "{n} seats are still open.", one.open_seats))
    if one.uncertain:
        parts.append(
            t.many(
                "One message may or may not have arrived.", "{n} messages may or may not have arrived.", one.uncertain
            )
        )
    ref = one.cohort.id
    buttons = [
        (button(t.label("Refresh"), "board", ref), button(t.label("Sessions"), "sessions", ref)),
        (button(t.label("Broadcast"), "broadcast", ref), button(t.label("Seats and people"), "cohort", ref)),
    ]
    if one.alerts:
        buttons.insert(0, (button(t.label("Who needs me"), "alerts"),))
    return Message("\n\n".join(parts), tuple(buttons))


def _clock(one: Shown, t: Texts, *, now: datetime) -> str:
    session = one.session
    line: str
    if one.cohort.paused_at is not None:
        return t("Paused.")
    if session is None:
        return t("No session is planned.")
    if session.starts_at > now:
        line = t("Next session: {when}", when=t.when(session.starts_at))
    elif session.released_at is None:
        line = t("The session began at {hour}. Its end is not recorded yet.", hour=t.hour(session.starts_at))
    else:
        line = t("{span} since the session", span=t.span(now - session.released_at))
        if session.release_source == "fallback":
            line += " " + t("(its planned end; nobody recorded it)")
        if one.phase is not None:
            line += " · " + escape(t.pick(one.phase.label))
    if one.next_send_at is not None:
        line += "\n" + t("Next: {when}", when=t.when(one.next_send_at))
    return line


def _person(row: Standing, t: Texts, *, now: datetime) -> str:
    facts = ["".join("●" if answered else "○" for answered in row.dots)] if row.dots else []
    if row.state is MemberState.JOINING:
        facts.append(t("is joining"))
    if row.state is MemberState.WAITING:
        facts.append(t("waits for you to admit them"))
    if row.rsvp is Rsvp.CANNOT:
        facts.append(t("cannot come"))
    if row.rsvp is Rsvp.LATE:
        facts.append(t("will be late"))
    if row.role is Role.ABSENT:
        facts.append(t("absent"))
    if row.role is Role.SUPPORTING:
        facts.append(t("supporting"))
    if row.paused:
        facts.append(t("paused"))
    if row.held:
        facts.append(t("resting until you resume"))
    if row.unreachable:
        facts.append(t("cannot be reached"))
    if row.zone_missing:
        facts.append(t("zone not confirmed"))
    if row.quiet_since is not None:
        facts.append(t("quiet {span}", span=t.span(now - row.quiet_since)))
    return f"{escape(row.name)}  {' · '.join(facts) or t('nothing asked yet')}"


# ── The digest ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def digest(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The push says only which cohort; [Open] unfolds it."""
    meeting = await tx.get(Meeting, row.ref)
    if meeting is None:
        return Withdrawn("erased")
    page = await digest_of(tx, meeting)
    return Message(
        t("{name}: the window has closed. Your page is here.", name=page.name),
        ((button(t.label("Open"), "digest", meeting.id),),),
    )


def digest_page(page: Digest, t: Texts) -> Message:
    """What was told to the facilitator, person by person."""
    parts: list[str] = [t("<b>{name}, session {number}</b>", name=page.name, number=page.session.number)]
    for person in page.people:
        lines: list[str] = [
            t("<b>{name}</b>: {reached} reached, {answered} answered to you", name=person.name,
              reached=person.reached, answered=person.answered)
        ]  # fmt: skip
        for told in person.told:
            said = ", ".join(_said(question, value, t) for question, value in told.answers)
            lines.append(f"· {escape(_title(told.step.id))}: {said}")
        parts.append("\n".join(lines))
    if page.undelivered:
        parts.append(
            t.many("One message did not surely arrive.", "{n} messages did not surely arrive.", page.undelivered)
        )
    parts.append(t("<i>Journals and sealed answers are not here. Each person is shown alone, not compared.</i>"))
    text = "\n\n".join(parts)
    return Message(_shortened(text), ((button(t.label("Fold away"), "fold"),),), protected=True)


COMPOSERS = {"digest": digest}


def programmes(found: list[Programme], t: Texts) -> Message:
    """What a cohort can be carried by."""
    lines = [
        f"<b>{escape(t.pick(programme.title))}</b>\n{escape(programme.id)} {programme.version} · "
        + t.many("one step", "{n} steps", len(programme.steps))
        for programme in found
    ]
    return Message("\n\n".join([t("<b>Programmes</b>"), *lines]))


def which_board(names: list[tuple[UUID, str]], t: Texts) -> Message:
    return Message(t("Which one?"), tuple((button(name, "board", cohort_id),) for cohort_id, name in names))


def _said(question: Question, value: Value, t: Texts) -> Html:
    labels = {option.id: t.pick(option.label) for option in question.options}
    if isinstance(value, list):
        shown = " + ".join(labels.get(one, one) for one in value)
    else:
        shown = labels.get(str(value), str(value))
    name = question.text or {"en": _title(question.id)}
    return Html(f"{escape(_short(t.pick(name)))} {escape(_short(shown, 300))}")


def _title(name: str) -> str:
    return name.replace("-", " ")


def _short(words: str, longest: int = 40) -> str:
    line = words.replace("\n", " ")
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _shortened(text: str, longest: int = 3900) -> str:
    """A digest longer than a message ends at a whole line."""
    if len(text) <= longest:
        return text
    return text[:longest].rsplit("\n", 1)[0] + "\n…"
