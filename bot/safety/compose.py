"""What receipts and alerts say.

The words are fixed. Nothing in a notification says who, what or why: that unfolds when its reader asks for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from bot.buttons import button
from bot.messages import Button, Html, Message, Row, Withdrawn
from bot.safety.card import help_buttons, in_short, name_for
from bot.safety.queries import Helpers, Seen, helpers_of, see
from bot.safety.rules import DutyHours
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Delivery, Member, Person
from bot.texts import N_, Texts
from bot.words import AlertCause, AlertOutcome, AlertState, Level

LISTED = 20  # alerts in one list; older ones follow when these are done

_WHAT: dict[AlertCause, str] = {
    AlertCause.CALL: N_("asks you to get in touch."),
    AlertCause.UNSAFE: N_("says that they need help now."),
    AlertCause.ANSWER: N_("gave an answer that asks for you."),
    AlertCause.SILENCE: N_("has not answered something that waits for a sign."),
    AlertCause.UNREACHABLE: N_("cannot be reached on Telegram."),
}
_OUTCOMES: dict[AlertOutcome, str] = {
    AlertOutcome.CONTACTED: N_("We spoke"),
    AlertOutcome.HANDED_OVER: N_("Passed on"),
    AlertOutcome.NOT_NEEDED: N_("Not needed"),
}


# ── What the member reads ──────────────────────────────────────────────────────────────────────────────────────────


def which_call(t: Texts, helpers: Sequence[Helpers]) -> Message:
    """Somebody with several facilitators says whom they mean."""
    rows = [
        (button(t.label("{name} ({cohort})", name=name_for(t, one), cohort=one.cohort_name), "call", one.member.id),)
        for one in helpers
    ]
    return Message(t("Whom shall I ask to call you?"), tuple(rows))


def already_told(t: Texts, helpers: Helpers, alert: Alert) -> Message:
    """A second press before anybody has read the first."""
    text = t(
        "{name} was told at {hour} and has not confirmed it yet. I can't know when it is read.",
        name=name_for(t, helpers),
        hour=t.hour(alert.raised_at),
    )
    return Message(text, ((button(t.label("Help"), "help"),),))


async def receipt(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Fay has been told; outside her hours this is said first, and a red one never goes without the lines."""
    alert, helpers, country = await _for_member(tx, row)
    name = name_for(t, helpers)
    parts = [] if helpers.duty.holds_at(alert.raised_at) else [_off_duty(t, helpers.duty, alert.raised_at, name)]
    parts.append(t("{name} has been told. I can't know when it is read.", name=name))
    if alert.level is Level.RED:
        parts.append(in_short(t, country))
        parts.append(t("My other messages to you rest until {name} lets them go on.", name=name))
    return Message("\n\n".join(parts), ((button(t.label("Help"), "help"),),))


