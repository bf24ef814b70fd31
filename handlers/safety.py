"""Help in one tap, from anybody and at any time; and what facilitators do when somebody needs them."""

from __future__ import annotations

from uuid import UUID

from bot.buttons import UnknownButton
from bot.errors import Refused
from bot.messages import Message
from bot.safety import actions, card, compose, handling, queries
from bot.safety.rules import AlertClosed, NobodyElse, NobodyToCall, NotYourAlert, others
from bot.storage.database import Transaction
from bot.storage.tables import Alert, Cohort, Person
from bot.texts import N_
from bot.window.queries import name_of
from bot.words import AlertCause, AlertOutcome, Level
from handlers.context import Context, Handler


async def help_card(ctx: Context) -> None:
    """The help card, in any state and for strangers too; in a group, the card that belongs to nobody in particular."""
    async with ctx.transaction() as tx:
        if ctx.said.private:
            me = await ctx.person(tx)
            shown = await card.help_for(tx, me, ctx.texts)
        else:
            shown = card.help_card_for_groups(ctx.texts)
    await ctx.toast()
    await ctx.say(shown)


async def call(ctx: Context) -> None:
    """Ask the facilitator to get in touch; the receipt is a delivery, so that it cannot be lost."""
    if not ctx.said.private:
        await help_card(ctx)  # never a no to somebody who asks for help, and never their matters in a group
        return
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        everybody = await queries.helpers_of_person(tx, me.id)
        chosen = _chosen(ctx, everybody)
        screen = compose.which_call(ctx.texts, chosen) if len(chosen) > 1 else await _ask_for_a_call(ctx, tx, chosen[0])
    await ctx.toast()
    if screen is not None:
        await ctx.say(screen)


async def _ask_for_a_call(ctx: Context, tx: Transaction, helpers: queries.Helpers) -> Message | None:
    """Raise it; a screen is only needed if that had been done before, for then no receipt is on its way."""
    known = await queries.open_alert(tx, helpers.member, AlertCause.CALL, None, None)
    alert = await actions.raise_alert(tx, helpers.member, Level.AMBER, AlertCause.CALL, now=ctx.now)
    return compose.already_told(ctx.texts, helpers, alert) if known is not None else None


async def help_now(ctx: Context) -> None:
    """A red alert to everybody who holds this person, and the card before anything else. Nothing is asked first."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        for member in await queries.memberships(tx, me.id):
            await actions.raise_alert(tx, member, Level.RED, AlertCause.UNSAFE, now=ctx.now)
        shown = await card.help_for(tx, me, ctx.texts)
    await ctx.toast()
    await ctx.say(shown)


def _chosen(ctx: Context, everybody: list[queries.Helpers]) -> list[queries.Helpers]:
    """Whom a call is meant for: the one on the button, else all that could be.

    Raises:
        NobodyToCall: this person is nobody's member.
    """
    wanted = ctx.said.tap.ref if ctx.said.tap else None
    found = [one for one in everybody if wanted is None or one.member.id == wanted]
    if not found:
        raise NobodyToCall
    return found


# ── Facilitators ───────────────────────────────────────────────────────────────────────────────────────────────────


async def alerts(ctx: Context) -> None:
    """Everybody who needs this facilitator now."""
    ctx.stay_private()
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        screen = compose.alerts(ctx.texts, await queries.unresolved(tx, me), ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def open_alert(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        _, alert = await _readable(ctx, tx)
        screen = compose.unfolded(ctx.texts, await queries.see(tx, alert), ctx.now)
    await ctx.toast()
    await ctx.show(screen)


async def fold_alert(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        _, alert = await _readable(ctx, tx)
        screen = compose.folded(ctx.texts, alert)
    await ctx.toast()
    await ctx.show(screen)


async def read_alert(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        alert = await handling.acknowledge(tx, ctx.ref, me, now=ctx.now, tapped=ctx.said.message_id)
        screen = compose.unfolded(ctx.texts, await queries.see(tx, alert), ctx.now)
    await ctx.toast(ctx.texts.label("Noted."))
    await ctx.show(screen)


async def close_alert(ctx: Context) -> None:
    """Resolve with an outcome; then it folds, unless the member's programme still waits to be resumed."""
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        outcome = _outcome(ctx.tap.arg)
        alert = await handling.resolve(tx, ctx.ref, me, outcome, now=ctx.now, tapped=ctx.said.message_id)
        seen = await queries.see(tx, alert)
        held = seen.member.held_at is not None
        screen = compose.unfolded(ctx.texts, seen, ctx.now) if held else compose.folded(ctx.texts, alert)
    await ctx.toast(ctx.texts.label("Closed."))
    await ctx.show(screen)


