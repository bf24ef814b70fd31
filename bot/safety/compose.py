"""What the help card, the receipts and the alerts say.

The words are fixed. Nothing in a notification says who, what or why: that unfolds when its reader asks for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain

from babel.lists import format_list

from bot.buttons import button, link
from bot.messages import Button, Html, Message, Row, Withdrawn
from bot.safety.lines import DIRECTORY, HelpLines, Line, lines_for
from bot.safety.queries import Helpers, Seen, helpers_of, helpers_of_person, see
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


# ── The help card ──────────────────────────────────────────────────────────────────────────────────────────────────


async def help_for(tx: Transaction, person: Person, t: Texts) -> Message:
    """The help card of a person, whoever they are."""
    return help_card(t, person.country, await helpers_of_person(tx, person.id))


def help_card(t: Texts, country: str | None, helpers: Sequence[Helpers]) -> Message:
    """Whom to call, who is there for this person, and one tap to reach them."""
    names = _names(t, helpers)
    lines = lines_for(country)
    parts = [
        t(
            "{names} and you meet here through a program, and that is what I am: not a person, not an emergency "
            "service. Nobody watches this chat around the clock.",
            names=names,
        )
        if names
        else t("I am a program, not a person and not an emergency service. Nobody watches this chat around the clock."),
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
                t("I am a program and not an emergency service. Nobody watches this chat around the clock."),
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
    name = _name(t, helpers[0])
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


def _in_short(t: Texts, country: str | None) -> Html:
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


# ── What the member reads ──────────────────────────────────────────────────────────────────────────────────────────


def which_call(t: Texts, helpers: Sequence[Helpers]) -> Message:
    """Somebody with several facilitators says whom they mean."""
    rows = [
        (button(t.label("{name} ({cohort})", name=_name(t, one), cohort=one.cohort_name), "call", one.member.id),)
        for one in helpers
    ]
    return Message(t("Whom shall I ask to call you?"), tuple(rows))


def already_told(t: Texts, helpers: Helpers, alert: Alert) -> Message:
    """A second press before anybody has read the first."""
    text = t(
        "{name} was told at {hour} and has not confirmed it yet. I can't know when it is read.",
        name=_name(t, helpers),
        hour=t.hour(alert.raised_at),
    )
    return Message(text, ((button(t.label("Help"), "help"),),))


async def receipt(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Fay has been told; outside her hours this is said first, and a red one never goes without the lines."""
    alert, helpers, country = await _for_member(tx, row)
    name = _name(t, helpers)
    parts = [] if helpers.duty.holds_at(alert.raised_at) else [_off_duty(t, helpers.duty, alert.raised_at, name)]
    parts.append(t("{name} has been told. I can't know when it is read.", name=name))
    if alert.level is Level.RED:
        parts.append(_in_short(t, country))
        parts.append(t("My other messages to you rest until {name} lets them go on.", name=name))
    return Message("\n\n".join(parts), ((button(t.label("Help"), "help"),),))


async def read(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Somebody has read it, and when."""
    alert, helpers, _ = await _for_member(tx, row)
    seen = await see(tx, alert)
    if alert.acknowledged_at is None:
        return Withdrawn("not read")
    return Message(
        t("{name} read it at {hour}.", name=seen.read_by or _name(t, helpers), hour=t.hour(alert.acknowledged_at))
    )


async def untold(tx: Transaction, row: Delivery, t: Texts, now: datetime) -> Message | Withdrawn:  # noqa: ARG001 - one signature for all
    """Nobody has confirmed yet, and what to do instead of waiting."""
    alert, helpers, country = await _for_member(tx, row)
    if alert.acknowledged_at is not None:
        return Withdrawn("read")
    text = t("Nobody has confirmed yet; please don't wait.")
    return Message(f"{text}\n\n{_in_short(t, country)}", help_buttons(t, [helpers]))


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
    lines = [t.many("One person or thing waits for you.", "{n} wait for you.", len(waiting))]
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
    return t.span(max(now - alert.raised_at, timedelta(minutes=1)))


# ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(t: Texts, helpers: Helpers) -> str:
    return helpers.names[0] if helpers.names else t.label("Your facilitator")


def _names(t: Texts, helpers: Sequence[Helpers]) -> str:
    everybody = list(dict.fromkeys(chain.from_iterable(one.names for one in helpers)))
    return format_list(everybody, locale=t.locale) if everybody else ""


def _either(t: Texts, numbers: Sequence[str]) -> str:
    return format_list(list(numbers), style="or", locale=t.locale)


Composer = Callable[[Transaction, Delivery, Texts, datetime], Awaitable[Message | Withdrawn]]

COMPOSERS: dict[str, Composer] = {
    "alert": alert_row,
    "alert-fold": alert_fold,
    "alert-receipt": receipt,
    "alert-read": read,
    "alert-untold": untold,
}
