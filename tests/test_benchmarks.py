"""What the benchmarks compute from their timings; the timings themselves are not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from agent.execution import WARM_UP
from benchmarks import gpu
from benchmarks.answer_picture import LABELS, draw
from benchmarks.gpu import covered
from benchmarks.measuring import ALL_RECORDED, FAIR, Loop, report
from benchmarks.peers.__main__ import rows, window
from benchmarks.peers.clock import peak_bytes
from harness.claims.results import as_json, read_results
from harness.files.atomic import write_json
from harness.report.styles import COLOURS, KNOWN
from harness.run.config import RunConfig
from harness.run.state import Counters
from harness.training.updates import due_updates

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("intervals", "length"),
    [([], 0), ([(0, 2), (1, 3)], 3), ([(5, 6), (0, 1)], 2), ([(0, 9), (2, 3), (8, 10)], 10)],
)
def test_time_covered_by_overlapping_kernels(intervals: Any, length: float) -> None:
    assert covered(intervals) == length


def test_the_loop_that_is_timed_is_the_real_one() -> None:
    """Past its first updates, its memory full, one update for four steps."""
    config = replace(FAIR, replay_size=800, emulators=replace(FAIR.emulators, num_envs=2))
    loop = Loop(replace(config, learner=replace(config.learner, batch_size=2)))
    assert len(loop.components.ring) == 800
    assert loop.run(0.05) > 0
    assert loop.counters.updates >= 100
    assert loop.ratio == pytest.approx(0.25, abs=0.005)
    loop.close()
    assert peak_bytes() > 10**7


@pytest.mark.parametrize("num_envs", [16, 32, 64, 128])
def test_every_number_of_due_updates_has_been_recorded_before_the_clock_starts(
    num_envs: int,
) -> None:
    counters, recorded_at = Counters(learn_from=10 * num_envs), 0
    calls: list[int] = []

    def launcher(*_: Any) -> Any:
        calls.append(0)
        place = len(calls) - 1

        def call() -> None:
            nonlocal recorded_at
            calls[place] += 1
            if calls[place] == WARM_UP + 1:
                recorded_at = counters.updates

        return call

    session: Any = SimpleNamespace(counters=counters, random_streams=SimpleNamespace(sampling=None))
    learner: Any = SimpleNamespace(copy_to_target=lambda: None)
    learn = due_updates(FAIR, session, SimpleNamespace(), learner, launcher)  # type: ignore[arg-type]
    while counters.updates < 5 * ALL_RECORDED * num_envs:
        counters.advance(num_envs)
        learn()
    assert min(calls) > WARM_UP
    assert ALL_RECORDED * num_envs / 2 < recorded_at < ALL_RECORDED * num_envs


def test_peers_are_compared_round_by_round() -> None:
    """Medians, and the median of each round's ratio; who did not run is left out."""

    def windows(*rates: float) -> list[dict[str, float]]:
        return [{"rate": rate, "ratio": 0.25, "peak": 2e9} for rate in rates]

    found = {"ours": windows(30, 20, 90), "Stable-Baselines3": windows(10, 10, 15), "other": []}
    ours, base = rows(found)
    assert (ours["steps/s"], ours["x SB3"], ours["updates/steps"]) == (30, "3.00", "0.250")
    assert (base["x SB3"], base["peak GB, main process"]) == ("1.00", 2.0)


def test_a_window_is_counted_from_the_warm_up_on(tmp_path: Path) -> None:
    """1,500 steps do not count; afterwards every tick adds 4 steps and an update."""
    script = tmp_path / "contender.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks' / 'peers')!r})\n"
        "from clock import Clock\n"
        "clock = Clock(1500, 0.05)\n"
        "for i in range(10**9): clock.tick(4 * i, i)\n"
    )
    found = window([sys.executable, str(script)])
    assert found is not None
    assert found["ratio"] == 0.25
    assert found["rate"] > 0


def test_a_contender_that_fails_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert window([sys.executable, "-c", "raise SystemExit('no such peer')"]) is None
    assert "no such peer" in capsys.readouterr().out


def test_reports_say_where_they_come_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report("speeds", [{"name": "a", "rate": 123.4, "x": 1.234}], FAIR, tmp_path / "r" / "a.json")
    assert "| a | 123 | 1.23 |" in capsys.readouterr().out
    content = json.loads((tmp_path / "r" / "a.json").read_text())
    assert {"date", "command", "settings", "versions", "machine", "rows"} <= content.keys()


def test_a_case_that_fails_does_not_keep_the_others_from_being_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def loop(config: RunConfig, _: str, execution: str) -> Any:
        measured.append((execution, config.learner.precision, config.emulators.num_envs))
        if execution == "graph" and config.learner.precision == "tf32":
            raise RuntimeError("no such precision here")
        return SimpleNamespace(run=lambda _: 1000.0, close=lambda: None, ratio=0.25)

    monkeypatch.setattr(gpu, "Loop", loop)
    monkeypatch.setattr(gpu, "profiled", lambda _: {"wall ms": 1.0})
    written: dict[str, list[Any]] = {}
    monkeypatch.setattr(gpu, "report", lambda name, rows, *_: written.update({name: rows}))
    assert gpu.Gpu(tmp_path).run() == 1
    assert measured[-2:] == [("graph", "bf16", 64), ("compile", "bf16", 64)]
    assert len(written["throughput"]) == len(measured) - 2
    assert "profile" in written


@pytest.mark.parametrize("name", ["throughput", "scaling", "peers", "gpu"])
def test_every_benchmark_explains_itself(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--seconds" in done.stdout


def test_the_picture_of_the_answer_has_a_line_for_each_network(tmp_path: Path) -> None:
    errors = {"500": 4.0, "1000": 3.0, "8000": 2.0}
    shipped = read_results(ROOT / "docs" / "results" / "claims-quick" / "results.json")
    units = tuple(
        replace(unit, profile=unit.profile | {"states": {"mean": errors}})
        for unit in shipped.measured
        if unit.training in ("untrained", "location") and unit.network in LABELS
    )
    write_json(tmp_path / "results.json", as_json(replace(shipped, measured=units)))
    draw(tmp_path / "results.json", tmp_path / "answer.svg")
    ElementTree.parse(tmp_path / "answer.svg")
    drawn = (tmp_path / "answer.svg").read_text()
    for network in LABELS:
        assert drawn.count(f"stroke: {COLOURS[KNOWN[network].colour][0]}") >= 3  # two and a key
