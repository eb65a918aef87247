"""evaluate.py episodes: every training episode of a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from envs.history import TrainingEpisode
from harness.cli.parser import option
from harness.console import Console, Table
from harness.errors import UserError
from harness.files.atomic import check_writable, write_json
from harness.text import shell_line
from harness.training.episodes import History

Numbered = tuple[int, TrainingEpisode]


@dataclass(frozen=True)
class EpisodesCommand:
    """List the training episodes of a run: number, steps, score, length.

    A step is one action of one emulator. `evaluate.py replay RUN --episode NUMBER` shows an
    episode as it was played.
    """

    run_dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of the run, which may still be training."""
    best: Annotated[int | None, option("N", "all episodes")] = None
    """The N episodes of the highest scores, the highest first."""
    worst: Annotated[int | None, option("N", "all episodes")] = None
    """The N episodes of the lowest scores, the lowest first."""
    first: Annotated[int | None, option("N", "all episodes")] = None
    """The N episodes that ended first."""
    last: Annotated[int | None, option("N", "all episodes")] = None
    """The N episodes that ended last."""
    after: Annotated[int, option("STEPS", "the run's beginning")] = 0
    """Only episodes that ended after so many steps of the run."""
    before: Annotated[int | None, option("STEPS", "the run's end")] = None
    """Only episodes that ended before so many steps of the run."""
    longer: Annotated[int, option("STEPS", "of any length")] = 0
    """Only episodes longer than this (agent steps)."""
    json: Annotated[Path | None, option("FILE", "no file")] = None
    """Write the listed episodes here too, as JSON."""

    def run(self) -> int:
        """Print the table, write the JSON file; returns the exit code."""
        if self.json:
            check_writable(self.json, self)
        history = History(self.run_dir)
        chosen = self._chosen(list(enumerate(history.episodes, 1)))
        table = Table("episode")
        for name in ("steps", "score", "length", "emulator"):
            table.add_column(name, justify="right")
        for number, episode in chosen:
            length = f"{episode.length:,}{' (cut off)' if episode.truncated else ''}"
            steps, score = f"{episode.steps:,}", f"{episode.score:,}"
            table.add_row(f"{number:,}", steps, score, length, str(episode.env))
        console = Console()
        console.print(table)
        if chosen:
            words = ("evaluate.py", "replay", self.run_dir, "--episode", chosen[0][0])
            console.print(f"see one: {shell_line(*words)}")
        else:
            console.print("no episode matches")
        console.print(
            f"{len(history.episodes):,} episodes ended in the first {history.steps:,} steps; "
            "a run's newest steps appear with its next checkpoint"
        )
        if self.json:
            listed = [{"episode": number, **asdict(episode)} for number, episode in chosen]
            write_json(self.json, {"run": self.run_dir.resolve().name, "episodes": listed}, self)
        return 0

    def _chosen(self, episodes: list[Numbered]) -> list[Numbered]:
        """The episodes that the options ask for. Raises UserError for options that contradict."""
        counts = {name: getattr(self, name) for name in ("best", "worst", "first", "last")}
        given = {name: count for name, count in counts.items() if count is not None}
        if len(given) > 1:
            raise UserError(f"give only one of --{', --'.join(given)}")
        for name, count in given.items():
            if count < 1:
                raise UserError(f"--{name} must be at least 1, not {count}")
        before = float("inf") if self.before is None else self.before
        episodes = [
            (number, episode)
            for number, episode in episodes
            if self.after < episode.steps < before and episode.length > self.longer
        ]
        if "best" in given or "worst" in given:
            sign = -1 if "best" in given else 1
            episodes.sort(key=lambda pair: (sign * pair[1].score, pair[0]))
        count = next(iter(given.values()), len(episodes))
        return episodes[-count:] if "last" in given else episodes[:count]
