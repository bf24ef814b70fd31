"""What somebody reads of their own data, and before and after erasing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from bot.buttons import button
from bot.messages import Message, Row, Withdrawn
from bot.records.actions import Erased
from bot.records.rules import ENTRIES_ON_A_PAGE, excerpt, page_of_entries
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Seat
from bot.texts import Texts

# ── Taking along, erasing ──────────────────────────────────────────────────────────────────────────────────────────


def my_data(t: Texts) -> Message:
    return Message(
        t(
            "<b>Your data</b>\n\nYou can take everything with you: one file to read and one for machines. "
            "What other people wrote is theirs and is not in it.\n\n"
            "You can also erase everything, at once and for good."
        ),
        ((button(t.label("Take it with me"), "export"),), (button(t.label("Erase everything"), "erase"),)),
    )


def confirm_erase(t: Texts) -> Message:
    return Message(
        t(
            "<b>Erase everything?</b>\n\nYour answers, journal, notes and places here are deleted at once. It cannot "
            "be undone. What you shared folds on the other phone, but screenshots may exist. Your facilitator reads "
            "that your seat is free.\n\nYou may want to take your data with you first."
        ),
        (
            (button(t.label("Take it with me first"), "export"),),
            (button(t.label("Yes, erase everything"), "erase-now"), button(t.label("No, keep it"), "mydata")),
        ),
    )


def erased(result: Erased, t: Texts) -> Message:
    """What is gone, and what only the person can delete."""
    rest = (
        t("Messages older than two days stay with Telegram until you delete this chat on your phone.")
        if result.older
        else t("What you wrote in this chat stays with Telegram until you delete the chat on your phone.")
    )
    gone = t(
        "Everything about you is erased here. A copy that whoever runs this bot has made may hold it until it is "
        "replaced."
    )
    return Message(f"{gone}\n\n{rest}")


async def erased_copy(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """On a facilitator's phone, in place of a note or an alert."""
    return Message(t("What stood here was erased by the person it came from."))


async def seat_erased(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """To the facilitators: whose seat it was is only said by what they call it."""
    seat = await tx.get(Seat, row.ref)
    if seat is None:
        return Withdrawn("no seat")
    cohort = await tx.get_one(Cohort, seat.cohort_id)
    return Message(
        t(
            "The seat {seat} in {cohort} is free: who had it has erased everything and gets nothing more. "
            "The others are not told.",
            seat=tx.open(seat, "label"),
            cohort=tx.open(cohort, "name"),
        ),
        ((button(t.label("Seats and links"), "seats", cohort.id),),),
    )


COMPOSERS = {"erased-copy": erased_copy, "seat-erased": seat_erased}


# ── The journal ────────────────────────────────────────────────────────────────────────────────────────────────────


def journal(entries: Sequence[tuple[datetime, str]], wanted: int, t: Texts) -> Message:
    """One's own words, newest first."""
    write = button(t.label("Write something"), "journal-write")
    if not entries:
        return Message(t("Nothing here yet. Only you can read what you keep here."), ((write,),))
    page = page_of_entries(len(entries), wanted)
    shown = entries[page * ENTRIES_ON_A_PAGE : (page + 1) * ENTRIES_ON_A_PAGE]
    parts = [t("<b>{when}</b>\n{words}", when=t.when(at), words=excerpt(words)) for at, words in shown]
    turns = []
    if page > 0:
        turns.append(button(t.label("Newer"), "journal", None, str(page - 1)))
    if len(entries) > (page + 1) * ENTRIES_ON_A_PAGE:
        turns.append(button(t.label("Older"), "journal", None, str(page + 1)))
    rows: list[Row] = [(write,), *([tuple(turns)] if turns else []), (button(t.label("Fold away"), "fold"),)]
    return Message("\n\n".join([*parts, t("<i>Only you can read this.</i>")]), tuple(rows), protected=True)


def journal_folded(t: Texts) -> Message:
    return Message(t("Folded away."), ((button(t.label("Open again"), "journal"),),))


def write_journal(draft_id: UUID, t: Texts) -> Message:
    return Message(
        t("Write it here as a message. Only you can read it; it leaves the chat once it is kept."),
        ((button(t.label("Not now"), "not-now", draft_id),),),
    )


def entry_kept(t: Texts) -> Message:
    return Message(t("Kept. Only you can read it, under /journal."))


def given_up(t: Texts) -> Message:
    return Message(t("All right."))
