"""What is said in a cohort's Telegram group, and about it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bot.buttons import button
from bot.enrolment.circle import CALLED_OFF, CHANGED, DATE, LINKED, instant_of
from bot.enrolment.home import to_cohort
from bot.messages import Html, Message, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Meeting
from bot.texts import N_, Texts
from bot.words import MeetingState

_GOES_THERE = N_(
    "What I post there: when you meet, and when that changes. Never there: names, answers, who is coming, what it is "
    "about. Everybody in that group reads the posts, also who has no seat in {cohort}. Without a group nothing is "
    "missing: each member gets everything in their own chat."
)
_READS_ALL = N_(
    "I am an administrator of that group. Telegram then hands me every message written there, not only those to me. I "
    "keep none of them, but the server they pass through could. If you would rather not, take that right from me "
    "first; I do not need it."
)
_READS_LITTLE = N_(
    "I am no administrator there, so Telegram hands me only commands and replies to me. If somebody makes me one, "
    "every message reaches me, and I tell you."
)

# ── Connecting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def how_to(t: Texts) -> Message:
    """In private: what the command is for."""
    return Message(
        t(
            "A cohort can have a Telegram group for its dates; it does not need one. Add me to the group, then send "
            "/link and the cohort's name there yourself, as one of its administrators and under your own name. "
            "In a topic, I post into that topic. /unlink ends it."
        )
    )


def asked(draft: UUID, cohort: str, title: str, t: Texts, *, is_admin: bool, replaces: bool) -> Message:
    """In private, before anything is connected: what it means."""
    lines = [
        t("<b>Connect the group “{title}” with {cohort}?</b>", title=title, cohort=cohort),
        t(_GOES_THERE, cohort=cohort),
        t(_READS_ALL) if is_admin else t(_READS_LITTLE),
        t("Please look at who is in it, and at its name."),
    ]
    if replaces:
        lines.append(t("The group it has now gets nothing more."))
    return Message(
        Html("\n\n".join(lines)),
        ((button(t.label("Connect"), "group-link", draft), button(t.label("Not now"), "group-drop", draft)),),
    )


def written_privately(t: Texts) -> Message:
    """In the group: nothing about what or whom."""
    return Message(t("I have written to you in our own chat."))


def not_here(t: Texts) -> Message:
    return Message(t("That did not work here. Please send me /link in our own chat; I explain it there."))


def unlinked_here(t: Texts) -> Message:
    return Message(t("Done. I post nothing here any more."))


def page(cohort: Cohort, name: str, t: Texts) -> Message:
    """Everything about a cohort's group, for who holds it."""
    if cohort.chat_id is None:
        head = t("{cohort} has no Telegram group, and needs none.", cohort=name)
        return Message(Html(f"{head}\n\n{how_to(t).text}"), ((to_cohort(cohort, t),),))
    head = t("{cohort} is connected with a Telegram group.", cohort=name)
    mark = "☑" if cohort.posts_dates else "☐"
    return Message(
        Html(f"{head}\n\n{t(_GOES_THERE, cohort=name)}"),
        (
            (button(f"{mark} {t.label('Post when you meet')}", "group-posts", cohort.id),),
            (button(t.label("Disconnect the group"), "group-unlink", cohort.id),),
            (to_cohort(cohort, t),),
        ),
    )


# ── Posts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def linked(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The first thing the group reads: what comes here, and what reaches the bot."""
    reads = (
        t("As an administrator here I am handed every message by Telegram; I keep none of them.")
        if (row.facts or {}).get("admin")
        else t("I see only commands and replies to me.")
    )
    head = t("I post dates here, and nothing else. Everything personal stays in your own chats with me.")
    return Message(Html(f"{head} {reads}"))


async def date(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """When they meet: no title, no place, no names, no counts."""
    meeting = await tx.get(Meeting, row.meeting_id)
    facts = row.facts or {}
    if meeting is None or meeting.state is not MeetingState.PLANNED:
        return Withdrawn("not planned any more")
    start = t.instant(instant_of(facts["start"]))
    if "was" in facts:
        return Message(
            t("A date has moved: {old} becomes <b>{new}</b>.", old=t.instant(instant_of(facts["was"])), new=start)
        )
    return Message(t("A date: <b>{start}</b>. Your invitation is in your own chat with me.", start=start))


async def called_off(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    start = t.instant(instant_of((row.facts or {})["start"]))
    return Message(t("The date on {start} is called off.", start=start))


# ── To the facilitators ────────────────────────────────────────────────────────────────────────────────────────────

_CHANGES = {
    "linked": N_("{cohort} has been connected with a Telegram group by somebody who holds it with you."),
    "unlinked": N_("The Telegram group of {cohort} has been disconnected by somebody who holds it with you."),
    "lost": N_(
        "I cannot write in the Telegram group of {cohort} any more. Nothing is lost: everybody has their messages in "
        "their own chat. If you let me write there again, dates appear there again."
    ),
    "admin": N_(
        "I was made an administrator in the Telegram group of {cohort}. Telegram now hands me every message written "
        "there. I keep none, and I do not need that right: you can take it from me."
    ),
    "topic": N_("The topic for {cohort} is gone or closed, so I post in the group itself from now on."),
}


async def changed(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    cohort = await tx.get(Cohort, row.cohort_id)
    if cohort is None or cohort.closed_at is not None:
        return Withdrawn("closed")
    words = t(_CHANGES[(row.facts or {})["what"]], cohort=tx.open(cohort, "name"))
    return Message(words, ((button(t.label("Group chat"), "group-chat", cohort.id),),), silent=row.silent)


COMPOSERS = {LINKED: linked, DATE: date, CALLED_OFF: called_off, CHANGED: changed}
