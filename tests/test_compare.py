"""What a comparison says of its runs, and a small one from the command to results.json."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.scores import REFERENCE_SCORES
from harness.commands.compare import CompareCommand
from harness.compare.analysis import analyse, finding
from harness.compare.collection import BINS, curve, cut_off_notes
from harness.compare.outcomes import outcome, second_outcome, timed
from harness.compare.results import CurvePoint, Game, RunResult
from harness.compare.results_file import as_json, read_results
from harness.compare.statistics import Interval, log_ratio, welch
from harness.compare.tables import findings, power_lines, seeds
from harness.compare.verdict_sections import control_text
from harness.errors import UserError
from harness.metrics.reader import Scored, read_figures
from support import compare_samples as samples

GAMES = ("pong", "breakout", "boxing", "enduro")
NETWORKS = ("stride", "dense_sub", "half_max", "half_avg")
DESIGN = replace(samples.DESIGN, games=GAMES, networks=NETWORKS, settings={})
LEVELS = {"stride": 1.0, "dense_sub": 1.0, "half_max": 0.6, "half_avg": 1.0}
"""Of the outcomes above random play."""


def scored(design=DESIGN, levels=LEVELS, timed=2.0):
    """Runs whose outcomes above random play are ten times the level; `timed` times that of half_max
    at equal time."""
    draw = np.random.default_rng(7)
    runs = []
    for job in design.jobs:
        above = 10 * draw.normal(levels[job.network], 0.08)
        then = above * (timed if job.network == "half_max" else 1.0)
        random = REFERENCE_SCORES[job.game].random
        more = {"at_equal_time": then + random, "second": above + random, "second_games": 24}
        found = run(job.network, above + random, **more)
        runs.append(replace(found, game=job.game, seed=job.seed))
    return runs


def run(network, outcome, **more):
    common = {"game": "pong", "seed": 0, "teacher": None, "problem": "", "run": "", "curve": ()}
    return RunResult(
        **common, network=network, arm=network, state="finished", outcome=outcome, **more
    )


def missing(job, problem=""):
    return replace(
        job, outcome=None, second=None, at_equal_time=None, state="failed", problem=problem
    )


@pytest.fixture(scope="module")
def found():
    return analyse(DESIGN, scored())


def of(found, name):
    return next(entry for entry in found.networks if entry.name == name)


# The outcome of a run

GAMES_PLAYED = [Scored(t, t, 10 * t) for t in range(1, 101)]


def test_the_outcome_is_of_games_that_ended_after_exploring():
    assert outcome(GAMES_PLAYED, 98) == (990, 3)  # 98 itself counts
    assert outcome(GAMES_PLAYED, 101) == (None, 0)
    assert outcome(GAMES_PLAYED, 98, until=98.5) == (980, 1)


def test_the_second_outcome_is_of_the_last_three_evaluations():
    evaluations = [Scored(t, t, score) for t, score in enumerate([100, 1, 2, 6])]
    assert second_outcome(evaluations, 8) == (3, 24)
    assert second_outcome(evaluations[:1], 8) == (100, 8)
    assert second_outcome([], 8) == (None, 0)


def test_equal_time_is_that_of_the_fastest_run_of_a_game():
    runs = (("stride", 1.0, 30.5), ("dense_max", 2.0, 100.0), ("half_max", None, None))
    stride, dense, unfinished = timed(
        [run(name, score, seconds=time) for name, score, time in runs], [GAMES_PLAYED] * 3, 11
    )
    # The mean of the games from step 11 to second 30.5: those of seconds 11 to 30.
    assert stride.at_equal_time == dense.at_equal_time == pytest.approx(205)
    assert unfinished.at_equal_time is None


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


# The analysis


def test_a_planted_difference_is_found_and_equal_networks_cost_nothing(found):
    worse, same = of(found, "half_max"), of(found, "half_avg")
    assert (worse.finding, same.finding) == ("costs score", "does not cost score")
    assert worse.effect.value == pytest.approx(-0.4, abs=0.05)
    assert worse.effect.p <= worse.p_holm < 0.01
    assert worse.probability_of_improvement < 0.02
    assert same.probability_of_improvement == pytest.approx(0.5, abs=0.2)
    assert worse.second.value == pytest.approx(worse.effect.value, abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-0.5, -0.21, "costs score"),
        (-0.5, -0.2, "lowers the score"),
        (-0.15, -0.01, "lowers the score"),
        (-0.19, 0.0, "does not cost score"),
        (-0.2, 0.1, "undetermined"),
        (0.0, 0.5, "does not cost score"),
        (0.01, 0.5, "helps"),
        (-0.5, 0.5, "undetermined"),
        (None, None, "undetermined"),
    ],
)
def test_findings_follow_from_the_interval(low, high, wanted):
    assert finding(Interval(0.0, low, high), 0.2) == wanted


def test_twins_are_more_runs_of_the_baseline(found):
    """By hand, game by game: random play off, all runs of both networks in one."""
    above = {}
    for job in scored():
        points = job.outcome - REFERENCE_SCORES[job.game].random
        above.setdefault((job.game, job.arm), []).append(points)
    network = [np.array(above[game, "half_max"]) for game in GAMES]
    pool = [np.array(above[game, "stride"] + above[game, "dense_sub"]) for game in GAMES]
    effect = of(found, "half_max").effect
    assert effect.value == pytest.approx(float(np.exp(log_ratio(network, pool)) - 1))
    assert effect.low == pytest.approx(welch(network, pool).low)
    assert of(found, "dense_sub").effect is of(found, "stride").effect is None
    assert found.power.baseline_runs == 10


def test_the_control_parts_the_baseline(found):
    assert found.control.parts == "dense_sub against stride"
    assert not found.control.fails
    assert "its interval holds 0" in control_text(found.control)
    alone = replace(DESIGN, networks=("stride", "half_max"))
    parts = analyse(alone, scored(alone)).control
    assert parts.parts == "even seeds of stride against its odd ones"
    even, odd = (
        [
            np.array(
                [
                    job.outcome - REFERENCE_SCORES[game].random
                    for job in scored(alone)
                    if (job.game, job.arm, job.seed % 2) == (game, "stride", rest)
                ]
            )
            for game in GAMES
        ]
        for rest in (0, 1)
    )
    assert parts.effect.value == pytest.approx(welch(even, odd).value)


def test_a_control_that_differs_from_itself_forbids_verdicts():
    levels = LEVELS | {"dense_sub": 2.0}
    found = analyse(DESIGN, scored(levels=levels))
    assert found.control.fails
    assert of(found, "half_max").finding == of(found, "half_avg").finding == "no verdict"
    assert "no verdict on any network" in control_text(found.control)


def test_a_baseline_of_one_seed_has_no_control():
    design = replace(DESIGN, networks=("stride", "half_max"), seeds=1)
    found = analyse(design, scored(design))
    assert found.control is None
    assert "There is no A/A control" in control_text(found.control)
    assert of(found, "half_max").finding == "undetermined"
    assert "a single seed has no interval" in " ".join(found.notes)


def test_equal_time_can_say_otherwise(found):
    """Its baseline has no twins, which are slower."""
    assert of(found, "half_max").at_equal_time.value == pytest.approx(0.2, abs=0.06)
    assert of(found, "stride").at_equal_time is None
    runs = [replace(r, at_equal_time=None) if r.arm == "dense_sub" else r for r in scored()]
    assert analyse(DESIGN, runs).networks[2] == of(found, "half_max")


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
    assert entry.effect.games == ("breakout", "boxing", "enduro")
    assert "8 runs are missing" in " ".join(partly.notes)


def test_no_runs_at_all_say_nothing():
    nothing = analyse(DESIGN, [missing(scored()[0])])
    assert all(entry.effect is None for entry in nothing.networks)
    assert nothing.control is None


def test_a_game_in_which_the_baseline_is_not_above_random_play_is_left_out_and_said():
    runs = [replace(r, outcome=-21.0) if r.game == "pong" else r for r in scored()]
    found = analyse(DESIGN, runs)
    assert not found.games["pong"].counts
    assert "Pong is left out" in " ".join(found.notes)
    assert of(found, "half_max").effect.games == ("breakout", "boxing", "enduro")


def test_a_game_in_which_hardly_anything_is_learned_is_said():
    runs = [
        replace(r, outcome=-20.7 + (-1) ** r.seed * 3 + 0.9) if r.game == "pong" else r
        for r in scored()
    ]
    found = analyse(DESIGN, runs)
    assert found.games["pong"].counts
    assert "Pong: the runs are not clearly above random play" in found.notes


def test_passive_networks_are_compared_with_the_final_scores_of_their_teacher():
    design = replace(DESIGN, tandems=("half_max->stride",))
    games = (Game(0, 40, 9, False), Game(1, 60, 9, False))
    runs = [replace(r, episodes=games) for r in scored()]
    passive = [
        replace(r, arm="half_max->stride", outcome=50.0) for r in runs if r.arm == "half_max"
    ]
    (tandem,) = analyse(design, runs + passive).tandems
    assert tandem.effect.value == 0
    assert tandem.effect.p > 0.9


# The whole path

SMALL = ("warmup=300", "num-envs=4", "replay-size=2000", "eval-episodes=1", "log-every=100")
EXPLORES = ("epsilon-decay=50", "max-episode-frames=400")
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
        seeds=("1",),
        steps=500,
        settings=(*SMALL, *EXPLORES),
        jobs=2,
    )
    assert command.run() == 1
    printed = capsys.readouterr().out
    assert "Pong stride seed 0: finished" in printed
    assert "Pong brokenly:Broken seed 0: failed: the loss is no longer a finite number" in printed
    results = read_results(Path("out/results.json"))
    good, bad = results.jobs
    assert (good.state, bad.state) == ("finished", "failed")
    assert bad.outcome is None
    assert "finite" in bad.problem
    assert not Path("out/runs/Pong/stride-s0/score.json").exists()  # its evaluation says it
    logged = read_figures(Path("out/runs/Pong/stride-s0/metrics.jsonl"))
    late = [
        line["episode/return"]
        for line in logged
        if "episode/return" in line and line["steps"] >= 350
    ]
    assert (good.outcome, good.outcome_games) == (np.mean(late), len(late))
    (evaluation,) = (line for line in logged if "evaluation/return" in line)
    assert (good.second, good.second_games) == (evaluation["evaluation/return"], 1)
    assert good.steps == 500
    assert good.updates == 25
    assert "no A/A control" in " ".join(results.notes)
    assert "finite" in of(results, "brokenly:Broken").missing[0]
    config = json.loads(Path("out/runs/Pong/stride-s0/config.json").read_text())
    assert config["settings"]["scale_match"] is True

    # The network is mended: its run goes on, and nothing is done again.
    own.write_text(BROKEN.replace("> 5", "> 5_000"))
    before = Path("out/runs/Pong/stride-s0/metrics.jsonl").stat().st_mtime_ns
    again = CompareCommand(out=Path("out"), networks=("stride", "brokenly:Broken"), jobs=2)
    assert again.run() == 0
    printed = capsys.readouterr().out
    assert "1 of 2 runs were finished before" in printed
    assert Path("out/runs/Pong/stride-s0/metrics.jsonl").stat().st_mtime_ns == before
    results = read_results(Path("out/results.json"))
    assert [job.state for job in results.jobs] == ["finished", "finished"]
    mended = json.loads(Path("out/runs/Pong/brokenly.Broken-s0/config.json").read_text())
    assert len(mended["resumed"]) == 1
    for table in (findings(results), seeds(results)):
        assert table.row_count == 2
    assert "variation 0.40 (assumed)" in power_lines(results.power)[0]

    # Of the runs alone the same follows.
    for name in ("design.json", "results.json", "report.html"):
        Path("out", name).unlink()
    assert CompareCommand(out=Path("out"), networks=("brokenly:Broken",), jobs=2).run() == 0
    assert "nothing is trained" in capsys.readouterr().out
    rebuilt = read_results(Path("out/results.json"))
    assert (rebuilt.jobs, rebuilt.networks) == (results.jobs, results.networks)
    assert not Path("out/design.json").exists()
    with pytest.raises(UserError, match="code of its own"):
        CompareCommand(out=Path("out")).run()


def test_a_run_without_evaluations_is_scored_in_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = CompareCommand(
        out=tmp_path / "out",
        games=("Pong",),
        networks=("stride",),
        seeds=("1",),
        steps=400,
        settings=(*SMALL, *EXPLORES, "eval-episodes=0"),
        episodes=2,
        jobs=1,
    )
    assert command.run() == 0
    (job,) = read_results(tmp_path / "out/results.json").jobs
    assert [game.seed for game in job.episodes] == [1_500_000_000, 1_500_000_001]
    assert (job.second, job.second_games) == (job.final_score, 2)


def test_runs_that_are_all_exploration_are_refused_before_they_begin(tmp_path: Path) -> None:
    command = CompareCommand(tmp_path / "out", games=("Pong",), networks=("stride",), steps=35_000)
    with pytest.raises(UserError, match=r"runs of 35,000 steps have no outcome: .* from step 35,0"):
        command.run()
    assert not (tmp_path / "out").exists()


def test_scored_games_that_were_cut_off_are_noted() -> None:
    """In results from before games could be stuck, too."""
    games = (Game(0, 1, 9, True), Game(1, 1, 9, False, stuck=True), Game(2, 1, 9, False))
    jobs = [run("stride", 1.0, episodes=games), run("stride", None)]
    assert cut_off_notes(jobs) == [
        "of 3 scored games 1 cut off by the frame cap",
        "of 3 scored games 1 cut off as stuck",
    ]
    assert cut_off_notes(jobs[1:]) == []


RESULTS = Path(__file__).resolve().parent.parent / "docs/results/compare-quick/results.json"


def test_shipped_results_are_read_written_and_judged_as_they_were() -> None:
    results = read_results(RESULTS)
    assert json.loads(json.dumps(as_json(results))) == json.loads(RESULTS.read_text())
    again = analyse(results.design, results.jobs)
    assert again.networks == results.networks
    assert again.control == results.control


def test_results_of_format_1_get_their_outcomes_from_their_curves(tmp_path: Path) -> None:
    """A run's score was that of its final agent. Parts that begin at step 35,000 count."""
    old = json.loads(RESULTS.read_text()) | {"format": 1}
    for name in ("networks", "tandems", "control", "power", "notes", "games", "outcome_from"):
        old.pop(name, None)
    newer = ("outcome", "outcome_games", "second", "second_games", "at_equal_time")
    for job in old["jobs"]:
        job["score"] = sum(game["score"] for game in job["episodes"]) / len(job["episodes"])
        for name in newer:
            job.pop(name, None)
    (tmp_path / "results.json").write_text(json.dumps(old))
    results = read_results(tmp_path / "results.json")
    job = results.jobs[0]
    parts = [point for point in job.curve if point.steps > 35_000 and point.games]
    games = sum(point.games for point in parts)
    wanted = sum(point.games * point.score for point in parts) / games
    assert (job.outcome, job.outcome_games) == (pytest.approx(wanted), games)
    assert (job.second, job.second_games) == (old["jobs"][0]["score"], 30)
    assert results.outcome_from == 35_000
    assert results.networks == read_results(RESULTS).networks
    assert "were written in format 1" in " ".join(results.notes)


def test_results_of_a_newer_program_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"format": 3}')
    with pytest.raises(ValueError, match="newer than this program's"):
        read_results(tmp_path / "results.json")
