"""Hints on a command line that was refused: what was probably meant, and how it is written."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tyro

from envs.games import UnknownGame, game_id, game_title
from harness.cli.foreign import ABSENT, ELSEWHERE, VALUES

_YES = {"true", "yes", "on", "1"}
_NO = {"false", "no", "off", "0"}
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_COMMANDS = Path(__file__).resolve().parent.parent / "commands"
_ENDINGS = {"k": "e3", "m": "e6", "b": "e9"}


def hints(words: Sequence[str], kind: Any) -> list[str]:
    """A hint for each word that has one. `kind` is the class that the words should have become."""
    own, sentences = options_of(kind), []
    read = False
    for word, follower in pairwise([*words, ""]):
        option, equals, value = _split(word)
        is_value, read = read, option in own and not equals and not _takes(own[option], bool)
        if is_value:  # of the option before it
            continue
        value = value if equals else "" if follower.startswith("--") else follower
        sentence = _of_value(option, value, own)
        if not sentence and option not in own:
            sentence = _of_word(word, option, own)
        sentences += [sentence] if sentence and sentence not in sentences else []
    return sentences


def options_of(kind: Any) -> dict[str, Any]:
    """The options of a class, or of one of several, with their types: {"--steps": int, ...}."""
    options: dict[str, Any] = {}
    for inner in get_args(kind):
        options |= options_of(inner)
    if isinstance(kind, type) and is_dataclass(kind):
        types = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            if tyro.conf.Positional in get_args(types[field.name]):
                continue
            below = options_of(types[field.name])
            named = [getattr(part, "name", "") for part in get_args(types[field.name])]
            name = next((n for n in named if isinstance(n, str) and n), field.name)
            options |= below or {f"--{name.replace('_', '-')}": types[field.name]}
    return options


def misread(text: str, kind: Any) -> str:
    """A hint on a value that an option of type `kind` refused; may be empty."""
    if number := spelled(text):
        return f"write {number}"
    choices = _choices(kind)
    if (meant := VALUES.get(text.lower(), "")).partition(" ")[0] in choices:
        return f"write {meant}"
    if (name := text.lower().partition(":")[0]) in choices and text not in choices:
        return f"write {name}"  # for cuda:0, CPU
    if _takes(kind, int) and re.fullmatch(r"0?\.\d*[1-9]\d*", text):
        return f"{text} looks like a share, and this is a count (of steps, episodes, ...)"
    return ""


def _choices(kind: Any) -> set[str]:
    """The values of an option that has a fixed set of them; else none."""
    if get_origin(kind) is Literal:
        return set(get_args(kind))
    return {name for inner in get_args(kind) for name in _choices(inner)}


def spelled(text: str) -> str:
    """A number such as 10M, 25% or 1,000 as it is written here; empty for other texts."""
    number, ending = text[:-1], text[-1:].lower()
    if _NUMBER.fullmatch(number) and ending == "%":
        return f"{float(number) / 100:g}"
    if _NUMBER.fullmatch(number) and ending in _ENDINGS:
        return number + _ENDINGS[ending]
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", text):
        return text.replace(",", "_")
    return text.replace(",", ".") if re.fullmatch(r"\d+,\d+", text) else ""


def _split(word: str) -> tuple[str, str, str]:
    """`--n_envs=5` -> `--n-envs`, `=`, `5`; DQNAgent.gamma=1, as gin has it, -> `--gamma`, ..."""
    name, equals, value = word.partition("=")
    if equals and not name.startswith("-"):
        name = "--" + name.rpartition(".")[2].strip()
    return name.replace("_", "-"), equals, value.strip()


def _of_value(option: str, value: str, own: Mapping[str, Any]) -> str:
    """A hint on the value of an option; may be empty."""
    plain = option.replace("--no-", "--", 1)
    kind = own.get(plain)
    if _takes(kind, bool) and value.lower() in _YES | _NO:
        no = (value.lower() in _NO) != (option != plain)
        alone = no and tyro.conf.FlagCreatePairsOff in get_args(kind)
        remedy = "leave it out" if alone else f"write {'--no-' if no else '--'}{plain[2:]}"
        return f"{plain} takes no value: {remedy}"
    return misread(value, kind) if option in own else ""


def _takes(kind: Any, wanted: type) -> bool:
    return kind is wanted or any(_takes(inner, wanted) for inner in get_args(kind))


def _of_word(word: str, option: str, own: Mapping[str, Any]) -> str:
    """A hint on a word that is not an option of this command; may be empty."""
    if option in ABSENT:
        return f"{option}: {ABSENT[option]}"
    ours = ELSEWHERE.get(option, "")
    # Commands that score call --eval-epsilon --epsilon.
    names = (ours, *(name.replace("--eval-", "--", 1) for name in (option, ours)))
    if name := next((name for name in names if name.partition(" ")[0] in own), ""):
        return f"{option} is {name} here"
    if ours:
        return f"{option} is {ours} of train.py"
    if option.startswith("--") and (programs := _programs_with(option)):
        setting = f"{option[2:].replace('-', '_')}=VALUE"
        if "--settings" in own and "train.py" in programs:
            return f"{option} is given as --settings {setting}"
        return f"{option} is an option of {', '.join(programs)}"
    try:
        return f"write --game {game_title(game_id(word))}" if "--game" in own else ""
    except UnknownGame:
        return ""


def _programs_with(option: str) -> list[str]:
    """The programs that have an option."""
    return [program for program, kind in _programs() if option in options_of(kind)]


def _programs() -> Iterator[tuple[str, type]]:
    """Every program, with the class of its options."""
    for module in pkgutil.iter_modules([str(_COMMANDS)]):
        for kind in vars(import_module(f"harness.commands.{module.name}")).values():
            if isinstance(kind, type) and kind.__name__ == f"{module.name.title()}Command":
                name = module.name
                yield ("train.py" if name == "train" else f"evaluate.py {name}"), kind
