"""What TensorBoard finds in a run: curves, pictures, histograms, settings, and their size."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from markdown import markdown
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from agent.learner import Learner
from envs.emulators import Step
from envs.trace import EpisodeTrace
from harness.files.journal import Journals
from harness.images.animation import MOST_BYTES, Preview, preview
from harness.metrics.log import MetricLog
from harness.metrics.reader import read_figures, scored
from harness.metrics.reporter import MOST_LAYERS, SPACING, Reporter, is_drawn, weights
from harness.metrics.terminal import Display
from harness.run.config import flatten, unflatten
from harness.run.folder import Run, settings_lines
from harness.run.presets import PRESETS
from harness.run.state import Counters
from test_learning import batch

ROOT = Path(__file__).resolve().parent.parent
CONFIG = unflatten({"steps": 9_000, "num_envs": 1, "warmup": 100, "precision": "fp32"})
ALL = {"scalars": 0, "images": 0, "histograms": 0, "tensors": 0}


def end_of_a_game() -> Step:
    yes = np.ones(1, np.bool_)
    frames, rewards = np.zeros((1, 84, 84), np.uint8), np.full(1, 7, np.int32)
    return Step(frames, rewards, yes, ~yes, ~yes, ~yes)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, game: EpisodeTrace) -> tuple[Path, Learner]:
    """A run's folder after a training game, the learner's figures, and an evaluation at its
    end; and the learner."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    learner = Learner(CONFIG.learner, 4, "cpu")
    journals, counters = Journals(folder), Counters(steps=9_000, updates=1)
    reporter = Reporter(folder, journals, Run("quick", CONFIG))
    reporter.step(end_of_a_game(), counters, 0.5)
    learner.update(batch())
    reporter.learner(learner, counters, 0.5, 4000)
    reporter.evaluation([game, game], learner, counters)
    reporter.close()
    journals.flush()
    journals.close()
    return folder, learner


def test_games_that_end_together_have_a_place_each(tmp_path: Path) -> None:
    """Games of Freeway all end in the same turn, which spans a step of each emulator."""
    config = unflatten({"steps": 9_000, "num_envs": 3, "warmup": 100})
    journals = Journals(tmp_path)
    reporter, counters = Reporter(tmp_path, journals, Run("quick", config)), Counters(steps=30)
    yes = np.ones(3, np.bool_)
    frames, rewards = np.zeros((3, 84, 84), np.uint8), np.array([4, 5, 6], np.int32)
    for ended in (yes, np.array([True, False, True])):
        counters.advance(3)
        reporter.step(Step(frames, rewards, ended, ~yes, ~yes, ~yes), counters, 0.5)
    reporter.close()
    journals.flush()
    journals.close()
    expected = [(31, 4), (32, 5), (33, 6), (34, 4), (36, 6)]
    points = EventAccumulator(str(tmp_path)).Reload().Scalars("episode/return")
    assert [(point.step, point.value) for point in points] == expected
    assert [(one.steps, one.score) for one in scored(read_figures(tmp_path / "metrics.jsonl"))] == (
        expected
    )


