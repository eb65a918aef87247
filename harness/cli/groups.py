"""Options in groups: in the help tyro draws a box around those of each dataclass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, field, fields, is_dataclass, make_dataclass
from typing import Any, get_type_hints

from harness.cli.parser import described


def grouped(default: Any, groups: Mapping[str, Sequence[str]]) -> type:
    """The class of `default`, a dataclass, and all dataclasses in it as one dataclass for each of
    the groups, {"evaluation": ("eval_every", ...), ...}, within one. Defaults are the values in
    `default`; what no group names is in the group `other`."""
    found = {name: (name, hint, told) for name, hint, told in _options(default)}
    rest = found.keys() - {name for names in groups.values() for name in names}
    groups = {**groups, **({"other": sorted(rest)} if rest else {})}
    boxes = []
    for title, names in groups.items():
        box = make_dataclass(title, [found[name] for name in names], frozen=True)
        boxes.append((title, box, field(default=box(), metadata={"help": ""})))
    whole = make_dataclass(type(default).__name__, boxes, frozen=True)
    whole.__doc__ = type(default).__doc__
    return whole


def values(read: Any) -> dict[str, Any]:
    """What a command line gave for the options of a class made by `grouped`, by their names."""
    boxes = [getattr(read, box.name) for box in fields(read)]
    return {one.name: getattr(box, one.name) for box in boxes for one in fields(box)}


def _options(default: Any) -> Iterator[tuple[str, Any, Field[Any]]]:
    """Name, type and description of every option."""
    kind = type(default)
    hints, told = get_type_hints(kind, include_extras=True), described(kind)
    for one in fields(default):
        value = getattr(default, one.name)
        if is_dataclass(value):
            yield from _options(value)
        else:
            help_text = {"help": told[one.name]}
            yield one.name, hints[one.name], field(default=value, metadata=help_text)
