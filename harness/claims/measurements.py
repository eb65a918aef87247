"""The measurements that the verdicts rest on, each kept in a file of its own.

None is made twice: an interrupted run goes on with the ones that are left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from agent.networks import QNetwork
from harness.claims.budget import Budget
from harness.errors import UserError
from harness.files.atomic import write_json
from harness.probes import bars
from harness.probes.datasets import PLANTED_SEED, block
from harness.probes.measures import counting
from harness.probes.patterns import counted, located
from harness.probes.profile import controls, counts, measure_agent, whole
from harness.probes.states import errors_by_states
from harness.probes.training import SIZES, Task, answers, fresh, trained
from harness.run.checkpoint import read_state, read_whole

MEASURES = 4
"""Grows when a measure changes, so that old numbers and new ones never meet."""
_PILOT_STATES, _PILOT_SEED = 400, 30_000
"""On which learning rates are compared (count), and which no probe sees."""


@dataclass(frozen=True)
class Measurement:
    """One network with one seed and one training; or filter banks, or the controls."""

    training: str
    """untrained, location, count, agent, bars or controls; `location pilot` and `count pilot`
    choose the learning rate of a network."""
    network: str = ""
    seed: int = 0
    """Of agents: which of those with this network it is, in the order in which they were named."""
    agent: str = ""
    """Folder of a trained agent's checkpoint."""

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


def pilots(budget: Budget) -> list[Measurement]:
    """What has to be done first: they choose learning rates."""
    return [Measurement(f"{task} pilot", name) for task in TASKS for name in budget.taught]


def measurements(budget: Budget, agents: tuple[Measurement, ...] = ()) -> list[Measurement]:
    """All measurements of a budget, seed by seed, so that an early stop has whole seeds."""
    units = [*pilots(budget), Measurement("controls"), *agents]
    for seed in range(budget.first_seed, budget.first_seed + budget.seeds):
        units += [Measurement("untrained", network, seed) for network in budget.networks]
        units += [Measurement(task, name, seed) for task in TASKS for name in budget.taught]
        units.append(Measurement("bars", seed=seed))
    return units


def conditions(folder: Path, measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """What decides a measurement's numbers, as JSON has it."""
    extent, updates = asdict(budget.extent), budget.updates
    decisive: dict[str, Any]
    if measurement.training in TASKS:
        rate = chosen_rate(folder, measurement, budget)
        decisive = {"extent": extent, "updates": updates, "learning_rate": rate}
    elif measurement.training == "bars":
        decisive = {"boxes": budget.boxes, "updates": updates}
    elif measurement in pilots(budget):
        rates, seeds = budget.learning_rates, budget.pilot_seeds
        decisive = {"updates": updates, "learning_rates": rates, "seeds": seeds}
    else:
        decisive = {"extent": extent}
    if _is_followed(measurement, budget):
        decisive["fits"] = budget.fits
    if measurement.agent:
        decisive["weights"] = read_state(Path(measurement.agent)).sha256["network"]
    decisive["measures"] = MEASURES
    return cast(dict[str, Any], json.loads(json.dumps({"unit": asdict(measurement), **decisive})))


def chosen_rate(folder: Path, measurement: Measurement, budget: Budget) -> float | None:
    """The learning rate that a measurement's pilot chose; None while it is not done."""
    chosen = done(folder, Measurement(f"{measurement.training} pilot", measurement.network), budget)
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


def do(folder: Path, measurement: Measurement, budget: Budget) -> None:
    """Make a measurement, whose pilot is done, and keep it."""
    decisive = conditions(folder, measurement, budget)
    profile = _measure(measurement, budget, decisive.get("learning_rate"))
    write_json(folder / f"{measurement.name}.json", {"decided_by": decisive, "profile": profile})


def _measure(measurement: Measurement, budget: Budget, learning_rate: float | None) -> Any:
    extent = budget.extent
    if measurement.training == "controls":
        return controls(extent)
    if measurement.training == "bars":
        network = trained("stride", "location", measurement.seed, budget.updates // 4, 1e-3)
        filters = network.conv1.weight[:, -1:].detach()
        return bars.sweep(measurement.seed, budget.boxes, filters)
    if measurement.training == "agent":
        return measure_agent(Path(measurement.agent), extent)
    if measurement.training == "untrained":
        states = block(max(extent.sizes), extent.states).states
        network = fresh(measurement.network, 2, measurement.seed, states)
        return whole(network, extent) | _followed(network, measurement, budget)
    if measurement.training not in TASKS:
        return pilot(measurement, budget)
    if learning_rate is None:
        raise RuntimeError("its pilot, which chooses the learning rate, failed")
    task = measurement.training
    network = trained(measurement.network, task, measurement.seed, budget.updates, learning_rate)
    own = {"learning_rate": learning_rate, "own": own_errors(network, task, extent.states)}
    if task == "count":
        return own | {"count": counts(network, extent)}
    return own | whole(network, extent) | _followed(network, measurement, budget)


def _is_followed(measurement: Measurement, budget: Budget) -> bool:
    """Whether errors by the number of states are measured, too."""
    probed = measurement.training in ("untrained", "location")
    return probed and measurement.network in budget.followed


def _followed(network: QNetwork, measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """Errors by the number of states; `left`, their ratios to the first."""
    if not _is_followed(measurement, budget):
        return {}
    errors = errors_by_states(network, budget.fits)
    first = str(budget.fits[0])
    left = {
        name: {count: error / by_count[first] for count, error in by_count.items()}
        for name, by_count in errors.items()
    }
    return {"states": errors, "left": left}


def pilot(measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """The learning rate with the least error of a network's own answers, in the mean over the
    pilots' seeds and with half of the updates; the same rates are tried for every network."""
    task = cast(Task, measurement.training.removesuffix(" pilot"))

    def error(rate: float, seed: int) -> float:
        network = trained(measurement.network, task, seed, budget.updates // 2, rate)
        own = own_errors(network, task, _PILOT_STATES, _PILOT_SEED)
        return own["error"] if task == "count" else float(np.mean(list(own.values())))

    rates, seeds = budget.learning_rates, budget.pilot_seeds
    errors = (
        {rate: float(np.mean([error(rate, seed) for seed in seeds])) for rate in rates}
        if len(rates) > 1
        else {rates[0]: 0.0}
    )
    best = min(errors, key=lambda rate: errors[rate])
    return {"learning_rate": best, "errors": {f"{rate:g}": errors[rate] for rate in errors}}


def own_errors(
    network: QNetwork, task: Task, states: int, seed: int = PLANTED_SEED
) -> dict[str, float]:
    """Errors of a taught network's own answers: median distance (pixels) by size of the block,
    or of the number (sprites)."""
    if task == "count":
        planted = counted(states, seed)
        read = answers(network, task, planted.states)
        return asdict(counting(read, planted.counts, planted.nearest))
    errors = {}
    for size in SIZES:
        planted = located(states, seed, size)
        off = np.linalg.norm(answers(network, task, planted.states) - planted.positions, axis=1)
        errors[f"block {size}"] = float(np.median(off))
    return errors


def profiles(
    folder: Path, units: Sequence[Measurement], budget: Budget
) -> Iterator[tuple[Measurement, Any]]:
    """Those of the measurements that are done, with their profiles."""
    for measurement in units:
        profile = done(folder, measurement, budget)
        if profile is not None:
            yield measurement, profile
