"""One's own place in one cohort: who reads what, resting, going lighter, unpairing, leaving; and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from bot.buttons import button
from bot.enrolment.coming import Coming, What
from bot.enrolment.consent import SWITCH_LABELS
from bot.enrolment.settings import to_settings
from bot.messages import Html, Message, Row, Withdrawn
from bot.storage.database import Transaction
from bot.storage.tables import Cohort, Delivery, Member
from bot.texts import N_, Texts
from bot.window.queries import is_paused
from bot.words import CohortKind, Consent, Pace

_PACES = {Pace.FULL: N_("All steps"), Pace.LIGHTER: N_("Fewer"), Pace.LIGHT_TOUCH: N_("Very few")}
_COMING = {
    What.SESSION: N_("your session begins"),
    What.GATHERING: N_("you meet"),
    What.OPENING: N_("sealed answers may open"),
    What.STEP: N_("something small"),
}


def place(
    member: Member,
    cohort: Cohort,
    name: str,
    switches: Mapping[Consent, bool],
    holders: str,
    t: Texts,
    *,
    alias: str,
    now: datetime,
) -> Message:
    """Everything that can be turned here, for this member alone."""
    alone = cohort.kind is CohortKind.INDIVIDUAL
    lines = [t("<b>{name}</b>", name=name), _state(member, holders, t, now)]
    lines += [_reads(switch, granted, holders, t) for switch, granted in switches.items()]
    lines.append(t("You are called {name} here.", name=alias))
    if not alone:
        lines.append(t("What you change here, the others are not told; they only read your name."))
    rows: list[Row] = [
        (
            button(
                f"{'☑' if granted else '☐'} {t.label(SWITCH_LABELS[switch], holders=holders)}",
                "my-switch",
                member.id,
                switch.value,
            ),
        )
        for switch, granted in switches.items()
    ]
    rows.append(_pause_row(member, t, now))
    rows.append(
        tuple(
            button(f"● {t.label(label)}" if member.pace is pace else t.label(label), "my-pace", member.id, pace.value)
            for pace, label in _PACES.items()
        )
    )
    if cohort.kind is CohortKind.COUPLE and cohort.unpaired_at is None:
        rows.append((button(t.label("Turn off paired messages"), "unpair", member.id),))
    rows.append((button(t.label("Another name"), "my-alias", member.id),))
    rows.append((button(t.label("Leave"), "leave", member.id), to_settings(t)))
    return Message("\n".join(lines), tuple(rows))


def _state(member: Member, holders: str, t: Texts, now: datetime) -> Html:
    if is_paused(member, now):
        if member.paused_until is not None:
            return t("Paused until {when}.", when=t.when(member.paused_until))
        return t("Paused until you return.")
    if member.held_at is not None:
        return t("Resting until {holders} lets it go on.", holders=holders)
    return t("Running.")


def _pause_row(member: Member, t: Texts, now: datetime) -> Row:
    if is_paused(member, now):
        return (button(t.label("Go on now"), "resume", member.id),)
    return (
        button(t.label("Pause 3 days"), "pause", member.id, "3d"),
        button(t.label("Pause until I return"), "pause", member.id),
    )


def _reads(switch: Consent, granted: bool, holders: str, t: Texts) -> Html:
    lines = {
        Consent.FACILITATOR: (
            t("{holders} can read your check-ins.", holders=holders),
            t("Your check-ins stay with you."),
        ),
        Consent.PARTNER: (
            t("You may open single answers to your partner."),
            t("Nothing of yours opens to your partner."),
        ),
        Consent.CIRCLE: (t("You may share in rounds."), t("Nothing of yours goes into rounds.")),
    }
    return lines[switch][0 if granted else 1]


def ask_alias(member: Member, cohort: Cohort, holders: str, t: Texts) -> Message:
    """What others in this cohort read; elsewhere they may be called something else."""
    readers = {
        CohortKind.COUPLE: t("{holders} and your partner read it.", holders=holders),
        CohortKind.GROUP: t("{holders} and your group read it.", holders=holders),
    }.get(cohort.kind, t("{holders} reads it.", holders=holders))
    return Message(
        Html(t("Type the name you want to be called here.") + " " + readers),
        ((button(t.label("Back"), "my-place", member.id),),),
    )


def which_place(places: Sequence[tuple[UUID, str]], action: str, t: Texts, arg: str = "") -> Message:
    """Several cohorts: ask which."""
    return Message(t("Which one?"), tuple((button(name, action, ref, arg),) for ref, name in places))


# ── Leaving ────────────────────────────────────────────────────────────────────────────────────────────────────────


def confirm_leave(member: Member, kind: CohortKind, name: str, t: Texts) -> Message:
    told = (
        t("Your facilitator is told.")
        if kind is CohortKind.INDIVIDUAL
        else t("Your facilitator is told; the others are not.")
    )
    return Message(
        t(
            "<b>Leave {name}?</b>\n\nYou get nothing more from there, at once. {told} What you wrote stays yours until "
            "you erase it under /mydata. You don't need a reason.",
            name=name,
            told=told,
        ),
        ((button(t.label("Yes, leave"), "leave", member.id, "yes"), button(t.label("Stay"), "my-place", member.id)),),
    )


def left(t: Texts) -> Message:
    return Message(
        t("You have left. Nothing more will come. Take your data with you, or erase it, whenever you like: /mydata"),
        ((button(t.label("My data"), "mydata"),),),
    )


async def somebody_left(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """To the facilitators."""
    member = await tx.get(Member, row.ref)
    if member is None:
        return Withdrawn("erased")
    cohort = await tx.get_one(Cohort, member.cohort_id)
    names = {"member": tx.open(member, "alias"), "cohort": tx.open(cohort, "name")}
    return Message(
        t("{member} has left {cohort}. Nothing more goes to them.", **names)
        if cohort.kind is CohortKind.INDIVIDUAL
        else t("{member} has left {cohort}. Nothing more goes to them, and the others are not told.", **names),
        ((button(t.label("Seats and links"), "seats", cohort.id),),),
    )


# ── Unpairing ──────────────────────────────────────────────────────────────────────────────────────────────────────

_UNPAIRING = N_(
    "Sealed answers that are not open yet are deleted, and opened ones fold on both phones; screenshots may exist. "
    "Both read the same line: that paired messages are off for now. Nobody is told who asked."
)


def confirm_unpair(member: Member, t: Texts) -> Message:
    """To a member of the couple."""
    return Message(
        Html(f"{t('<b>Turn off paired messages?</b>')}\n\n{t(_UNPAIRING)}"),
        (
            (button(t.label("Yes, turn them off"), "unpair", member.id, "yes"),),
            (button(t.label("Not now"), "my-place", member.id),),
        ),
    )


def confirm_unpair_for(cohort_id: UUID, name: str, withdrawn: int, t: Texts) -> Message:
    """To their facilitator, with what it does to the plan."""
    head = t("<b>Turn off paired messages in {name}?</b>", name=name)
    impact = t.many("One planned message is withdrawn.", "{n} planned messages are withdrawn.", withdrawn)
    return Message(
        Html(f"{head}\n\n{impact} {t(_UNPAIRING)}"),
        (
            (button(t.label("Yes, turn them off"), "unpair-for", cohort_id, "yes"),),
            (button(t.label("Not now"), "cohort", cohort_id),),
        ),
    )


def unpaired_now(t: Texts) -> Message:
    return Message(t("Done. Both read the same line."))


async def unpaired(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The same words for both, whoever asked."""
    return Message(
        t(
            "Paired messages are off for now. What was not open yet is gone; what was open is folded, though "
            "screenshots may exist. If you like, a few small steps for you alone can go on."
        ),
        ((button(t.label("Go on alone, lightly"), "my-pace", row.ref, Pace.LIGHT_TOUCH.value),),),
    )


# ── What comes next ────────────────────────────────────────────────────────────────────────────────────────────────


def what_comes(coming: Sequence[Coming], t: Texts) -> Message:
    """When, and not what it asks."""
    lines = [t("{when} · {what}", when=t.when(one.at), what=t.label(_COMING[one.what])) for one in coming]
    text = "\n".join([t("<b>What comes next</b>"), *lines]) if lines else t("Nothing is planned for you at the moment.")
    return Message(text, ((button(t.label("Settings"), "settings"),),))


COMPOSERS = {"unpaired": unpaired, "left": somebody_left}
