"""Several episodes on one page, each opened only when somebody asks for it.

The page holds the whole page of each episode (harness/players/page.py) as text, which a browser
neither draws nor runs. The script web/episodes.js opens one in an iframe. The page's
Content-Security-Policy allows that script, the player's, and iframes of text that the page holds.
The text is not compressed: nearly all of it is already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape as escape_markup
from itertools import groupby
from pathlib import Path

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader
from envs.trace import EpisodeTrace, screens
from harness.console import advancing, progress
from harness.players.page import (
    POLICY,
    about_block,
    filled,
    page_texts,
    player_script,
    script_hash,
    warn_departed,
    web,
    write_texts,
)
from harness.players.page_data import PageData
from harness.report.markup import Html, escape, join, tag
from harness.report.styles import colour_rules, shape_symbols


@dataclass(frozen=True)
class ListedEpisode:
    """An episode and what its card says."""

    title: str
    name: str
    """Where it is from: a file, or a run and a number."""
    header: EpisodeHeader | LogHeader
    trace: EpisodeTrace
    facts: tuple[tuple[str, str], ...]
    group: str = ""
    """Heading of this episode and its neighbours of the same group."""
    steps: int | None = None
    """Of training, when it was played, if that is known."""


def write_episodes_page(
    path: Path,
    title: str,
    above: Html,
    episodes: Sequence[ListedEpisode],
    *,
    opened: bool = False,
    mark: str = "",
) -> int:
    """Write a page of episodes, `above` under its title; returns how many frames it has. Standard
    error shows how far it is, and names episodes that depart from their recording.

    With `opened` all are open and play together from the beginning. `mark` is that of the command
    (harness/files/outputs.py). The file appears whole or not at all. Raises UserError where it
    cannot be written.
    """
    data = [PageData(episode.trace, None, attention=False) for episode in episodes]
    with progress("writing", sum(len(episode.trace) for episode in episodes)) as advance:
        write_texts(path, _texts(title, above, episodes, data, opened, advance), mark)
    for episode, page_data in zip(episodes, data, strict=True):
        warn_departed(episode.name, page_data)
    return sum(page_data.frames for page_data in data)


def _texts(
    title: str,
    above: Html,
    episodes: Sequence[ListedEpisode],
    data: Sequence[PageData],
    opened: bool,
    advance: Callable[[], None],
) -> Iterator[str]:
    page, script = web("episodes.html"), web("dom.js") + web("episodes.js")
    hashes = f"{script_hash(script)} {script_hash(player_script())}"
    style = web("../../report/page.css") + colour_rules() + web("episodes.css")
    body = join([shape_symbols(), Html("<main>"), tag("h1", title), above, *_cards(episodes)])
    policy = f"{POLICY}; script-src {hashes}; frame-src blob:"
    page = filled(page, policy=policy, title=escape(title), style=style, body=body)
    before, _, after = page.partition("<!--data-->")
    yield before
    for number, (episode, page_data) in enumerate(zip(episodes, data, strict=True)):
        yield f'<script type="text/plain" id="data-page-{number}">'
        frames = advancing(screens(episode.trace), advance)
        for text in page_texts(page_data, frames, episode.header, episode.name):
            yield escape_markup(text, quote=False)
        yield "</script>\n"
    yield about_block({"open": opened})
    yield after.replace("<!--script-->", f"<script>{script}</script>")


def _cards(episodes: Sequence[ListedEpisode]) -> Iterator[Html]:
    for group, members in groupby(episodes, lambda episode: episode.group):
        if group:
            yield tag("h2", group)
        yield tag("ul", *map(_card, members), class_="episodes")


def _card(episode: ListedEpisode) -> Html:
    points = f"{episode.trace.score:,} points"
    facts = (tag("div", tag("dt", name), tag("dd", value)) for name, value in episode.facts)
    button = tag("button", "Open", type="button", data_name=f"{episode.title}: {points}",
                 aria_expanded="false", aria_label=f"Open {episode.title}")  # fmt: skip
    return tag("li", tag("h3", episode.title), tag("p", points, class_="points"),
               tag("dl", *facts), button, class_="episode")  # fmt: skip
