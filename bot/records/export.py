"""The two files somebody takes along: one to read, one for machines. Their names say nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.checkins.telling import Told, sentences
from bot.messages import Attachment, Message
from bot.records.queries import Letter, Place, Portrait
from bot.texts import N_, Texts
from bot.words import Choice, Consent, Visibility

_READERS = {
    Visibility.ME: N_("only you"),
    Visibility.FACILITATOR: N_("your facilitators"),
    Visibility.PAIR: N_("your partner, from the hour on, if you both shared"),
    Visibility.CIRCLE: N_("your group, once its round is closed"),
    Visibility.NONE: N_("nobody; nothing was stored"),
}
_CHOICES = {Choice.SHARE: N_("you chose to share it"), Choice.KEEP: N_("you kept it for yourself")}
_SWITCHES = {
    Consent.FACILITATOR: N_("Check-ins may be read by the facilitators"),
    Consent.PARTNER: N_("Single answers may open to the partner"),
    Consent.CIRCLE: N_("Turns may be shared in rounds"),
}


def exported(
    portrait: Portrait, everything: dict[str, list[dict[str, Any]]], t: Texts, *, now: datetime
) -> tuple[Message, Message]:
    """Two messages, each with its file."""
    day = f"{t.local(now):%Y-%m-%d}"
    to_read = "\n".join(_lines(portrait, t, now)) + "\n"
    for_machines = json.dumps(everything, ensure_ascii=False, indent=1)
    return (
        Message(
            t("Everything you wrote and chose, to read. Only you were sent this."),
            attachment=Attachment("document", f"my-data-{day}.md", content=to_read.encode()),
        ),
        Message(
            t("The same and all dates and states, for machines."),
            attachment=Attachment("document", f"my-data-{day}.json", content=for_machines.encode()),
        ),
    )


def _lines(portrait: Portrait, t: Texts, now: datetime) -> Iterator[str]:
    yield f"# {t.label('Your data')}"
    yield ""
    yield t.label("{name}, {when}. Times are those of {zone}.", name=portrait.name, when=_at(now, t), zone=t.zone.key)
    yield from _letters(f"## {t.label('Journal')}", [Letter(at, "", words) for at, words in portrait.journal], t)
    for place in portrait.places:
        yield from _place(place, t)
    yield from _letters(f"## {t.label('What you wrote to members')}", portrait.sent, t)


def _place(place: Place, t: Texts) -> Iterator[str]:
    yield from ("", f"## {place.cohort}", "")
    yield t.label("You are called {name} there.", name=place.alias)
    yield t.label("Joined: {when}", when=_at(place.member.joined_at, t))
    if place.member.left_at is not None:
        yield t.label("Left: {when}", when=_at(place.member.left_at, t))
    if place.consents:
        yield from ("", f"### {t.label('What you agreed to')}", "")
    for consent in place.consents:
        state = t.label("yes") if consent.granted else t.label("no")
        yield f"- {_at(consent.given_at, t)}: {t.label(_SWITCHES[consent.switch])}: {state} ({consent.version})"
    if place.told:
        yield from ("", f"### {t.label('Your answers')}", "")
    for told in place.told:
        yield from _told(told, t)
    yield from _letters(f"### {t.label('Letters')}", place.letters, t)
    if place.seen:
        yield from ("", f"### {t.label('What was opened to whom')}", "")
    for seen in place.seen:
        folded = f" ({t.label('folded since')})" if seen.folded else ""
        yield f"- {_at(seen.opened_at, t)}: {seen.reader}{folded}"


def _told(told: Told, t: Texts) -> Iterator[str]:
    """One step; what was opened and not answered is only in the other file."""
    answered = list(sentences(told, t))
    if not answered:
        return
    yield from (f"**{_at(told.response.begun_at, t)}**", "")
    for asked, said in answered:
        yield " ".join(asked.split())
        yield from ("", *_quoted(said), "")
    readers = t.label(_READERS[told.response.visibility])
    choice = f"; {t.label(_CHOICES[told.response.choice])}" if told.response.choice in _CHOICES else ""
    yield from (f"*{t.label('Who can read it: {readers}', readers=readers)}{choice}*", "")


def _letters(heading: str, letters: Sequence[Letter], t: Texts) -> Iterator[str]:
    if letters:
        yield from ("", heading)
    for letter in letters:
        author = f" · {letter.author}" if letter.author else ""
        yield from ("", f"**{_at(letter.written_at, t)}{author}**", "", *_quoted(letter.words))


def _quoted(words: str) -> list[str]:
    """People's words as they are, whatever marks they hold."""
    return [f"> {line}".rstrip() for line in words.split("\n")]


def _at(instant: datetime, t: Texts) -> str:
    return f"{t.local(instant):%Y-%m-%d %H:%M}"
