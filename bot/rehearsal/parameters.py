"""Parameters of a call: which a method knows, and their values out of forms or JSON.

Telegram ignores parameters it does not know; the stage refuses them, because a silent typo is the worst kind.
"""

from __future__ import annotations

import json
from typing import Any

from bot.rehearsal.files import Upload
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Json

Kinds = dict[str, str]


def known(*lists: str) -> Kinds:
    """Read "chat_id text entities:json" as {name: kind}; kinds are str (the default), int, bool, json and file."""
    kinds = {}
    for name in " ".join(lists).split():
        parameter, _, kind = name.partition(":")
        kinds[parameter] = kind or "str"
    return kinds


def read(given: dict[str, Any], kinds: Kinds) -> Json:
    """The parameters in their types; raises 400 for unknown ones and for values that are no such thing."""
    values: Json = {}
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is None:
            if isinstance(value, Upload):
                values.setdefault("attached", {})[name] = value
                continue
            raise bad(f"unknown parameter {name}")
        if value is not None:
            values[name] = value if isinstance(value, Upload) else _READ[kind](name, value)
    return values


def _string(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise bad(f"parameter {name} must be a string")


def _integer(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad(f"parameter {name} must be an integer") from None


def _boolean(name: str, value: Any) -> bool:
    said = str(value).strip().lower()
    if said not in {"true", "1", "yes", "false", "0", "no", ""}:
        raise bad(f"parameter {name} must be a boolean")
    return said in {"true", "1", "yes"}


def _structure(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError:
        raise bad(f"can't parse {name} JSON object") from None


def _file(name: str, value: Any) -> str:
    return _string(name, value)


_READ = {"str": _string, "int": _integer, "bool": _boolean, "json": _structure, "file": _file}


def only(what: str, value: Any, allowed: frozenset[str]) -> Json:
    """A structured value that is an object with known fields."""
    if not isinstance(value, dict):
        raise bad(f"object expected as {what}")
    if strange := value.keys() - allowed:
        raise bad(f"unknown field {min(strange)} in {what}")
    return value
