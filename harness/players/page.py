"""A recorded episode as one page that plays it: a file that opens from disk, without the internet.

The page is web/page.html with, in this order, web/page.css, the episode's data blocks, the block
`about` that describes them, and the scripts of web/ in one piece. Its Content-Security-Policy lets
the browser run no other script and fetch nothing, whatever names stand in the episode.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader
from envs.games import game_title
from envs.trace import EpisodeTrace
from harness.console import warn
from harness.files.atomic import appearing
from harness.files.outputs import trailer
from harness.players.locator import Locator
from harness.players.page_data import PageData, data_block
from harness.players.second_network import SecondNetwork
from harness.report.markup import escape

SCRIPTS: Final = (
    *("dom.js", "store.js", "pictures.js", "timeline.js", "table.js", "values.js"),
    *("player.js", "sync.js", "controls.js"),
)
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_WEB: Final = Path(__file__).parent / "web"


def write_page(
    path: Path,
    trace: EpisodeTrace,
    screens: Iterable[npt.NDArray[np.uint8]],
    header: EpisodeHeader | LogHeader,
    name: str,
    second: SecondNetwork | None = None,
    *,
    attention: bool = False,
    locators: Sequence[Locator] = (),
    mark: str = "",
) -> PageData:
    """Write the page of an episode called `name`; returns what went into it.

    `screens` are its frames, uint8 [k, 210, 160, 3] a step, as `envs.trace.screens` plays them.
    They are written as they come, a few seconds of the game in memory. `second` adds that
    network's Q-values, `attention` the pixels that move them, and `locators` marks where networks
    take the game's main object to be. `mark` is that of the command (harness/files/outputs.py).
    The file appears whole or not at all. Raises UserError where it cannot be written.
    """
    data = PageData(trace, second, attention=attention, locators=locators)
    write_texts(path, page_texts(data, screens, header, name), mark)
    return data


def warn_departed(name: str, page: PageData) -> None:
    """Warn on standard error if an episode departs from its recording."""
    if page.departs is not None:
        warn(f"{name} departs from its recording at step {page.departs:,}")


def write_texts(path: Path, texts: Iterable[str], mark: str) -> None:
    """Write a page piece by piece; it appears whole or not at all. Raises UserError where it cannot
    be written."""
    with (
        appearing(path, trailer(mark, path.suffix)) as part,
        part.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for text in texts:
            file.write(text)


def page_texts(
    data: PageData,
    screens: Iterable[npt.NDArray[np.uint8]],
    header: EpisodeHeader | LogHeader,
    name: str,
) -> Iterator[str]:
    """The page, piece by piece."""
    title = f"{game_title(header.protocol.game)}: {data.trace.score:,} points"
    page, script = web("page.html"), player_script()
    policy = f"{POLICY}; script-src {script_hash(script)}"
    page = filled(page, policy=policy, title=escape(title), style=web("page.css"))
    before, _, after = page.partition("<!--data-->")
    yield before
    yield from data.blocks(screens)
    yield about_block({**data.about(), "name": name, "facts": _facts(data, header)})
    yield after.replace("<!--script-->", f"<script>{script}</script>")


def filled(page: str, **texts: str) -> str:
    """A page of web/ with each `<!--name-->` replaced by the text of that name."""
    for mark, text in texts.items():
        page = page.replace(f"<!--{mark}-->", text)
    return page


def web(file: str) -> str:
    """A file of web/."""
    return (_WEB / file).read_text(encoding="utf-8")


def player_script() -> str:
    """The script of an episode's page."""
    return "\n".join(map(web, SCRIPTS))


def about_block(content: dict[str, object]) -> str:
    """The data block that a page's script reads first."""
    return data_block("about", json.dumps(content, allow_nan=False).replace("<", "\\u003c"))


def script_hash(script: str) -> str:
    """The name of a script in a Content-Security-Policy that lets it run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def agent_facts(header: EpisodeHeader | LogHeader) -> Iterator[tuple[str, str]]:
    """Who played, as pairs of a name and a value; nothing where that is not known."""
    if isinstance(header, EpisodeHeader):
        if header.agent is not None:
            yield "Agent", header.agent
        if header.agent_steps is not None:
            yield "Trained for", f"{header.agent_steps:,} steps"


def _facts(data: PageData, header: EpisodeHeader | LogHeader) -> list[tuple[str, str]]:
    """What the page says of the episode, as pairs of a name and a value."""
    trace, sticky = data.trace, header.protocol.sticky_actions
    facts = [*agent_facts(header), ("Seed", str(trace.seed)), ("Sticky actions", f"{sticky:g}")]
    if isinstance(header, EpisodeHeader) and header.epsilon is not None:
        facts.append(("Epsilon", f"{header.epsilon:g}"))
    if data.second:
        facts.append(("Second network", data.second.name))
    facts += [("End", trace.end), ("Emulator", f"ale-py {header.ale_py}")]
    return [*facts, ("Simulated again", _agreement(data))]


def _agreement(data: PageData) -> str:
    if data.departs is not None:
        return f"departs from the recording at step {data.departs:,}: what follows is another game"
    seen = "every observation and reward is" if len(data.trace.digests) else "every reward is"
    return f"{seen} as recorded"
