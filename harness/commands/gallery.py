"""evaluate.py gallery: a run's scores and the episodes to watch first, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from envs.games import game_title
from envs.trace import EpisodeTrace, screens
from harness.commands.beside import warn_departed
from harness.commands.options import option
from harness.commands.replay import check_cartridge
from harness.compare.watching import RECENT
from harness.console import Console, warn
from harness.errors import UserError
from harness.figures import read_figures, scored
from harness.highlights import Highlight, Recorded, check_some, highlights, training
from harness.history import History
from harness.outputs import mark_of, output
from harness.players.shelf import Shelved, write_shelf
from harness.progress_bar import advancing, progress
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
        mark = mark_of(self)
        out = output(out, mark, "--out" if self.out else None)
        recorded = Recorded.of(self.run_dir, check_cartridge)
        history, unreadable = training(self.run_dir)
        left_out = [*recorded.left_out, *filter(None, [unreadable])]
        check_some(self.run_dir, recorded, history, left_out)
        chosen = [*_recorded(recorded)]
        if history:
            chosen += _training(self.run_dir, history, left_out)
        if not chosen:
            raise UserError("; ".join(left_out))
        for line in left_out:
            warn(f"left out: {line}")
        games = dict.fromkeys(game_title(one.shelved.trace.protocol.game) for one in chosen)
        title = f"{', '.join(games)}: episodes of {self.run_dir.resolve().name}"
        words = _words(recorded, history, left_out)
        above = join([*words, _curve(self.run_dir, chosen)])
        with progress("writing", sum(len(one.shelved.trace) for one in chosen)) as advance:
            episodes = [
                replace(one.shelved, screens=advancing(one.shelved.screens, advance))
                for one in chosen
            ]
            pages = write_shelf(out, title, above, episodes, mark=mark)
        for one, page in zip(episodes, pages, strict=True):
            warn_departed(one.name, page)
        size = out.stat().st_size / 1e6
        Console().print(f"{out}: {counted(len(episodes), 'episode')}, {size:.1f} MB")
        return 0


@dataclass(frozen=True)
class _Chosen:
    """A highlight, and where it lies on the curve."""

    highlight: Highlight
    shelved: Shelved
    steps: int | None
    """Of training, when it was played."""


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
            Shelved(_title(one, _RECORDED), name, header, trace, screens(trace), facts, _RECORDED),
            header.agent_steps,
        )


def _training(run_dir: Path, history: History, left_out: list[str]) -> Iterator[_Chosen]:
    for one in highlights([episode.score for episode in history.episodes]):
        try:
            header, trace = history.trace(one.number)
        except UserError as error:
            left_out.append(str(error))
            continue
        steps = history.episodes[one.number - 1].steps
        seed = f"{trace.seed}" + (
            f", {len(trace.before):,} steps before it" if len(trace.before) else ""
        )
        how = "from the action log: the network explored, and learned once the warm-up was over"
        facts = _facts(one, "training episodes", trace, seed, steps, how)
        name = f"{run_dir.resolve().name} episode {one.number}"
        yield _Chosen(
            one,
            Shelved(_title(one, _TRAINING), name, header, trace, screens(trace), facts, _TRAINING),
            steps,
        )


def _facts(
    one: Highlight, kind: str, trace: EpisodeTrace, seed: str, steps: int | None, how: str
) -> tuple[tuple[str, str], ...]:
    alike = f"; the first of {one.alike:,} with this score" if one.alike > 1 else ""
    return (
        ("Which", f"number {one.number:,} of {one.total:,} {kind}{alike}"),
        ("Trained for", "not known" if steps is None else f"{steps:,} steps"),
        ("Length", f"{len(trace):,} steps, {trace.end}"),
        ("Seed", seed),
        ("How", how),
    )


def _title(one: Highlight, group: str) -> str:
    """Best, median and first recorded game."""
    *most, last = one.roles
    roles = f"{', '.join(most)} and {last}" if most else last
    return f"{roles} {group.removesuffix('s')}".capitalize()


def _words(recorded: Recorded, history: History | None, left_out: Sequence[str]) -> Iterator[Html]:
    """What is on the page, and what best, worst, median and first mean."""
    yield tag(
        "p",
        "Best is the highest score, worst the lowest, median the one in the middle (of an even "
        "number the lower one of the two); first is what the least trained network played. Of "
        "several with the same score it is the first. Scores are raw points of whole games, steps "
        "those of training.",
    )
    for line in left_out:
        yield tag("p", f"Left out: {line}.")
    if history is None:
        yield tag("p", "No training episode can be played: the folder has no readable action log.")
    elif not history.episodes:
        yield tag("p", "No training episode has ended yet.")
    if not recorded.files:
        yield tag("p", "No recorded game that can be played is in the folder's episodes/ yet.")


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
        Series(one.shelved.title, (one.steps,), (one.highlight.score,))
        for one in chosen
        if one.steps is not None
    ]
    curves = Curves("Scores", "steps", "score (points)", tuple(series))
    drawn = draw_curves(curves, Looks(one.name for one in series))
    return tag("figure", tag("figcaption", "Scores of the run"), drawn, class_="curves")
