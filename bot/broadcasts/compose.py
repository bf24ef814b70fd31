"""What letters and broadcasts look like, to those who write them and to those who read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from babel.lists import format_list

from bot.broadcasts.letters import attachment_in
from bot.broadcasts.queries import Place, tally_of, why_not
from bot.broadcasts.rules import Reader, Tally, Why, pages
from bot.buttons import button
from bot.messages import Html, Message, Row, Withdrawn, escape
from bot.storage.database import Transaction
from bot.storage.tables import Broadcast, Chat, Cohort, Delivery, Member, Note, Person
from bot.texts import N_, Texts
from bot.window.queries import name_of
from bot.words import BroadcastState

MOST_NAMES = 40  # in one list of names

_WHY: dict[Why, str] = {
    Why.BLOCKED: N_("has stopped the bot"),
    Why.PAUSED: N_("is taking a pause"),
    Why.HELD: N_("rests after an alert"),
    Why.LEFT: N_("has left"),
    Why.EXPIRED: N_("could not be reached in time"),
    Why.STOPPED: N_("was stopped before it left"),
    Why.FAILED: N_("cannot be reached"),
}


# ── Words nobody asked for ─────────────────────────────────────────────────────────────────────────────────────────


def sort_words(
    t: Texts, draft_id: UUID, places: Sequence[Place], *, may_keep: bool, asked: Sequence[str] = ()
) -> Message:
    """What shall become of what a member just wrote; ``asked`` are the questions it might answer."""
    readers = _list(t, dict.fromkeys(name for place in places for name in place.facilitators))
    text = t("What shall I do with this? Only {names} can read what you send.", names=readers)
    if may_keep:
        text = Html(f"{text} {t('What you keep, nobody but you can read.')}")
    rows: list[Row] = [
        (button(t.label("It answers: {question}", question=question), "answer-with", draft_id, str(number)),)
        for number, question in enumerate(asked)
    ]
    rows += [
        (button(_send_to(t, place, alone=len(places) == 1), "note-to", draft_id, place.member_id.hex),)
        for place in places
    ]
    if may_keep:
        rows.append((button(t.label("Keep for me"), "note-keep", draft_id),))
    rows.append((button(t.label("I need help now"), "help-now"),))
    return Message(text, tuple(rows))


def _send_to(t: Texts, place: Place, *, alone: bool) -> str:
    names = _list(t, place.facilitators)
    if alone:
        return t.label("Send to {names}", names=names)
    return t.label("Send to {names} ({cohort})", names=names, cohort=place.cohort_name)


def sent_words(t: Texts, names: Sequence[str]) -> Message:
    text = t("Sent to {names}. I can't know when it is read.", names=_list(t, names))
    return Message(text, ((button(t.label("Help"), "help"),),))


def kept_words(t: Texts) -> Message:
    return Message(t("Kept. Only you can read it: /journal"))


def cannot_pass_on(t: Texts) -> Message:
    """A sticker, a place, a video: nothing we keep."""
    text = t("I can pass on words, pictures, voice notes and files. This is none of them, and I have not kept it.")
    return Message(text, ((button(t.label("Help"), "help"),),))


def way_home(t: Texts) -> Message:
    """Somebody who is nobody's member wrote something."""
    text = t("I did not expect words here, and I have not kept them. /start shows what there is.")
    return Message(text, ((button(t.label("Help"), "help"),),))


def unknown_command(t: Texts) -> Message:
    """A mistyped command may be somebody's call for help."""
    text = t("I do not know this command. /start shows what there is, and /help works at any time.")
    return Message(text, ((button(t.label("Help"), "help"),),))


# ── Letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_for_letter(t: Texts, who: str, draft_id: UUID) -> Message:
    text = t("Write to {who} now. Only {who} can read it.", who=who)
    return Message(text, ((button(t.label("Cancel"), "letter-cancel", draft_id),),))


def letter_cancelled(t: Texts) -> Message:
    return Message(t("Nothing was sent."))


def letter_sent(t: Texts, who: str, due_at: datetime, now: datetime) -> Message:
    if due_at > now:
        return Message(t("Kept for {who}: it arrives {when}, when they are awake.", who=who, when=t.when(due_at)))
    return Message(t("Sent to {who}.", who=who))


