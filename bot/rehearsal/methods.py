"""The table of methods: each module of methods enters its own here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal.parameters import Kinds, known
from bot.rehearsal.stage import Bot, Stage
from bot.rehearsal.state import Json


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as its method sees it: who asks, and the parameters in their types."""

    stage: Stage
    bot: Bot
    given: Json = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.given.get(name)


Handler = Callable[[Ask], Any]


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    kinds: Kinds
    handle: Handler


METHODS: dict[str, Method] = {}


def method(name: str, *parameters: str) -> Callable[[Handler], Handler]:
    """Enter a function as the Bot API method `name` with its parameters (see `parameters.known`)."""

    def enter(handler: Handler) -> Handler:
        METHODS[name.lower()] = Method(name, known(*parameters), handler)
        return handler

    return enter
