"""Every polite no in words.

A refusal is answered in the chat with its sentence and remedy; its update counts as handled. Anything unexpected flies
on to the inbox, which logs it with a reference and tries again; only when it gives up does the person read an apology
with that reference.
"""

from __future__ import annotations

import telegram

from bot.buttons import UnknownButton
from bot.delivery.telegram import Call, Method
from bot.errors import Refused
from bot.messages import Message, visible_length
from bot.runtime import Runtime
from bot.storage.drafts import DraftGone
from bot.texts import N_, Texts, supported
from handlers.context import LONGEST_NOTICE, Context, OnlyInPrivate

REFUSALS: dict[type[Refused], str] = {
    UnknownButton: N_("This button is from an earlier time. Send /start to see what is here now."),
    OnlyInPrivate: N_("This is between you and me. Please send it in our own chat."),
    DraftGone: N_("This was already done, or it waited too long. Please begin it again."),
}


async def refuse(runtime: Runtime, update: telegram.Update, no: Refused, ctx: Context | None = None) -> None:
    """Say the sentence of a refusal where the person looks: over the button they pressed, or in the chat."""
    user, query = update.effective_user, update.callback_query
    language = supported(user.language_code if user else None, runtime.settings.default_language)
    t = ctx.texts if ctx is not None else Texts(language)
    sentence = t(REFUSALS[type(no)], **no.facts)
    if query is not None and visible_length(sentence) <= LONGEST_NOTICE:
        plain = t.label(REFUSALS[type(no)], **no.facts)
        await runtime.carrier.do(Call(Method.ANSWER, callback_id=query.id, notice=plain, alert=True))
        return
    if query is not None:
        await runtime.carrier.do(Call(Method.ANSWER, callback_id=query.id))
    if update.effective_chat is not None:
        topic = ctx.said.topic_id if ctx is not None else None
        await runtime.carrier.do(Call(Method.SEND, update.effective_chat.id, Message(sentence), topic_id=topic))


async def apologise(runtime: Runtime, update: telegram.Update, reference: str) -> None:
    """An update was given up after three tries."""
    if update.effective_user is None or update.effective_chat is None or update.effective_user.is_bot:
        return
    t = Texts(supported(update.effective_user.language_code, runtime.settings.default_language))
    sentence = t(
        "Something went wrong on our side, and what you just did was not kept. Please try it again; if it happens "
        "again, tell your facilitator this reference: {reference}",
        reference=reference,
    )
    await runtime.carrier.do(Call(Method.SEND, update.effective_chat.id, Message(sentence)))
