"""Options in groups: in the help tyro draws a box around those of each dataclass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, field, fields, is_dataclass, make_dataclass
from typing import Any, get_type_hints

from harness.cli.parser import describe


def grouped(default: Any, groups: Mapping[str, Sequence[str]]) -> type:
    """The class of `default`, a dataclass, with the options that `groups` names, those of the
    dataclasses in it too, in one dataclass a group: {"evaluation": ("eval_every", ...), ...}.
    Defaults are the values in `default`."""
    options = {name: (name, hint, option) for name, hint, option in _options(default)}
    boxes = []
    for title, names in groups.items():
        box = make_dataclass(title, [options[name] for name in names], frozen=True)
        boxes.append((title, box, field(default=box(), metadata={"help": ""})))
    whole = make_dataclass(type(default).__name__, boxes, frozen=True)
    whole.__doc__ = type(default).__doc__
    return whole


def values(parsed: Any) -> dict[str, Any]:
    """The value of every option, by name, in an instance of a class that `grouped` made."""
    boxes = [getattr(parsed, box.name) for box in fields(parsed)]
    return {option.name: getattr(box, option.name) for box in boxes for option in fields(box)}


def _options(default: Any) -> Iterator[tuple[str, Any, Field[Any]]]:
    """Name, type, and default with description of every option."""
    cls = type(default)
    describe(cls)
    hints = get_type_hints(cls, include_extras=True)
    for option in fields(default):
        value = getattr(default, option.name)
        if is_dataclass(value):
            yield from _options(value)
        else:
            copy: Field[Any] = field(default=value, metadata=option.metadata)
            yield option.name, hints[option.name], copy
