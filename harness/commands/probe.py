"""evaluate.py probe: what can be read from the features of trained agents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agent.networks import is_user_network
from envs.games import game_title
from envs.labels import labels_of
from harness.claims.judgement import CPU
from harness.claims.measurements import Measurement, agent_measurements
from harness.cli.parser import Names, option
from harness.console import Console, Table, progress
from harness.errors import UserError
from harness.files.atomic import check_writable, write_json
from harness.probes.datasets import GAMES
from harness.probes.features import LAYERS
from harness.probes.profile import Extent, controls, measure_agent
from harness.run.hardware import allocate_cores, prepare_process
from harness.run.provenance import provenance

EXPLANATION = (
    "block 2 and block 8: a drawn square of 2x2 or 8x8 pixels; presence: whether it is there "
    "among rings (a guess is right in 50%); sprites: 1 to 8 drawn rectangles (a guess is off by 2)"
)


@dataclass(frozen=True)
class ProbeCommand:
    """Read positions, presence and number of objects from the layers of trained agents, and measure
    how their Q-values change when only one object moves.

    Errors are medians in pixels of the 84x84 frame, on states of episodes that the readout was not
    fitted to. In games, the object was put at a random place by writing the emulator's memory.
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="(required)"),
    ]
    """Run or checkpoint folders."""
    games: Annotated[Names, tyro.conf.arg(metavar="GAME ...")] = GAMES
    """Games with labels whose states are probed."""
    states: int = 800
    """States of each kind (count)."""
    network: Annotated[str | None, option("module:Class", "the network table alone")] = None
    """Your own network that agents were trained with. Its code runs only if you name it."""
    json: Annotated[Path | None, option("FILE", "no file")] = None
    """Write every number here too, as JSON."""

    def run(self) -> int:
        """Measure and print; returns the exit code."""
        if not self.runs:
            raise UserError("nothing to probe: give run folders")
        if self.network and not is_user_network(self.network):
            raise UserError(
                f"--network {self.network}: agents are probed with the network they were trained "
                "with, and only a module:Class of your own has to be named"
            )
        if self.states < 64:
            raise UserError(f"--states must be at least 64, not {self.states}")
        if self.json:
            check_writable(self.json, self)
        prepare_process()
        for game in self.games:
            labels_of(game)  # raises NoLabels
        extent = Extent(self.states, games=tuple(self.games))
        console = Console()
        profiles = {}
        for measurement in agent_measurements(self.runs):
            with progress(f"probing {measurement.agent}"):
                profiles[measurement.agent] = measure_agent(
                    Path(measurement.agent), extent, self.network
                )
            console.print(*tables(measurement, profiles[measurement.agent]), sep="\n\n")
        with progress("probing pixels"):
            pixels = controls(extent)
        console.print("", control_table(pixels), "", EXPLANATION, sep="\n")
        if self.json:
            where = asdict(provenance(CPU, allocate_cores(CPU, 1)))
            write_json(self.json, {"made": where, "agents": profiles, "controls": pixels}, self)
        return 0


def tables(measurement: Measurement, profile: dict[str, Any]) -> list[Table | str]:
    """The tables and lines of one agent's measurements."""
    blocks: list[Table | str] = [
        f"{measurement.agent}: {measurement.network}, {described(profile)}"
    ]
    table = Table("location (median error, pixels)", *LAYERS, "shuffled labels")
    for dataset, layers in profile["location"].items():
        errors = (f"{layers[layer]['error']:.2f}" for layer in LAYERS)
        table.add_row(dataset, *errors, f"{layers['conv3']['shuffled']:.1f}")
    blocks.append(table)
    table = Table("other measures", *LAYERS)
    for dataset, layers in profile["presence"].items():
        table.add_row(f"presence, {dataset} (right)", *(f"{layers[layer]:.0%}" for layer in LAYERS))
    errors = (f"{profile['count'][layer]['error']:.2f}" for layer in LAYERS)
    table.add_row("number of sprites (mean error)", *errors)
    changes = (f"{profile['response'][layer]['1']:.3f}" for layer in LAYERS)
    table.add_row("change for one pixel (1: another state)", *changes)
    blocks.append(table)
    if "sensitivity" in profile:
        effect = profile["sensitivity"]
        blocks.append(
            f"object of {game_title(profile['run']['game'])} moved by about 4 pixels: the greedy "
            f"action changes in {effect['flips']:.0%} of states "
            f"({effect['flips_decided']:.0%} where it was clear; by chance {effect['chance']:.0%}; "
            f"{effect['drawn']['flips']:.0%} when a drawn block is moved instead), "
            f"the value by {effect['value']:.2f} standard deviations"
        )
    return blocks


def described(profile: dict[str, Any]) -> str:
    """The agent's game, seed and steps, in words."""
    run = profile["run"]
    return f"{game_title(run['game'])}, seed {run['seed']}, {run['steps']:,} steps"


def control_table(pixels: dict[str, Any]) -> Table:
    """The table of the control: the same readout, from the newest frame's pixels."""
    table = Table("control: pixels", "location (median error, pixels)", "shuffled labels")
    for dataset, measured in pixels["location"].items():
        table.add_row(dataset, f"{measured['error']:.2f}", f"{measured['shuffled']:.1f}")
    return table
