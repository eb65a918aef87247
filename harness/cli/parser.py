"""Command lines from dataclasses: what they reject is one line, as everything is."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TextIO, TypeVar, get_args, get_type_hints

import docstring_parser
import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from harness.errors import UserError

Command = TypeVar("Command")
Value = TypeVar("Value")
Rule = Callable[[PrimitiveTypeInfo], PrimitiveConstructorSpec[Any] | None]
_NO_TYPE = re.compile(
    r"no type matching (?:\{None\}\|)?\{?(.+?)\}? could be instantiated from \[(.*)\]"
)
_CHOICES = re.compile(r"(?<=\. Expected one of \()[^()]+(?=\)$)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NAMES = re.compile(r"(?:[^,]*(?<![\w.])dial:[^,]+,)*[^,]+")
_NARROWEST = 40
"""Help is not folded further (columns)."""


def parse(
    kind: Callable[..., Command],
    words: Sequence[str],
    program: str,
    **more: Any,
) -> Command:
    """tyro's reading of a command line: a `kind` made of `words`. `more` is what tyro.cli takes.

    `1e6` is a whole number, too. Raises UserError for what cannot be read.
    """
    read: Callable[[], Command] = partial(
        tyro.cli, kind, prog=program, args=words, registry=_REGISTRY, **more
    )
    page = _Page()
    try:
        with _printed_on(page, 10_000):  # as wide as its lines
            return read()
    except SystemExit as stop:
        if stop.code != 2:
            if not {"-h", "--help"} & set(words):
                return read()  # what a shell completes, now on the terminal; it ends there, too
            _unfold(kind)
            _print_help(read)
            raise
    said, proposal = one_line(page.text())
    from harness.cli.hints import hints  # of all commands, which takes seconds to import

    hint = "; ".join(hints(words, kind))
    raise UserError(f"{said}{f'; {hint}' if hint else proposal} (see {program} --help)")


class _Page(io.TextIOWrapper):
    """Where tyro prints. It asks whether this is a terminal, and what its encoding is."""

    def __init__(self, like: TextIO | None = None) -> None:
        encoding = like.encoding if like else "utf-8"
        super().__init__(io.BytesIO(), encoding=encoding, errors="backslashreplace")
        self._coloured = like is not None and like.isatty()

    def isatty(self) -> bool:
        return self._coloured

    def text(self) -> str:
        """All that was printed."""
        self.seek(0)
        return self.read()


def _print_help(read: Callable[[], object]) -> None:
    """Print the help, as wide as the terminal. tyro folds what it draws boxes around, but not
    the description above, and never ends where less than a word fits beside an option."""
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    page = _Page(sys.stdout)
    with suppress(SystemExit), _printed_on(page, width):
        read()
    for line in page.text().splitlines():
        long = len(_COLOUR.sub("", line)) > width
        print(textwrap.fill(line, width, break_on_hyphens=False) if long else line)


def _unfold(kind: Any) -> None:
    """Put what docstrings say of options where tyro looks first."""
    for found in set(_dataclasses(kind)):
        told = described(found)
        for field in fields(found):
            if field.name in told:
                known = {"help": told[field.name]} | dict(field.metadata)
                field.metadata = MappingProxyType(known)


def described(kind: type) -> dict[str, str]:
    """What docstrings say of the fields of a dataclass, a line a paragraph: where tyro reads them
    itself it takes the ends of lines for ends of paragraphs."""
    classes = [each for each in reversed(kind.__mro__) if is_dataclass(each)]
    read = [one for each in classes for one in docstring_parser.parse_from_object(each).params]
    docs = {one.arg_name: re.split(r"\n\s*\n", one.description or "") for one in read}
    return {
        name: "\n\n".join(" ".join(text.split()) for text in texts) for name, texts in docs.items()
    }


def _dataclasses(kind: Any) -> Iterator[type]:
    """The classes that a command is made of."""
    inner = get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        yield kind
        inner = tuple(get_type_hints(kind).values())
    for one in inner:
        yield from _dataclasses(one)


@contextmanager
def _printed_on(page: TextIO, width: int) -> Iterator[None]:
    """Let tyro print on a page of so many columns."""
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        with redirect_stdout(page), redirect_stderr(page):
            yield
    finally:
        del os.environ["COLUMNS"]
        if columns is not None:
            os.environ["COLUMNS"] = columns


def one_line(box: str) -> tuple[str, str]:
    """What a box of tyro's says above its first rule, and the first option it proposes below."""
    lines = [line.strip(" │") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    said, _, more = "\n".join(lines).partition("\n───")
    said = " ".join(said.partition("\n\n")[0].split()).removeprefix("Error parsing ")
    said = _NO_TYPE.sub(r"expected \1, not \2", said).removesuffix(".").removesuffix(", not ")
    said = _CHOICES.sub(lambda found: _choices(found[0]), said)
    proposed = re.search(r"(?:meant|similar)[^\n]*\n(--[\w-]+)", more)
    proposal = f": did you mean {proposed[1]}?" if proposed else ""
    if said[1:2].islower():  # no name in capitals
        said = said[0].lower() + said[1:]
    return said, proposal


def _choices(told: str) -> str:
    """The values there are. tyro has those of an option that may be left out in no order, and
    its absence among them."""
    names = told.split(", ")
    return ", ".join(sorted(set(names) - {"'None'"})) if "'None'" in names else told


def whole_number(text: str) -> int:
    """The number that a text means, `1e6` and `1_000_000` among them. Raises ValueError."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no whole number") from None
    if not (number.is_finite() and -(2**64) < number < 2**64):
        raise ValueError(f"{text!r} is no number that a setting can have")
    if number != number.to_integral_value():
        raise ValueError(f"{text!r} is no whole number")
    return int(number)


def names_in(words: Sequence[str]) -> tuple[str, ...]:
    """Names, separated by spaces or commas; the comma of dial:SIGMA,BETA separates none. Raises
    ValueError where there is none."""
    found = [name.strip() for word in words for name in _NAMES.findall(word)]
    names = tuple(name for name in found if name)
    if not names:
        raise ValueError("a name is missing")
    return names


def path(text: str) -> Path:
    """The path that a text means; `~` is the home folder, which a shell puts in only at the
    beginning of a word. Raises ValueError."""
    if not text:  # as of a shell's variable that is not set; it would be the current folder
        raise ValueError("a name is missing")
    return Path(os.path.expanduser(text))  # ~nobody stays as it is, as in a shell


def _read_by(kind: type[Value], metavar: str, read: Callable[[str], Value]) -> Rule:
    """The rule that values of a kind are what `read` makes of a word."""
    made = PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: isinstance(value, kind),
        str_from_instance=lambda value: [str(value)],
    )
    return lambda info: made if info.type is kind else None


_REGISTRY = ConstructorRegistry()
_REGISTRY.primitive_rule(_read_by(int, "INT", whole_number))
_REGISTRY.primitive_rule(_read_by(Path, "PATH", path))
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
"""What options that take several names hold."""
