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

    end_at_once()  # the imports take seconds: Ctrl-C during these prints one line, too

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
"""The class of each command, in the module harness/commands/<command>.py."""
ELSEWHERE = {
    "train": "train.py",
    **dict.fromkeys(("eval", "evaluate", "test", "random"), "score"),
    **dict.fromkeys(("play", "watch", "enjoy", "show", "video", "render", "verify"), "replay"),
    **dict.fromkeys(("list", "ls", "log"), "episodes"),
    **dict.fromkeys(("benchmark", "sweep"), "compare"),
}
"""Commands under names that other programs use."""


class Command(Protocol):
    """The interface of the classes in COMMANDS."""

    def run(self) -> int:
        """Run the command; returns the exit code."""


def parse(arguments: list[str]) -> Command:
    """The command that the command line names.

    Imports only this command's module, and all of them only for the help: importing torch or scipy
    takes seconds. Raises UserError for an unknown command or impossible options.
    """
    name = arguments[0] if arguments else "--help"
    if name not in (*COMMANDS, "-h", "--help") and not name.startswith("--tyro"):
        matches = [ELSEWHERE[name]] if name in ELSEWHERE else get_close_matches(name, COMMANDS, 1)
        remedy = f"did you mean {matches[0]}?" if matches else f"choose from {', '.join(COMMANDS)}"
        raise UserError(f"there is no command {name!r}: {remedy}")
    candidates = [name] if name in COMMANDS else list(COMMANDS)
    classes = {
        name: getattr(import_module(f"harness.commands.{name}"), COMMANDS[name])
        for name in candidates
    }
    if name in COMMANDS:
        arguments, description, command_type = arguments[1:], None, classes[name]
    else:
        types = [Annotated[kind, tyro.conf.subcommand(name)] for name, kind in classes.items()]
        name, description, command_type = "", __doc__, reduce(or_, types)
    program = f"evaluate.py {name}".rstrip()
    command: Command = parser.parse(command_type, arguments, program, description=description)
    return command


def main() -> int:
    command = parse(sys.argv[1:])
    with received_by(interrupt):
        code = command.run()
    if reason := refused():
        print(f"error: standard output was not written: {reason}", file=sys.stderr)
        return code or 1
    return code


if __name__ == "__main__":
    run_cli(main)
