"""Score, record, replay, probe and compare agents: `python evaluate.py --help`."""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from harness.commands.claims import ClaimsCommand
from harness.commands.compare import CompareCommand
from harness.commands.episodes import EpisodesCommand
from harness.commands.gallery import GalleryCommand
from harness.commands.networks import NetworksCommand
from harness.commands.probe import ProbeCommand
from harness.commands.record import RecordCommand
from harness.commands.replay import ReplayCommand
from harness.commands.score import ScoreCommand
from harness.errors import run_cli

Command = (
    Annotated[ScoreCommand, tyro.conf.subcommand("score")]
    | Annotated[RecordCommand, tyro.conf.subcommand("record")]
    | Annotated[EpisodesCommand, tyro.conf.subcommand("episodes")]
    | Annotated[GalleryCommand, tyro.conf.subcommand("gallery")]
    | Annotated[NetworksCommand, tyro.conf.subcommand("networks")]
    | Annotated[ClaimsCommand, tyro.conf.subcommand("claims")]
    | Annotated[CompareCommand, tyro.conf.subcommand("compare")]
    | Annotated[ProbeCommand, tyro.conf.subcommand("probe")]
    | Annotated[ReplayCommand, tyro.conf.subcommand("replay")]
)


def main() -> int:
    command: Command = tyro.cli(Command, args=sys.argv[1:], description=__doc__)
    return command.run()


if __name__ == "__main__":
    run_cli(main)
