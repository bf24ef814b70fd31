"""How a step speaks: one discreet message that unfolds, goes from question to question, and folds again.

The notification is the same neutral line for everything. What follows the first press are edits of that one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from bot.buttons import button, grid
from bot.checkins.queries import Opened, Page, opened_for, page_of
from bot.checkins.rules import DONE, Value, previous_question
from bot.messages import Button, Html, Message, Row, Withdrawn, escape
from bot.programmes.schema import WHEN_BOTH, Option, Question, QuestionKind, Words
from bot.storage.database import Transaction
from bot.storage.tables import Delivery, Disclosure, Member
from bot.texts import Texts
from bot.words import Choice, CohortKind, StepKind, Visibility

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_SHORT = 40  # code points of a question on a button


# ── Deliveries ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def prompt(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:
    """A step of the programme, as its push."""
    page = await page_of(tx, row)
    if page.response is not None and page.response.finished_at is not None:
        return Withdrawn("answered")
    if _nothing_comes_back(page, t):
        return Withdrawn("nothing to recall")
    if page.person.discreet or page.step.recalls:  # one's own old words are shown to whoever opens them
        return closed(page, t)
    return unfolded(page, t, now=now)


async def remind(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """One reminder, only to the silent."""
    page = await page_of(tx, row)
    if page.response is not None and (page.response.finished_at or page.response.skipped_at):
        return Withdrawn("answered")
    if page.step.remind is None:
        return Withdrawn("no reminder")
    if page.person.discreet:
        return Message(_neutral(t), ((button(t.label("Open"), "open", row.id),),), silent=row.silent)
    return Message(_words(page, page.step.remind.text, t), ((button(t.label("Open"), "open", row.id),),))


async def opening(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """The hour has come, whatever is inside."""
    return Message(_neutral(t), ((button(t.label("Open"), "unseal", row.id),),), protected=True)


async def opening_folded(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    return Message(t("This was folded away. Screenshots may exist."))


async def page_closed(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """The page of a sealed answer after its hour; the same whatever came of it."""
    return Message(t("The hour for this one has passed."))


async def opening_reply(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    return Message(_neutral(t), ((button(t.label("Open"), "reply-read", row.id),),), silent=True, protected=True)


COMPOSERS = {
    "prompt": prompt,
    "remind": remind,
    "opening": opening,
    "opening-folded": opening_folded,
    "page-closed": page_closed,
    "opening-reply": opening_reply,
}


# ── One step's message ─────────────────────────────────────────────────────────────────────────────────────────────


def closed(page: Page, t: Texts) -> Message:
    """The neutral line and one button."""
    return Message(_neutral(t), ((button(t.label("Open"), "open", page.delivery.id),),), silent=page.delivery.silent)


def folded(page: Page, t: Texts, line: str, *more: Row) -> Message:
    """What stays in the chat afterwards."""
    return Message(line, (*more, (button(t.label("Open again"), "open", page.delivery.id),)))


def unfolded(page: Page, t: Texts, *, now: datetime) -> Message:
    """The step itself: where its member is with it decides what is shown."""
    response = page.response
    if response is not None and response.finished_at is not None and page.step.asks:
        return kept(page, t, now=now)
    asked = response.question if response else (page.step.ask[0].id if page.step.ask else None)
    question = next((one for one in page.step.ask if one.id == asked), None)
    if _nothing_comes_back(page, t):
        return Message(t("Nothing is kept here any more."))
    if question is not None and page.opens_at is not None and page.opens_at <= now:
        return Message(t("The hour for this one has passed. You can still write it for yourself: /journal"))
    if question is None:
        return Message(
            _words(page, page.step.text, t) + _nothing_stored(page, t),
            ((button(t.label("Done"), "done", page.delivery.id), button(t.label("Later"), "later", page.delivery.id)),),
        )
    return asking(page, question, t)


def asking(page: Page, question: Question, t: Texts) -> Message:
    """One question with its buttons and, always, who can read the answer."""
    first = page.step.ask[0].id == question.id
    parts = [_words(page, page.step.text, t)] if first else []
    if question.text:
        parts.append(_words(page, question.text, t))
    if question.kind is QuestionKind.SCALE and question.ends:
        low, high = (t.pick(end) for end in question.ends)
        parts.append(Html(f"{question.least} {escape(low)} · {question.most} {escape(high)}"))
    if question.kind is QuestionKind.CHOICES:
        parts.append(t("Choose as many as fit."))
    if question.kind is QuestionKind.TEXT:
        parts.append(_how_to_say_it(page, t))
    parts.append(Html(f"<i>{who_reads(page, t)}</i>"))
    rows = [*_question_buttons(page, question, t)]
    rows.append(
        (
            *(_back(page, question, t)),
            button(t.label("Later"), "later", page.delivery.id),
            button(t.label("Skip"), "skip", page.delivery.id),
        )
    )
    return Message("\n\n".join(parts), tuple(rows))


def _nothing_comes_back(page: Page, t: Texts) -> bool:
    """Whether a step would only have brought back words, and there are none."""
    return page.step.recalls is not None and not page.step.asks and not _plain(page.step.text, page, t)


def _how_to_say_it(page: Page, t: Texts) -> Html:
    if not page.cohort.minimal:
        return t("Write it here as a message. It leaves the chat once it is kept.")
    if page.cohort.kind is CohortKind.COUPLE:
        return t("Say it to each other, or put it on paper: nothing is written here.")
    return t("Put it on paper, if you like: nothing is written here.")


def kept(page: Page, t: Texts, *, now: datetime) -> Message:
    """After the last answer: folded, with what can still be done."""
    response = page.response
    change = button(t.label("Change"), "change", page.delivery.id)
    if response is None or response.visibility is not Visibility.PAIR or not page.step.is_sealed:
        line = t("Thank you. {who}", who=who_reads(page, t))
        return Message(line, ((change,),))
    if page.opens_at is not None and page.opens_at <= now:
        return Message(t("The hour for this one has passed."))
    choices = (
        _marked(t.label("Share it then"), response.choice is Choice.SHARE, "share", page.delivery.id),
        _marked(t.label("Keep it mine"), response.choice is Choice.KEEP, "keep", page.delivery.id),
    )
    last = (change, button(t.label("Take it back"), "withdraw", page.delivery.id))
    return Message(f"{t('Sealed.')} {who_reads(page, t)}\n\n{_chosen(response.choice, t)}", (choices, last))


def later(page: Page, t: Texts, *, now: datetime) -> Message:
    """When it should come back."""
    evening = t.local(now).hour < 17
    choices = [button(t.label("In an hour"), "later-at", page.delivery.id, "hour")]
    if evening:
        choices.append(button(t.label("This evening"), "later-at", page.delivery.id, "evening"))
    choices.append(button(t.label("Tomorrow"), "later-at", page.delivery.id, "tomorrow"))
    return Message(t("When would it suit you?"), (tuple(choices), (button(t.label("Back"), "open", page.delivery.id),)))


def comes_back(page: Page, t: Texts, due_at: datetime) -> Message:
    return folded(page, t, t("It will come back: {when}.", when=t.when(due_at)))


def skipped(page: Page, t: Texts) -> Message:
    return folded(page, t, t("Skipped. That is fine."))


def done(page: Page, t: Texts) -> Message:
    return folded(page, t, t("Done for now."))


def taken_back(page: Page, t: Texts) -> Message:
    return folded(page, t, t("Taken back. Nothing of it is kept."))


def question_words(page: Page, t: Texts) -> str:
    """The beginning of what a step asks, for a button."""
    line = _plain(page.step.text, replace(page, thread=()), t).split("\n", maxsplit=1)[0]
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


# ── Openings ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def inside(tx: Transaction, row: Delivery, t: Texts) -> Message:
    """What the envelope holds: the partner's words and a small way to respond, or the one neutral line."""
    opened = await opened_for(tx, row.ref, row.member_id) if row.ref and row.member_id else None
    if opened is None:
        return nothing_to_open(t)
    return _opened(opened, row.id, t)