async def note_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """To a facilitator: that there is something to read, and not from whom."""
    note = await tx.get(Note, row.ref)
    return folded(t, note, None) if note is not None else Withdrawn("erased")


async def answer_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """To a member: that their facilitator wrote."""
    note = await tx.get(Note, row.ref)
    if note is None:
        return Withdrawn("erased")
    return folded(t, note, name_of(tx, await tx.get_one(Person, note.author_id)))


def folded(t: Texts, note: Note, author: str | None) -> Message:
    """A letter without its words; a member may see which facilitator wrote."""
    text = t("A few words from {name}.", name=author) if author else t("A note for you.")
    return Message(text, ((button(t.label("Open"), "note-open", note.id),),))


async def unfolded(tx: Transaction, note: Note, t: Texts, page: int) -> Message:
    """A letter, page by page if it is long."""
    member = await tx.get_one(Member, note.member_id)
    to_facilitator = note.author_id == member.person_id
    if to_facilitator:
        cohort = await tx.get_one(Cohort, note.cohort_id)
        heading = t("<b>{who}</b> ({cohort})", who=tx.open(member, "alias"), cohort=tx.open(cohort, "name"))
    else:
        heading = t("<b>{who}</b>", who=name_of(tx, await tx.get_one(Person, note.author_id)))
    sheets = pages(tx.open(note, "words"))
    page = min(max(page, 0), len(sheets) - 1)
    parts = [Html(f"{heading}, {escape(t.when(note.written_at))}"), escape(sheets[page])]
    if not to_facilitator and page == len(sheets) - 1:
        parts.append(t("To answer, just write here."))
    rows: list[Row] = []
    if len(sheets) > 1:
        rows.append(_turning(note, page, len(sheets)))
    if to_facilitator:
        rows.append((button(t.label("Answer"), "write-to", member.id),))
    rows.append((button(t.label("Fold"), "note-fold", note.id),))
    return Message("\n\n".join(part for part in parts if part), tuple(rows))


def _turning(note: Note, page: int, last: int) -> Row:
    earlier = [button("‹", "note-open", note.id, str(page - 1))] if page > 0 else []
    later = [button("›", "note-open", note.id, str(page + 1))] if page < last - 1 else []
    return (*earlier, *later)


def enclosed(tx: Transaction, note: Note, t: Texts) -> Message | None:
    """The picture or voice note of a letter, as a message of its own that can be put away."""
    attachment = attachment_in(tx.open_json(note, "attachment"))
    if attachment is None:
        return None
    return Message("", ((button(t.label("Put away"), "note-away", note.id),),), attachment=attachment, protected=True)


# ── Broadcasts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def choose_cohort(t: Texts, cohorts: Sequence[tuple[Cohort, str]]) -> Message:
    rows: list[Row] = [(button(name, "broadcast", cohort.id),) for cohort, name in cohorts]
    if len(cohorts) > 1:
        rows.append((button(t.label("All of them"), "broadcast", None, "all"),))
    return Message(t("To whom shall it go?"), tuple(rows))


def ask_for_words(t: Texts, names: Sequence[str]) -> Message:
    text = t(
        "Send me what everybody in {names} shall read: words, a picture, a voice note or a file. You see it again "
        "before it goes.",
        names=_list(t, names),
    )
    return Message(text)


async def sample(tx: Transaction, broadcast: Broadcast, t: Texts) -> Message:
    """A broadcast exactly as it arrives."""
    author = name_of(tx, await tx.get_one(Person, broadcast.author_id))
    heading = t("From {name}:", name=author)
    words = escape(tx.open(broadcast, "words"))
    attachment = attachment_in(tx.open_json(broadcast, "attachment"))
    return Message(f"{heading}\n{words}" if words else heading, attachment=attachment)


def preview(
    t: Texts, broadcast: Broadcast, arrivals: Sequence[tuple[Reader, datetime]], away: Sequence[Reader], now: datetime
) -> Message:
    """Who gets it and when, who cannot and why; nothing has left yet."""
    at_once = [reader.name for reader, due_at in arrivals if due_at <= now]
    lines = [t.many("This reaches one person.", "This reaches {n} people.", len(arrivals))]
    if at_once:
        lines.append(t("At once: {names}", names=_list(t, at_once)))
    lines += [
        t("{name}: {when}, when it is awake there", name=reader.name, when=t.when(due_at))
        for reader, due_at in arrivals
        if due_at > now
    ][:MOST_NAMES]
    lines += _missing(t, [(reader.name, reader.why_not) for reader in away if reader.why_not is not None])
    lines.append(t("Answers come to you and whoever holds the group with you, one by one."))
    rows: list[Row] = [(button(t.label("Cancel"), "broadcast-cancel", broadcast.id),)]
    if arrivals:
        rows.insert(0, (button(t.label("Send"), "broadcast-send", broadcast.id),))
    return Message("\n".join(lines), tuple(rows))


