"""Score, record, replay, probe and compare agents: `python evaluate.py --help`."""

from __future__ import annotations

import sys
from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Protocol

import tyro

from harness import command_line
from harness.errors import UserError, run_cli

COMMANDS = {
    "score": "ScoreCommand",
    "record": "RecordCommand",
    "episodes": "EpisodesCommand",
    "gallery": "GalleryCommand",
    "networks": "NetworksCommand",
    "claims": "ClaimsCommand",
    "compare": "CompareCommand",
    "probe": "ProbeCommand",
    "replay": "ReplayCommand",
}
"""The class of each command, in the module of harness/commands/ that is called like it."""


class Command(Protocol):
    """What the classes have in common."""

    def run(self) -> int:
        """Do it; returns the exit code."""


def parse(words: list[str]) -> Command:
    """The command of a command line.

    Only its own module is imported, unless the help needs all of them: what another one works
    with (torch, scipy) takes seconds. Raises UserError for one that there is not.
    """
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        raise UserError(f"there is no command {words[0]!r}, only {', '.join(COMMANDS)}")
    known = [name for name in COMMANDS if name in words[:1]] or list(COMMANDS)
    classes = {
        name: getattr(import_module(f"harness.commands.{name}"), COMMANDS[name]) for name in known
    }
    if len(known) == 1:
        name = known[0]
        words, description, wanted = words[1:], None, classes[name]
    else:
        kinds = [Annotated[kind, tyro.conf.subcommand(name)] for name, kind in classes.items()]
        name, description, wanted = "", __doc__, reduce(or_, kinds)
    program = f"evaluate.py {name}".rstrip()
    command: Command = command_line.parse(wanted, words, program, description=description)
    return command


def main() -> int:
    return parse(sys.argv[1:]).run()


if __name__ == "__main__":
    run_cli(main)
