"""The board and the digest in words: facts and ages, no verdicts, no rankings, nobody beside anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bot.buttons import button, grid
from bot.checkins.telling import sentences
from bot.desk.digest import Digest, Window
from bot.desk.queries import Row as Standing
from bot.desk.queries import Shown
from bot.desk.rules import pages, shortened
from bot.messages import Html, Message, Row, Withdrawn, escape
from bot.programmes.schema import Programme
from bot.scheduling.compose import zone_name
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting, Member
from bot.texts import N_, Texts
from bot.words import CohortKind, MemberState, ReleaseSource, Role, Rsvp, Verb

_SHOWN_ROWS = 12  # a phone's screen; the rest is counted
_SHOWN_COHORTS = 8
_LONGEST_QUESTION = 60  # code points of what was asked
_LONGEST_ANSWER = 300

_KINDS = {
    CohortKind.COUPLE: N_("for couples"),
    CohortKind.GROUP: N_("for groups"),
    CohortKind.INDIVIDUAL: N_("for one person"),
}


# ── The board ──────────────────────────────────────────────────────────────────────────────────────────────────────


def boards(shown: Sequence[Shown], t: Texts, *, now: datetime) -> Message:
    """All cohorts, those that need somebody first."""
    if not shown:
        text = t("You hold nobody yet. Begin with a new cohort.")
        return Message(text, ((button(t.label("New cohort"), "new-cohort"),),))
    ordered = sorted(shown, key=lambda one: one.alerts == 0)
    urgent = sum(one.alerts for one in shown)
    head = (
        t.many("<b>One thing needs you.</b>", "<b>{n} things need you.</b>", urgent)
        if urgent
        else t("<b>Nobody has called for you.</b>")
    )
    parts = [head, *("\n".join([_head(one, t), *_clock(one, t, now)]) for one in ordered[:_SHOWN_COHORTS])]
    rows: list[Row] = [(button(t.label("Who needs me"), "alerts"),)] if urgent else []
    rows += grid([button(one.name, "board", one.cohort.id) for one in ordered], 2)
    return Message("\n\n".join(parts), tuple(rows))


def board(one: Shown, t: Texts, *, now: datetime) -> Message:
    """One cohort, by its own clock."""
    parts = ["\n".join([_head(one, t), *_clock(one, t, now)])]
    people = [_person(row, t, now) for row in one.rows[:_SHOWN_ROWS]]
    if len(one.rows) > _SHOWN_ROWS:
        people.append(t("and {n} more", n=len(one.rows) - _SHOWN_ROWS))
    if people:
        parts.append("\n".join(people))
    parts.append("\n".join(_footnotes(one, t)))
    return Message("\n\n".join(part for part in parts if part), tuple(_board_buttons(one, t)))


def _head(one: Shown, t: Texts) -> Html:
    return Html(f"<b>{escape(one.name)}</b>, {zone_name(one.cohort.zone, t)}")


def _clock(one: Shown, t: Texts, now: datetime) -> Iterator[Html]:
    """Where the session stands and what is sent next."""
    there = replace(t, zone=one.cohort.zone)
    if one.alerts:
        yield t.many("One alert is open.", "{n} alerts are open.", one.alerts)
    if one.cohort.paused_at is not None:
        yield t("Paused.")
        return
    yield _session(one, there, now)
    if one.next_send_at is not None:
        yield t("Next message: {when}", when=there.when(one.next_send_at))


def _session(one: Shown, t: Texts, now: datetime) -> Html:
    session = one.session
    if session is None:
        return t("No session is planned.")
    if session.starts_at > now:
        return t("Next session: {when}", when=t.when(session.starts_at))
    ends_at = session.starts_at + session.lasts
    if session.released_at is None and now < ends_at:
        return t("In session since {start}, planned until {end}.", start=t.hour(session.starts_at), end=t.hour(ends_at))
    if session.released_at is None:
        return t("The session was planned until {end}. Its end is not recorded yet.", end=t.when(ends_at))
    line = t("{span} since the session", span=t.span(now - session.released_at))
    if session.release_source is ReleaseSource.FALLBACK:
        line = Html(f"{line} {t('(its planned end; nobody recorded it)')}")
    return Html(f"{line} · {escape(t.pick(one.phase.label))}") if one.phase is not None else line


def _person(row: Standing, t: Texts, now: datetime) -> Html:
    facts = ["".join("●" if answered else "○" for answered in row.dots)] if row.dots else []
    claims = [
        (row.needs_you, t("needs you")),
        (row.state is MemberState.JOINING, t("is joining")),
        (row.state is MemberState.WAITING, t("waits for you to admit them")),
        (row.rsvp is Rsvp.CANNOT, t("cannot come")),
        (row.rsvp is Rsvp.LATE, t("will be late")),
        (row.role is Role.ABSENT, t("absent")),
        (row.role is Role.SUPPORTING, t("supporting")),
        (row.paused, t("paused")),
        (row.held, t("resting until you resume")),
        (row.unreachable, t("cannot be reached")),
        (row.zone_missing and row.state is MemberState.ENROLLED, t("zone not confirmed")),
        (not row.reads and row.state is MemberState.ENROLLED, t("keeps their check-ins")),
    ]
    facts += [words for holds, words in claims if holds]
    if row.quiet_since is not None:
        facts.append(t("quiet {span}", span=t.span(now - row.quiet_since)))
    return Html(f"{escape(row.name)}: {' · '.join(facts) or t('nothing asked yet')}")


def _footnotes(one: Shown, t: Texts) -> Iterator[Html]:
    if any(row.dots for row in one.rows):
        yield t("<i>● answered or passed, ○ not yet</i>")
    if one.open_seats:
        yield t.many("One seat is free.", "{n} seats are free.", one.open_seats)
    if one.uncertain:
        yield t.many(
            "One message may or may not have arrived.", "{n} messages may or may not have arrived.", one.uncertain
        )


def _board_buttons(one: Shown, t: Texts) -> Iterator[Row]:
    ref = one.cohort.id
    if one.alerts:
        yield (button(t.label("Who needs me"), "alerts"),)
    if one.session is not None and one.session.released_at is not None:
        yield (button(t.label("What they told you"), "digest", one.session.id),)
    yield (button(t.label("Refresh"), "board", ref), button(t.label("Sessions"), "sessions", ref))
    yield (button(t.label("Broadcast"), "broadcast", ref), button(t.label("Seats and people"), "cohort", ref))


# ── The digest ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def digest(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The push says only which cohort; [Open] unfolds it."""
    meeting = await tx.get(Meeting, row.ref)
    if meeting is None:
        return Withdrawn("erased")
    name = tx.open(await tx.get_one(Cohort, meeting.cohort_id), "name")
    if row.verb is Verb.EDIT:
        return digest_folded(meeting, name, t)
    return Message(t("{name}: the window has closed. Your page is here.", name=name), _open_digest(meeting, t))