async def hand_over(ctx: Context) -> None:
    """Ask to whom."""
    async with ctx.transaction() as tx:
        me, alert = await _readable(ctx, tx)
        cohort = await tx.get_one(Cohort, alert.cohort_id)
        roster = await queries.roster_of(tx, cohort)
        people = [await tx.get_one(Person, one) for one in others(roster, me.id)]
        screen = compose.hand_over_to(ctx.texts, alert, [(person, name_of(tx, person)) for person in people])
    await ctx.toast()
    await ctx.show(screen)


async def hand_over_to(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        alert = await handling.hand_over(tx, ctx.ref, me, _person(ctx.tap.arg), now=ctx.now)
        screen = compose.folded(ctx.texts, alert)
    await ctx.toast(ctx.texts.label("Handed over."))
    await ctx.show(screen)


async def resume(ctx: Context) -> None:
    async with ctx.transaction() as tx:
        me = await ctx.person(tx)
        alert = await handling.resume(tx, ctx.ref, me, now=ctx.now)
        screen = compose.unfolded(ctx.texts, await queries.see(tx, alert), ctx.now)
    await ctx.toast(ctx.texts.label("Their programme goes on."))
    await ctx.show(screen)


async def _readable(ctx: Context, tx: Transaction) -> tuple[Person, Alert]:
    me = await ctx.person(tx)
    alert = await tx.get(Alert, ctx.ref)
    if alert is None or not await queries.may_open(tx, me, alert):
        raise NotYourAlert
    return me, alert


def _outcome(arg: str) -> AlertOutcome:
    if arg not in set(AlertOutcome):
        raise UnknownButton
    return AlertOutcome(arg)


def _person(arg: str) -> UUID:
    try:
        return UUID(hex=arg)
    except ValueError as wrong:
        raise UnknownButton from wrong


async def came_or_went(ctx: Context) -> None:
    """Somebody blocked the bot or let it back in; a group put it out or took it in."""
    async with ctx.transaction() as tx:
        chat = await queries.chat_known_as(tx, ctx.said.chat_id)
        if chat is None:
            return
        if ctx.said.bot_is in _AWAY:
            await actions.lose(tx, chat, now=ctx.now)
        else:
            actions.regain(chat)


_AWAY = {"kicked", "left"}  # Telegram's words: in a private chat, kicked means blocked

COMMANDS: dict[str, Handler] = {"help": help_card, "call": call, "alerts": alerts}

BUTTONS: dict[str, Handler] = {
    "help": help_card,
    "call": call,
    "help-now": help_now,
    "alerts": alerts,
    "alert-open": open_alert,
    "alert-fold": fold_alert,
    "alert-read": read_alert,
    "alert-close": close_alert,
    "alert-hand": hand_over,
    "alert-to": hand_over_to,
    "alert-resume": resume,
}

TYPED: dict[str, Handler] = {}

REFUSALS: dict[type[Refused], str] = {
    NobodyToCall: N_("You have no facilitator here whom I could ask. /help shows numbers that are always open."),
    NotYourAlert: N_("This is not here any more. /alerts shows who waits for you."),
    AlertClosed: N_("This was closed already. /alerts shows who waits for you."),
    NobodyElse: N_("Nobody else holds this group yet. /cofacilitator makes a link for somebody who shall."),
}