def nothing_to_open(t: Texts) -> Message:
    """The same words whatever the cause."""
    return Message(t("Nothing to open this time. There can be many reasons, some of them mine."))


def _opened(opened: Opened, delivery_id: UUID, t: Texts) -> Message:
    said = [
        _said(question, opened.words.get(question.id), t)
        for question in opened.step.ask
        if opened.words.get(question.id) is not None
    ]
    text = t("{partner} shared this with you:", partner=opened.partner) + "\n\n" + "\n".join(said)
    then = opened.step.then
    fold = (button(t.label("Fold away"), "refold", delivery_id),)
    agree: tuple[Row, ...] = ()
    if opened.step.both_confirm:
        agreed = opened.disclosure.agreed_at is not None
        agree = ((_marked(t.label("This is right for me"), agreed, "opening-agree", delivery_id),),)
        text += "\n\n" + t("{partner} learns what you say to it only if you both say so.", partner=opened.partner)
    if then is None or opened.disclosure.replied_at is not None:
        return Message(text, (*agree, fold), protected=True)
    text += "\n\n" + escape(t.pick(then.text).replace("{partner}", opened.partner))
    replies = [button(_label(option, t), "opening-reply", delivery_id, option.id) for option in then.replies]
    return Message(text, (*agree, *grid(replies, 1), fold), protected=True)


