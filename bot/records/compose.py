"""What somebody reads of their own data, and before and after erasing it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.buttons import button
from bot.messages import Attachment, Message
from bot.records.actions import Erased
from bot.texts import Texts

JOURNAL_PAGE = 3
_EXCERPT = 900  # code points of one entry on the screen; the export has all of it


def my_data(t: Texts) -> Message:
    return Message(
        t(
            "<b>Your data</b>\n\nYou can take everything with you: one file to read and one for machines. "
            "What your partner or others wrote is theirs and is not in it.\n\n"
            "You can also erase everything, at once and for good."
        ),
        (
            (button(t.label("Take it with me"), "export"),),
            (button(t.label("Erase everything"), "erase"),),
        ),
    )


def confirm_erase(t: Texts) -> Message:
    return Message(
        t(
            "<b>Erase everything?</b>\n\nYour answers, journal, notes and places here are deleted at once. It cannot "
            "be undone. What you shared and the other has already read may exist as a screenshot.\n\n"
            "You may want to take your data with you first."
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
    return Message(t("Everything about you is erased here. Backups lose it within 30 days.") + "\n\n" + rest)


def exported(everything: dict[str, list[dict[str, Any]]], t: Texts, *, now: datetime) -> tuple[Message, Message]:
    """Two files: one to read, one for machines."""
    day = now.strftime("%Y-%m-%d")
    machine = json.dumps(everything, ensure_ascii=False, indent=1).encode()
    return (
        Message(
            t("Everything you wrote and chose, to read. Only you were sent this."),
            attachment=Attachment("document", f"my-data-{day}.md", content=_readable(everything, t, now).encode()),
            protected=False,
        ),
        Message(
            t("The same and all dates and states, for machines."),
            attachment=Attachment("document", f"my-data-{day}.json", content=machine),
        ),
    )


def journal(entries: list[tuple[datetime, str]], page: int, t: Texts) -> Message:
    """One's own words, newest first."""
    shown = entries[page * JOURNAL_PAGE : (page + 1) * JOURNAL_PAGE]
    write = button(t.label("Write something"), "journal-write")
    if not shown:
        return Message(t("Nothing here yet. Only you can read what you keep here."), ((write,),))
    parts = [t("<b>{when}</b>\n{words}", when=t.when(at), words=_excerpt(words)) for at, words in shown]
    turns = []
    if page > 0:
        turns.append(button(t.label("Newer"), "journal", None, str(page - 1)))
    if len(entries) > (page + 1) * JOURNAL_PAGE:
        turns.append(button(t.label("Older"), "journal", None, str(page + 1)))
    rows = ((write,), tuple(turns), (button(t.label("Fold away"), "fold"),))
    return Message("\n\n".join([*parts, t("<i>Only you can read this.</i>")]), tuple(row for row in rows if row))


def write_journal(draft_id: UUID, t: Texts) -> Message:
    return Message(
        t("Write it here as a message. Only you can read it; it leaves the chat once it is kept."),
        ((button(t.label("Not now"), "not-now", draft_id),),),
    )


def _excerpt(words: str) -> str:
    return words if len(words) <= _EXCERPT else words[:_EXCERPT] + "…"


def _readable(everything: dict[str, list[dict[str, Any]]], t: Texts, now: datetime) -> str:
    person = everything["person"][0]
    lines = [f"# {t.label('Your data')}", "", f"{person['name']} · {t.day(now)}", ""]
    lines += [f"## {t.label('Journal')}", ""]
    for entry in everything["journal_entry"]:
        lines += [f"**{_when(entry['written_at'], t)}**", "", entry["words"], ""]
    lines += [f"## {t.label('Answers')}", ""]
    answers: dict[str, list[dict[str, Any]]] = {}
    for answer in everything["answer"]:
        answers.setdefault(answer["response_id"], []).append(answer)
    for response in sorted(everything["response"], key=lambda one: str(one["begun_at"])):
        lines += [f"**{_when(response['begun_at'], t)} · {response['step']}**", ""]
        lines += [f"- {answer['question']}: {_said(answer['value'])}" for answer in answers.get(response["id"], [])]
        lines += [f"- {t.label('Who may read it')}: {response['visibility']}", ""]
    lines += [f"## {t.label('Notes')}", ""]
    for note in everything["note"]:
        lines += [f"**{_when(note['written_at'], t)}**", "", note["words"], ""]
    lines += [f"## {t.label('What you agreed to')}", ""]
    for consent in everything["consent"]:
        state = t.label("on") if consent["granted"] else t.label("off")
        lines.append(f"- {_when(consent['given_at'], t)}: {consent['switch']} {state} ({consent['version']})")
    lines += ["", f"## {t.label('What was opened to whom')}", ""]
    lines += [f"- {_when(one['opened_at'], t)}" for one in everything["disclosure"]]
    return "\n".join(lines) + "\n"


def _when(written: str, t: Texts) -> str:
    return t.when(datetime.fromisoformat(written))


def _said(value: str | None) -> str:
    if value is None:
        return "–"
    said = json.loads(value)
    return ", ".join(said) if isinstance(said, list) else str(said).replace("\n", " / ")
