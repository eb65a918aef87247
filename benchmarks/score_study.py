"""The training runs of docs/results/scores/protocol.md, two at a time, and their table.

    python -m benchmarks.score_study run DIR FILE     # train what is missing in DIR and in FILE
    python -m benchmarks.score_study table DIR FILE   # add the scores of finished runs to FILE

FILE is a CSV table, packed with gzip: it goes from machine to machine, the runs' folders do not.
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
        every = self.steps // (4 if self.game == "pong" else 3)
        evaluations = f"--eval-every {every} --eval-episodes 34 --eval-epsilon 0.01"
        if self.seed in PILOT_SEEDS:
            evaluations = f"--eval-every {self.steps} --eval-episodes 1 --eval-epsilon 0.01"
        options = (
            f"--preset quick --scale-match --precision bf16 --steps {self.steps} {evaluations} "
            f"--game {self.game} --network {self.network} --seed {self.seed} --quiet "
            "--checkpoint-interval 120"
        )
        return [*train, *options.split(), "--run-dir", str(run_dir)]


class Score(NamedTuple):
    """One game: a training game ("episode"), one of an "evaluation", or of "random" play."""

    game: str
    network: str
    seed: int
    kind: str
    steps: int
    score: float


def scores_in_run(run_dir: Path) -> Iterator[Score]:
    """Scores of one run, and of random play beside it; none where it has not begun."""
    network, _, seed = run_dir.name.rpartition("-s")
    job = Job(run_dir.parent.name, network, int(seed))
    file = run_dir / "metrics.jsonl"
    for line in map(json.loads, file.read_text().splitlines()) if file.exists() else ():
        for kind in ("episode", "evaluation"):
            if f"{kind}/return" in line:
                yield Score(*job, kind, line["steps"], line[f"{kind}/return"])


def scores_in_table(file: Path) -> Iterator[Score]:
    """Scores of a table that was written before; none where there is no such file."""
    if file.exists():
        with gzip.open(file, "rt", newline="") as opened:
            for game, network, seed, kind, steps, score in list(csv.reader(opened))[1:]:
                yield Score(game, network, int(seed), kind, int(steps), float(score))


class Study:
    """What is known: the runs below a folder, and those of a table."""

    def __init__(self, out: Path, file: Path) -> None:
        self.out = out
        self.earlier: dict[Job, list[Score]] = {}
        for score in scores_in_table(file):
            self.earlier.setdefault(Job(*score[:3]), []).append(score)

    def scores(self, job: Job) -> list[Score]:
        """All scores of a run, in order."""
        return self.earlier.get(job) or list(scores_in_run(self.out / job.name))

    def is_finished(self, job: Job) -> bool:
        """Whether a run was evaluated at its end."""
        return any(s.kind == "evaluation" and s.steps >= job.steps for s in self.scores(job))

    def late_mean(self, job: Job) -> float:
        """Mean score of the training games that ended after epsilon had reached its end."""
        return statistics.fmean(
            s.score for s in self.scores(job) if s.kind == "episode" and s.steps >= EPSILON_ENDS
        )

    def random_scores(self, game: str) -> list[Score]:
        """Scores of random play, which needs no run: it may lie on another machine."""
        job = Job(game, "random", 0)
        if job in self.earlier:
            return self.earlier[job]
        file = self.out / game / "random.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [
                    *(sys.executable, str(ROOT / "evaluate.py"), "score", "--random"),
                    *("--game", game, "--episodes", str(RANDOM_GAMES), "--json", str(file)),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        games = json.loads(file.read_text())["episodes"]
        return [Score(*job, "random", 0, played["score"]) for played in games]

    def passes(self, game: str) -> bool:
        """Whether a candidate's pilots are more than 3 standard errors above random play and their
        coefficient of variation, random play subtracted, is at most .5."""
        random_play = statistics.fmean(s.score for s in self.random_scores(game))
        scores = [self.late_mean(Job(game, "stride", s)) - random_play for s in PILOT_SEEDS]
        mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
        return bool(mean > 3 * deviation / len(scores) ** 0.5 and deviation <= 0.5 * mean)


def jobs(study: Study) -> Iterator[Job | None]:
    """The study's runs in order. None: the next one hangs on pilots that are not finished."""
    chosen: list[str] = []
    for game in CANDIDATES:
        pilots = [Job(game, "stride", seed) for seed in PILOT_SEEDS]
        yield from pilots
        while not all(study.is_finished(job) for job in pilots):
            yield None
        if study.passes(game):
            chosen.append(game)
        if len(chosen) == 2:
            break
    for seed in range(max(SEEDS.values())):
        for game in (*FIXED_GAMES, *chosen):
            seeds = PONG_SEEDS if game == "pong" else SEEDS
            yield from (Job(game, network, seed) for network, n in seeds.items() if seed < n)


def run(study: Study) -> None:
    """Train what is missing, WORKERS runs at a time."""
    queue, lock, failed = jobs(study), threading.Lock(), threading.Event()

    def next_job() -> Job | None:
        while not failed.is_set():
            with lock:
                job = next(queue, StopIteration)
            if job is StopIteration:
                return None
            if job is None:  # another worker is at the last pilot
                failed.wait(10)
            elif isinstance(job, Job) and not study.is_finished(job):
                return job
        return None

    def work() -> None:
        while job := next_job():
            print("begins", job.name, flush=True)
            done = subprocess.run(
                job.command(study.out), env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
            )
            print("ends", job.name, done.returncode, flush=True)
            if done.returncode and job.seed in PILOT_SEEDS:  # the games cannot be chosen without it
                failed.set()

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def write_table(study: Study, file: Path) -> None:
    """Add the scores of all finished runs, and of random play in their games, to a table."""
    jobs_in_folder = {
        Job(run_dir.parent.name, name, int(seed))
        for run_dir in (config.parent for config in study.out.glob("*/*/config.json"))
        for name, _, seed in [run_dir.name.rpartition("-s")]
    }
    finished = [job for job in jobs_in_folder if study.is_finished(job)]
    rows = {job: study.scores(job) for job in finished} | study.earlier
    for game in {job.game for job in rows}:
        if (study.out / game / "random.json").exists():
            rows[Job(game, "random", 0)] = study.random_scores(game)
    with gzip.open(file, "wt", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(Score._fields)
        for _, scores in sorted(rows.items()):
            lines.writerows(scores)


if __name__ == "__main__":
    the_study = Study(Path(sys.argv[2]), Path(sys.argv[3]))
    if sys.argv[1] == "run":
        run(the_study)
    else:
        write_table(the_study, Path(sys.argv[3]))
