"""JSON that anybody may have written, into a frozen dataclass that holds what its types say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


def parse(
    cls: type[Value],
    text: str | bytes,
    newest: int,
    absent: Mapping[str, Any] = MappingProxyType({}),
) -> Value:
    """An instance of a dataclass from a JSON object that also tells its format's number, which
    must not be above `newest`; `absent` are values of fields that older formats do not have.
    Raises ValueError."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested without end") from None
    check_format(content, newest)
    fields = {name: value for name, value in content.items() if name != "format"}
    return from_json(cls, {**absent, **fields})


def check_format(content: Any, newest: int) -> None:
    """Raise ValueError unless a JSON object has a format that this program knows."""
    version = content.get("format") if isinstance(content, dict) else None
    if type(version) is not int:
        raise ValueError("it has no format number")
    if version > newest:
        raise ValueError(
            f"it has format {version}, newer than this program's {newest}: update unpooled"
        )


def check_versions(ale_py: str, rom_sha256: str) -> None:
    """Raise ValueError for what is no version and no digest: both are printed, and a terminal
    would obey what is not plain text."""
    if not re.fullmatch(r"[0-9A-Za-z.+-]{1,32}", ale_py):
        raise ValueError("ale_py is no version")
    if not re.fullmatch(r"[0-9a-f]{64}", rom_sha256):
        raise ValueError("rom_sha256 is no digest")


def from_json(cls: type[Value], content: Any) -> Value:
    """An instance of a dataclass, of the dataclasses in it too. `content` must hold every field,
    no other, and each of exactly its type: JSON's true is no number, but 3 will do for a float.

    Raises ValueError otherwise, and whatever the class itself finds wrong.
    """
    hints = get_type_hints(cls)
    if not isinstance(content, dict):
        raise ValueError(f"{content!r} should be an object")
    if odd := sorted(hints.keys() ^ content.keys()):
        raise ValueError(f"it has unknown fields or lacks some: {', '.join(odd)}")
    return cls(**{name: _value(name, hint, content[name]) for name, hint in hints.items()})


def _value(name: str, hint: Any, value: Any) -> Any:
    options = get_args(hint) if get_origin(hint) not in (list, tuple, dict) else ()
    if NoneType in options:
        if value is None:
            return None
        options = tuple(option for option in options if option is not NoneType)
        hint, options = (options[0], ()) if len(options) == 1 else (hint, options)
    if is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    if hasattr(hint, "_fields"):  # a NamedTuple, which JSON writes as a list
        kinds = get_type_hints(hint).values()
        if type(value) is not list or len(value) != len(kinds):
            raise ValueError(f"{name} cannot be {value!r}")
        return hint(*(_value(name, kind, item) for kind, item in zip(kinds, value, strict=True)))
    kind, of = get_origin(hint), get_args(hint)
    if kind in (list, tuple) and type(value) is list:
        return kind(_value(name, of[0], item) for item in value)
    if kind is dict and type(value) is dict:
        return {key: _value(name, of[1], item) for key, item in value.items()}
    allowed = set(options or (hint,))
    if Any not in allowed and type(value) not in (allowed | {int} if float in allowed else allowed):
        raise ValueError(f"{name} cannot be {value!r}")
    return value
