"""The screens with which a member changes how, when and whether they are written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.buttons import button, grid
from bot.enrolment.zones import country_name
from bot.messages import Message, Row, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member, Person
from bot.texts import Texts
from bot.window.queries import is_paused
from bot.words import CohortKind, Consent, Pace

LANGUAGE_NAMES = {"en": "English", "de": "Deutsch"}
QUIET_CHOICES = ("20-8", "21-8", "22-7", "23-9")


@dataclass(frozen=True)
class Coming:
    """One thing that comes next, without saying what it asks."""

    at: datetime
    kind: str  # session, gathering, opening or step


def settings(person: Person, places: list[tuple[Member, str]], t: Texts) -> Message:
    """How this person is written to; with several cohorts a row for each."""
    country = country_name(person.country, t.language) if person.country else t("not set")
    lines = [
        t("<b>Settings</b>"),
        t("Zone: {zone} ({country})", zone=person.zone.key.replace("_", " "), country=country),
        t("Quiet: {begins} to {ends}", begins=t.hour(person.quiet_begins), ends=t.hour(person.quiet_ends)),
        t("Messages stay folded until you open them.") if person.discreet else t("Messages come unfolded."),
    ]
    rows: list[Row] = [
        (button(t.label("Zone"), "my-zone"), button(t.label("Quiet hours"), "my-quiet")),
        (
            button(t.label("Unfolded") if person.discreet else t.label("Folded"), "my-discreet"),
            *(
                button(LANGUAGE_NAMES.get(language, language), "my-language", None, language)
                for language in sorted(LANGUAGE_NAMES)
                if language != person.language
            ),
        ),
    ]
    rows += [(button(t.label("My place in {name}", name=name), "my-place", member.id),) for member, name in places]
    rows.append((button(t.label("My data"), "mydata"), button(t.label("Help"), "help")))
    return Message("\n".join(lines), tuple(rows))


def quiet_choices(t: Texts) -> Message:
    buttons = [button(choice.replace("-", ":00 – ") + ":00", "my-quiet", None, choice) for choice in QUIET_CHOICES]
    return Message(
        t("When should this chat stay silent? What you ask for yourself still comes."),
        (*grid(buttons, 2), (button(t.label("Back"), "settings"),)),
    )


def ask_zone(t: Texts) -> Message:
    return Message(
        t("Write the city you are in, or your zone (Europe/Berlin)."), ((button(t.label("Back"), "settings"),),)
    )


def zone_choices(zones: list[tuple[str, str]], t: Texts) -> Message:
    """Several places have this name."""
    buttons = [button(label, "my-zone", None, zone) for zone, label in zones if len(zone) <= 40 and "/" not in zone]
    return Message(t("Which one?"), (*grid(buttons, 1), (button(t.label("Back"), "settings"),)))


def place(
    member: Member,
    cohort: Cohort,
    name: str,
    switches: dict[Consent, bool],
    facilitator: str,
    t: Texts,
    *,
    now: datetime,
) -> Message:
    """One's own place in one cohort."""
    paused = is_paused(member, now)
    state = t("Paused.") if paused else t("Running.")
    if paused and member.paused_until is not None:
        state = t("Paused until {when}.", when=t.when(member.paused_until))
    lines: list[str] = [t("<b>{name}</b>", name=name), state]
    lines += [_switch_line(switch, granted, facilitator, t) for switch, granted in switches.items()]
    rows: list[Row] = [
        (button(_switch_label(switch, granted, t), "my-switch", member.id, switch.value),)
        for switch, granted in switches.items()
    ]
    if paused:
        rows.append((button(t.label("Go on"), "resume", member.id),))
    else:
        rows.append(
            (
                button(t.label("Pause 3 days"), "pause", member.id, "3d"),
                button(t.label("Pause until I return"), "pause", member.id),
            )
        )
    rows.append(_pace_row(member, t))
    if cohort.kind is CohortKind.COUPLE and cohort.unpaired_at is None:
        rows.append((button(t.label("Turn off paired messages"), "unpair", member.id),))
    rows.append((button(t.label("Leave"), "leave", member.id), button(t.label("Back"), "settings")))
    return Message("\n".join(lines), tuple(rows))