async def read(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Somebody has read it, and when."""
    alert, helpers, _ = await _for_member(tx, row)
    seen = await see(tx, alert)
    if alert.acknowledged_at is None:
        return Withdrawn("not read")
    return Message(
        t("{name} read it at {hour}.", name=seen.read_by or name_for(t, helpers), hour=t.hour(alert.acknowledged_at))
    )


async def untold(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Nobody has confirmed yet, and what to do instead of waiting."""
    alert, helpers, country = await _for_member(tx, row)
    if alert.acknowledged_at is not None:
        return Withdrawn("read")
    text = t("Nobody has confirmed yet; please don't wait.")
    return Message(f"{text}\n\n{in_short(t, country)}", help_buttons(t, [helpers]))


def _off_duty(t: Texts, duty: DutyHours, at: datetime, name: str) -> Html:
    begins, ends = duty.on_the_day_of(at)
    return t(
        "It is outside the hours in which {name} looks here ({begins} to {ends}, your time).",
        name=name,
        begins=t.hour(begins),
        ends=t.hour(ends),
    )


async def _for_member(tx: Transaction, row: Delivery) -> tuple[Alert, Helpers, str | None]:
    alert = await tx.get_one(Alert, row.ref)
    member = await tx.get_one(Member, alert.member_id)
    person = await tx.get_one(Person, member.person_id)
    return alert, await helpers_of(tx, member), person.country


# ── What the facilitator reads ─────────────────────────────────────────────────────────────────────────────────────


async def alert_row(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """That somebody needs them, and nothing else."""
    alert = await tx.get_one(Alert, row.ref)
    if alert.state is not AlertState.OPEN:
        return Withdrawn("read")
    return folded(t, alert, again=bool((row.facts or {}).get("repeats")))


async def alert_fold(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """The copies on other phones say that somebody is with it."""
    return folded(t, await tx.get_one(Alert, row.ref))


def folded(t: Texts, alert: Alert, *, again: bool = False) -> Message:
    """An alert without content, as it stands."""
    if alert.state is AlertState.RESOLVED:
        text = t("Somebody needed you. This is closed.")
    elif alert.state is AlertState.ACKNOWLEDGED:
        text = t("Somebody needs you. One of you has read it.")
    elif again:
        text = t("Somebody needs you. Nobody has read it yet.")
    else:
        text = t("Somebody needs you.")
    return Message(text, ((button(t.label("Open"), "alert-open", alert.id),),))


def unfolded(t: Texts, seen: Seen, now: datetime) -> Message:
    """Who, what, when, and what can be done about it."""
    alert = seen.alert
    parts = [
        t("<b>{who}</b> ({cohort}) {what}", who=seen.who, cohort=seen.cohort_name, what=t(_WHAT[alert.cause])),
        t("{when}, {age} ago.", when=t.when(alert.raised_at), age=_age(t, alert, now)),
    ]
    if alert.acknowledged_at is not None:
        parts.append(t("Read by {name} at {hour}.", name=seen.read_by, hour=t.hour(alert.acknowledged_at)))
    if alert.outcome is not None and alert.resolved_at is not None:
        how = t.label(_OUTCOMES[alert.outcome])
        parts.append(t("Closed at {hour}: {how}.", hour=t.hour(alert.resolved_at), how=how))
    if seen.member.held_at is not None:
        parts.append(t("Their programme rests and their sealed answers stay closed until you let them go on."))
    return Message("\n".join(parts), tuple(_alert_buttons(t, seen)))


def _alert_buttons(t: Texts, seen: Seen) -> list[Row]:
    alert = seen.alert
    rows: list[Row] = []
    if alert.state is AlertState.OPEN:
        rows.append((button(t.label("I've read it"), "alert-read", alert.id),))
    if alert.state is not AlertState.RESOLVED:
        rows.append(
            (
                button(t.label("Write to {who}", who=seen.who), "write-to", seen.member.id),
                button(t.label("Hand over"), "alert-hand", alert.id),
            )
        )
        rows.append(tuple(button(t.label(_OUTCOMES[how]), "alert-close", alert.id, str(how)) for how in AlertOutcome))
    if seen.member.held_at is not None:
        rows.append((button(t.label("Resume their programme"), "alert-resume", alert.id),))
    rows.append((button(t.label("Fold"), "alert-fold", alert.id),))
    return rows


def hand_over_to(t: Texts, alert: Alert, people: Sequence[tuple[Person, str]]) -> Message:
    """To whom it goes."""
    rows: list[Row] = [(button(name, "alert-to", alert.id, person.id.hex),) for person, name in people]
    rows.append((button(t.label("Back"), "alert-open", alert.id),))
    return Message(
        t("Who takes it over? They are told at once, and it counts as unread until they read it."), tuple(rows)
    )


def alerts(t: Texts, waiting: Sequence[Seen], now: datetime) -> Message:
    """Everybody who needs this facilitator, with how long they have waited, and one tap to act."""
    if not waiting:
        return Message(t("Nobody is waiting for you."))
    lines = [t.many("One alert waits for you.", "{n} alerts wait for you.", len(waiting))]
    buttons: list[Button] = []
    for seen in waiting[:LISTED]:
        mark = "🔴" if seen.alert.level is Level.RED else "🟠"
        age = _age(t, seen.alert, now)
        lines.append(
            t(
                "{mark} {who} ({cohort}), {age}: {what}",
                mark=mark,
                who=seen.who,
                cohort=seen.cohort_name,
                age=age,
                what=t(_WHAT[seen.alert.cause]),
            )
        )
        buttons.append(button(f"{mark} {seen.who}, {age}", "alert-open", seen.alert.id))
    return Message("\n".join(lines), tuple((one,) for one in buttons))


def _age(t: Texts, alert: Alert, now: datetime) -> str:
    age = now - alert.raised_at
    return t.span(age) if age >= timedelta(minutes=2) else t.label("a moment")


Composer = Callable[[Transaction, Delivery, Texts, datetime], Awaitable[Message | Withdrawn]]

COMPOSERS: dict[str, Composer] = {
    "alert": alert_row,
    "alert-fold": alert_fold,
    "alert-receipt": receipt,
    "alert-read": read,
    "alert-untold": untold,
}
