"""The training runs of docs/results/scores/protocol.md, two at a time, and their table.

    python -m benchmarks.score_study run DIR          # train what is missing
    python -m benchmarks.score_study table DIR FILE   # all scores of finished runs, as CSV

SIGTERM to its process group stops it; the runs write a checkpoint, and the same command goes on.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
EPSILON_ENDS = 35_000
"""Steps at which epsilon has reached its final value: warm-up and decay of `quick`."""
FIXED_GAMES = ("pong", "road_runner", "krull")
CANDIDATES = (
    *("asterix", "kung_fu_master", "crazy_climber", "up_n_down"),
    *("assault", "qbert", "ms_pacman", "gopher"),
)
"""Games that are tried with `stride` alone, in this order, until two have passed."""
PILOT_SEEDS = (100, 101, 102)
RANDOM_GAMES = 100
SEEDS = {"stride": 12, "half_max": 8, "stride_gap": 4}
PONG_SEEDS = {"stride": 8, "half_max": 6, "stride_gap": 4}


class Job(NamedTuple):
    """One run of train.py."""

    game: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        """Its folder below the study's."""
        return f"{self.game}/{self.network}-s{self.seed}"

    @property
    def steps(self) -> int:
        """Its length (agent steps)."""
        return 400_000 if self.game == "pong" else 150_000

    def command(self, out: Path) -> list[str]:
        """What begins it, or goes on with it."""
        run_dir = out / self.name
        train = [sys.executable, str(ROOT / "train.py")]
        if (run_dir / "last").is_dir():
            return [*train, "--resume", str(run_dir), "--quiet"]
        every = self.steps // (4 if self.game == "pong" else 6)
        evaluations = f"--eval-every {every} --eval-episodes 34 --eval-epsilon 0.01"
        if self.seed in PILOT_SEEDS:
            evaluations = f"--eval-every {self.steps} --eval-episodes 1 --eval-epsilon 0.01"
        options = (
            f"--preset quick --scale-match --precision bf16 --steps {self.steps} {evaluations} "
            f"--game {self.game} --network {self.network} --seed {self.seed} --quiet "
            "--checkpoint-interval 120"
        )
        return [*train, *options.split(), "--run-dir", str(run_dir)]


def lines_of(run_dir: Path) -> list[dict[str, float]]:
    """Lines of a run's metrics.jsonl; none where there is no such file."""
    file = run_dir / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def is_finished(out: Path, job: Job) -> bool:
    """Whether a run was evaluated at its end."""
    return any(
        "evaluation/return" in line and line["steps"] >= job.steps
        for line in lines_of(out / job.name)
    )


def late_mean(run_dir: Path) -> float:
    """Mean score of the training games that ended after epsilon had reached its end."""
    return statistics.fmean(
        line["episode/return"]
        for line in lines_of(run_dir)
        if "episode/return" in line and line["steps"] >= EPSILON_ENDS
    )


def passes(out: Path, game: str) -> bool:
    """Whether a candidate's pilots are more than 3 standard errors above random play and their
    coefficient of variation, random play subtracted, is at most .5."""
    random_play = json.loads((out / game / "random.json").read_text())["summary"]["mean"]
    scores = [late_mean(out / game / f"stride-s{s}") - random_play for s in PILOT_SEEDS]
    mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
    return bool(mean > 3 * deviation / len(scores) ** 0.5 and deviation <= 0.5 * mean)


def play_randomly(out: Path, game: str) -> None:
    """Score random play: an agent with epsilon 1, on seeds of its own."""
    file = out / game / "random.json"
    if not file.exists():
        subprocess.run(
            [
                *(sys.executable, str(ROOT / "evaluate.py"), "score"),
                *(str(out / game / f"stride-s{PILOT_SEEDS[0]}"), "--epsilon", "1"),
                *("--episodes", str(RANDOM_GAMES), "--json", str(file)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def jobs(out: Path) -> Iterator[Job | None]:
    """The study's runs in order. None: the next one hangs on pilots that are not finished."""
    chosen: list[str] = []
    for game in CANDIDATES:
        pilots = [Job(game, "stride", seed) for seed in PILOT_SEEDS]
        yield from pilots
        while not all(is_finished(out, job) for job in pilots):
            yield None
        play_randomly(out, game)
        if passes(out, game):
            chosen.append(game)
        if len(chosen) == 2:
            break
    for seed in range(max(SEEDS.values())):
        for game in (*FIXED_GAMES, *chosen):
            seeds = PONG_SEEDS if game == "pong" else SEEDS
            yield from (Job(game, network, seed) for network, n in seeds.items() if seed < n)


def run(out: Path) -> None:
    """Train what is missing, WORKERS runs at a time."""
    queue, lock, failed = jobs(out), threading.Lock(), threading.Event()

    def next_job() -> Job | None:
        while not failed.is_set():
            with lock:
                job = next(queue, StopIteration)
            if job is StopIteration:
                return None
            if job is None:  # another worker is at the last pilot
                failed.wait(10)
            elif isinstance(job, Job) and not is_finished(out, job):
                return job
        return None

    def work() -> None:
        while job := next_job():
            print("begins", job.name, flush=True)
            done = subprocess.run(
                job.command(out), env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
            )
            print("ends", job.name, done.returncode, flush=True)
            if done.returncode and job.seed in PILOT_SEEDS:  # the games cannot be chosen without it
                failed.set()

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def table(out: Path, file: Path) -> None:
    """Write (game, network, seed, kind, steps, score) of all finished runs."""
    with gzip.open(file, "wt", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("game", "network", "seed", "kind", "steps", "score"))
        for config in sorted(out.glob("*/*/config.json")):
            network, _, seed = config.parent.name.rpartition("-s")
            job = Job(config.parent.parent.name, network, int(seed))
            if not is_finished(out, job):
                continue
            for line in lines_of(config.parent):
                for kind in ("episode", "evaluation"):
                    if f"{kind}/return" in line:
                        rows.writerow((*job, kind, line["steps"], line[f"{kind}/return"]))


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]))
    else:
        table(Path(sys.argv[2]), Path(sys.argv[3]))
