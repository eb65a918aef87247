"""JSON that anybody may have written, read into a dataclass by pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import cache
from reprlib import repr as shortened
from typing import Any, TypeVar, cast

import pydantic
import pydantic_core

Value = TypeVar("Value")
_reader: Callable[[Any], pydantic.TypeAdapter[Any]] = cache(pydantic.TypeAdapter)


def parse(
    cls: type[Value], text: str | bytes, newest: int, optional: Collection[str] = ()
) -> Value:
    """An instance of a dataclass from a JSON object that also holds its format's number, at most
    `newest`.

    The object must hold every field except the `optional` ones, which older formats lack, and no
    other. Each must have exactly its type: JSON's true is no number, but 3 will do for a float.
    Raises ValueError, whose message is one line; and whatever the class itself raises.
    """
    content = object_of(text, newest)
    try:
        value = _reader(cls).validate_json(text, strict=True)
    except pydantic.ValidationError as error:
        raise ValueError(problem(error)) from None
    given, wanted = _names(content), _names(asdict(value)) | {"format"}
    if unknown := sorted(given - wanted):
        raise ValueError(f"it has unknown fields: {', '.join(unknown[:3])}")
    if missing := sorted(wanted - given - set(optional)):
        raise ValueError(f"it lacks fields: {', '.join(missing[:3])}")
    return cast(Value, value)


def problem(error: pydantic.ValidationError) -> str:
    """The first thing that is wrong, in one line that begins with the name of the field."""
    first = error.errors(include_url=False)[0]
    if "error" in (context := first.get("ctx", {})):  # the class's own
        return str(context["error"])
    name, message = ".".join(map(str, first["loc"])), first["msg"]
    if not message.startswith("Input should "):
        return f"{name}: {message}"
    remedy = message.replace("Input should", "must", 1)
    return f"{name} {remedy}, not {shortened(first['input'])}"


def object_of(text: str | bytes, newest: int) -> dict[str, Any]:
    """The JSON object in a text, with the number of its format. Raises ValueError, for a format
    that is newer than `newest`, too."""
    content: Any = pydantic_core.from_json(text)
    version = content.get("format") if isinstance(content, dict) else None
    if type(version) is not int:
        raise ValueError("it has no format number")
    if version > newest:
        raise ValueError(
            f"it has format {version}, newer than this program's {newest}: update unpooled"
        )
    return cast(dict[str, Any], content)


def check_versions(ale_py: str, rom_sha256: str) -> None:
    """Raise ValueError unless these are a version and a digest: both are printed, and a terminal
    would obey control characters."""
    if not re.fullmatch(r"[0-9A-Za-z.+-]{1,32}", ale_py):
        raise ValueError("ale_py is not a version")
    if not re.fullmatch(r"[0-9a-f]{64}", rom_sha256):
        raise ValueError("rom_sha256 is not a digest")


def _names(content: Any, before: str = "") -> set[str]:
    """The names in a JSON object, and in the objects within it as `outer.inner`."""
    if not isinstance(content, dict):
        return set()
    inner = (_names(value, f"{before}{name}.") for name, value in content.items())
    return {f"{before}{name}" for name in content}.union(*inner)