def leaving(t: Texts, broadcast: Broadcast) -> Message:
    return Message(
        t("It leaves in 15 seconds."),
        (
            (button(t.label("Undo"), "broadcast-cancel", broadcast.id),),
            (button(t.label("How far is it?"), "broadcast-look", broadcast.id),),
        ),
    )


def cancelled(t: Texts) -> Message:
    return Message(t("Cancelled. Nobody has received it."))


def left(t: Texts, broadcast: Broadcast) -> Message:
    """In the place of Undo, once that is over."""
    if broadcast.state is not BroadcastState.LEAVING:
        return Message(t("It has left."))
    return Message(
        t("It is on its way."),
        (
            (button(t.label("Stop the rest"), "broadcast-stop", broadcast.id),),
            (button(t.label("How far is it?"), "broadcast-look", broadcast.id),),
        ),
    )


def progress(t: Texts, broadcast: Broadcast, tally: Tally) -> Message:
    """How far it is, or what became of it."""
    lines = [t.many("{n} person has it.", "{n} people have it.", len(tally.arrived))]
    if tally.arrived:
        lines.append(escape(_list(t, tally.arrived)))
    if broadcast.state is BroadcastState.WAITING:
        lines.append(t("It has not left yet."))
    if tally.waiting:
        lines.append(t("Still on its way to {names}.", names=_list(t, tally.waiting)))
    lines += _missing(t, tally.not_reached)
    if tally.uncertain:
        lines.append(t("Nobody knows whether it arrived: {names}", names=_list(t, tally.uncertain)))
    rows: list[Row] = []
    if broadcast.state is BroadcastState.LEAVING and tally.waiting:
        rows.append((button(t.label("Stop the rest"), "broadcast-stop", broadcast.id),))
    if tally.waiting or broadcast.state is BroadcastState.WAITING:
        rows.append((button(t.label("Look again"), "broadcast-look", broadcast.id),))
    return Message("\n".join(lines), tuple(rows))


async def broadcast_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """A broadcast for one reader, unless it was stopped or they went away meanwhile."""
    broadcast = await tx.get(Broadcast, row.ref)
    if broadcast is None or broadcast.state is not BroadcastState.LEAVING:
        return Withdrawn(Why.STOPPED)
    why = why_not(await tx.get_one(Member, row.member_id), await tx.get_one(Chat, row.chat_id), now)
    return Withdrawn(why) if why else await sample(tx, broadcast, t)


async def page_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - a composer takes its hour
    """The author's page, unless they undid or stopped it there themselves."""
    broadcast = await tx.get_one(Broadcast, row.ref)
    if broadcast.state in {BroadcastState.LEAVING, BroadcastState.SENT}:
        return left(t, broadcast)
    return Withdrawn(Why.STOPPED)


async def report_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """To the author, when every copy has come to its end."""
    broadcast = await tx.get_one(Broadcast, row.ref)
    return progress(t, broadcast, await tally_of(tx, broadcast, now))


def _missing(t: Texts, people: Sequence[tuple[str, Why]]) -> list[Html]:
    return [t("Not {name}: {why}", name=name, why=t(_WHY[why])) for name, why in people[:MOST_NAMES]]


def _list(t: Texts, names: Sequence[str] | dict[str, None]) -> str:
    shown = list(names)
    if len(shown) > MOST_NAMES:
        more = t.label("{n} more", n=len(shown) - MOST_NAMES)
        shown = [*shown[:MOST_NAMES], more]
    return format_list(shown, locale=t.locale) if shown else ""


COMPOSERS = {
    "note": note_row,
    "note-answer": answer_row,
    "broadcast": broadcast_row,
    "broadcast-page": page_row,
    "broadcast-report": report_row,
}