def test_a_resumed_run_tells_of_the_games_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to its checkpoint: what came after it is played again."""
    lines = [{"steps": steps, "episode/return": steps} for steps in (10, 20, 30)]
    lines.insert(1, {"steps": 20, "learner/loss": 1.0})
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    told: list[int] = []
    monkeypatch.setattr(Display, "game_over", lambda _, score: told.append(score))
    Reporter(tmp_path, Journals(tmp_path), Run("quick", CONFIG), steps=20)
    assert told == [10, 20]
    Reporter(tmp_path, Journals(tmp_path), Run("quick", CONFIG))
    assert told == [10, 20], "a new run has none"


def test_an_evaluation_tells_how_many_games_were_cut_off(
    tmp_path: Path, game: EpisodeTrace, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = Reporter(tmp_path, Journals(tmp_path), Run("quick", CONFIG))
    games = [game, replace(game, stuck=True), replace(game, stuck=True)]
    one, learner = replace(game, truncated=True), Learner(CONFIG.learner, 4, "cpu")
    reporter.evaluation([*games, one], learner, Counters(steps=9_000))
    assert ", 1 cut off by the frame cap, 2 cut off as stuck, after " in capsys.readouterr().out
    reporter.evaluation([game], learner, Counters(steps=9_000))
    assert "cut off" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def events(written: tuple[Path, Learner]) -> EventAccumulator:
    return EventAccumulator(str(written[0]), size_guidance=ALL).Reload()


def test_every_figure_is_in_both_places(
    written: tuple[Path, Learner], events: EventAccumulator
) -> None:
    lines = [json.loads(line) for line in (written[0] / "metrics.jsonl").read_text().splitlines()]
    named = {tag: value for line in lines for tag, value in line.items()}
    tags = set(events.Tags()["scalars"])
    assert tags == named.keys() - {"steps", "seconds"}
    for tag in tags:
        (point,) = events.Scalars(tag)
        assert (point.step, point.value) == (9_000, pytest.approx(named[tag], rel=1e-6))
    assert events.Scalars("episode/return")[0].value == 7


def test_settings_are_no_markdown(events: EventAccumulator) -> None:
    """Of `module:__Class__` it makes another name."""
    text = events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    lines = settings_lines(Run("quick", CONFIG))
    assert markdown(text) == f"<pre><code>{chr(10).join(lines)}\n</code></pre>"


def test_the_game_moves(events: EventAccumulator, game: EpisodeTrace) -> None:
    (image,) = events.Images("evaluation/game")
    assert image.step == 9_000
    assert (image.width, image.height) == (160, 210)
    assert image.encoded_image_string == preview(game).png
    with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
        assert picture.format == "PNG"  # by which TensorBoard knows how to serve it
        assert picture.n_frames > 20


def test_histograms_hold_all_values(
    written: tuple[Path, Learner], events: EventAccumulator, game: EpisodeTrace
) -> None:
    layers = ("conv1", "conv2", "conv3", "fc1", "fc2")
    expected: dict[str, Any] = {
        f"weights/{name}": written[1].online.get_parameter(f"{name}.weight").detach().numpy()
        for name in layers
    }
    expected["evaluation/q_values"] = np.concatenate([game.q_values, game.q_values])
    assert set(events.Tags()["histograms"]) == expected.keys()
    for tag, values in expected.items():
        (point,) = events.Histograms(tag)
        found = point.histogram_value
        assert point.step == 9_000
        assert (found.num, sum(found.bucket)) == (values.size, values.size)
        assert (found.min, found.max) == (values.min(), values.max())
        for limit, next_limit, count in zip(
            found.bucket_limit, found.bucket_limit[1:], found.bucket[1:], strict=False
        ):
            inside = (values >= limit) & (values < next_limit)
            assert abs(int(inside.sum()) - count) <= 0.01 * values.size


def test_settings_are_hyper_parameters_of_the_score(events: EventAccumulator) -> None:
    def content(tag: str) -> HParamsPluginData:
        data = events.SummaryMetadata(tag).plugin_data
        assert data.plugin_name == "hparams"
        return HParamsPluginData.FromString(data.content)

    experiment = content("_hparams_/experiment").experiment
    # TensorBoard shows the first five.
    first = [info.name for info in experiment.hparam_infos if info.differs]
    assert sorted(first) == ["game", "learning_rate", "n_step", "network", "seed"]
    assert [metric.name.tag for metric in experiment.metric_infos] == ["evaluation/return"]
    session = content("_hparams_/session_start_info").session_start_info.hparams
    settings = flatten(CONFIG)
    assert session.keys() == settings.keys() == {info.name for info in experiment.hparam_infos}
    for name, value in settings.items():
        kind = session[name].WhichOneof("kind")
        assert getattr(session[name], kind) == value


def test_the_layout_names_curves_that_exist(events: EventAccumulator) -> None:
    (tag,) = events.PluginTagToContent("custom_scalars")
    (point,) = events.Tensors(tag)
    layout = layout_pb2.Layout.FromString(point.tensor_proto.string_val[0])
    (category,) = layout.category
    assert category.title == "Is it learning?"
    for chart in category.chart:
        for pattern in chart.multiline.tag:
            assert any(re.fullmatch(pattern, tag) for tag in events.Tags()["scalars"]), pattern


def test_every_tag_is_documented(written: tuple[Path, Learner], events: EventAccumulator) -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    tags = events.Tags()
    for tag in (*tags["scalars"], *tags["images"], *tags["histograms"]):
        assert f"`{re.sub('weights/.*', 'weights/<layer>', tag)}`" in page


def test_a_run_is_one_line_in_the_list(written: tuple[Path, Learner]) -> None:
    """TensorBoard makes a run, with a colour of its own, of every folder with event files."""
    assert {file.parent for file in written[0].rglob("events.out.*")} == {written[0]}


def test_what_is_not_finite_breaks_no_histogram(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    log = MetricLog(journals)
    spread = {"some": np.float32([1, np.nan, 2, np.inf]), "none": np.float32([np.nan])}
    log.draw(5, Preview(b"", 1, 1), spread)
    journals.flush()
    journals.close()
    found = EventAccumulator(str(tmp_path)).Reload()
    assert found.Tags()["histograms"] == ["some"]
    assert found.Histograms("some")[0].histogram_value.num == 2


def evaluations(steps: int, every: int, num_envs: int) -> list[int]:
    """Where train.py evaluates, turn by turn."""
    found, counters = [], Counters()
    while counters.steps < steps:
        counters.advance(num_envs)
        if counters.passed(every) or counters.steps >= steps:
            found.append(counters.steps)
    return found


@pytest.mark.parametrize(
    ("steps", "every", "num_envs"),
    [
        (400_000, 100_000, 8),
        (400_000, 50_000, 8),
        (500_000, 1_000, 7),
        (300_000, 7_001, 32),
        (300_100, 33_333, 3),
        (2_600, 800, 2),
    ],
)
def test_one_evaluation_in_50_000_steps_is_drawn(steps: int, every: int, num_envs: int) -> None:
    config = unflatten(
        {"steps": steps, "eval_every": every, "num_envs": num_envs, "warmup": num_envs * 10}
    )
    played = evaluations(steps, every, num_envs)
    drawn = [at for at in played if is_drawn(config, at)]
    assert {played[0], played[-1]} <= set(drawn)
    windows = [at // every * every // SPACING for at in drawn[1:-1]]
    assert windows == sorted(set(windows)), "two in one window"
    all_windows = {at // every * every // SPACING for at in played} - {0}
    assert all_windows <= {at // every * every // SPACING for at in drawn}
    if every >= SPACING:
        assert drawn == played


def test_a_network_of_many_layers_is_drawn_in_part() -> None:
    network = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(3 * MOST_LAYERS)))
    assert list(weights(network)) == [str(i) for i in range(MOST_LAYERS)]


def event_bytes(journals: Journals) -> int:
    return sum(mark.size for name, mark in journals.marks().items() if "tfevents" in name)


def test_ten_million_steps_stay_below_20_megabytes(tmp_path: Path) -> None:
    """With the default intervals, training games of 200 steps each (few are shorter), the
    largest pictures, and one histogram a layer of the most layers that are drawn."""
    steps, length, log_every = 10_000_000, 200, PRESETS["quick"].log_every

    def bytes_of(write: Callable[[MetricLog], None]) -> int:
        journals = Journals(tmp_path)
        log = MetricLog(journals)
        before = event_bytes(journals)
        write(log)
        return event_bytes(journals) - before

    figures = {f"learner/{name}": 0.123 for name in (*Learner.METRICS, "updates")}
    figures |= {"exploration/epsilon": 0.1, "replay/transitions": 1e6}
    figures |= {"speed/steps_per_second": 300.0, "speed/updates_per_second": 30.0}
    learner = bytes_of(lambda log: log.write(steps, figures))
    episode = bytes_of(lambda log: log.write(steps, {"episode/return": 9, "episode/length": 9}))
    values = np.random.default_rng(0).normal(size=9_999).astype(np.float32)
    spreads = {f"weights/some_layer.{i}": values for i in range(MOST_LAYERS + 1)}
    picture = Preview(bytes(MOST_BYTES), 160, 210)
    evaluation = bytes_of(lambda log: log.draw(steps, picture, spreads))
    evaluation += bytes_of(
        lambda log: log.write(
            steps,
            {f"evaluation/{name}": 9.0 for name in ("return", "length", "stuck", "truncated")},
        )
    )
    assert evaluation > MOST_BYTES
    total = (
        steps // log_every * learner
        + steps // length * episode
        + (steps // SPACING + 2) * evaluation
    )
    assert 10_000_000 < total < 20_000_000
