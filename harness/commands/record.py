"""evaluate.py record: let an agent play whole games and write them to files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from envs.episode_file import SUFFIX, pack_episode
from envs.trace import EpisodeTrace
from harness.cli.parser import option
from harness.commands.game_options import GameOptions, watched
from harness.console import Console, Table
from harness.errors import UserError
from harness.evaluation.agents import load_agent
from harness.evaluation.play import play_episodes
from harness.evaluation.scoring import SIDE_BY_SIDE
from harness.files.atomic import appearing
from harness.files.outputs import next_free
from harness.run.checkpoint import find_checkpoint
from harness.run.config import Flat
from harness.run.hardware import pick_device
from harness.text import shell_line


@dataclass(frozen=True)
class RecordCommand:
    """Let an agent play whole games and write each to a small file.

    The games are played under the run's own protocol; `evaluate.py replay` shows such a file,
    verifies it frame by frame, or makes a video of it.
    """

    agent: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder (its best/ plays, else its last/) or checkpoint folder."""
    games: Annotated[GameOptions, Flat] = GameOptions(episodes=1)  # noqa: RUF009
    out: Annotated[Path | None, option("DIR", "episodes/ in the run's folder")] = None
    """Folder for the files."""

    def run(self) -> int:
        """Play, write, and list the files; returns the exit code."""
        self.games.check()
        device = pick_device(self.games.device)
        agent = load_agent(self.agent, device, self.games.network)
        checkpoint = find_checkpoint(self.agent).resolve()
        folder = self.out or _episodes_folder(checkpoint)
        epsilon, seeds = self.games.epsilon_for(agent), self.games.seeds
        protocol = replace(agent.config.emulators, num_envs=SIDE_BY_SIDE)
        written: dict[int, tuple[Path, EpisodeTrace]] = {}
        console = Console()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with torch.inference_mode(), watched(len(seeds)) as on_step:
                games = play_episodes(
                    agent.q_values,
                    protocol,
                    seeds,
                    epsilon,
                    device,
                    stuck_after=self.games.stuck_after_for(agent),
                    on_step=on_step,
                )
                for index, trace in games:
                    content = pack_episode(
                        trace,
                        epsilon=epsilon,
                        agent=f"{checkpoint.parent.name}/{checkpoint.name}",
                        agent_steps=agent.state.steps if agent.state else None,
                    )
                    written[index] = _write(folder / f"{_name(trace)}{SUFFIX}", content), trace
        except OSError as error:
            raise UserError(
                f"cannot write to {folder}: {error.strerror or error}; choose another --out"
            ) from None
        _report(console, [written[index] for index in sorted(written)])
        return 0


def _episodes_folder(checkpoint: Path) -> Path:
    """episodes/ of the checkpoint's run, or of the checkpoint where it is in no run."""
    run = checkpoint.parent
    return (run if (run / "config.json").is_file() else checkpoint) / "episodes"


def _name(trace: EpisodeTrace) -> str:
    return f"{trace.protocol.game}-seed{trace.seed}-score{trace.score:+d}"


def _write(file: Path, content: bytes) -> Path:
    """Write an episode, under the next free name where another episode has this one; returns its
    file."""
    file = next_free(file, lambda place: place.exists() and place.read_bytes() != content)
    with appearing(file) as part:
        part.write_bytes(content)
    return file


def _report(console: Console, games: list[tuple[Path, EpisodeTrace]]) -> None:
    table = Table("file")
    for name in ("score", "steps", "kB"):
        table.add_column(name, justify="right")
    table.add_column("end")
    for file, trace in games:
        size = f"{file.stat().st_size / 1000:.1f}"
        table.add_row(file.name, f"{trace.score:,}", f"{len(trace):,}", size, trace.end)
    console.print(table)
    first = shell_line("evaluate.py", "replay", games[0][0])
    console.print(f"see the first: {first}", soft_wrap=True)
