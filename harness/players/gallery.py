"""A run's scores and the episodes to watch first, on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from envs.action_log import LogHeader
from envs.episode_file import EpisodeHeader
from envs.games import game_title
from envs.trace import EpisodeTrace
from harness.console import warn
from harness.errors import UserError
from harness.metrics.reader import RECENT, read_figures, scored
from harness.players.episodes_page import ListedEpisode, write_episodes_page
from harness.players.verify import check_cartridge
from harness.report.blocks import Curves, Series
from harness.report.curves import draw_curves
from harness.report.markup import Html, join, tag
from harness.report.styles import Styles
from harness.training.episodes import (
    Highlight,
    History,
    Recorded,
    highlights,
    require_episodes,
    training,
)

_INTRODUCTION = (
    "Best is the highest score, worst the lowest. Median is the one in the middle, of an even "
    "number the lower of the two. First is what the least trained network played. Of several with "
    "the same score it is the first. Scores are raw points of whole games, steps those of training."
)


def write_gallery(out: Path, run_dir: Path, mark: str) -> int:
    """Write the page of a run, with a command's mark; returns how many episodes it has.

    Episodes that cannot be played are left out, with a line on standard error. Raises UserError
    where none can be played.
    """
    recorded = Recorded.of(run_dir, check_cartridge)
    history, unreadable = training(run_dir)
    left_out = [*recorded.left_out, *filter(None, [unreadable])]
    require_episodes(run_dir, recorded, history, left_out)
    chosen = [*_recorded(recorded)]
    if history:
        chosen += _training(run_dir, history, left_out)
    if not chosen:
        raise UserError("; ".join(left_out))
    for line in left_out:
        warn(f"left out: {line}")
    games = dict.fromkeys(game_title(episode.trace.protocol.game) for episode in chosen)
    title = f"{', '.join(games)}: episodes of {run_dir.resolve().name}"
    above = join([*_words(recorded, history, left_out), _curve(run_dir, chosen)])
    write_episodes_page(out, title, above, chosen, mark=mark)
    return len(chosen)


def _recorded(recorded: Recorded) -> Iterator[ListedEpisode]:
    for highlight in highlights(recorded.scores):
        header, trace = recorded.trace(highlight.number)
        agent = header.agent or "an agent without a name"
        how = f"recorded by {agent}, which did not learn meanwhile"
        if header.epsilon is not None:
            how += f", {header.epsilon:g} of its actions random"
        name = recorded.files[highlight.number - 1].name
        yield _chosen(highlight, "Recorded games", name, header, trace, header.agent_steps, how)


def _training(run_dir: Path, history: History, left_out: list[str]) -> Iterator[ListedEpisode]:
    how = "from the action log: the network explored, and learned once the warm-up was over"
    for highlight in highlights([episode.score for episode in history.episodes]):
        try:
            header, trace = history.trace(highlight.number)
        except UserError as error:
            left_out.append(str(error))
            continue
        steps = history.episodes[highlight.number - 1].steps
        name = f"{run_dir.resolve().name} episode {highlight.number}"
        yield _chosen(highlight, "Training episodes", name, header, trace, steps, how)


def _chosen(
    highlight: Highlight,
    group: str,
    name: str,
    header: EpisodeHeader | LogHeader,
    trace: EpisodeTrace,
    steps: int | None,
    how: str,
) -> ListedEpisode:
    *most, last = highlight.roles
    roles = f"{', '.join(most)} and {last}" if most else last
    title = f"{roles} {group.removesuffix('s')}".capitalize()  # Best and first recorded game
    alike = f"; the first of {highlight.alike:,} with this score" if highlight.alike > 1 else ""
    before = f", {len(trace.before):,} steps before it" if len(trace.before) else ""
    place = f"number {highlight.number:,} of {highlight.total:,} {group.lower()}"
    facts = (
        ("Which", place + alike),
        ("Trained for", "not known" if steps is None else f"{steps:,} steps"),
        ("Length", f"{len(trace):,} steps, {trace.end}"),
        ("Seed", f"{trace.seed}{before}"),
        ("How", how),
    )
    return ListedEpisode(title, name, header, trace, facts, group, steps)


def _words(recorded: Recorded, history: History | None, left_out: Sequence[str]) -> Iterator[Html]:
    """What is on the page, and what best, worst, median and first mean."""
    yield tag("p", _INTRODUCTION)
    for line in left_out:
        yield tag("p", f"Left out: {line}.")
    if history is None:
        yield tag("p", "No training episode can be played: the folder has no readable action log.")
    elif not history.episodes:
        yield tag("p", "No training episode has ended yet.")
    if not recorded.files:
        yield tag("p", "No recorded game that can be played is in the folder's episodes/ yet.")


def _curve(run_dir: Path, chosen: Sequence[ListedEpisode]) -> Html:
    """Scores over steps, with the episodes of the page marked."""
    figures = read_figures(run_dir / "metrics.jsonl")
    games, evaluations = scored(figures), scored(figures, "evaluation")
    series = []
    if games:
        steps, _, scores = zip(*games, strict=True)
        ends = range(1, len(scores) + 1)
        means = [float(np.mean(scores[max(end - RECENT, 0) : end])) for end in ends]
        name = f"training episodes, mean of the last {RECENT}"
        series.append(Series(name, steps, means, thin=((steps, scores),)))
    if evaluations:
        steps, _, scores = zip(*evaluations, strict=True)
        series.append(Series("evaluations, mean of their games", steps, scores))
    if not series:
        return tag("p", "The folder has no metrics.jsonl with scores to draw.")
    series += [
        Series(episode.title, (episode.steps,), (episode.trace.score,))
        for episode in chosen
        if episode.steps is not None
    ]
    curves = Curves("Scores", "steps", "score (points)", tuple(series))
    drawn = draw_curves(curves, Styles(line.name for line in series))
    return tag("figure", tag("figcaption", "Scores of the run"), drawn, class_="curves")
