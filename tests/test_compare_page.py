"""The report of a comparison: what it says of planted results, and that nothing is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.commands.compare import CompareCommand
from harness.compare.design import Design
from harness.compare.page import answer, picture, report
from harness.compare.results import (
    Effect,
    Finding,
    NetworkResult,
    Results,
)
from harness.compare.results_file import as_json, read_results
from harness.compare.run_sections import clock, curves, scores, sizes
from harness.compare.tables import findings
from harness.compare.verdict_sections import conclusion
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


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(DESIGN, LEVELS, LOST, spread=0.01)


@pytest.fixture(scope="module")
def nothing() -> Results:
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


def entry(low: float | None, high: float | None, finding: Finding) -> NetworkResult:
    effect = Effect(0.0, low, high, 0.5, ("pong",))
    common = {"name": "half_max", "role": "compared", "missing": (), "runs": 5}
    return NetworkResult(**common, effect=effect, finding=finding)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (entry(-0.5, -0.3, "costs score"), "It costs score: more than 20%."),
        (entry(-0.15, -0.1, "lowers the score"), "lowers the score, by less than 20%"),
        (entry(-0.3, -0.1, "lowers the score"), "whether by more than 20% is not shown"),
        (entry(0.1, 0.4, "helps"), "It helps."),
        (entry(-0.1, 0.4, "does not cost score"), "a loss of 20% or more is excluded"),
        (entry(-0.5, 0.5, "undetermined"), "neither a loss nor its absence to within 20%"),
        (entry(None, None, "undetermined"), "too few seeds for an interval"),
        (entry(-0.5, -0.3, "no verdict"), "No verdict: the A/A control differs"),
    ],
)
def test_what_is_said_of_a_finding(found: NetworkResult, said: str) -> None:
    assert said in conclusion(found, 0.2)


def test_planted_differences_are_judged_with_their_figures(results: Results) -> None:
    verdicts = {b.claim_id: b for b in blocks(report(results)) if isinstance(b, Verdict)}
    assert list(verdicts) == ["half_max", "half_avg"]  # neither the baseline nor its twin
    worse, same = verdicts["half_max"], verdicts["half_avg"]
    assert (worse.verdict, worse.word) == ("refuted", "costs score")
    assert (same.verdict, same.word) == ("supported", "does not cost score")
    assert "7 runs on 2 games" in worse.answer
    assert "above one of stride with probability 0.00" in worse.answer
    effect = results.networks[2].effect
    assert effect
    assert effect.low
    assert isinstance(worse.figure, Intervals)
    first, second, timed = worse.figure.rows
    assert first.value == pytest.approx(100 * effect.value)
    assert first.low == pytest.approx(100 * effect.low)
    assert (second.label, timed.label) == ("second outcome", "equal wall time")
    assert worse.figure.band
    assert worse.figure.band.low == pytest.approx(-20)


def test_the_answer_has_the_findings(results: Results) -> None:
    said = answer(results)
    assert "Against stride, half_max costs score, \N{MINUS SIGN}5" in said
    assert "; half_avg does not cost score, " in said
    assert "4 networks were trained on Pong, Boxing for 50,000 steps (4 seeds)" in said
    assert "39 of 40 runs are finished" in said
    assert "The A/A control holds 0, as it should: " in said


def test_many_networks_are_counted_and_seeds_by_network_told() -> None:
    names = ("half_max", "half_avg", "half_blur", "dense_max", "dense_avg")
    design = replace(DESIGN, networks=("stride", *names), tandems=(), seeds_of={"stride": 9})
    said = answer(results_of(design, dict.fromkeys(("stride", *names), 1.0), spread=0.03))
    assert "Against stride, does not cost score: 5 networks." in said
    assert "(stride 9, half_max 4, half_avg 4, " in said


# Runs


def test_every_seed_is_shown_and_missing_ones_by_name(results: Results) -> None:
    pong, boxing, missing = scores(results).blocks
    assert isinstance(pong, Table)
    assert isinstance(boxing, Table)
    assert isinstance(missing, Table)
    raw = {(job.game, job.arm, job.seed): job.outcome for job in results.jobs}
    for game, table in (("pong", pong), ("boxing", boxing)):
        rows = {str(row[0]): row for row in table.rows}
        assert list(rows) == [*DESIGN.networks, *DESIGN.tandems]
        for arm, row in rows.items():
            wanted = [raw[game, arm, seed] for seed in range(4)]
            assert list(row[3:]) == ["failed" if score is None else score for score in wanted]
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
        if (job.game, job.arm) == ("boxing", "half_max") and job.outcome is not None
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
        *("Network by network", "Differences", "Learning curves", "Scores"),
        *("Wall time", "Passive learning", "Control and power", "Networks", "Limits", "Methods"),
    ]
    by_game = {
        (row.group, row.label): row.value
        for row in titled(found, "Difference to stride, game by game").rows
    }
    wanted = results.networks[2].by_game["boxing"].value
    assert by_game["Boxing", "half_max"] == pytest.approx(100 * wanted)
    (table,) = (b for b in blocks(found) if isinstance(b, Table) and "equally many" in b.title)
    assert [row[0] for row in table.rows] == ["half_max", "half_avg"]
    assert titled(found, "Passive networks").rows[0].label == "stride->half_max against stride"
    assert [row[0] for row in titled(found, "Power: 2 games").rows] == [0.0, 0.25, -0.3]
    settings = {row[0]: row[1:] for row in titled(found, "Settings").rows}
    assert settings["n_step"] == ("5", "this comparison")
    assert settings["gamma"][1] == "quick"
    limits = next(s for s in found.sections if s.title == "Limits").blocks
    assert "1 run is missing" in " ".join(map(str, limits))
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
    labels = [row.label for row in opened.figure.rows]
    assert labels == ["half_avg", "half_max", "A/A control"]
    assert opened.figure.note.startswith("A/A control: dense_sub against stride")
    (line,) = (b for b in blocks(opened) if isinstance(b, Verdict) and b.claim_id == "half_max")
    assert line.effect.startswith("\N{MINUS SIGN}5")
    assert line.matters == "\N{MINUS SIGN}20% matters"
    html = page(opened)
    assert "</svg>costs score</span>" in html
    assert "1 does not cost score, 1 costs score. A line has" in html


def test_a_comparison_without_any_finished_run_says_so(nothing: Results) -> None:
    said = answer(nothing)
    assert "0 of 40 runs are finished" in said
    assert "Against stride, half_max is not measured; half_avg is not measured." in said
    found = report(nothing)
    assert not found.figure
    assert all(b.verdict == "undetermined" for b in blocks(found) if isinstance(b, Verdict))
    assert titled(found, "Pong, points").rows[0] == ("stride", None, None, *["waiting"] * 4)
    html = page(found)
    assert "Not compared: none of its runs is finished." in html
    assert "No run is finished." in html
    assert "Nothing can be compared: no game" in html


def test_one_network_one_seed_and_no_control() -> None:
    design = Design(("pong",), ("stride",), 1, 50_000, "quick", {}, 30, 0.2)
    results = results_of(design, {"stride": 1})
    found = report(results)
    assert found.answer.startswith("No network was compared with stride.")
    assert "There is no A/A control." in found.answer
    html = page(found)
    assert "No network was compared with stride." in html
    assert "No run is missing." in html
    assert "Passive learning" not in {section.title for section in found.sections}
    assert list(findings(results).columns[2].cells) == ["-"]


def test_single_runs_have_no_interval_and_no_verdict() -> None:
    design = Design(("pong", "boxing"), ("stride", "half_max"), 1, 50_000, "quick", {}, 30, 0.2)
    found = report(results_of(design, {"stride": 1, "half_max": 0.85}, spread=0.0))
    (verdict,) = (block for block in blocks(found) if isinstance(block, Verdict))
    assert verdict.verdict == "undetermined"
    assert "(no interval)" in verdict.answer
    assert isinstance(verdict.figure, Intervals)
    assert verdict.figure.rows[0].low is None
    assert "No interval: there is a single value" in page(found)


def test_the_command_writes_the_page_beside_the_results(
    results: Results,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, instead in {
        "run_jobs": lambda *_: [],
        "collect": lambda *_: results,
        "time_networks": lambda *_: {"stride": 0.009},
    }.items():
        monkeypatch.setattr(f"harness.commands.compare.{name}", instead)
    command = CompareCommand(
        *(tmp_path, ("Pong",), ("stride",)), jobs=1, device="cpu", estimate=True
    )
    assert command.run() == 0
    printed = capsys.readouterr().out
    assert "takes about 5h45m" in printed  # 0.009 s, 400,000 steps, 5 seeds, 15% more
    assert printed.splitlines()[-1].startswith(f"report: {tmp_path}/report.html")
    assert command.run() == 0
    assert "takes about" not in capsys.readouterr().out  # only a new comparison is timed
    written = (tmp_path / "report.html").read_text()
    assert written == page(report(read_results(tmp_path / "results.json")))
