"""What is left to do for a job: train, or go on training, then score the final agent where that is
due; and all jobs, brought to their end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agent.networks import is_user_network
from envs.emulators import EmulatorConfig
from harness.compare.design import EQUAL, Design, Job, run_dir, scale_matched
from harness.compare.results import Game
from harness.compare.runner import Runner, Stage, module, script
from harness.compare.status import Status, Watch
from harness.errors import UserError
from harness.evaluation.agents import num_actions
from harness.evaluation.scoring import EVALUATION_SEED
from harness.run.checkpoint import CheckpointState, read_state
from harness.run.config import flatten
from harness.run.folder import read_run
from harness.run.hardware import DeviceName

SCORE_FILE = "score.json"


@dataclass(frozen=True)
class _Score:
    """The part of score.json that is used here."""

    steps_trained: int
    episodes: list[Game]


_SCORE = TypeAdapter(_Score)


@dataclass(frozen=True)
class Stages:
    """The programs of a comparison's jobs."""

    out: Path
    design: Design
    device: DeviceName
    unmatched: frozenset[str]
    """Networks whose scale at the start cannot be matched."""

    def __call__(self, job: Job) -> Stage | None:
        """The next stage of a job, None for a finished one."""
        folder = run_dir(self.out, job)
        state = trained(folder, self.design.steps)
        if state is None:
            return Stage("training", self._training(job, folder))
        unscored = read_score(folder, state, self.design.episodes) is None
        if unscored and self.design.scores(job):
            return Stage("scoring", self._scoring(job, folder), folder / SCORE_FILE)
        return None

    def problem(self, job: Job) -> str:
        """Why the run in a job's folder is not this job's; empty where there is none or it is."""
        folder = run_dir(self.out, job)
        if not (folder / "config.json").exists():
            return ""
        try:
            settings = flatten(read_run(folder).config)
        except UserError as error:
            return str(error)
        expected = flatten(self.design.config) | self._equal(job)
        expected["steps"] = settings["steps"]  # may grow
        odd = [name for name in expected if settings[name] != expected[name]]
        return f"{folder} holds a run with another {', '.join(odd)}: move it away" if odd else ""

    def _equal(self, job: Job) -> dict[str, Any]:
        return {
            "steps": self.design.steps,
            "game": job.game,
            "network": job.network,
            "seed": job.seed,
            "scale_match": job.network not in self.unmatched,
        }

    def _training(self, job: Job, folder: Path) -> list[str]:
        common = ["--device", self.device]
        if job.teacher is not None:
            teacher = run_dir(self.out, replace(job, network=job.teacher, teacher=None))
            scale = "--no-scale-match" if job.network in self.unmatched else "--scale-match"
            named = ["--network", job.network, "--run-dir", folder, scale]
            return module("harness.training.tandem", teacher, *named, *common)
        if (folder / "config.json").exists():
            named = ["--network", job.network] if is_user_network(job.network) else []
            steps = ["--steps", self.design.steps]
            return script("train.py", "--resume", folder, *steps, *named, *common)
        settings = self.design.settings | self._equal(job)
        assert settings.keys() >= EQUAL
        options = [text for name, value in settings.items() for text in setting_option(name, value)]
        preset = ["--preset", self.design.preset]
        return script("train.py", "--run-dir", folder, *preset, *options, *common)

    def _scoring(self, job: Job, folder: Path) -> list[str]:
        """Of the last checkpoint: the best one was chosen by its score, which flatters it."""
        return script(
            "evaluate.py",
            *("score", folder / "last", "--json", folder / SCORE_FILE),
            *("--episodes", self.design.episodes, "--seed", EVALUATION_SEED),
            *("--device", self.device),
            *(("--network", job.network) if is_user_network(job.network) else ()),
        )


def setting_option(name: str, value: Any) -> list[str]:
    """A setting as an option of train.py."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    return [f"--{option}", str(value)]


def trained(folder: Path, steps: int) -> CheckpointState | None:
    """The last checkpoint of a run that is over; None before that."""
    try:
        state = read_state(folder / "last")
    except UserError:
        return None
    over = state.position is None or state.position.evaluated
    return state if over and state.steps >= steps else None


def read_score(folder: Path, state: CheckpointState, episodes: int) -> list[Game] | None:
    """The scored games of a run's final agent, whose checkpoint is `state`; None where there are
    none, fewer or more, or another agent's."""
    try:
        score = _SCORE.validate_json((folder / SCORE_FILE).read_bytes(), strict=True)
    except (OSError, ValueError):
        return None
    fits = score.steps_trained == state.steps and len(score.episodes) == episodes
    return score.episodes if fits else None


def unmatched_networks(design: Design) -> frozenset[str]:
    """Networks whose scale at the start cannot be matched. Raises UnknownNetwork for an own one
    that cannot be made."""
    if not design.own_networks:
        return frozenset()
    actions = num_actions(EmulatorConfig(design.games[0]))
    return frozenset(n for n in design.own_networks if not scale_matched(n, actions))


def standing(stages: Stages, watch: Watch, *, training_is_enough: bool = False) -> list[Status]:
    """Where all jobs stand before anything is begun. A run whose agent was not scored is finished
    if training is enough and it says how good it is by itself."""
    statuses = []
    for job in (*stages.design.jobs, *stages.design.tandem_jobs):
        folder = run_dir(stages.out, job)
        status = Status(job, folder, problem=stages.problem(job))
        enough = training_is_enough and job.teacher is None
        if status.problem:
            status.state = "failed"
            watch.over(status)
        elif stages(job) is None or (enough and trained(folder, stages.design.steps)):
            status.state = "finished"
        statuses.append(status)
    return statuses


def run_jobs(runner: Runner, stages: Stages, watch: Watch) -> list[Status]:
    """Bring all jobs to their end; where they stand."""
    statuses = standing(stages, watch)
    if before := sum(status.state == "finished" for status in statuses):
        watch.say(f"{before} of {len(statuses)} runs were finished before")
    acting = [status for status in statuses if status.job.teacher is None]
    passive = [status for status in statuses if status.job.teacher is not None]
    runner.run(acting, stages, statuses)
    finished = {s.job for s in acting if s.state == "finished"}
    for status in passive:
        job = status.job
        if replace(job, network=job.teacher or "", teacher=None) not in finished:
            status.state = "failed"
            status.problem = f"the run of its teacher {job.teacher} is not finished"
    runner.run(passive, stages, statuses)
    return statuses
