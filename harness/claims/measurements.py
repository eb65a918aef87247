"""The measurements that the verdicts rest on, each kept in a file of its own.

None is made twice: an interrupted run goes on with the ones that are left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from envs.experts import EXPERTS
from harness.claims.budget import AGAIN, Budget
from harness.errors import UserError
from harness.probes.imitation import STEPS
from harness.probes.training import Task
from harness.run.checkpoint import read_state, read_whole

MEASURES = 4
"""Grows when a measure changes, so that old numbers and new ones never meet."""


@dataclass(frozen=True)
class Measurement:
    """One network with one seed and one training; or filter banks, or the controls."""

    training: str
    """untrained, location, count, agent, bars, controls or `imitate GAME`. A name with ` pilot`
    chooses the learning rate of a network; `imitate GAME references` are random play and expert."""
    network: str = ""
    seed: int = 0
    """Of agents: which of those with this network it is, in the order in which they were named."""
    agent: str = ""
    """Folder of a trained agent's checkpoint."""

    @property
    def game(self) -> str:
        """That of `imitate GAME`, and of its pilots and references."""
        return self.training.split()[1]

    @property
    def name(self) -> str:
        """A file's name, its own among all measurements."""
        parts = (self.training.replace(" ", "-"), self.network.replace(":", "-"))
        return "_".join([part for part in parts if part] + [f"s{self.seed}"])


def agent_measurements(runs: Sequence[Path]) -> tuple[Measurement, ...]:
    """The measurements of trained agents in run or checkpoint folders. Raises UserError when there
    is none in one of them."""
    units: list[Measurement] = []
    seen: dict[tuple[str, ...], Path] = {}
    for run in runs:
        folder, state = read_whole(run, lambda folder: (folder, read_state(folder)))
        settings = state.settings
        network = str(settings["network"])
        training = tuple(str(settings[name]) for name in ("game", "network", "seed"))
        if training in seen:
            raise UserError(
                f"{run} and {seen[training]} are one {' '.join(training)}: agents of one seed "
                "count as one, leave one of them out"
            )
        seen[training] = run
        number = sum(unit.network == network for unit in units)
        units.append(Measurement("agent", network, number, str(folder)))
    return tuple(units)


TASKS: tuple[Task, ...] = ("location", "count")
IMITATIONS = tuple(f"imitate {game}" for game in EXPERTS)


def pilots(budget: Budget) -> list[Measurement]:
    """What has to be done first: they choose learning rates, and measure what is 0 and 1."""
    units = [Measurement(f"{task} pilot", name) for task in TASKS for name in budget.taught]
    if budget.imitators:
        units += [Measurement(f"{imitation} references") for imitation in IMITATIONS]
    return units + [
        Measurement(f"{imitation} pilot", name)
        for imitation in IMITATIONS
        for name in budget.imitators
        if not name.endswith(AGAIN)
    ]


def measurements(budget: Budget, agents: tuple[Measurement, ...] = ()) -> list[Measurement]:
    """All measurements of a budget, seed by seed, so that an early stop has whole seeds."""
    units = [*pilots(budget), Measurement("controls"), *agents]
    for seed in range(budget.first_seed, budget.first_seed + budget.seeds):
        units += [Measurement("untrained", network, seed) for network in budget.networks]
        units += [Measurement(task, name, seed) for task in TASKS for name in budget.taught]
        units.append(Measurement("bars", seed=seed))
    return units + [
        Measurement(imitation, name, seed)
        for seed in range(budget.first_seed, budget.first_seed + budget.imitator_seeds)
        for imitation in IMITATIONS
        for name in budget.imitators
    ]


def conditions(folder: Path, measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """What decides a measurement's numbers, as JSON has it."""
    extent, updates = asdict(budget.extent), budget.updates
    decisive: dict[str, Any]
    if measurement.training in TASKS:
        rate = chosen_rate(folder, measurement, budget)
        decisive = {"extent": extent, "updates": updates, "learning_rate": rate}
    elif measurement.training in IMITATIONS:
        rate = chosen_rate(folder, measurement, budget)
        decisive = {"steps": STEPS[measurement.game], "learning_rate": rate}
    elif measurement.training.startswith("imitate "):
        decisive = {"steps": STEPS[measurement.game], "learning_rates": budget.imitator_rates}
    elif measurement.training == "bars":
        decisive = {"boxes": budget.boxes, "updates": updates}
    elif measurement in pilots(budget):
        rates, seeds = budget.learning_rates, budget.pilot_seeds
        decisive = {"updates": updates, "learning_rates": rates, "seeds": seeds}
    else:
        decisive = {"extent": extent}
    if is_followed(measurement, budget):
        decisive["fits"] = budget.fits
    if measurement.agent:
        decisive["weights"] = read_state(Path(measurement.agent)).sha256["network"]
    decisive["measures"] = MEASURES
    return cast(dict[str, Any], json.loads(json.dumps({"unit": asdict(measurement), **decisive})))


def is_followed(measurement: Measurement, budget: Budget) -> bool:
    """Whether errors by the number of states are measured, too."""
    probed = measurement.training in ("untrained", "location")
    return probed and measurement.network in budget.followed


def chosen_rate(folder: Path, measurement: Measurement, budget: Budget) -> float | None:
    """The learning rate that a measurement's pilot chose; None while it is not done."""
    network = measurement.network.removesuffix(AGAIN)
    chosen = done(folder, Measurement(f"{measurement.training} pilot", network), budget)
    return None if chosen is None else float(chosen["learning_rate"])


def done(folder: Path, measurement: Measurement, budget: Budget) -> Any | None:
    """The profile of a measurement, or None if it is not done. A broken file, and one that was
    measured in another way, count as not done."""
    try:
        content = json.loads((folder / f"{measurement.name}.json").read_text())
        decisive, profile = content["decided_by"], content["profile"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return profile if decisive == conditions(folder, measurement, budget) else None


def other_games(folder: Path, budget: Budget) -> list[str] | None:
    """The games in which a folder's measurements were made, where they are not the budget's."""
    for file in sorted(folder.glob("*.json")):
        try:
            games = json.loads(file.read_text())["decided_by"]["extent"]["games"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if games != list(budget.extent.games):
            return list(games)
    return None


def profiles(
    folder: Path, units: Sequence[Measurement], budget: Budget
) -> Iterator[tuple[Measurement, Any]]:
    """Those of the measurements that are done, with their profiles."""
    for measurement in units:
        profile = done(folder, measurement, budget)
        if profile is not None:
            yield measurement, profile
