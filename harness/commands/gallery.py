"""evaluate.py gallery: a run's scores and the episodes to watch first, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track

from envs.games import game_title
from envs.trace import EpisodeTrace, screens
from harness.commands.beside import warn_departed
from harness.commands.options import option
from harness.compare.watching import RECENT
from harness.errors import UserError
from harness.figures import read_figures, scored
from harness.highlights import Highlight, Recorded, check_some, highlights, training
from harness.history import History
from harness.players.shelf import Shelved, write_shelf
from harness.report.blocks import Curves, Series
from harness.report.curves import draw_curves
from harness.report.looks import Looks
from harness.report.markup import Html, join, tag
from harness.wording import counted


@dataclass(frozen=True)
class GalleryCommand:
    """Put a run's scores and its best, worst, median and first episodes on one page.

    The page is one file that any browser opens, without a network. Every episode on it plays as
    one of `evaluate.py replay --in page` does, and several play together. It shows games recorded
    in RUN/episodes and, where the run has its action log, training episodes.
    """

    run_dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of the run, which may still be training."""
    out: Annotated[Path | None, option("FILE", "gallery.html in the run's folder")] = None
    """File of the page, .html."""

    def run(self) -> int:
        """Write the page; returns the exit code."""
        out = self.out or self.run_dir / "gallery.html"
        if out.suffix != ".html":
            raise UserError(f"--out must end in .html, not {out.suffix or out.name!r}")
        recorded, history = Recorded.of(self.run_dir), training(self.run_dir)
        check_some(self.run_dir, recorded, history)
        chosen = [*_recorded(recorded), *(_training(self.run_dir, history) if history else ())]
        console = Console(highlight=False)
        episodes = [_tracked(one, console) for one in chosen]
        game = game_title(episodes[0].trace.protocol.game)
        title = f"{game}: episodes of {self.run_dir.resolve().name}"
        above = join([*_words(recorded, history), _curve(self.run_dir, chosen)])
        pages = write_shelf(out, title, above, episodes)
        for one, page in zip(episodes, pages, strict=True):
            warn_departed(one.name, page)
        size = out.stat().st_size / 1e6
        console.print(f"{out}: {counted(len(episodes), 'episode')}, {size:.1f} MB", soft_wrap=True)
        return 0


@dataclass(frozen=True)
class _Chosen:
    """A highlight, and where it lies on the curve."""

    highlight: Highlight
    shelved: Shelved
    steps: int | None
    """Of training, when it was played."""

    @property
    def label(self) -> str:
        kind = "training" if self.shelved.group == _TRAINING else "recorded"
        return f"{kind}: {_roles(self.highlight)}"


_RECORDED = "Recorded games"
_TRAINING = "Training episodes"


def _recorded(recorded: Recorded) -> Iterator[_Chosen]:
    for one in highlights(recorded.scores):
        header, trace = recorded.trace(one.number)
        who = header.agent or "an agent without a name"
        how = "" if header.epsilon is None else f", {header.epsilon:g} of its actions random"
        facts = _facts(
            one, "recorded games", trace, f"{trace.seed}", header.agent_steps,
            f"recorded by {who}, which did not learn meanwhile{how}",
        )  # fmt: skip
        name = recorded.files[one.number - 1].name
        yield _Chosen(
            one,
            Shelved(_title(one), name, header, trace, screens(trace), facts, _RECORDED),
            header.agent_steps,
        )


def _training(run_dir: Path, history: History) -> Iterator[_Chosen]:
    for one in highlights([episode.score for episode in history.episodes]):
        header, trace = history.trace(one.number)
        steps = history.episodes[one.number - 1].steps
        seed = f"{trace.seed}" + (
            f", {len(trace.before):,} steps before it" if len(trace.before) else ""
        )
        how = "from the action log: the network explored, and learned once the warm-up was over"
        facts = _facts(one, "training episodes", trace, seed, steps, how)
        name = f"{run_dir.resolve().name} episode {one.number}"
        yield _Chosen(
            one, Shelved(_title(one), name, header, trace, screens(trace), facts, _TRAINING), steps
        )


def _facts(
    one: Highlight, kind: str, trace: EpisodeTrace, seed: str, steps: int | None, how: str
) -> tuple[tuple[str, str], ...]:
    alike = f"; the first of {one.alike:,} with this score" if one.alike > 1 else ""
    return (
        ("Which", f"number {one.number:,} of {one.total:,} {kind}{alike}"),
        ("Trained for", "not known" if steps is None else f"{steps:,} steps"),
        ("Length", f"{len(trace):,} steps" + (", cut off" if trace.truncated else "")),
        ("Seed", seed),
        ("How", how),
    )


def _roles(one: Highlight) -> str:
    *most, last = one.roles
    return f"{', '.join(most)} and {last}" if most else last


def _title(one: Highlight) -> str:
    return _roles(one).capitalize()


def _tracked(one: _Chosen, console: Console) -> Shelved:
    """The episode, with a bar while its pictures are made."""
    hidden, shelved = not console.is_terminal, one.shelved
    bar = track(shelved.screens, one.label, len(shelved.trace), console=console, transient=True,
                disable=hidden)  # fmt: skip
    return replace(shelved, screens=iter(bar))


def _words(recorded: Recorded, history: History | None) -> Iterator[Html]:
    """What is on the page, and what best, worst, median and first mean."""
    yield tag(
        "p",
        "Best is the highest score, worst the lowest, median the one in the middle (of an even "
        "number the lower one of the two); first is what the least trained network played. Of "
        "several with the same score it is the first. Scores are raw points of whole games, steps "
        "those of training.",
    )
    if history is None:
        yield tag("p", "The folder has no action log: there are no training episodes to play.")
    elif not history.episodes:
        yield tag("p", "No training episode has ended yet.")
    if not recorded.files:
        yield tag("p", "No recorded game is in the folder's episodes/ yet.")


def _curve(run_dir: Path, chosen: Sequence[_Chosen]) -> Html:
    """Scores over steps, with the episodes of the page marked."""
    figures = read_figures(run_dir / "metrics.jsonl")
    games, evaluations = scored(figures), scored(figures, "evaluation")
    series = []
    if games:
        steps, _, scores = zip(*games, strict=True)
        means = [
            float(np.mean(scores[max(end - RECENT, 0) : end])) for end in range(1, len(scores) + 1)
        ]
        name = f"training episodes, mean of the last {RECENT}"
        series.append(Series(name, steps, means, thin=((steps, scores),)))
    if evaluations:
        steps, _, scores = zip(*evaluations, strict=True)
        series.append(Series("evaluations, mean of their games", steps, scores))
    if not series:
        return tag("p", "The folder has no metrics.jsonl with scores to draw.")
    series += [
        Series(one.label, (one.steps,), (one.highlight.score,))
        for one in chosen
        if one.steps is not None
    ]
    curves = Curves("Scores", "steps", "score (points)", tuple(series))
    drawn = draw_curves(curves, Looks(one.name for one in series))
    return tag("figure", tag("figcaption", "Scores of the run"), drawn, class_="curves")
