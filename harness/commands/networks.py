"""evaluate.py networks: the sizes of all networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from agent.networks import NETWORKS
from envs.emulators import EmulatorConfig
from harness.cli.parser import Names, option
from harness.console import Console, Table
from harness.evaluation.agents import num_actions
from harness.evaluation.network_sizes import size_of
from harness.files.atomic import check_writable, write_json


@dataclass(frozen=True)
class NetworksCommand:
    """Parameters, multiplications, shapes and receptive field of every network.

    Multiplications (MACs) are those of one state. Shapes are the sides of the maps behind each
    convolution and its reducer, then the widths of the fully connected layers.
    """

    networks: Annotated[
        Names, tyro.conf.Positional, option("[NETWORK ...]", "those of the table alone")
    ] = ()
    """More networks: dial:SIGMA,BETA or your own module:Class."""
    game: str = "Pong"
    """Game whose number of actions the sizes are for."""
    json: Annotated[Path | None, option("FILE", "no file")] = None
    """Write the numbers here too, as JSON."""

    def run(self) -> int:
        """Print the table; returns the exit code."""
        if self.json:
            check_writable(self.json, self)
        actions = num_actions(EmulatorConfig(self.game))
        sizes = [size_of(name, actions) for name in (*NETWORKS, *self.networks)]
        table = Table("network")
        for name in ("parameters", "MACs (M)", "receptive field"):
            table.add_column(name, justify="right")
        table.add_column("shapes")
        for size in sizes:
            field = "all" if size.receptive_field is None else str(size.receptive_field)
            macs = f"{size.macs / 1e6:.2f}"
            table.add_row(size.name, f"{size.parameters:,}", macs, field, ", ".join(size.shapes))
        Console().print(table)
        if self.json:
            write_json(
                self.json, {"actions": actions, "networks": [asdict(s) for s in sizes]}, self
            )
        return 0
