"""The Bot API of the stage: from a method's name and its parameters to what Telegram would answer.

`Api(stage).answer(bot, method, given)` decides one call and enters it into the journal. Parameters may be strings
(forms) or values (JSON); files are `Upload`s. Getting bytes in and out, waiting and faults on the way are the
server's business.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal import (  # noqa: F401 - importing a module of methods enters them into the table
    editing,
    lookups,
    polls,
    profile,
    receiving,
    sending,
)
from bot.rehearsal.journal import Call
from bot.rehearsal.methods import METHODS, Ask, Method
from bot.rehearsal.parameters import read
from bot.rehearsal.refusals import Refusal, bad, not_found, unauthorized
from bot.rehearsal.stage import TOKEN, Bot, Stage


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: the HTTP status and the JSON body."""

    code: int
    body: dict[str, Any] = field(repr=False)

    @property
    def retry_after(self) -> int | None:
        seconds: int | None = self.body.get("parameters", {}).get("retry_after")
        return seconds


class Api:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def bot_of(self, token: str) -> Bot:
        """Whose token this is; 401 for an unknown one, 404 for what cannot be a token."""
        bot = self.stage.bots.get(token)
        if bot is None:
            raise unauthorized() if TOKEN.fullmatch(token) else not_found()
        return bot

    def method(self, name: str) -> Method:
        method = METHODS.get(name.lower())
        if method is None:
            raise not_found()
        return method

    def answer(
        self,
        bot: Bot,
        method: Method,
        given: dict[str, Any],
        *,
        instead: Refusal | None = None,
        fault: str | None = None,
    ) -> Answer:
        """Decide a call, or refuse it with `instead`; `fault` is only noted."""
        stage = self.stage
        call = Call(method.name, bot.id, given.get("chat_id"), given, stage.clock.now, time.monotonic(), fault=fault)
        try:
            call.result = self._decide(bot, method, given, instead)
        except Refusal as refusal:
            call.code, call.description = refusal.code, refusal.description
            answer = Answer(refusal.code, refusal.as_json())
        else:
            answer = Answer(200, {"ok": True, "result": call.result})
        stage.journal.add(call)
        return answer

    def _decide(self, bot: Bot, method: Method, given: dict[str, Any], instead: Refusal | None) -> Any:
        if instead is not None:
            raise instead
        try:
            return method.handle(Ask(self.stage, bot, read(given, method.kinds)))
        except UnicodeError:
            raise bad("strings must be encoded in UTF-8") from None
