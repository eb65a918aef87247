"""What is measured of a trained agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.scales import matchable
from harness.evaluation.agents import load_network
from harness.probes.games import agent_profile
from harness.probes.profile import Extent, whole


def measure_agent(agent: Path, extent: Extent, own: str | None = None) -> Any:
    """The profile of the trained agent in a checkpoint's folder; `own` names a `module:Class` whose
    code may run. Raises UnknownNetwork for a network whose layers are not known."""
    network, config, state = load_network(agent, own)
    known, game = matchable(network), config.emulators.game
    run = {"game": game, "seed": config.seed, "steps": state.steps}
    return {"run": run} | whole(known, extent) | agent_profile(known, game, extent.states)
