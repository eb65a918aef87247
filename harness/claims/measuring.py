"""How each measurement is made."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from agent.networks import QNetwork
from harness.claims.budget import AGAIN, Budget
from harness.claims.measurements import IMITATIONS, Measurement, conditions, is_followed
from harness.files.atomic import write_json
from harness.probes import bars
from harness.probes.datasets import PLANTED_SEED, block
from harness.probes.imitation import STEPS, imitate, references
from harness.probes.measures import counting
from harness.probes.patterns import counted, located
from harness.probes.profile import controls, counts, measure_agent, whole
from harness.probes.states import errors_by_states
from harness.probes.training import SIZES, Task, answers, fresh, trained

_AGAIN_SEED = 1000
"""Added to the seeds of the same network once more."""
_PILOT_STATES, _PILOT_SEED = 400, 30_000
"""On which learning rates are compared (count), and which no probe sees."""


def do(folder: Path, measurement: Measurement, budget: Budget) -> None:
    """Make a measurement, whose pilot is done, and keep it in its file."""
    decisive = conditions(folder, measurement, budget)
    profile = measure(measurement, budget, decisive.get("learning_rate"))
    write_json(folder / f"{measurement.name}.json", {"decided_by": decisive, "profile": profile})


def measure(measurement: Measurement, budget: Budget, learning_rate: float | None) -> Any:
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
    if measurement.training.endswith(" references"):
        return references(measurement.game)
    if measurement.training.endswith(" pilot"):
        return pilot(measurement, budget)
    if learning_rate is None:
        raise RuntimeError("its pilot, which chooses the learning rate, failed")
    if measurement.training in IMITATIONS:
        return _imitator(measurement, learning_rate)
    task = cast(Task, measurement.training)
    network = trained(measurement.network, task, measurement.seed, budget.updates, learning_rate)
    own = {"learning_rate": learning_rate, "own": own_errors(network, task, extent.states)}
    if task == "count":
        return own | {"count": counts(network, extent)}
    return own | whole(network, extent) | _followed(network, measurement, budget)


def _followed(network: QNetwork, measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """Errors by the number of states; `left`, their ratios to the first."""
    if not is_followed(measurement, budget):
        return {}
    errors = errors_by_states(network, budget.fits)
    first = str(budget.fits[0])
    left = {
        name: {count: error / by_count[first] for count, error in by_count.items()}
        for name, by_count in errors.items()
    }
    return {"states": errors, "left": left}


def _imitator(measurement: Measurement, learning_rate: float) -> dict[str, Any]:
    """What a network scores that imitates an expert."""
    game, network = measurement.game, measurement.network.removesuffix(AGAIN)
    seed = measurement.seed + (_AGAIN_SEED if network != measurement.network else 0)
    return asdict(imitate(game, network, seed, learning_rate, STEPS[game]))


def pilot(measurement: Measurement, budget: Budget) -> dict[str, Any]:
    """The learning rate with the least error of a network's own answers, in the mean over the
    pilots' seeds and with half of the updates, or with which an imitator scores most in half of the
    steps; the same rates are tried for every network."""
    training, network = measurement.training.removesuffix(" pilot"), measurement.network

    def error(rate: float, seed: int) -> float:
        taught = trained(network, cast(Task, training), seed, budget.updates // 2, rate)
        own = own_errors(taught, cast(Task, training), _PILOT_STATES, _PILOT_SEED)
        return own["error"] if training == "count" else float(np.mean(list(own.values())))

    def lost(rate: float, seed: int) -> float:
        steps = STEPS[measurement.game] // 2
        return -imitate(measurement.game, network, seed, rate, steps).points

    rates, seeds, loss = budget.learning_rates, budget.pilot_seeds, error
    if training in IMITATIONS:
        rates, seeds, loss = budget.imitator_rates, budget.pilot_seeds[:1], lost
    if len(rates) == 1:
        return {"learning_rate": rates[0], "errors": {f"{rates[0]:g}": 0.0}}
    errors = {rate: float(np.mean([loss(rate, seed) for seed in seeds])) for rate in rates}
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
