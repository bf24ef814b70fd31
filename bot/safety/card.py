"""The help card: fixed words, the lines of a country, who is there for this person, one tap to reach them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from babel.lists import format_list

from bot.buttons import button, link
from bot.messages import Html, Message, Row
from bot.safety.lines import DIRECTORY, HelpLines, Line, lines_for
from bot.safety.queries import Helpers, helpers_of_person
from bot.storage.database import Transaction
from bot.storage.tables import Person
from bot.texts import Texts


async def help_for(tx: Transaction, person: Person, t: Texts) -> Message:
    """The help card of a person, whoever they are."""
    return help_card(t, person.country, await helpers_of_person(tx, person.id))


def help_card(t: Texts, country: str | None, helpers: Sequence[Helpers]) -> Message:
    """Whom to call, who is there for this person, and one tap to reach them."""
    names = _names(t, helpers)
    lines = lines_for(country)
    parts = [
        t(
            "You are here with {names}. I am a program: not a person, not an emergency service, and nobody watches "
            "this chat around the clock.",
            names=names,
        )
        if names
        else t(
            "I am a program: not a person, not an emergency service, and nobody watches this chat around the clock."
        ),
        _in_danger(t, lines),
        _to_talk(t, lines),
    ]
    if names:
        parts.append(t("If you would like a call from {names}, press the button or send /call.", names=names))
    return Message("\n\n".join(parts), help_buttons(t, helpers))


def help_card_for_groups(t: Texts) -> Message:
    """The card as a whole group may read it: nothing in it belongs to one person."""
    lines = lines_for(None)
    return Message(
        "\n\n".join(
            [
                t(
                    "I am a program: not a person, not an emergency service, and nobody watches this chat around "
                    "the clock."
                ),
                _in_danger(t, lines),
                _to_talk(t, lines),
                t("In our own chat, /help also shows the lines of your country and who is there for you."),
            ]
        )
    )


def help_buttons(t: Texts, helpers: Sequence[Helpers]) -> tuple[Row, ...]:
    directory = (link(t.label("More lines, by country"), f"https://{DIRECTORY}"),)
    if not helpers:
        return (directory,)
    name = name_for(t, helpers[0])
    ask = t.label("Ask {name} to call me", name=name) if len(helpers) == 1 else t.label("Ask for a call")
    return ((button(ask, "call"),), (button(t.label("I need help now"), "help-now"),), directory)


def _in_danger(t: Texts, lines: HelpLines) -> Html:
    numbers = _either(t, lines.emergency)
    if lines.known:
        return t("If you or somebody else is in danger, call {numbers}.", numbers=numbers)
    return t("If you or somebody else is in danger, call {numbers} or your local emergency number.", numbers=numbers)


def _to_talk(t: Texts, lines: HelpLines) -> Html:
    said: list[Html] = [t("To talk to somebody now:")]
    said += [_point(_line(t, line)) for line in lines.lines if not line.at_home]
    said.append(_point(t("lines in every country: {directory}", directory=DIRECTORY)))
    said += [_point(t("not safe at home: {line}", line=_line(t, line))) for line in lines.lines if line.at_home]
    return Html("\n".join(said))


def _point(words: Html) -> Html:
    return Html("• " + words)


def in_short(t: Texts, country: str | None) -> Html:
    """The lines in two sentences, for a message that says something else."""
    lines = lines_for(country)
    first = next((line for line in lines.lines if not line.at_home), None)
    talk = _line(t, first) if first else Html(DIRECTORY)
    return Html(f"{_in_danger(t, lines)} {t('To talk to somebody now: {line}.', line=talk)}")


def _line(t: Texts, line: Line) -> Html:
    if line.call and line.text_to:
        reach = t("call {number} or text {text_to}", number=line.call, text_to=line.text_to)
    elif line.text_to:
        reach = t("text {word} to {text_to}", word=line.text_word or "", text_to=line.text_to)
    else:
        reach = t("call {number}", number=line.call)
    if line.not_everywhere:
        reach = t("{reach} (in many countries of Europe, not in all)", reach=reach)
    return t("{name}: {reach}", name=line.name, reach=reach) if line.name else reach


def name_for(t: Texts, helpers: Helpers) -> str:
    """How a member's own facilitator is called, the responder first."""
    return helpers.names[0] if helpers.names else t.label("Your facilitator")


def _names(t: Texts, helpers: Sequence[Helpers]) -> str:
    everybody = list(dict.fromkeys(chain.from_iterable(one.names for one in helpers)))
    return format_list(everybody, locale=t.locale) if everybody else ""


def _either(t: Texts, numbers: Sequence[str]) -> str:
    return format_list(list(numbers), style="or", locale=t.locale)
