"""Command lines from dataclasses: what they reject is one line, as everything is."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any, TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from harness.errors import UserError

Command = TypeVar("Command")
_NO_TYPE = re.compile(
    r"no type matching (?:\{None\}\|)?\{?(.+?)\}? could be instantiated from \[(.*)\]"
)
"""What tyro says of a value that may be left out."""
ELSEWHERE = {
    "--total-timesteps": "--steps",
    "--env-id": "--game",
    "--env": "--game",
    "--n-envs": "--num-envs",
    "--learning-starts": "--warmup",
    "--buffer-size": "--replay-size",
    "--train-frequency": "--update-period",
    "--train-freq": "--update-period",
    "--target-network-frequency": "--target-period",
    "--target-update-interval": "--target-period",
    "--start-e": "--epsilon-start",
    "--end-e": "--epsilon-final",
    "--lr": "--learning-rate",
}
"""What CleanRL and Stable-Baselines3 call the same settings (units may differ: see the README)."""


def parse(kind: Callable[..., Command], words: Sequence[str], program: str, **more: Any) -> Command:
    """tyro's reading of a command line: a `kind` made of `words`. `more` is what tyro.cli takes.

    `1e6` is a whole number, too. Raises UserError for what cannot be read.
    """
    box = io.StringIO()
    try:
        with redirect_stderr(box):
            read: Command = tyro.cli(kind, prog=program, args=words, registry=_REGISTRY, **more)
            return read
    except SystemExit as stop:
        if stop.code != 2:
            raise
    known = [f"{word} is {ELSEWHERE[word]} here" for word in words if word in ELSEWHERE]
    said = "; ".join([one_line(box.getvalue()), *known])
    raise UserError(f"{said} (see {program} --help)")


def one_line(box: str) -> str:
    """What a box of tyro's says above its first rule, and the first option it proposes below."""
    lines = [line.strip(" │") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    said, _, more = "\n".join(lines).partition("\n───")
    said = " ".join(said.partition("\n\n")[0].split()).replace(" .", ".")
    said = _NO_TYPE.sub(r"expected \1, not \2", said.removeprefix("Error parsing "))
    proposed = re.search(r"(?:meant|similar)[^\n]*\n(--[\w-]+)", more)
    hint = f": did you mean {proposed[1]}?" if proposed else ""
    return said[:1].lower() + said[1:].removesuffix(".") + hint


def whole_number(text: str) -> int:
    """The number that a text means, `1e6` and `1_000_000` among them. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        number = 0.5
    if not number.is_integer():
        raise ValueError(f"{text!r} is no whole number")
    return int(number)


def _whole_numbers(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[int] | None:
    if info.type is not int:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="INT",
        instance_from_str=lambda words: whole_number(words[0]),
        is_instance=lambda value: isinstance(value, int),
        str_from_instance=lambda value: [str(value)],
    )


_REGISTRY = ConstructorRegistry()
_REGISTRY.primitive_rule(_whole_numbers)
