"""Measurements of the claims: made once each, side by side, and kept."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from harness.claims import runner
from harness.claims.budget import BUDGETS, Budget
from harness.claims.judgement import judge, pictures
from harness.claims.measurements import Measurement, done, measurements, other_games, profiles
from harness.claims.measuring import do
from harness.claims.page import report
from harness.claims.preregistration import read_preregistration
from harness.claims.results import as_json, read_results
from harness.claims.runner import work
from harness.files.atomic import write_json
from harness.probes.profile import Extent
from harness.report.page import page

TINY = Budget(
    networks=("stride", "dense_sub"),
    taught=("stride",),
    seeds=1,
    extent=Extent(64, sizes=(8,)),
    updates=2,
    learning_rates=(1e-3,),
    boxes=120,
)


@pytest.fixture(scope="module")
def measured_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    for measurement in measurements(TINY):
        do(folder, measurement, TINY)
    return folder


def test_units_are_done_once(measured_folder: Path) -> None:
    """What is there is not measured again; what is broken or another unit's is."""
    wanted = measurements(TINY)
    assert len(list(profiles(measured_folder, wanted, TINY))) == len(wanted)
    assert work(measured_folder, wanted, TINY, 1) == {}
    last = wanted[-1]
    file = measured_folder / f"{last.name}.json"
    text = file.read_text()
    assert done(measured_folder, last, TINY)
    for other in (text[: len(text) // 2], text.replace('"seed": 1', '"seed": 77', 1), "[]"):
        file.write_text(other)
        assert done(measured_folder, last, TINY) is None
    file.write_text(text)
    assert done(measured_folder, last, replace(TINY, boxes=121)) is None
    assert done(measured_folder, last, replace(TINY, networks=("stride",)))


def test_workers_ignore_signals_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before their first line, when each would print a traceback."""
    heard: list[object] = []

    def start(*_: object) -> None:
        heard.extend(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP))
        raise InterruptedError

    monkeypatch.setattr("multiprocessing.popen_spawn_posix.Popen", start)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(InterruptedError):
        work(tmp_path, measurements(TINY), TINY, 1)
    assert heard == [signal.SIG_IGN] * 2
    assert signal.getsignal(signal.SIGINT) is before


def killed(folder: Path, measurement: Measurement, _: Budget) -> float:
    """The first unit is killed always, the second once."""
    second = folder / "second"
    if measurement.seed == 0 or (measurement.seed == 1 and not second.exists()):
        second.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


def test_one_that_is_killed_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_timed", killed)
    all_units = [Measurement("untrained", "stride", seed) for seed in range(5)]
    ended = list(runner._finished(tmp_path, all_units, TINY, 2))
    assert {measurement for measurement, _, error in ended if not error} == set(all_units[1:])
    assert [measurement for measurement, _, error in ended if error] == all_units[:1]
    assert "its process was killed" in str(ended)


def test_units_of_other_games_are_noticed(measured_folder: Path) -> None:
    assert other_games(measured_folder, TINY) is None
    (measured_folder / "broken.json").write_text('{"decided_by": []}')
    assert other_games(measured_folder, TINY) is None
    in_pong = replace(TINY, extent=replace(TINY.extent, games=("Pong",)))
    assert other_games(measured_folder, in_pong) == []


def test_every_unit_has_a_file_of_its_own() -> None:
    for budget in BUDGETS.values():
        names = [measurement.name for measurement in measurements(budget)]
        assert len(set(names)) == len(names)


def test_the_page_is_made_from_results_alone(measured_folder: Path) -> None:
    file = measured_folder / "results.json"
    measured = profiles(measured_folder, measurements(TINY), TINY)
    missing = {Measurement("untrained", "gone", 9): "KeyError: x"}
    shots = pictures(TINY.extent)
    made = judge("quick", TINY, read_preregistration(), measured, missing, shots)
    write_json(file, as_json(made))
    results = read_results(file)
    assert page(report(results)) == page(report(made))
    # How far networks see; a class of one's own is not known when a page is made again.
    seen = ("stride", "dense_stagger", "half_max", "stride_gap", "dial:1,0", "own:Network")
    results = replace(results, budget=replace(results.budget, networks=seen))
    html = page(report(results))
    assert "36 pixels (stride); 48 pixels (dense_stagger, half_max, dial:1,0); the whole" in html
    assert "the whole picture (stride_gap)." in html
    assert "Does pooling" in html
    assert "gone seed 9 KeyError: x" in html
    for claim in results.claims:
        assert claim.id in html