def digest_folded(meeting: Meeting, name: str, t: Texts) -> Message:
    text = t("{name}, session {number}: your page is folded.", name=name, number=meeting.number)
    return Message(text, _open_digest(meeting, t))


def _open_digest(meeting: Meeting, t: Texts) -> tuple[Row, ...]:
    return ((button(t.label("Open"), "digest", meeting.id),),)


def digest_page(digest: Digest, wanted: int, t: Texts) -> Message:
    """What was told to the facilitator, person by person, page by page."""
    there = replace(t, zone=digest.cohort.zone)
    title = t("<b>{name}, session {number}</b>", name=digest.name, number=digest.session.number)
    blocks = [[f"{title}, {zone_name(digest.cohort.zone, t)}"], *(_window(one, there) for one in digest.people)]
    if digest.uncertain:
        uncertain = t.many(
            "One message may or may not have arrived.",
            "{n} messages may or may not have arrived.",
            digest.uncertain,
        )
        blocks.append([uncertain])
    blocks.append([t("<i>Journals and sealed answers are not here. Each person is shown alone, not compared.</i>")])
    sheets = pages(blocks)
    page = min(max(wanted, 0), len(sheets) - 1)
    ref = digest.session.id
    turns = []
    if page > 0:
        turns.append(button("‹", "digest", ref, str(page - 1)))
    if page < len(sheets) - 1:
        turns.append(button("›", "digest", ref, str(page + 1)))
    rows: list[Row] = [*([tuple(turns)] if turns else []), (button(t.label("Fold away"), "digest", ref, "fold"),)]
    return Message(sheets[page], tuple(rows), protected=True)


def _window(one: Window, t: Texts) -> list[str]:
    lines: list[str] = [
        t("<b>{name}</b>: {reached} reached, {answered} answered to you",
          name=one.name, reached=one.reached, answered=len(one.told))
        if one.reads
        else t("<b>{name}</b>: {reached} reached. Their check-ins stay with them.", name=one.name, reached=one.reached)
    ]  # fmt: skip
    shown = None
    for told in one.told:
        when = t.when(told.response.begun_at)
        if when != shown:
            lines.append(f"<i>{escape(when)}</i>")
            shown = when
        lines += [
            f"{escape(shortened(asked, _LONGEST_QUESTION))} <b>{escape(shortened(said, _LONGEST_ANSWER))}</b>"
            for asked, said in sentences(told, t)
        ]
    return lines


async def ask_instead(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """To the facilitator, where the evening's question cannot reach a member in time."""
    member = await tx.get(Member, row.member_id)
    if member is None or member.state is not MemberState.ENROLLED:
        return Withdrawn("not enrolled")
    return Message(
        t(
            "Tonight I cannot ask {member} whether they are home and settled. Please see to it yourself.",
            member=tx.open(member, "alias"),
        ),
        ((button(t.label("Write to {who}", who=tx.open(member, "alias")), "write-to", member.id),),),
    )


COMPOSERS = {"digest": digest, "ask-instead": ask_instead}


# ── Programmes ─────────────────────────────────────────────────────────────────────────────────────────────────────


def programmes(found: Sequence[Programme], t: Texts) -> Message:
    """What a cohort can be carried by."""
    lines = []
    for programme in found:
        kind = t(_KINDS[programme.kind]) if programme.kind else t("for anybody")
        count = t.many("one step", "{n} steps", len(programme.steps))
        title = escape(t.pick(programme.title))
        lines.append(f"<b>{title}</b>\n{escape(programme.id)}, {kind}, {count}")
    return Message("\n\n".join([t("<b>Programmes</b>"), *lines]))
