"""The pages of evaluate.py replay: one episode, or two side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader, load_episode, read_header
from envs.games import game_title
from envs.labels import labels_of
from envs.trace import EpisodeTrace, screens
from harness.console import advancing, progress, warn
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.players.episodes_page import ListedEpisode
    from harness.players.locator import Locator
    from harness.players.page_data import PageData
    from harness.players.second_network import SecondNetwork


@dataclass(frozen=True)
class Played:
    """An episode and where it is from."""

    name: str
    file: Path | None
    """Where it is recorded; None for one of an action log."""
    header: EpisodeHeader | LogHeader
    trace: EpisodeTrace


@dataclass(frozen=True)
class EpisodePage:
    """What a page shows besides its episode."""

    second: Path | None
    """Run or checkpoint whose Q-values are shown too, or the file of another episode."""
    attention: bool
    locate: bool

    def check(self, show_in: str | None) -> None:
        """Raise UserError for options that do not go together."""
        for option, given in (("--with", self.second is not None), ("--locate", self.locate)):
            if given and show_in != "page":
                raise UserError(f"{option} is for pages: add --in page")
        if self.attention and (self.second is None or self._two):
            raise UserError("--attention is that of a network: add --with RUN")
        if self.locate and self._two:
            raise UserError("--locate is for one episode: give --with the folder of a run")

    @property
    def _two(self) -> bool:
        """Whether the page shows two episodes."""
        return self.second is not None and self.second.is_file()

    def other(self) -> Played | None:
        """The second episode, if there is one. Raises BadEpisode."""
        if self.second is None or not self._two:
            return None
        header, trace = read_header(self.second), load_episode(self.second)
        return Played(str(self.second), self.second, header, trace)

    def write(self, out: Path, episode: Played, other: Played | None, mark: str) -> int:
        """Write the page, with a command's mark; returns how many frames it has."""
        if other:
            played, pages = [episode, other], _pair(out, (episode, other), mark)
        else:
            played, pages = [episode], [self._single(out, episode, mark)]
        for shown, page in zip(played, pages, strict=True):
            warn_departed(shown.name, page)
        return sum(page.frames for page in pages)

    def _single(self, out: Path, episode: Played, mark: str) -> PageData:
        from harness.players.page import write_page
        from harness.players.second_network import second_network

        header, trace = episode.header, episode.trace
        if self.locate:
            labels_of(trace.protocol.game)  # raises before anything takes time
        second = second_network(self.second, trace.protocol) if self.second else None
        locators = _locators(episode, second) if self.locate else []
        with progress("writing", len(trace)) as advance:
            return write_page(
                out, trace, advancing(screens(trace), advance), header, episode.name, second,
                attention=self.attention, locators=locators, mark=mark,
            )  # fmt: skip


def warn_departed(name: str, page: PageData) -> None:
    """Warn on standard error if an episode departs from its recording."""
    if page.departs is not None:
        warn(f"{name} departs from its recording at step {page.departs:,}")


def _pair(out: Path, episodes: tuple[Played, Played], mark: str) -> list[PageData]:
    """Write the page of two episodes."""
    from harness.players.episodes_page import write_episodes_page
    from harness.report.markup import Html

    traces = [episode.trace for episode in episodes]
    games = dict.fromkeys(game_title(trace.protocol.game) for trace in traces)
    title = f"{' and '.join(games)}: two episodes"
    with progress("writing", sum(map(len, traces))) as advance:
        both = [
            _listed(episode, name, advancing(screens(episode.trace), advance))
            for name, episode in zip(("First", "Second"), episodes, strict=True)
        ]
        return write_episodes_page(out, title, Html(""), both, opened=True, mark=mark)


def _listed(episode: Played, title: str, frames: Iterator[npt.NDArray[np.uint8]]) -> ListedEpisode:
    from harness.players.episodes_page import ListedEpisode
    from harness.players.page import agent_facts

    trace = episode.trace
    facts = (
        ("From", episode.name),
        *agent_facts(episode.header),
        ("Length", f"{len(trace):,} steps, {trace.end}"),
        ("Seed", str(trace.seed)),
    )
    return ListedEpisode(title, episode.name, episode.header, trace, frames, facts)


def _locators(episode: Played, second: SecondNetwork | None) -> list[Locator]:
    """Locators of the network that played and of the second one, where they are here. Raises
    UserError where neither is."""
    from harness.players.locator import locator, own_network

    game, locators = episode.trace.protocol.game, []
    if episode.file and isinstance(episode.header, EpisodeHeader):
        own = own_network(episode.file, episode.header, episode.trace)
        if own:
            with progress("reading places from the network that played"):
                locators.append(locator("place", own, game))
    if second:
        with progress(f"reading places from {second.name}"):
            locators.append(locator("other-place", second.network, game))
    if not locators:
        raise UserError(
            "--locate needs a network, and the checkpoint that played this episode is not here: "
            "add --with RUN"
        )
    return locators
