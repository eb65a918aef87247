"""evaluate.py replay: simulate an episode again, to see it or to verify it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from signal import SIGINT
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import tyro

from envs.action_log import LogHeader
from envs.emulators import FRAMES_PER_STEP
from envs.episode_file import EpisodeHeader, action_names, load_episode, read_header
from envs.games import game_title
from envs.trace import EpisodeTrace, resimulate, screens
from harness.cli.parser import option
from harness.console import Console, advancing, progress, say
from harness.errors import UserError
from harness.files.outputs import mark_of, output
from harness.players.transport import FRAMES_PER_SECOND
from harness.players.verify import check_emulator, first_difference
from harness.process.signals import exit_code
from harness.run.places import hint_for

VIDEOS = (".mp4", ".gif")
"""Suffixes of videos."""


@dataclass(frozen=True)
class ReplayCommand:
    """Simulate an episode again: in the terminal, a window, as a page or a video, or to verify it.

    It is one that was recorded, or any training episode of a run: `evaluate.py episodes RUN`
    lists those.

    The terminal and the window (`pip install -e '.[window]'`) can pause, go step by step, back too,
    and faster or slower; a line says the keys. A page is one file that any browser opens, with
    every frame, what the agent saw and its Q-values. Videos need `pip install -e '.[video]'`: .mp4
    holds every emulator frame, 60 a second, .gif 30 a second, in exact colours where a game shows
    at most 255.
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="EPISODE_OR_RUN")]
    """File written by `evaluate.py record` or by a training run, or that run's folder."""
    episode: Annotated[int | None, option("NUMBER", "needed for a run")] = None
    """Training episode of a run."""
    verify: bool = False
    """Compare every frame, reward, the length and the score with a new simulation; exit code 1
    when something differs. Nothing is shown unless --in is given too."""
    show_in: Annotated[
        Literal["terminal", "window", "page", "video"] | None,
        option("{terminal,window,page,video}", "terminal, unless --verify", name="in"),
    ] = None
    """Where to show it."""
    out: Annotated[Path | None, option("FILE", "the episode's name with .html or .mp4")] = None
    """File of the page, .html, or the video, .mp4 or .gif; of a training episode it goes to the
    run's episodes/ if it is not named."""
    second: Annotated[Path | None, option("RUN_OR_EPISODE", "none", name="with")] = None
    """Run or checkpoint whose network is asked too: the page has its Q-values and marks the steps
    where it would do something else. Or the file of another episode: the page has both side by
    side, and they play together."""
    attention: bool = False
    """Let the page show which pixels move the best Q-value of the network of --with. It takes about
    ten times as long, and the page becomes as much larger."""
    values: bool = False
    """Draw the Q-values of the last six seconds beside a video."""
    seconds: Annotated[tuple[float, float] | None, option("START END", "the whole game")] = None
    """The part of the game that a video shows; END may be inf."""
    locate: bool = False
    """Let the page mark where the network of --with, and the agent that played if its checkpoint is
    here, take the game's main object to be. Takes about 20 seconds a network."""
    speed: float = 1.0
    """How fast the terminal or the window plays at first (times real time)."""

    def run(self) -> int:
        """Verify, show, or both; returns the exit code."""
        self._check()
        header, trace = self._load()
        check_emulator(header, strict=self.verify)
        code = self._verify(header, trace) if self.verify else 0
        if self.show_in == "video":
            self._video(trace)
        elif self.show_in == "page":
            self._page(header, trace)
        elif self.show_in or not self.verify:
            self._play(trace)
        return code

    def _check(self) -> None:
        """Raise UserError for options that contradict each other."""
        if self.out is not None and self.show_in not in ("video", "page"):
            raise UserError("--out is for pages and videos: add --in page or --in video")
        for name, given in (("--with", self.second is not None), ("--locate", self.locate)):
            if given and self.show_in != "page":
                raise UserError(f"{name} is for pages: add --in page")
        if self.attention and (self.second is None or self._shows_two):
            raise UserError("--attention is that of a network: add --with RUN")
        if self.locate and self._shows_two:
            raise UserError("--locate is for one episode: give --with the folder of a run")
        if self.values and self.show_in != "video":
            raise UserError("--values is for videos, the others show them anyway: add --in video")
        if self.seconds and self.show_in != "video":
            raise UserError("--seconds is for videos: add --in video")
        if self.seconds and not 0 <= self.seconds[0] < self.seconds[1]:
            start, end = self.seconds
            raise UserError(f"--seconds needs 0 <= START < END, not {start:g} and {end:g}")
        if not 0 < self.speed < math.inf:
            raise UserError(f"--speed must be above 0 and finite, not {self.speed}")

    def _load(self) -> tuple[EpisodeHeader | LogHeader, EpisodeTrace]:
        """The episode and its header. Raises UserError or BadEpisode."""
        if not self.source.is_dir():
            if self.episode is not None:
                raise UserError("--episode goes with the folder of a run")
            return read_header(self.source), load_episode(self.source)
        if self.episode is None:
            raise UserError(
                f"{self.source} is a folder{hint_for(self.source)}: add --episode NUMBER for "
                "one of a run's training episodes, or give one of the files in its episodes/"
            )
        from harness.training.episodes import History  # imports torch, which takes seconds

        return History(self.source).trace(self.episode)

    @property
    def _name(self) -> str:
        return str(self.source) if self.episode is None else f"{self.source} episode {self.episode}"

    def _verify(self, header: EpisodeHeader | LogHeader, trace: EpisodeTrace) -> int:
        score = header.score if isinstance(header, EpisodeHeader) else trace.score
        with progress("verifying", len(trace)) as advance:
            difference = first_difference(trace, score, advancing(resimulate(trace), advance))
        if difference:
            Console().print(f"{self._name} differs: {difference}")
            return 1
        observations = f"{len(trace.digests):,} observations, " if len(trace.digests) else ""
        Console().print(
            f"{self._name} is the same when simulated again: {observations}{len(trace):,} rewards, "
            f"the length and the score {trace.score:,}"
        )
        return 0

    @property
    def _shows_two(self) -> bool:
        """Whether --with names an episode."""
        return self.second is not None and self.second.is_file()

    def _page(self, header: EpisodeHeader | LogHeader, trace: EpisodeTrace) -> None:
        from harness.players.episode_page import Played, write_pair, write_single  # torch

        out, second, mark = self._file(".html"), self.second, mark_of(self)
        episode = Played(self._name, None if self.source.is_dir() else self.source, header, trace)
        if second and self._shows_two:
            other = Played(str(second), second, read_header(second), load_episode(second))
            check_emulator(other.header, strict=False)
            frames = write_pair(out, episode, other, mark)
        else:
            frames = write_single(
                out, episode, second, attention=self.attention, locate=self.locate, mark=mark
            )
        _announce(out, frames)

    def _video(self, trace: EpisodeTrace) -> None:
        from harness.players.q_value_strip import QValueStrip
        from harness.players.video import write_video

        out, names = self._file(*VIDEOS), action_names(trace.protocol)
        steps = self._steps(trace)
        strip = (
            QValueStrip(trace.q_values, trace.actions, names, steps.start) if self.values else None
        )
        passes = 2 if out.suffix == ".gif" else 1
        with progress("encoding", passes * steps.stop) as advance:

            def play() -> Iterator[npt.NDArray[np.uint8]]:  # simulated from the start
                frames = advancing(islice(screens(trace), steps.stop), advance)
                return islice(frames, steps.start, None)

            _announce(out, write_video(out, play, strip, mark_of(self)))

    def _steps(self, trace: EpisodeTrace) -> range:
        """The steps that a video shows, at least one. Raises UserError for a part after the end."""
        per_second, last = FRAMES_PER_SECOND / FRAMES_PER_STEP, len(trace) - 1
        start, end = (second * per_second for second in self.seconds or (0, math.inf))
        if start >= len(trace):
            length = f"{len(trace) / per_second:.1f}"
            raise UserError(f"--seconds {start / per_second:g} is too late: the game has {length}")
        first = min(round(start), last)
        return range(first, max(round(min(end, len(trace))), first + 1))

    def _file(self, *suffixes: str) -> Path:
        """Where to write: a name with one of these suffixes, by default the first. Raises UserError
        for a name with another suffix, and for a file of something else."""
        if self.out is None and self.episode is None:
            out = self.source.with_suffix(suffixes[0])
        elif self.out is None:
            out = self.source / "episodes" / f"training{self.episode:06d}{suffixes[0]}"
        elif self.out.suffix in suffixes:
            out = self.out
        else:
            known, given = " or ".join(suffixes), self.out.suffix or self.out.name
            raise UserError(f"--out must end in {known}, not {given!r}")
        return output(out, mark_of(self), "--out" if self.out else None)

    def _play(self, trace: EpisodeTrace) -> None:
        from harness.players.frame_cache import FrameCache
        from harness.players.player import play
        from harness.players.terminal import TerminalDisplay
        from harness.players.tty import full_screen
        from harness.players.window import window

        game, names = game_title(trace.protocol.game), action_names(trace.protocol)
        cache = FrameCache(lambda: screens(trace))
        try:
            if self.show_in == "window":
                with window(f"{game}: {self._name}") as opened:
                    play(trace, cache, names, opened, self.speed)
            else:
                with full_screen() as terminal:
                    play(trace, cache, names, TerminalDisplay(terminal), self.speed)
        except KeyboardInterrupt as stop:
            if exit_code(stop) != 128 + SIGINT:  # Ctrl-C closes the player
                raise
        say(f"{game}: score {trace.score:,} in {len(trace):,} steps")


def _announce(file: Path, frames: int) -> None:
    """Print what was written."""
    seconds, size = frames / FRAMES_PER_SECOND, file.stat().st_size / 1000
    Console().print(f"{file}: {frames:,} frames of the emulator, {seconds:.1f} s, {size:,.0f} kB")
