"""The pages of evaluate.py replay: one episode, or two side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader
from envs.games import game_title
from envs.labels import labels_of
from envs.trace import EpisodeTrace, screens
from harness.console import advancing, progress
from harness.errors import UserError
from harness.players.episodes_page import ListedEpisode, write_episodes_page
from harness.players.locator import Locator, locator, own_network
from harness.players.page import agent_facts, warn_departed, write_page
from harness.players.second_network import SecondNetwork, second_network
from harness.report.markup import Html


@dataclass(frozen=True)
class Played:
    """An episode and where it is from."""

    name: str
    file: Path | None
    """Where it is recorded; None for one of an action log."""
    header: EpisodeHeader | LogHeader
    trace: EpisodeTrace


def write_single(
    out: Path, episode: Played, with_run: Path | None, *, attention: bool, locate: bool, mark: str
) -> int:
    """Write the page of an episode, with the options and the mark of a command; returns how many
    frames it has."""
    header, trace = episode.header, episode.trace
    if locate:
        labels_of(trace.protocol.game)  # raises before anything takes time
    second = second_network(with_run, trace.protocol) if with_run else None
    locators = _locators(episode, second) if locate else []
    with progress("writing", len(trace)) as advance:
        page = write_page(
            out, trace, advancing(screens(trace), advance), header, episode.name, second,
            attention=attention, locators=locators, mark=mark,
        )  # fmt: skip
    warn_departed(episode.name, page)
    return page.frames


def write_pair(out: Path, first: Played, second: Played, mark: str) -> int:
    """Write the page of two episodes side by side, with a command's mark; returns how many frames
    it has."""
    pair = [_listed(first, "First"), _listed(second, "Second")]
    games = dict.fromkeys(game_title(episode.trace.protocol.game) for episode in pair)
    title = f"{' and '.join(games)}: two episodes"
    return write_episodes_page(out, title, Html(""), pair, opened=True, mark=mark)


def _listed(episode: Played, title: str) -> ListedEpisode:
    trace = episode.trace
    facts = (
        ("From", episode.name),
        *agent_facts(episode.header),
        ("Length", f"{len(trace):,} steps, {trace.end}"),
        ("Seed", str(trace.seed)),
    )
    return ListedEpisode(title, episode.name, episode.header, trace, facts)


def _locators(episode: Played, second: SecondNetwork | None) -> list[Locator]:
    """Locators of the network that played and of the second one, where they are here. Raises
    UserError where neither is."""
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