def refolded(delivery_id: UUID, t: Texts) -> Message:
    """An opened envelope, closed again for whoever else may see the phone."""
    return Message(_neutral(t), ((button(t.label("Open"), "unseal", delivery_id),),), protected=True)


async def reply_inside(tx: Transaction, disclosure: Disclosure, t: Texts) -> Message:
    """What the partner answered to what was opened."""
    reader = await tx.get_one(Member, disclosure.reader_id)
    opened = await opened_for(tx, disclosure.opening_id, disclosure.reader_id)
    if opened is None or opened.step.then is None:
        return Message(t("This was folded away."))
    reply = tx.open_json(disclosure, "reply")
    words = next((t.pick(option.label) for option in opened.step.then.replies if option.id == reply), "")
    return Message(t("{partner}: {words}", partner=tx.open(reader, "alias"), words=words), protected=True)


async def agreed_inside(tx: Transaction, disclosure: Disclosure, t: Texts) -> Message:
    """Both have said yes to the two ideas."""
    opened = await opened_for(tx, disclosure.opening_id, disclosure.reader_id)
    if opened is None:
        return Message(t("This was folded away."))
    return Message(
        t(
            "You and {partner} both said: this is right for me. So it is agreed, and it may fail.",
            partner=opened.partner,
        ),
        protected=True,
    )


# ── Words ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def who_reads(page: Page, t: Texts) -> Html:
    """Who can read what is about to be said; shown with every question."""
    visibility = page.response.visibility if page.response else page.step.visible_to
    if page.cohort.minimal or visibility is Visibility.NONE:
        return t("Nothing of this is stored.")
    if visibility is Visibility.FACILITATOR:
        return t("{facilitator} can read this.", facilitator=page.facilitator)
    if visibility is Visibility.CIRCLE:
        return t("Your group reads this when the round closes.")
    if visibility is not Visibility.PAIR:
        return t("Only you can read this.")
    if page.opens_at is None or page.step.opens == WHEN_BOTH:
        return t("{partner} reads it once you both have answered and both choose to share.", partner=_partner(page, t))
    return t(
        "{partner} reads it on {when}, only if you both answer and both choose to share.",
        partner=_partner(page, t),
        when=t.when(page.opens_at),
    )


def _neutral(t: Texts) -> Html:
    return t("Something small for you today.")


def _nothing_stored(page: Page, t: Texts) -> str:
    return "" if page.step.kind is StepKind.REMINDER else "\n\n" + f"<i>{t('Nothing to write. Nothing is stored.')}</i>"


