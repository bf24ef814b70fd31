"""Parameters of a call: which a method knows, and their values out of forms or JSON.

Telegram ignores parameters it does not know; the stage refuses them, because a silent typo is the worst kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bot.rehearsal.files import Upload
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Json

Kinds = dict[str, str]
Fields = Mapping[str, type | tuple[type, ...]]


def known(*lists: str) -> Kinds:
    """Read "chat_id text entities:objects" as {name: kind}; a kind is a key of _READ, str by default."""
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


def _object(name: str, value: Any) -> Json | None:
    value = _structure(name, value)
    if value is not None and not isinstance(value, dict):
        raise bad(f"object expected as {name}")
    return value


def _array(of: type, name: str, value: Any) -> list[Any] | None:
    value = _structure(name, value)
    if value is not None and not (isinstance(value, list) and all(isinstance(each, of) for each in value)):
        raise bad(f"can't parse {name}: expected an Array of {of.__name__}")
    return value


_READ: dict[str, Callable[[str, Any], Any]] = {
    "str": _string,
    "file": _string,
    "int": _integer,
    "bool": _boolean,
    "object": _object,
    "objects": partial(_array, dict),
    "ints": partial(_array, int),
    "strings": partial(_array, str),
    "array": partial(_array, object),
}


def only(what: str, value: Any, fields: Fields) -> Json:
    """A structured value that is an object with known fields of the right types."""
    if not isinstance(value, dict):
        raise bad(f"object expected as {what}")
    if strange := value.keys() - fields.keys():
        raise bad(f"unknown field {min(strange)} in {what}")
    for name, kind in fields.items():
        if value.get(name) is not None and not isinstance(value[name], kind):
            raise bad(f"can't parse {what}: field {name} has a wrong type")
    return value
