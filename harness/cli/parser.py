"""Command lines from dataclasses: tyro reads them, with our rules for numbers, names and paths."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Annotated, Any, TypeVar, get_args

import docstring_parser
import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from harness.text import printable

Command = TypeVar("Command")
Value = TypeVar("Value")
Rule = Callable[[PrimitiveTypeInfo], PrimitiveConstructorSpec[Any] | None]
_NAMES = re.compile(r"(?:[^,]*(?<![\w.])dial:[^,]+,)*[^,]+")
_NARROWEST = 40
"""Columns of the narrowest help: in a terminal of five, tyro would never end."""


def parse(kind: Callable[..., Command], words: Sequence[str], program: str, **more: Any) -> Command:
    """The `kind` that a command line describes, as tyro reads it. `more` is what tyro.cli takes.

    Raises SystemExit: with code 2 after tyro's box says what is wrong with the line, and ours what
    was probably meant; with code 0 after the help.
    """
    for cls in _dataclasses(kind):
        describe(cls)
    if {"-h", "--help"} & set(words) and shutil.get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)
    read = partial(tyro.cli, kind, prog=program, registry=_REGISTRY, **more)
    shown = [printable(word) for word in words]  # a terminal obeys control characters
    try:
        command: Command = read(args=words, console_outputs=shown == list(words))
        return command
    except SystemExit as stop:
        if shown != list(words):
            with suppress(SystemExit):
                read(args=shown)
        if stop.code == 2:
            from harness.cli.hints import hints  # of all commands, which takes seconds to import

            for hint in hints(words, kind):
                print(f"hint: {printable(hint)}", file=sys.stderr)
        raise


def option(metavar: str, hint: str, **more: Any) -> object:
    """An option and, as `hint`, its default in words; `more` is what tyro.conf.arg takes."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {hint})", **more)


def describe(cls: type[Any]) -> None:
    """Give tyro the docstring of each field of a dataclass as one paragraph: tyro itself would
    end a line of the help wherever the source ends one."""
    bases = [base for base in reversed(cls.__mro__) if is_dataclass(base)]
    params = [param for base in bases for param in docstring_parser.parse_from_object(base).params]
    texts = {param.arg_name: " ".join((param.description or "").split()) for param in params}
    for field in fields(cls):
        if field.name in texts:
            field.metadata = MappingProxyType({"help": texts[field.name], **field.metadata})


def _dataclasses(kind: Any) -> list[type]:
    """The dataclass, or the dataclasses in a union of them."""
    if isinstance(kind, type) and is_dataclass(kind):
        return [kind]
    return [cls for part in get_args(kind) for cls in _dataclasses(part)]


def whole_number(text: str) -> int:
    """The integer that a text means, `1e6` and `1_000_000` among them. Raises ValueError."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a whole number") from None
    if not (number.is_finite() and -(2**64) < number < 2**64):
        raise ValueError(f"{text!r} is not a number that a setting can have")
    if number != number.to_integral_value():
        raise ValueError(f"{text!r} is not a whole number")
    return int(number)


def names_in(words: Sequence[str]) -> tuple[str, ...]:
    """Names, separated by spaces or commas; the comma in dial:SIGMA,BETA separates nothing.
    Raises ValueError if there are none."""
    names = [name.strip() for word in words for name in _NAMES.findall(word)]
    if not any(names):
        raise ValueError("a name is missing")
    return tuple(name for name in names if name)


def path(text: str) -> Path:
    """The path that a text means; `~` is the home folder, which a shell expands only at the start
    of a word. Raises ValueError if the text is empty."""
    if not text:  # as of a shell variable that is not set; it would be the current folder
        raise ValueError("a name is missing")
    return Path(os.path.expanduser(text))  # ~nobody stays as it is, as in a shell


def _rule(kind: type[Value], metavar: str, read: Callable[[str], Value]) -> Rule:
    """The rule that `read` turns a word into a value of type `kind`."""
    spec = PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: isinstance(value, kind),
        str_from_instance=lambda value: [str(value)],
    )
    return lambda info: spec if info.type is kind else None


def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """The rule for `X | None`: an option is absent, or is read as an X. tyro would also read the
    word None, and show every error twice."""
    kinds = [kind for kind in get_args(info.type) if kind is not NoneType]
    if NoneType not in get_args(info.type) or len(kinds) != 1:
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    if not isinstance(spec, PrimitiveConstructorSpec):
        return None
    return replace(
        spec,
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: (
            ["None"] if value is None else spec.str_from_instance(value)
        ),
    )


_REGISTRY = ConstructorRegistry()
_REGISTRY.primitive_rule(_rule(int, "INT", whole_number))
_REGISTRY.primitive_rule(_rule(Path, "PATH", path))
_REGISTRY.primitive_rule(_optional)
Names = Annotated[
    tuple[str, ...],
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="NAME ...",
        instance_from_str=names_in,
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=list,
    ),
]
"""The type of an option that takes several names."""