def _chosen(choice: Choice, t: Texts) -> Html:
    if choice is Choice.SHARE:
        return t("You chose to share it. You can change your mind until then.")
    if choice is Choice.KEEP:
        return t("You keep it for yourself. You can change your mind until then.")
    return t("If you choose nothing, it stays yours.")


def _marked(label: str, chosen: bool, action: str, ref: UUID) -> Button:
    return button(f"● {label}" if chosen else label, action, ref)


def _back(page: Page, question: Question, t: Texts) -> list[Button]:
    earlier = previous_question(page.step, question.id)
    return [button(t.label("Back"), "back", page.delivery.id, earlier.id)] if earlier else []


def _question_buttons(page: Page, question: Question, t: Texts) -> tuple[Row, ...]:
    ref = page.delivery.id
    if question.kind is QuestionKind.SCALE:
        numbers = range(question.least, question.most + 1)
        wide = 6 if len(numbers) > 7 else len(numbers)
        return grid([button(str(n), "answer", ref, f"{question.id}.{n}") for n in numbers], wide)
    if question.kind is QuestionKind.CHOICE:
        options = [
            button(_label(option, t), "answer", ref, f"{question.id}.{option.id}") for option in question.options
        ]
        return grid(options, 3 if all(len(option.label) <= 10 for option in options) else 1)
    if question.kind is QuestionKind.CHOICES:
        chosen = page.answers.get(question.id)
        picked = chosen if isinstance(chosen, list) else []
        options = [
            button(
                ("☑ " if option.id in picked else "☐ ") + _label(option, t), "pick", ref, f"{question.id}.{option.id}"
            )
            for option in question.options
        ]
        return (*grid(options, 1), (button(t.label("That is all"), "picked", ref, question.id),))
    if page.cohort.minimal:
        return ((button(t.label("Done"), "answer", ref, f"{question.id}.{DONE}"),),)
    return ()


def _label(option: Option, t: Texts) -> str:
    return t.pick(option.label)


def _said(question: Question, value: Value, t: Texts) -> str:
    if isinstance(value, list):
        return escape(", ".join(_label(option, t) for option in question.options if option.id in value))
    if question.kind is QuestionKind.CHOICE:
        return escape(next((_label(option, t) for option in question.options if option.id == value), ""))
    return f"<blockquote>{escape(str(value))}</blockquote>"


def _words(page: Page, words: Words, t: Texts) -> Html:
    return escape(_plain(words, page, t))


def _plain(words: Words, page: Page, t: Texts) -> str:
    return filled(words, facts_of(page, t), t)


def filled(words: Words, facts: Mapping[str, str], t: Texts) -> str:
    """An author's text with its facts; a sentence whose fact is empty is dropped."""
    paragraphs = []
    for paragraph in t.pick(words).split("\n"):
        sentences = [
            _PLACE.sub(lambda place: facts.get(place[1], ""), sentence)
            for sentence in _SENTENCE.split(paragraph)
            if all(facts.get(place) for place in _PLACE.findall(sentence))
        ]
        if sentences or not paragraph:  # a line whose fact is empty leaves no gap
            paragraphs.append(" ".join(sentences))
    return "\n".join(paragraphs).strip()


def _partner(page: Page, t: Texts) -> str:
    """Their name; no name is left of somebody who has erased everything."""
    paired = page.cohort.kind is CohortKind.COUPLE and page.cohort.unpaired_at is None
    return page.partner or (t.label("your partner") if paired else "")


def _brought_back(lines: tuple[str, ...]) -> str:
    """One's own words as they were written; several each on a line of their own."""
    return lines[0] if len(lines) == 1 else "".join(f"\n· {line}" for line in lines)


def facts_of(page: Page, t: Texts) -> dict[str, str]:
    """What a programme's text may speak of."""
    starts_at = page.meeting.starts_at
    return {
        "partner": _partner(page, t),
        "facilitator": page.facilitator,
        "time": t.hour(starts_at),
        "date": t.day(starts_at),
        "session": str(page.meeting.number),
        "thread": _brought_back(page.thread),
        **{key: str(value) for key, value in page.details.items()},
    }
