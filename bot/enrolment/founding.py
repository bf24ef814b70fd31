"""How a facilitator makes a cohort by buttons: kind, name, seats, time zone, and one screen to look it all over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.buttons import button, grid
from bot.enrolment.about import pick_zone
from bot.enrolment.home import KIND_NAMES, to_cohort, to_home
from bot.enrolment.rules import LARGEST_GROUP, SMALLEST_GROUP
from bot.enrolment.wish import Wish
from bot.messages import Button, Html, Message
from bot.storage.tables import Cohort
from bot.texts import N_, Texts
from bot.words import CohortKind, SecretsPolicy

POLICY_LABELS = {
    SecretsPolicy.KEPT: N_("It stays with me"),
    SecretsPolicy.JUDGED: N_("I decide with care, and tell them first"),
    SecretsPolicy.OPEN: N_("I keep no secrets between them"),
}


def ask_kind(t: Texts) -> Message:
    kinds = [button(t.label(name), "found-kind", None, kind.value) for kind, name in KIND_NAMES.items()]
    return Message(
        t("<b>A new cohort</b>\nWho goes through this together? A couple has two seats, a group up to forty."),
        (*grid(kinds, 3), (to_home(t),)),
    )


def ask_name(draft: UUID, t: Texts) -> Message:
    return Message(
        t('What shall they be called? Type a short name, such as "Maple". The members read it.'),
        ((_cancel(draft, t),),),
    )


def ask_labels(draft: UUID, wish: Wish, t: Texts) -> Message:
    """What the seats are called, so that each link reaches the right person."""
    count = t.label("No names, just numbers")
    if wish.kind is CohortKind.GROUP:
        text = t(
            "Who gets a seat? Type their first names with commas between, or just how many there are "
            "({least} to {most}). With names each gets a link of their own, and reads only their own; with a number "
            "there is one link for all.",
            least=SMALLEST_GROUP,
            most=LARGEST_GROUP,
        )
        return Message(text, ((_cancel(draft, t),),))
    if wish.kind is CohortKind.COUPLE:
        text = t("Who are the two? Type their first names, such as Ann, Bob. Each reads only their own.")
    else:
        text = t("Who is it? Type a first name. Only this person reads it.")
    return Message(text, ((button(count, "found-numbers", draft),), (_cancel(draft, t),)))


def ask_zone(draft: UUID, zones: Sequence[str], t: Texts, now: datetime) -> Message:
    found = pick_zone(zones, "zone-co", draft, _cancel(draft, t), t, now)
    return Message(
        t("Which clock do they live by? Choose one, or type a city. Dates and commands for this cohort use it."),
        found.buttons,
    )


def review(draft: UUID, wish: Wish, title: str, t: Texts, now: datetime) -> Message:
    """Everything on one screen; what is required is marked until it is there."""
    alone = wish.kind is CohortKind.INDIVIDUAL
    zone = wish.zone or "UTC"
    lines = [
        t(
            "<b>{name}</b>, {kind}: {labels}",
            name=wish.name,
            kind=t.label(KIND_NAMES[wish.kind]),
            labels=_seats(wish, t),
        ),
        t("Time zone: {zone}, {hour} there now", zone=zone, hour=Texts(t.language, ZoneInfo(zone)).hour(now)),
        t("Programme: {title}", title=title),
        Html(""),
        *([] if alone else [t("What one of them tells you alone: choose what holds. They read it before they agree.")]),
        t("Minimal mode: no answers are kept. Taps only say that something is done.")
        if alone
        else t(
            "Minimal mode: no answers are kept and nothing opens between them. Taps only say that something is done."
        ),
    ]
    policies = [
        (button(_marked(t.label(label), "●" if policy is wish.policy else "○"), "found-policy", draft, policy.value),)
        for policy, label in POLICY_LABELS.items()
    ]
    screened = t.label("Screened alone, off this bot") if alone else t.label("Each was screened alone, off this bot")
    changes = [
        button(t.label("Name"), "found-ask", draft, "name"),
        button(t.label("Seats"), "found-ask", draft, "labels"),
        button(t.label("Time zone"), "found-ask", draft, "zone"),
        button(t.label("Programme"), "found-ask", draft, "programme"),
    ]
    return Message(
        Html("\n".join(lines)),
        (
            (button(_marked(screened, "☑" if wish.screened else "☐"), "found-screened", draft),),
            *([] if alone else policies),
            (button(_marked(t.label("Minimal mode"), "☑" if wish.minimal else "☐"), "found-minimal", draft),),
            *grid(changes, 4),
            (_cancel(draft, t), button(t.label("Make the links"), "found-make", draft)),
        ),
    )


def _seats(wish: Wish, t: Texts) -> str:
    if all(label.isdecimal() for label in wish.labels):
        return t.many("{n} seat", "{n} seats", len(wish.labels))
    return ", ".join(wish.labels)


def _marked(label: str, mark: str) -> str:
    return f"{mark} {label}"


def pick_programme(draft: UUID, titles: Sequence[str], t: Texts) -> Message:
    rows = [(button(title, "found-programme", draft, str(number)),) for number, title in enumerate(titles)]
    back = button(t.label("Back"), "found-ask", draft, "review")
    return Message(t("Which programme carries them?"), (*rows, (back,)))


def made(cohort: Cohort, name: str, links: int, t: Texts) -> Message:
    return Message(
        t.many(
            "<b>{name}</b> is there. Its link is on its way to you, with a picture. Forward it in private.",
            "<b>{name}</b> is there. {n} links are on their way to you, each with a picture. Forward each one to the "
            "person it names, in private.",
            links,
            name=name,
        ),
        ((to_cohort(cohort, t), to_home(t)),),
    )


def made_for_all(cohort: Cohort, name: str, t: Texts) -> Message:
    """A group whose seats have numbers."""
    return Message(
        t(
            "<b>{name}</b> is there, with {seats} seats. One link for all of them is on its way to you, with a "
            "picture. Send it to each person in private. You admit everybody yourself; when the seats are taken, "
            "whoever opens it waits until you give them one.",
            name=name,
            seats=cohort.seats,
        ),
        ((to_cohort(cohort, t), to_home(t)),),
    )


def given_up(t: Texts) -> Message:
    return Message(t("Nothing was made."), ((to_home(t),),))


def _cancel(draft: UUID, t: Texts) -> Button:
    return button(t.label("Cancel"), "found-drop", draft)
