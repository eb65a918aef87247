"""The jobs of a comparison, brought to their end."""

from __future__ import annotations

from dataclasses import replace

from envs.emulators import EmulatorConfig
from harness.compare.design import (
    Design,
    run_dir,
    scale_matched,
)
from harness.compare.runner import Runner
from harness.compare.stages import Stages
from harness.compare.status import Status, Watch
from harness.evaluation.agents import num_actions


def unmatched_networks(design: Design) -> frozenset[str]:
    """Networks whose scale at the start cannot be matched. Raises UnknownNetwork for an own one
    that cannot be made."""
    if not design.own_networks:
        return frozenset()
    actions = num_actions(EmulatorConfig(design.games[0]))
    return frozenset(n for n in design.own_networks if not scale_matched(n, actions))


def run_jobs(runner: Runner, stages: Stages, watch: Watch) -> list[Status]:
    """Bring all jobs to their end; where they stand."""
    statuses = []
    for job in (*stages.design.jobs, *stages.design.tandem_jobs):
        status = Status(job, run_dir(stages.out, job), problem=stages.problem(job))
        if status.problem:
            status.state = "failed"
            watch.over(status)
        elif stages(job) is None:
            status.state = "finished"
        statuses.append(status)
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
