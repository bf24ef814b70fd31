"""The fourth and fifth screens of joining: name, place and quiet hours as we guess them, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.buttons import button, grid
from bot.enrolment.check_words import check_words
from bot.enrolment.queries import Joining
from bot.enrolment.rules import ABOUT
from bot.enrolment.zones import Place, country_name, country_of
from bot.messages import Button, Html, Message
from bot.storage.keys import Keyring
from bot.texts import Texts
from bot.words import CohortKind, QuietHours

EVENINGS = (time(20), time(21), time(22), time(23))
MORNINGS = (time(6), time(7), time(8), time(9))


def about(j: Joining, t: Texts, now: datetime) -> Message:
    """Four: everything prefilled, everything changeable, one press to go on."""
    own = Texts(t.language, j.zone)
    country = j.person.country or country_of(j.zone.key)
    named = country_name(country, t.locale.language) if country else t.label("not chosen")
    quiet = t.label("{begins} to {ends}", begins=t.hour(j.person.quiet_begins), ends=t.hour(j.person.quiet_ends))
    text = t(
        "<b>About you</b>\n\n"
        "Name: {name}. {who}\n"
        "It is <b>{hour}</b> for you, right? ({zone})\n"
        "Country: {country}. It decides which numbers /help shows.\n"
        "Quiet hours: {quiet}. Then I write nothing, apart from safety.",
        name=j.alias,
        who=_who_reads_the_name(j, t),
        hour=own.hour(now),
        zone=t.city(j.zone),
        country=named,
        quiet=quiet,
    )
    changes = [
        button(t.label("Another name"), "join-name", j.member.id),
        button(t.label("Another time"), "join-place", j.member.id),
        button(t.label("Another country"), "join-country", j.member.id),
        button(t.label("Other quiet hours"), "join-quiet", j.member.id),
    ]
    return Message(text, ((button(t.label("All right, go on"), "join-done", j.member.id),), *grid(changes, 2)))


def waiting(j: Joining, keys: Keyring, t: Texts) -> Message:
    """Five: what comes next, and the words that both sides see."""
    return Message(
        t(
            "<b>Thank you, {name}. That was all.</b>\n\n"
            "Your two words: <b>{words}</b>\n"
            "{holders} sees the same two. Say them to each other aloud, on the phone or in person, so that both know "
            "this is really you.\n\n"
            "Then {holders} opens your seat, and I write to you. After that I write when there is a date.",
            name=j.alias,
            words=check_words(keys, j.member.id, j.cohort.language),
            holders=j.holders,
        ),
        ((button(t.label("Help"), "help"), button(t.label("Settings"), "settings")),),
    )


# ── Pickers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_name(j: Joining, t: Texts) -> Message:
    return Message(
        Html(t("Type the name you want to be called here.") + " " + _who_reads_the_name(j, t)),
        ((_back(j, t),),),
    )


def _who_reads_the_name(j: Joining, t: Texts) -> Html:
    if j.cohort.kind is CohortKind.COUPLE:
        return t("{holders} and your partner read it.", holders=j.holders)
    if j.cohort.kind is CohortKind.GROUP:
        return t("{holders} and your group read it.", holders=j.holders)
    return t("{holders} reads it.", holders=j.holders)


def pick_zone(zones: Sequence[str], action: str, ref: UUID | None, back: Button, t: Texts, now: datetime) -> Message:
    """What is likely, by its clock; anything else is typed."""
    return Message(
        t("What time is it for you? Choose a clock, or type a city; the city itself is not kept."),
        (*grid([zone_button(zone, t.city(ZoneInfo(zone)), action, ref, t, now) for zone in zones], 2), (back,)),
    )


def places_found(
    places: Sequence[Place], action: str, ref: UUID | None, back: Button, t: Texts, now: datetime, *, guessed: bool
) -> Message:
    """Several places are called like that, or none is and these come close."""
    if not places:
        text = t("I know no place of that name. Please type a larger city nearby, or a zone such as Europe/Berlin.")
    elif guessed:
        text = t(
            "I know no place of exactly that name. Did you mean one of these? Otherwise type a larger city nearby."
        )
    else:
        text = t("There are several. Which one is it?")
    rows = [(zone_button(place.zone, _with_country(place, t), action, ref, t, now),) for place in places]
    return Message(text, (*rows, (back,)))


def zone_button(zone: str, label: str, action: str, ref: UUID | None, t: Texts, now: datetime) -> Button:
    """A place with its present hour; a zone's name fits a button with dots for slashes."""
    return button(f"{label} · {Texts(t.language, ZoneInfo(zone)).hour(now)}", action, ref, zone.replace("/", "."))


def _with_country(place: Place, t: Texts) -> str:
    return f"{place.name}, {country_name(place.country, t.locale.language)}" if place.country else place.name


def pick_country(j: Joining, countries: Sequence[str], t: Texts, *, asked: bool) -> Message:
    """Countries that somebody may have meant, or the question."""
    text = (
        t("Type the country you live in. It decides which numbers /help shows, and is used for nothing else.")
        if asked
        else t("Which one is it? Otherwise type the whole name.")
        if countries
        else t("I know no country of that name. Please type it in full, or its two letters, such as DE.")
    )
    rows = [(button(country_name(code, t.locale.language), "country-in", j.member.id, code),) for code in countries]
    return Message(text, (*rows, (_back(j, t),)))


def quiet_choices() -> list[QuietHours]:
    """Every evening with every morning that the buttons offer."""
    return [QuietHours(evening, morning) for evening in EVENINGS for morning in MORNINGS]


def quiet_argument(quiet: QuietHours) -> str:
    """Quiet hours as a button carries them: "2100-0800"."""
    return f"{quiet.begins:%H%M}-{quiet.ends:%H%M}"


def pick_quiet(j: Joining, t: Texts) -> Message:
    """Evenings on the left, mornings on the right; each press is kept."""
    now = QuietHours(j.person.quiet_begins, j.person.quiet_ends)

    def choice(quiet: QuietHours, label: str) -> Button:
        return button(f"● {label}" if quiet == now else label, "quiet-in", j.member.id, quiet_argument(quiet))

    rows = [
        (
            choice(QuietHours(evening, now.ends), t.label("from {hour}", hour=t.hour(evening))),
            choice(QuietHours(now.begins, morning), t.label("until {hour}", hour=t.hour(morning))),
        )
        for evening, morning in zip(EVENINGS, MORNINGS, strict=True)
    ]
    return Message(
        t("Between these hours I write nothing, apart from safety."),
        (*rows, (button(t.label("Done"), "join-go", j.member.id, ABOUT),)),
    )


def _back(j: Joining, t: Texts) -> Button:
    return button(t.label("Back"), "join-go", j.member.id, ABOUT)