def which_place(places: list[tuple[Member, str]], action: str, arg: str, t: Texts) -> Message:
    """Several cohorts: ask which."""
    return Message(t("Which one?"), tuple((button(name, action, member.id, arg),) for member, name in places))


def confirm_leave(member: Member, t: Texts) -> Message:
    return Message(
        t(
            "<b>Leave?</b>\n\nYou will get nothing more from here, at once. The others are not told. What you wrote "
            "stays yours until you erase it under /mydata. You don't need a reason."
        ),
        ((button(t.label("Yes, leave"), "leave", member.id, "yes"), button(t.label("Stay"), "settings")),),
    )


def left(t: Texts) -> Message:
    return Message(
        t("You have left. Nothing more will come. Take your data with you, or erase it, whenever you like: /mydata"),
        ((button(t.label("My data"), "mydata"),),),
    )


def confirm_unpair(member: Member, t: Texts) -> Message:
    return Message(
        t(
            "<b>Turn off paired messages?</b>\n\nSealed answers that are not open yet are deleted, and opened ones fold "
            "on both phones; screenshots may exist. Both of you read the same line: that paired messages are off for now. "
            "Nobody is told who asked."
        ),
        ((button(t.label("Yes, turn them off"), "unpair", member.id, "yes"), button(t.label("Not now"), "settings")),),
    )


def next_steps(coming: list[Coming], t: Texts) -> Message:
    """What comes next, without saying what it asks."""
    if not coming:
        return Message(t("Nothing is planned for you at the moment."))
    names = {
        "session": t("your session begins"),
        "gathering": t("you meet"),
        "opening": t("sealed answers may open"),
        "step": t("something small"),
    }
    lines = [f"{t.when(one.at)} · {names[one.kind]}" for one in coming]
    return Message("\n".join([t("<b>What comes next</b>"), *lines]), ((button(t.label("Settings"), "settings"),),))


async def unpaired(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The same words for both, whoever asked."""
    return Message(
        t(
            "Paired messages are off for now. What was not open yet is gone; what was open is folded, though screenshots "
            "may exist. If you like, a few small steps for you alone can go on."
        ),
        ((button(t.label("Go on alone, lightly"), "my-pace", row.ref, Pace.LIGHT_TOUCH.value),),),
    )


async def somebody_left(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001
    """To the facilitators."""
    member = await tx.get(Member, row.ref)
    if member is None:
        return Withdrawn("erased")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    return Message(
        t(
            "{member} has left {cohort}. Nothing more goes to them, and the others are not told.",
            member=tx.open(member, "alias"),
            cohort=tx.open(cohort, "name"),
        )
    )


COMPOSERS = {"unpaired": unpaired, "left": somebody_left}


def _switch_line(switch: Consent, granted: bool, facilitator: str, t: Texts) -> str:
    lines = {
        Consent.FACILITATOR: (
            t("{facilitator} reads your check-ins.", facilitator=facilitator),
            t("Your check-ins stay with you."),
        ),
        Consent.PARTNER: (
            t("You may open single answers to your partner."),
            t("Nothing of yours opens to your partner."),
        ),
        Consent.CIRCLE: (t("You may share in rounds."), t("Nothing of yours goes into rounds.")),
    }
    return lines[switch][0 if granted else 1]


def _switch_label(switch: Consent, granted: bool, t: Texts) -> str:
    names = {
        Consent.FACILITATOR: t.label("Check-ins to the facilitator"),
        Consent.PARTNER: t.label("Sharing with my partner"),
        Consent.CIRCLE: t.label("Sharing in rounds"),
    }
    return f"{'☑' if granted else '☐'} {names[switch]}"


def _pace_row(member: Member, t: Texts) -> Row:
    names = {
        Pace.FULL: t.label("All steps"),
        Pace.LIGHTER: t.label("Fewer"),
        Pace.LIGHT_TOUCH: t.label("Very few"),
    }
    return tuple(
        button(f"● {name}" if member.pace is pace else name, "my-pace", member.id, pace.value)
        for pace, name in names.items()
    )


def pace_changed(member_id: UUID, t: Texts) -> Message:
    return Message(
        t("Done. Only you see this; the others go on as before."), ((button(t.label("Back"), "my-place", member_id),),)
    )
