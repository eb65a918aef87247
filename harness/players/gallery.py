"""A run's scores and the episodes to watch first, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from envs.games import game_title
from envs.trace import EpisodeTrace, screens
from harness.console import advancing, progress, warn
from harness.errors import UserError
from harness.metrics.reader import RECENT, read_figures, scored
from harness.players.episode_page import warn_departed
from harness.players.episodes_page import ListedEpisode, write_episodes_page
from harness.players.verify import check_cartridge
from harness.report.blocks import Curves, Series
from harness.report.curves import draw_curves
from harness.report.markup import Html, join, tag
from harness.report.styles import Styles
from harness.training.episodes import Highlight, History, Recorded, check_some, highlights, training


def write_gallery(out: Path, run_dir: Path, mark: str) -> int:
    """Write the page of a run, with a command's mark; returns how many episodes it has.

    What cannot be played is left out, with a line on standard error. Raises UserError where
    nothing can be.
    """
    recorded = Recorded.of(run_dir, check_cartridge)
    history, unreadable = training(run_dir)
    left_out = [*recorded.left_out, *filter(None, [unreadable])]
    check_some(run_dir, recorded, history, left_out)
    chosen = [*_recorded(recorded)]
    if history:
        chosen += _training(run_dir, history, left_out)
    if not chosen:
        raise UserError("; ".join(left_out))
    for line in left_out:
        warn(f"left out: {line}")
    games = dict.fromkeys(game_title(one.shelved.trace.protocol.game) for one in chosen)
    title = f"{', '.join(games)}: episodes of {run_dir.resolve().name}"
    above = join([*_words(recorded, history, left_out), _curve(run_dir, chosen)])
    with progress("writing", sum(len(one.shelved.trace) for one in chosen)) as advance:
        episodes = [
            replace(one.shelved, screens=advancing(one.shelved.screens, advance)) for one in chosen
        ]
        pages = write_episodes_page(out, title, above, episodes, mark=mark)
    for one, page in zip(episodes, pages, strict=True):
        warn_departed(one.name, page)
    return len(episodes)


@dataclass(frozen=True)
class _Chosen:
    """A highlight, and where it lies on the curve."""

    highlight: Highlight
    shelved: ListedEpisode
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
            ListedEpisode(
                _title(one, _RECORDED), name, header, trace, screens(trace), facts, _RECORDED
            ),
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
            ListedEpisode(
                _title(one, _TRAINING), name, header, trace, screens(trace), facts, _TRAINING
            ),
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
    drawn = draw_curves(curves, Styles(one.name for one in series))
    return tag("figure", tag("figcaption", "Scores of the run"), drawn, class_="curves")
