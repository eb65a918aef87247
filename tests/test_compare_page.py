"""The report of a comparison: what it says of planted results, and that nothing is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from harness.commands.compare import CompareCommand
from harness.compare.design import Design
from harness.compare.effects import Equivalence
from harness.compare.page import answer, picture, report
from harness.compare.results import (
    Difference,
    NetworkResult,
    Power,
    PowerRow,
    Results,
    as_json,
    read_results,
)
from harness.compare.run_sections import clock, curves, scores, sizes
from harness.compare.tables import findings
from harness.compare.verdict_sections import conclusion, outcome
from harness.files.atomic import write_json
from harness.report.blocks import Block, Curves, Intervals, Report, Table, Verdict
from harness.report.page import page
from support import compare_samples as samples
from support.compare_samples import results_of

DESIGN = replace(
    samples.DESIGN,
    games=("pong", "boxing"),
    networks=("stride", "dense_sub", "half_max", "half_avg"),
    seeds=4,
    steps=50_000,
    settings={"n_step": 5},
    tandems=("stride->half_max",),
)
LEVELS = {"stride": 1, "dense_sub": 1, "half_max": 0.5, "half_avg": 1, "stride->half_max": 0.4}
LOST = [("boxing", "half_max", 2)]


@pytest.fixture(scope="module", autouse=True)
def no_simulation():
    """The power of a design is not asked of these samples."""
    power = Power(2, 4, 2, 0.1, "assumed", (PowerRow(-0.1, 0.43, 0.21),))
    with patch("harness.compare.analysis.design_power", lambda *_: power):
        yield


@pytest.fixture(scope="module")
def results(no_simulation: None) -> Results:
    return results_of(DESIGN, LEVELS, LOST, spread=0.01)


@pytest.fixture(scope="module")
def nothing(no_simulation: None) -> Results:
    return results_of(DESIGN, {})


def blocks(found: Report) -> list[Block]:
    return [block for section in found.sections for block in section.blocks]


def titled(found: Report, beginning: str) -> Any:
    """The only figure whose title begins so."""
    (figure,) = (
        b
        for b in blocks(found)
        if not isinstance(b, (str, Verdict)) and b.title.startswith(beginning)
    )
    return figure


# Verdicts


def entry(value: float, low: float, high: float, p: float, same: float | None) -> NetworkResult:
    return NetworkResult(
        name="half_max",
        role="compared",
        missing=(),
        runs=5,
        games={},
        iqm=None,
        profile=None,
        difference=Difference(value, low, high, p, ("pong",)),
        at_equal_time=None,
        p_holm=p,
        equivalence=None if same is None else Equivalence(value, 0.1, 4, same, 0.1),
    )


@pytest.mark.parametrize(
    ("found", "judged", "said"),
    [
        (entry(-0.3, -0.4, -0.2, 0.01, 0.99), "supported", "scores lower, by at least 10%"),
        (entry(0.3, 0.1, 0.4, 0.01, 0.99), "supported", "scores higher, by at least 10%"),
        (entry(0.3, 0.2, 0.4, 0.06, 0.99), "undetermined", "Neither a difference nor its absence"),
        (entry(0.2, 0.05, 0.4, 0.01, 0.9), "undetermined", "higher, but whether by 10% or more"),
        (entry(0.0, -0.05, 0.04, 0.8, 0.01), "refuted", "smaller than 10%"),
        (entry(0.03, 0.01, 0.04, 0.01, 0.01), "refuted", "though it scores higher"),
        (entry(0.0, -0.5, 0.5, 0.8, None), "undetermined", "Neither"),
        (entry(0.3, 0.2, 0.4, 0.01, 0.01), "undetermined", "contradict"),
        # A single run drawn again and again has no interval, so that nothing lies beyond it.
        (entry(0.9, 0.9, 0.9, 0.01, None), "undetermined", "higher, but whether"),
    ],
)
def test_the_rule(found: NetworkResult, judged: str, said: str) -> None:
    assert outcome(found, 0.1) == judged
    assert said in conclusion(found, 0.1)


def test_planted_differences_are_judged_with_their_figures(results: Results) -> None:
    verdicts = {b.claim_id: b for b in blocks(report(results)) if isinstance(b, Verdict)}
    assert list(verdicts) == ["half_max", "half_avg"]  # neither the baseline nor the control
    worse, same = verdicts["half_max"], verdicts["half_avg"]
    assert (worse.verdict, same.verdict) == ("supported", "refuted")
    assert "7 runs on 2 games" in worse.answer
    assert "no run scores above one of stride" in worse.answer
    assert "with probability 0." in same.answer
    difference = results.networks[2].difference
    assert difference
    assert isinstance(worse.figure, Intervals)
    assert worse.figure.rows[0].value == pytest.approx(100 * difference.value)
    assert worse.figure.rows[0].low == pytest.approx(100 * difference.low)
    assert worse.figure.band
    assert worse.figure.band.high == pytest.approx(10)
    assert "down to 3 runs" in worse.figure.note


def test_the_answer_has_the_findings(results: Results) -> None:
    said = answer(results)
    assert "by 10% or more? Yes for half_max. No for half_avg." in said
    assert "4 networks were trained on Pong, Boxing for 50,000 steps, with 4 seeds each" in said
    assert "39 of 40 runs are finished" in said
    assert "The A/A control dense_sub finds nothing, as it should." in said


# Runs


def test_every_seed_is_shown_and_missing_ones_by_name(results: Results) -> None:
    pong, boxing, missing = scores(results).blocks
    assert isinstance(pong, Table)
    assert isinstance(boxing, Table)
    assert isinstance(missing, Table)
    raw = {(job.game, job.arm, job.seed): job.score for job in results.jobs}
    for game, table in (("pong", pong), ("boxing", boxing)):
        rows = {str(row[0]): row for row in table.rows}
        assert list(rows) == [*DESIGN.networks, *DESIGN.tandems]
        for arm, row in rows.items():
            wanted = [raw[game, arm, seed] for seed in range(4)]
            assert list(row[2:]) == ["failed" if score is None else score for score in wanted]
    lost = dict(zip((c.name for c in missing.columns), missing.rows[0], strict=True))
    assert lost["seeds"] == "2"
    assert (lost["network"], lost["game"], lost["state"]) == ("half_max", "Boxing", "failed")
    assert lost["why"] == "the loss is no longer a finite number"
    assert len(missing.rows) == 1


def test_a_curve_is_the_mean_of_finished_runs_and_all_are_thin(results: Results) -> None:
    _, boxing = curves(results).blocks
    assert isinstance(boxing, Curves)
    line = next(series for series in boxing.series if series.name == "half_max")
    assert len(line.thin) == 4
    assert len(line.thin[2][0]) == 24  # broke off after 25 parts, in one of which no game ended
    runs = [
        {point.steps: point.score for point in job.curve}
        for job in results.jobs
        if (job.game, job.arm) == ("boxing", "half_max") and job.score is not None
    ]
    assert len(line.x) == 49
    for steps, mean in zip(line.x, line.y, strict=True):
        assert mean == pytest.approx(sum(run[steps] for run in runs) / len(runs))
    assert line.low
    assert line.high
    for low, mean, high in zip(line.low, line.y, line.high, strict=True):
        assert low < mean < high
    assert "stride->half_max" not in {series.name for series in boxing.series}
    assert boxing.note == "1 run failed."


def test_time_does_not_go_back(results: Results) -> None:
    """Where a run logged nothing in a part of its steps, the mean of the others is not the time."""
    jobs = []
    for job in results.jobs:
        times = [(1 + job.seed) * (point.seconds or 0) for point in job.curve]
        known = [None if (i + job.seed) % 3 == 0 else time for i, time in enumerate(times)]
        points = zip(job.curve, known, strict=True)
        jobs.append(replace(job, curve=tuple(replace(p, seconds=time) for p, time in points)))
    slower = replace(results, jobs=tuple(jobs))
    figures = [block for block in clock(slower).blocks if isinstance(block, Curves)]
    assert figures
    for line in (line for figure in figures for line in figure.series):
        assert len(line.x) == 49
        assert list(line.x) == sorted(line.x)


def test_two_runs_have_a_mean_and_no_interval(results: Results) -> None:
    jobs = tuple(job for job in results.jobs if job.seed < 2)
    line = curves(replace(results, jobs=jobs)).blocks[0].series[0]
    assert len(line.y) == len(line.low) == 49
    assert set(line.low) == {None}


def test_what_is_not_held_equal_is_said(results: Results) -> None:
    (table,) = sizes(results).blocks
    assert isinstance(table, Table)
    rows = {row[0]: row[-1] for row in table.rows}
    assert rows["stride"] is None
    assert rows["dense_sub"] == "multiplications (6.6 times)"
    assert rows["half_max"] == "multiplications (2.7 times), receptive field"


# The whole page


def test_sections_follow_from_what_there_is(results: Results) -> None:
    found = report(results)
    titles = [section.title for section in found.sections]
    assert titles == [
        *("Network by network", "Learning curves", "Scores", "All games together"),
        *("Kinds of games", "Wall time", "Passive learning", "Control and power"),
        *("Networks", "Limits", "Methods"),
    ]
    assert [row.label for row in titled(found, "Interquartile").rows] == list(DESIGN.networks)
    groups = [row.group for row in titled(found, "Difference of the means").rows]
    assert list(dict.fromkeys(groups)) == ["Pong (sensitive)", "Boxing (tolerant)"]
    by_game = {
        (row.group, row.label): row.value for row in titled(found, "Difference of the means").rows
    }
    wanted = (results.networks[2].game_differences or {})["boxing"]
    assert by_game["Boxing (tolerant)", "half_max"] == pytest.approx(100 * wanted)
    assert len(titled(found, "Does the difference").rows) == 3
    assert titled(found, "Passive networks").rows[0].label == "stride->half_max less stride"
    assert titled(found, "Power").rows == ((-0.1, 0.43, 0.21),)
    settings = {row[0]: row[1:] for row in titled(found, "Settings").rows}
    assert settings["n_step"] == ("5", "this comparison")
    assert settings["gamma"][1] == "quick"
    limits = next(s for s in found.sections if s.title == "Limits").blocks
    assert "intervals cover too seldom" in " ".join(map(str, limits))
    assert found.made["command"] == "evaluate.py compare --out 'out folder'"


def test_the_page_is_made_from_the_file_alone(results: Results, tmp_path: Path) -> None:
    write_json(tmp_path / "results.json", as_json(results))
    html = page(report(read_results(tmp_path / "results.json")))
    assert html == page(report(results))
    assert "nan" not in html


def test_the_page_opens_with_the_answer_and_one_picture(results: Results) -> None:
    opened = report(results)
    assert opened.figure == picture(results)
    assert isinstance(opened.figure, Intervals)
    values = [row.value or 0 for row in opened.figure.rows]
    assert values == sorted(values, reverse=True)
    assert {row.label for row in opened.figure.rows} == {"dense_sub", "half_max", "half_avg"}
    (line,) = (b for b in blocks(opened) if isinstance(b, Verdict) and b.claim_id == "half_max")
    assert line.effect.startswith("\N{MINUS SIGN}5")
    assert line.matters == "needs 10% either way"


def test_a_comparison_without_any_finished_run_says_so(nothing: Results) -> None:
    said = answer(nothing)
    assert "0 of 40 runs are finished" in said
    assert "Not measured for half_max, half_avg." in said
    found = report(nothing)
    assert not found.figure
    assert all(b.verdict == "undetermined" for b in blocks(found) if isinstance(b, Verdict))
    assert titled(found, "Pong, points").rows[0] == ("stride", None, *["waiting"] * 4)
    html = page(found)
    assert "Not compared: none of its runs is finished." in html
    assert "No run is finished." in html
    assert "Nothing can be summed up" in html
    assert "no sensitive and no tolerant game counts" in html


def test_one_network_one_seed_and_no_control() -> None:
    design = Design(("pong",), ("stride",), 1, 50_000, "quick", {}, 30, 0.1)
    results = results_of(design, {"stride": 1})
    found = report(results)
    assert found.answer.startswith("No network was compared with stride.")
    assert "There is no A/A control." in found.answer
    html = page(found)
    assert "No network was compared with stride." in html
    assert "No run is missing." in html
    row = titled(found, "Interquartile").rows[0]
    assert (row.value, row.low, row.high) == (pytest.approx(1), None, None)
    assert "Passive learning" not in {section.title for section in found.sections}
    assert list(findings(results).columns[2].cells) == ["1.00 [none]"]


def test_single_runs_have_no_interval_and_no_verdict() -> None:
    design = Design(("pong", "boxing"), ("stride", "half_max"), 1, 50_000, "quick", {}, 30, 0.1)
    found = report(results_of(design, {"stride": 1, "half_max": 0.85}, spread=0.0))
    (verdict,) = (block for block in blocks(found) if isinstance(block, Verdict))
    assert verdict.verdict == "undetermined"
    assert "(no interval)" in verdict.answer
    assert isinstance(verdict.figure, Intervals)
    assert verdict.figure.rows[0].low is None
    assert "No interval: there is a single value" in page(found)


def test_the_command_writes_the_page_beside_the_results(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, instead in {
        "run_jobs": lambda *_: [],
        "collect": lambda *_: results,
        "design_power": lambda *_: results.power,
    }.items():
        monkeypatch.setattr(f"harness.commands.compare.{name}", instead)
    command = CompareCommand(tmp_path, games=("Pong",), networks=("stride",), jobs=1, device="cpu")
    assert command.run() == 0
    written = (tmp_path / "report.html").read_text()
    assert written == page(report(read_results(tmp_path / "results.json")))
