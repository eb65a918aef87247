"""Score, record, replay, probe and compare agents: `python evaluate.py --help`."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Protocol

if __name__ == "__main__":
    from harness.process.signals import end_at_once

    end_at_once()  # the imports take seconds, in which Ctrl-C is to be one line, too

import tyro

from harness.cli import parser
from harness.cli.program import run_cli
from harness.errors import UserError
from harness.process.signals import interrupt, received_by
from harness.process.streams import refused

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
ELSEWHERE = {
    "train": "train.py",
    **dict.fromkeys(("eval", "evaluate", "test", "random"), "score"),
    **dict.fromkeys(("play", "watch", "enjoy", "show", "video", "render", "verify"), "replay"),
    **dict.fromkeys(("list", "ls", "log"), "episodes"),
    **dict.fromkeys(("benchmark", "sweep"), "compare"),
}
"""What other programs call such commands."""


class Command(Protocol):
    """What the classes have in common."""

    def run(self) -> int:
        """Do it; returns the exit code."""


def parse(words: list[str]) -> Command:
    """The command of a command line.

    Only its own module is imported, unless the help needs all of them: what another one works
    with (torch, scipy) takes seconds. Raises UserError for one that there is not.
    """
    first = words[0] if words else "--help"
    if first not in (*COMMANDS, "-h", "--help") and not first.startswith("--tyro"):
        close = [ELSEWHERE[first]] if first in ELSEWHERE else get_close_matches(first, COMMANDS, 1)
        remedy = f"did you mean {close[0]}?" if close else f"choose from {', '.join(COMMANDS)}"
        raise UserError(f"there is no command {first!r}: {remedy}")
    known = [first] if first in COMMANDS else list(COMMANDS)
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
    command: Command = parser.parse(wanted, words, program, description=description)
    return command


def main() -> int:
    command = parse(sys.argv[1:])
    with received_by(interrupt):
        code = command.run()
    if why := refused():
        print(f"error: standard output was not written: {why}", file=sys.stderr)
        return code or 1
    return code


if __name__ == "__main__":
    run_cli(main)
