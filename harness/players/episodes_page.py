"""Several episodes on one page, each opened only when somebody asks for it.

Whole pages of episodes (harness/players/page.py) stand in the shelf's page as text, which a
browser neither draws nor runs; the script of web/shelf.js opens one in a frame of its own. The
browser lets the shelf run that script and the players' one, frame what it made itself, and no
more. The pages are not packed: nearly all of them is packed already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape as escape_markup
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader
from envs.trace import EpisodeTrace
from harness.players.page import (
    POLICY,
    about_block,
    filled,
    page_texts,
    player_script,
    script_hash,
    web,
    write_texts,
)
from harness.players.page_data import PageData
from harness.report.markup import Html, escape, join, tag
from harness.report.styles import colour_rules, shape_symbols


@dataclass(frozen=True)
class ListedEpisode:
    """An episode and what stands on its card."""

    title: str
    name: str
    """Where it is from: a file, or a run and a number."""
    header: EpisodeHeader | LogHeader
    trace: EpisodeTrace
    screens: Iterator[npt.NDArray[np.uint8]]
    """Its frames, uint8 [k, 210, 160, 3] a step, made while the page is written."""
    facts: tuple[tuple[str, str], ...] = ()
    group: str = ""
    """Episodes that follow each other and share it stand under it as their heading."""


def write_episodes_page(
    path: Path,
    title: str,
    above: Html,
    episodes: Sequence[ListedEpisode],
    *,
    opened: bool = False,
    mark: str = "",
) -> list[PageData]:
    """Write a page of episodes; returns what went into each. Under its title stands `above`.

    With `opened` all are open and play together from the beginning. `mark` is that of the command
    (harness/files/outputs.py). The file appears whole or not
    at all. Raises UserError where it cannot be written.
    """
    data = [PageData(one.trace, None, attention=False) for one in episodes]
    write_texts(path, _texts(title, above, episodes, data, opened), mark)
    return data


def _texts(
    title: str,
    above: Html,
    episodes: Sequence[ListedEpisode],
    data: Sequence[PageData],
    opened: bool,
) -> Iterator[str]:
    page, script = web("shelf.html"), web("shelf.js")
    hashes = f"{script_hash(script)} {script_hash(player_script())}"
    style = web("../../report/page.css") + colour_rules() + web("shelf.css")
    body = join([shape_symbols(), Html("<main>"), tag("h1", title), above, *_cards(episodes)])
    policy = f"{POLICY}; script-src {hashes}; frame-src blob:"
    page = filled(page, policy=policy, title=escape(title), style=style, body=body)
    before, _, after = page.partition("<!--data-->")
    yield before
    for place, (one, its) in enumerate(zip(episodes, data, strict=True)):
        yield f'<script type="text/plain" id="data-page-{place}">'
        for text in page_texts(its, one.screens, one.header, one.name):
            yield escape_markup(text, quote=False)
        yield "</script>\n"
    yield about_block({"open": opened})
    yield after.replace("<!--script-->", f"<script>{script}</script>")


def _cards(episodes: Sequence[ListedEpisode]) -> Iterator[Html]:
    for group, found in groupby(episodes, lambda one: one.group):
        if group:
            yield tag("h2", group)
        yield tag("ul", *(_card(one) for one in found), class_="episodes")


def _card(one: ListedEpisode) -> Html:
    points = f"{one.trace.score:,} points"
    facts = (tag("div", tag("dt", name), tag("dd", value)) for name, value in one.facts)
    button = tag("button", "Open", type="button", data_name=f"{one.title}: {points}",
                 aria_expanded="false", aria_label=f"Open {one.title}")  # fmt: skip
    return tag("li", tag("h3", one.title), tag("p", points, class_="points"), tag("dl", *facts),
               button, class_="episode")  # fmt: skip
