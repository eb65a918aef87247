"""What a comparison says of its runs, and a small one from the command to results.json."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.scores import REFERENCE_SCORES
from harness.commands.compare import CompareCommand
from harness.compare.analysis import analyse, tabulate
from harness.compare.collection import BINS, curve, cut_off_notes, timed
from harness.compare.results import CurvePoint, Game, RunResult, as_json, read_results
from harness.compare.tables import control_lines, findings, power_lines, seeds
from harness.metrics.reader import Scored
from support import compare_samples as samples

GAMES = ("pong", "breakout", "boxing", "enduro")
NETWORKS = ("stride", "dense_sub", "half_max", "half_avg")
DESIGN = replace(samples.DESIGN, games=GAMES, networks=NETWORKS, settings={})
LEVELS = {"stride": 1.0, "dense_sub": 1.0, "half_max": 0.6, "half_avg": 1.0}
"""Of the scores above random play."""
SPREADS = {"half_avg": 0.03}


def scored(design=DESIGN, levels=LEVELS, timed=2.0):
    """Runs whose scores above random play are ten times the level; `timed` times that of half_max
    at equal time."""
    draw = np.random.default_rng(7)
    runs = []
    for job in design.jobs:
        level, spread = levels[job.network], SPREADS.get(job.network, 0.08)
        above = 10 * draw.normal(level, spread)
        then = above * (timed if job.network == "half_max" else 1.0)
        random = REFERENCE_SCORES[job.game].random
        found = run(job.network, above + random, score_at_equal_time=then + random)
        runs.append(replace(found, game=job.game, seed=job.seed))
    return runs


def run(network, score, **more):
    common = {"game": "pong", "seed": 0, "teacher": None, "problem": "", "run": "", "curve": ()}
    return RunResult(**common, network=network, arm=network, state="finished", score=score, **more)


def missing(job, problem=""):
    return replace(job, score=None, score_at_equal_time=None, state="failed", problem=problem)


@pytest.fixture(scope="module")
def found():
    return analyse(DESIGN, scored())


def of(found, name):
    return next(entry for entry in found.networks if entry.name == name)


def test_a_planted_difference_is_found_and_equal_networks_are_equivalent(found):
    worse, same = of(found, "half_max"), of(found, "half_avg")
    assert (worse.finding, same.finding) == ("lower", "equivalent")
    assert worse.difference.value == pytest.approx(-0.4, abs=0.05)
    assert worse.difference.p <= worse.p_holm < 0.01
    assert worse.probability_of_improvement.value < 0.02
    assert same.probability_of_improvement.value == pytest.approx(0.5, abs=0.2)
    assert same.equivalence.p < 0.05


def test_the_control_finds_nothing_and_is_in_no_family(found):
    control = of(found, "dense_sub")
    assert control.p_holm is control.finding is None
    assert not found.controls[0].found_a_difference
    assert 0 < found.controls[0].interval_false_positives < 0.3
    (line,) = control_lines(found.controls)
    assert "found none, as it should" in line


def test_equal_time_can_say_otherwise(found):
    assert of(found, "half_max").at_equal_time.value == pytest.approx(0.2, abs=0.06)
    assert of(found, "stride").at_equal_time is None


def test_the_baseline_is_one_in_its_own_units(found):
    baseline = of(found, "stride")
    for game in GAMES:
        assert np.mean(baseline.games[game].normalised) == pytest.approx(1)
        unit, random = found.games[game].unit, REFERENCE_SCORES[game].random
        assert found.games[game].means["stride"] == pytest.approx(random + unit)
    assert baseline.iqm.value == pytest.approx(1, abs=0.05)
    assert baseline.profile.share[0] == 1
    assert baseline.profile.share[-1] == 0
    assert found.power.spread == pytest.approx(0.08, abs=0.03)


def test_classes_of_games_are_told(found):
    kinds = [found.games[game].kind for game in GAMES]
    assert kinds == ["sensitive", "sensitive", "tolerant", "tolerant"]
    assert of(found, "half_max").interaction.p_runs > 0.05


def test_the_same_runs_give_the_same_figures(found):
    assert analyse(DESIGN, scored()) == found


def test_missing_runs_are_told_and_the_rest_counts():
    partly = analyse(
        DESIGN,
        [
            missing(r, "no room" if r.seed == 0 else "")
            if r.arm == "half_max" and (r.seed == 2 or r.game == "pong")
            else r
            for r in scored()
        ],
    )
    entry = of(partly, "half_max")
    assert entry.runs == 12
    assert len(entry.missing) == 8
    assert entry.missing[:2] == ("Pong seed 0 failed: no room", "Pong seed 1 failed")
    assert entry.difference.games == ("breakout", "boxing", "enduro")
    assert "8 runs are missing" in " ".join(partly.notes)


def test_no_runs_at_all_say_nothing():
    nothing = analyse(DESIGN, [missing(scored()[0])])
    assert all(entry.difference is None for entry in nothing.networks)
    assert nothing.controls[0].difference is None
    assert control_lines(nothing.controls) == []


def test_a_game_in_which_nothing_is_learned_is_left_out_and_said():
    runs = [replace(r, score=-20.7) if r.game == "pong" else r for r in scored()]
    found = analyse(DESIGN, runs)
    assert not found.games["pong"].counts
    assert "Pong is left out" in " ".join(found.notes)
    assert of(found, "half_max").difference.games == ("breakout", "boxing", "enduro")


def test_a_baseline_that_fails_where_others_learn_is_said():
    runs = [
        replace(r, score=-20.7 + r.seed * 1e-3) if (r.game, r.arm) == ("pong", "stride") else r
        for r in scored()
    ]
    found = analyse(DESIGN, runs)
    assert found.games["pong"].at_floor
    assert "Pong is measured in 0.25 of the mean" in " ".join(found.notes)


def test_passive_networks_decide_nothing_about_games():
    scores = [("pong", "stride", -10.0), ("pong", "stride->half_max", 1e9)]
    alone = tabulate(scores[:1], ["stride"])
    assert tabulate(scores, ["stride"]).floors == alone.floors


def test_passive_networks_are_compared_with_their_teacher():
    design = replace(DESIGN, tandems=("half_max->stride",))
    passive = [replace(r, arm="half_max->stride") for r in scored() if r.arm == "half_max"]
    found = analyse(design, scored() + passive)
    (tandem,) = found.tandems
    assert tandem.difference.value == 0
    assert tandem.difference.p > 0.9


# Figures of runs


def test_training_scores_are_averaged_over_equal_parts():
    def game(steps, score):
        return {"steps": steps, "seconds": steps / 10, "episode/return": score}

    lines = [game(1, 3), game(20, 5), game(21, 8), game(1_000, 1), {"steps": 30}]
    points = curve(lines, 1_000)
    assert len(points) == BINS
    assert points[0] == CurvePoint(20, 2, 4, 2)
    assert points[1] == CurvePoint(40, 1, 8, 2.1)
    assert points[2].score is points[2].seconds is None
    assert points[-1].score == 1


def test_equal_time_is_that_of_the_fastest_run_of_a_game():
    games = [Scored(t, t, 10 * t) for t in range(1, 101)]
    runs = (("stride", 1.0, 30.5), ("dense_max", 2.0, 100.0), ("half_max", None, None))
    stride, dense, unfinished = timed(
        [run(name, score, seconds=time) for name, score, time in runs], [games] * 3
    )
    # The mean of the 20 games before second 30.5: those of seconds 11 to 30.
    assert stride.score_at_equal_time == dense.score_at_equal_time == pytest.approx(205)
    assert unfinished.score_at_equal_time is None


# The whole path

SMALL = ("warmup=300", "num-envs=4", "replay-size=2000", "eval-episodes=1", "log-every=100")
BROKEN = (
    "import agent.networks as n\n"
    "class Broken(n.QNetwork):\n"
    "    calls = 0\n"
    "    def __init__(self, actions):\n"
    "        super().__init__(actions, n.NETWORKS['half_max'])\n"
    "    def forward(self, states):\n"
    "        q = super().forward(states)\n"
    "        Broken.calls += q.requires_grad\n"
    "        return q * float('nan') if Broken.calls > 5 else q\n"
)


def test_a_small_comparison_from_beginning_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    own = tmp_path / "brokenly.py"
    own.write_text(BROKEN)
    command = CompareCommand(
        out=Path("out"),
        games=("Pong",),
        networks=("stride", "brokenly:Broken"),
        seeds=1,
        steps=500,
        settings=(*SMALL, "max-episode-frames=400"),
        episodes=2,
        jobs=2,
    )
    assert command.run() == 1
    printed = capsys.readouterr().out
    assert "Pong stride seed 0: finished" in printed
    assert "Pong brokenly:Broken seed 0: failed: the loss is no longer a finite number" in printed
    results = read_results(Path("out/results.json"))
    good, bad = results.jobs
    assert (good.state, bad.state) == ("finished", "failed")
    assert bad.score is None
    assert "finite" in bad.problem
    assert [game.seed for game in good.episodes] == [1_500_000_000, 1_500_000_001]
    assert good.steps == 500
    assert good.updates == 25
    assert "no A/A control" in " ".join(results.notes)
    assert "finite" in of(results, "brokenly:Broken").missing[0]
    config = json.loads(Path("out/runs/Pong/stride-s0/config.json").read_text())
    assert config["settings"]["scale_match"] is True

    # The network is mended: its run goes on, and nothing is done again.
    own.write_text(BROKEN.replace("> 5", "> 5_000"))
    score = Path("out/runs/Pong/stride-s0/score.json").stat().st_mtime_ns
    again = CompareCommand(out=Path("out"), networks=("stride", "brokenly:Broken"), jobs=2)
    assert again.run() == 0
    printed = capsys.readouterr().out
    assert "1 of 2 runs were finished before" in printed
    assert Path("out/runs/Pong/stride-s0/score.json").stat().st_mtime_ns == score
    results = read_results(Path("out/results.json"))
    assert [job.state for job in results.jobs] == ["finished", "finished"]
    mended = json.loads(Path("out/runs/Pong/brokenly.Broken-s0/config.json").read_text())
    assert len(mended["resumed"]) == 1
    for table in (findings(results), seeds(results)):
        assert table.row_count == 2
    assert "15% spread" in power_lines(results.power)[0]


def test_scored_games_that_were_cut_off_are_noted() -> None:
    """In results from before games could be stuck, too."""
    games = (Game(0, 1, 9, True), Game(1, 1, 9, False, stuck=True), Game(2, 1, 9, False))
    jobs = [run("stride", 1.0, episodes=games), run("stride", None)]
    assert cut_off_notes(jobs) == [
        "of 3 scored games 1 cut off by the frame cap",
        "of 3 scored games 1 cut off as stuck",
    ]
    assert cut_off_notes(jobs[1:]) == []


def test_shipped_results_are_read_written_and_judged_as_they_were() -> None:
    file = Path(__file__).resolve().parent.parent / "docs/results/compare-quick/results.json"
    results = read_results(file)
    assert json.loads(json.dumps(as_json(results))) == json.loads(file.read_text())
    again = analyse(results.design, results.jobs)
    assert again.networks == results.networks
    assert again.controls == results.controls


def test_results_of_a_newer_program_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer than this program's"):
        read_results(tmp_path / "results.json")
