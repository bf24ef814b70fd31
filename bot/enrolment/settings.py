"""The screens with which somebody says where they are and how they want to be written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from babel import Locale

from bot.buttons import button, grid
from bot.enrolment.about import EVENINGS, MORNINGS, quiet_argument
from bot.enrolment.zones import country_name
from bot.messages import Button, Message, Row
from bot.storage.tables import Person
from bot.texts import Texts, languages
from bot.words import QuietHours


def settings(person: Person, places: Sequence[tuple[UUID, str]], t: Texts, *, now: datetime) -> Message:
    """How this person is written to; ``places`` are their members and what each cohort is called."""
    zone = t.city(person.zone) if person.zone_confirmed else t.label("not chosen")
    country = country_name(person.country, t.locale.language) if person.country else t.label("not chosen")
    lines = [
        t("<b>Settings</b>"),
        t("Zone: {zone}, {hour} now", zone=zone, hour=t.hour(now)) if person.zone_confirmed else t("Zone: not chosen"),
        t("Country: {country}. It decides which numbers /help shows.", country=country),
        t("Quiet: {begins} to {ends}", begins=t.hour(person.quiet_begins), ends=t.hour(person.quiet_ends)),
        t("Messages stay folded until you open them.") if person.discreet else t("Messages come unfolded."),
    ]
    rows: list[Row] = [
        (button(t.label("Zone"), "my-zone"), button(t.label("Country"), "my-country")),
        (
            button(t.label("Quiet hours"), "my-quiet"),
            button(t.label("Unfolded") if person.discreet else t.label("Folded"), "my-discreet"),
        ),
        *grid(_other_languages(person), 3),
        *((button(t.label("My place in {name}", name=name), "my-place", member_id),) for member_id, name in places),
        (button(t.label("My data"), "mydata"), button(t.label("Help"), "help")),
    ]
    return Message("\n".join(lines), tuple(rows))


def _other_languages(person: Person) -> list[Button]:
    """Each in its own words: who does not read this screen finds theirs."""
    return [
        button((Locale.parse(code).get_language_name(code) or code).capitalize(), "my-language", None, code)
        for code in languages()
        if code != person.language
    ]


def pick_quiet(person: Person, t: Texts) -> Message:
    """Evenings on the left, mornings on the right; each press is kept."""
    own = QuietHours(person.quiet_begins, person.quiet_ends)

    def choice(quiet: QuietHours, label: str) -> Button:
        return button(f"● {label}" if quiet == own else label, "my-quiet", None, quiet_argument(quiet))

    rows = [
        (
            choice(QuietHours(evening, own.ends), t.label("from {hour}", hour=t.hour(evening))),
            choice(QuietHours(own.begins, morning), t.label("until {hour}", hour=t.hour(morning))),
        )
        for evening, morning in zip(EVENINGS, MORNINGS, strict=True)
    ]
    text = t("Between these hours I write nothing, apart from safety and what you ask for yourself.")
    return Message(text, (*rows, (button(t.label("Done"), "settings"),)))


def ask_country(t: Texts) -> Message:
    text = t("Type the country you live in. It decides which numbers /help shows, and is used for nothing else.")
    return Message(text, ((to_settings(t),),))


def countries_found(codes: Sequence[str], t: Texts) -> Message:
    """Several may be meant, or none is called so."""
    text = (
        t("Which one is it? Otherwise type the whole name.")
        if codes
        else t("I know no country of that name. Please type it in full, or its two letters, such as DE.")
    )
    rows = [(button(country_name(code, t.locale.language), "my-country", None, code),) for code in codes]
    return Message(text, (*rows, (to_settings(t),)))


def to_settings(t: Texts) -> Button:
    return button(t.label("Back"), "settings")
