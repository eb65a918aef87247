"""What the options of `evaluate.py compare` mean: games, seeds, settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from envs.games import game_id
from harness.cli.foreign import ELSEWHERE
from harness.cli.hints import misread
from harness.cli.parser import whole_number
from harness.compare.design import EQUAL
from harness.errors import UserError
from harness.run.config import PresetName, flatten
from harness.run.presets import PRESETS


def game_ids(names: Sequence[str]) -> tuple[str, ...]:
    """ALE's ids of games as people write them, each once. Raises UnknownGame."""
    return tuple(dict.fromkeys(map(game_id, names)))


def parse_seeds(words: Sequence[str]) -> tuple[int | None, dict[str, int]]:
    """The number for all networks, None if it is not given, and those of single ones, in
    `5` and `NETWORK=12`. Raises UserError."""
    seeds, seeds_of = None, {}
    for word in words:
        network, equals, text = word.rpartition("=")
        try:
            count = whole_number(text)
        except ValueError:
            how = misread(text, int) or "give 5, or NETWORK=5 for each network"
            raise UserError(f"--seeds {word}: {how}") from None
        if equals:
            seeds_of[network] = count
        else:
            seeds = count
    return seeds, seeds_of


def parse_settings(pairs: Sequence[str], preset: PresetName) -> dict[str, Any]:
    """The settings of train.py in NAME=VALUE pairs. Raises UserError."""
    known, settings = flatten(PRESETS[preset]), {}
    for pair in pairs:
        option, equals, text = pair.partition("=")
        name = option.strip("-").replace("-", "_")
        if not equals or name not in known:
            option_here = ELSEWHERE.get(f"--{name.replace('_', '-')}", "a name of train.py --help")
            raise UserError(f"--settings {pair}: give NAME=VALUE with {option_here} as the name")
        if name in EQUAL:
            raise UserError(f"--settings {pair}: {option} is decided by the design")
        settings[name] = _value(pair, text, known[name])
    return settings


def _value(pair: str, text: str, like: Any) -> Any:
    """`text` as a value of the type that a setting has."""
    try:
        if isinstance(like, bool):
            return {"true": True, "false": False}[text.lower()]
        return whole_number(text) if isinstance(like, int) else type(like)(text)
    except (ValueError, KeyError):
        kinds = {bool: "true or false", int: "a whole number", float: "a number"}
        several = re.search(r",\s*[\w-]+=", text)
        hint = "put spaces between pairs" if several else misread(text, type(like))
        problem = f"--settings {pair}: the value must be {kinds[type(like)]}"
        raise UserError(f"{problem}: {hint}" if hint else problem) from None
