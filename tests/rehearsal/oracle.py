"""An independent judge: aiogram's models of the Bot API read every request of a bot and everything the stage emits.

`check_request(method, params)` raises AssertionError or pydantic's ValidationError for a request that Telegram would not
understand; `check_update`, `check_message` and `check_result` do the same for what the stage says. `watch(stage)` has
every update, every request and every accepted result of a stage checked; what is wrong is raised when serving ends, or
at once where no server is between.
"""

from __future__ import annotations

import json
import typing
from typing import Any

import aiogram.methods
from aiogram.client.default import Default
from aiogram.types import BufferedInputFile, Message, Update
from pydantic import BaseModel, TypeAdapter

from bot.rehearsal.files import Upload

METHODS = {
    method.__api_method__.lower(): method
    for method in vars(aiogram.methods).values()
    if isinstance(method, type) and isinstance(getattr(method, "__api_method__", None), str)
}
PLAIN = (str, type(None), Default)


def check_request(method: str, params: dict[str, Any]) -> None:
    model = METHODS[method.lower()]
    uploads = {name for name, value in params.items() if isinstance(value, Upload)}
    unknown = params.keys() - model.model_fields.keys() - uploads
    assert not unknown, f"{method} has no parameters {sorted(unknown)}"

    given = {name: _decoded(model, name, value) for name, value in params.items() if name in model.model_fields}

    _no_extras(model.model_validate(given), method)


def check_update(update: dict[str, Any]) -> None:
    _no_extras(Update.model_validate(update), "update")


def check_message(message: dict[str, Any]) -> None:
    _no_extras(Message.model_validate(message), "message")


def check_result(method: str, result: Any) -> None:
    read = TypeAdapter(METHODS[method.lower()].__returning__).validate_python(result)
    for part in read if isinstance(read, list) else [read]:
        if isinstance(part, BaseModel):
            _no_extras(part, method)


def watch(stage: Any) -> None:
    def read_call(call: Any) -> None:
        if call.accepted:
            check_request(call.method, call.params)
            check_result(call.method, call.result)

    stage.journal.watchers.append(read_call)
    stage.update_watchers.append(lambda _, update: check_update(update))


def _decoded(model: type[BaseModel], name: str, value: Any) -> Any:
    """Structured parameters travel as JSON text in forms; files arrive as uploads."""
    if isinstance(value, Upload):
        return BufferedInputFile(value.content, value.name)
    annotation = model.model_fields[name].annotation
    structured = any(kind not in PLAIN for kind in typing.get_args(annotation) or [annotation])
    if structured and isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)
    return value


def _no_extras(value: Any, where: str) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{where}: {type(value).__name__} has no fields {sorted(value.model_extra)}"
        for name in value.model_fields_set:
            _no_extras(getattr(value, name, None), f"{where}.{name}")
    elif isinstance(value, list):
        for part in value:
            _no_extras(part, where)
