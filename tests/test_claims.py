"""Claims: the rule, the ledger, and a harness that is not to fool itself."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agent.networks import NETWORKS, QNetwork, make_network
from harness.claims import runner
from harness.claims.budget import BUDGETS, Budget
from harness.claims.judgement import effect_of, judge, judged, judged_claim, pictures
from harness.claims.measurements import Measurement, do, done, measurements, other_games, profiles
from harness.claims.page import report
from harness.claims.preregistration import (
    Effect,
    Part,
    decide,
    measured,
    read_preregistration,
    rule,
    together,
)
from harness.claims.results import Results, as_json, pack, read_results, unpack
from harness.claims.runner import work
from harness.claims.tables import mean_interval_of
from harness.commands.claims import _effect
from harness.files.atomic import write_json
from harness.probes.datasets import block
from harness.probes.profile import Extent, locations
from harness.probes.training import fresh
from harness.report.blocks import Intervals, Table, Verdict
from harness.report.page import page

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results" / "claims-quick"
TINY = Budget(
    networks=("stride", "dense_sub"),
    taught=("stride",),
    seeds=1,
    extent=Extent(64, sizes=(8,)),
    updates=2,
    learning_rates=(1e-3,),
    boxes=120,
)
PART = Part("what", "untrained", "half_max", "location.*.conv3.error", "pixels", "at least", 1.0)


@pytest.mark.parametrize(
    ("values", "direction", "matters", "verdict"),
    [
        ((2.0, 2.1, 2.2), "at least", 1.0, "supported"),
        ((0.1, 0.0, -0.1), "at least", 1.0, "refuted"),
        ((0.0, 2.0, 1.0), "at least", 1.0, "undetermined"),
        ((2.0, 2.1, 2.2), "at most", 1.0, "refuted"),
        ((0.1, 0.0, -0.1), "at most", 1.0, "supported"),
        ((0.1, 0.0, -0.1), "within", 1.0, "supported"),
        ((-2.0, -2.1, -2.2), "within", 1.0, "refuted"),
        ((0.0, 2.0, 1.0), "within", 1.0, "undetermined"),
        ((5.0,), "at least", 1.0, "undetermined"),
        ((), "at least", 1.0, "undetermined"),
        ((1.0, 1.0, 1.0), "at least", 1.0, "supported"),
    ],
)
def test_the_rule(values: Any, direction: Any, matters: float, verdict: str) -> None:
    effect = Effect(values, tuple(range(len(values))))
    assert decide(effect, direction, matters) == verdict


def test_ratios_are_averaged_by_their_logarithms() -> None:
    twice_and_half = Effect((2.0, 0.5), (1, 2), ratio=True)
    assert twice_and_half.mean == pytest.approx(1.0)
    low, high = twice_and_half.interval or (0.0, 0.0)
    # Student's t for 1 degree of freedom is 12.706; the standard error is log(2).
    assert (low, high) == pytest.approx((2**-12.706, 2**12.706), rel=1e-3)


def test_an_interval_ends_where_values_end() -> None:
    """An error cannot be negative, nor a share larger than 1; a difference can be anything."""
    values = (0.2, 0.9)
    _, *errors = mean_interval_of(values, "location.*.conv3.error")
    _, *shares = mean_interval_of(values, "presence.block 2.conv3")
    _, *free = mean_interval_of(values, "location.a.conv3.r2")
    assert free[0] < 0
    assert free[1] > 1
    assert (errors, shares) == ([0, free[1]], [0, 1])
    part = replace(PART, measure="presence.*.conv3", matters=0.75)
    measured: dict[tuple[str, str, int], Any] = {
        ("untrained", network, seed): {"presence": {"a": {"conv3": share}}}
        for seed, share in enumerate(values)
        for network, share in (("half_max", share), ("stride", 0.5))
    }
    assert judged(part, measured).interval == (0, 1)
    low, high = judged(replace(part, against="stride"), measured).interval or (0, 0)
    assert low < -1
    assert high > 1


def test_a_claim_needs_all_its_parts() -> None:
    assert together(["supported", "supported"]) == "supported"
    assert together(["supported", "undetermined"]) == "undetermined"
    assert together(["undetermined", "refuted"]) == "refuted"


def test_measures_are_found_by_their_path() -> None:
    profile = {"location": {"a": {"conv3": {"error": 1.0}}, "b": {"conv3": {"error": 3}}}}
    assert measured(profile, "location.*.conv3.error") == 2.0
    assert measured(profile, "location.a.conv3.error") == 1.0
    assert measured(profile, "location.c.conv3.error") is None
    assert measured({"x": float("nan")}, "x") is None
    assert measured(None, "x") is None


def test_an_effect_is_a_difference_by_seed() -> None:
    def profile(error: float) -> Any:
        return {"location": {"a": {"conv3": {"error": error}}}}

    measured = {
        ("untrained", "half_max", 1): profile(3.0),
        ("untrained", "stride", 1): profile(2.0),
        ("untrained", "half_max", 2): profile(6.0),
        ("untrained", "stride", 2): profile(3.0),
        ("untrained", "half_max", 3): profile(9.0),
        ("location", "stride", 3): profile(1.0),
    }
    effect = effect_of(replace(PART, against="stride"), measured)
    assert effect == Effect((1.0, 3.0), (1, 2))  # the third has no partner
    ratio = effect_of(replace(PART, against="stride", ratio=True), measured)
    assert ratio.values == (1.5, 2.0)
    assert effect_of(PART, measured).values == (3.0, 6.0, 9.0)
    assert judged(replace(PART, against="stride"), measured).verdict == "undetermined"


def test_every_part_of_the_ledger_can_be_measured_in_every_budget() -> None:
    preregistration = read_preregistration()
    assert len({claim.id for claim in preregistration.claims}) == len(preregistration.claims)
    for part in (part for claim in preregistration.claims for part in claim.parts):
        assert rule(part)
        for budget in BUDGETS.values():
            measures = {"untrained": budget.networks, "location": budget.taught}
            known = measures | {"count": budget.taught, "bars": ("stride", "global max")}
            for name in filter(None, (part.network, part.against)):
                assert name in known.get(part.training, ("stride",)), (part.what, name)


def test_budgets_name_networks_that_there_are() -> None:
    for budget in BUDGETS.values():
        assert set(budget.taught) <= set(budget.networks)
        for name in budget.networks:
            assert name in NETWORKS or make_network(name, 2)


class Shuffled(QNetwork):
    """`stride` with the positions in its maps shuffled, for each state in another way."""

    def features(self, states: Tensor) -> dict[str, Tensor]:
        found = super().features(states)
        for name in ("conv1", "conv2", "conv3"):
            maps = found[name].flatten(2)
            order = torch.rand(len(maps), maps.shape[2]).argsort(1)
            found[name] = maps.gather(2, order[:, None].expand_as(maps)).view_as(found[name])
        return found


EXTENT = Extent(240, sizes=(8,))


def test_an_equal_function_shows_no_difference() -> None:
    """A/A: `dense_sub` computes what `stride` does, by other operations."""
    states = block(8, EXTENT.states).states
    stride, same = (
        locations(fresh(name, 2, 5, states), EXTENT) for name in ("stride", "dense_sub")
    )
    for layer in ("conv1", "conv3", "fc1"):
        ours, theirs = (one["block 8"][layer]["error"] for one in (stride, same))
        assert theirs == pytest.approx(ours, rel=0.02)


def test_a_planted_loss_is_found() -> None:
    states = block(8, EXTENT.states).states
    network = fresh("stride", 2, 5, states)
    known = locations(network, EXTENT)["block 8"]["conv3"]
    network.__class__ = Shuffled
    lost = locations(network, EXTENT)["block 8"]["conv3"]
    assert known["error"] < 8
    assert lost["error"] > 14
    assert lost["error"] > 0.8 * lost["shuffled"]


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


@pytest.fixture(scope="module")
def shipped() -> Results:
    return read_results(RESULTS / "results.json")


def test_results_are_read_and_written_as_they_were(shipped: Results) -> None:
    content = json.loads((RESULTS / "results.json").read_text())
    assert json.loads(json.dumps(as_json(shipped))) == content


def test_results_of_a_newer_program_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"format": 2}')
    with pytest.raises(ValueError, match="newer than this program's"):
        read_results(tmp_path / "results.json")


def test_the_shipped_verdicts_follow_from_the_measurements(shipped: Results) -> None:
    measured = {
        (unit.training, network, unit.seed): profile
        for unit in shipped.measured
        for network, profile in unit.profiles.items()
    }
    for claim, before in zip(read_preregistration().claims, shipped.claims, strict=True):
        again = judged_claim(claim, measured)
        assert again.verdict == before.verdict
        for part, part_before in zip(again.parts, before.parts, strict=True):
            assert part.values == pytest.approx(part_before.values)
            assert part.interval == pytest.approx(part_before.interval)
            assert part.verdict == part_before.verdict


def test_the_shipped_report_opens_with_the_answer(shipped: Results) -> None:
    opened = report(shipped)
    assert "small windows does not throw location away" in opened.answer
    assert "whole picture throws location away" in opened.answer
    assert "8.5 pixels with stride_gap against 4.2 pixels with stride" in opened.answer
    assert "11 claims: 4 supported, 5 refuted, 2 undetermined." in opened.answer
    assert isinstance(opened.figure, Intervals)
    values = [row.value for row in opened.figure.rows]
    assert len(values) == 16
    assert values == sorted(values)
    (stride,) = (row.value for row in opened.figure.rows if row.label == "stride")
    assert [(line.value, line.label) for line in opened.figure.references] == [(stride, "stride")]
    assert all(section.folded for section in opened.sections)


def test_the_shipped_report_says_what_there_is(shipped: Results) -> None:
    made = report(shipped)
    html = page(made)
    assert "6.97 (0.00 to 16.20)" in html  # pixels: of -2.3 there are none
    assert "95% interval over agents" in html
    verdicts = {b.claim_id: b for s in made.sections for b in s.blocks if isinstance(b, Verdict)}
    assert isinstance(verdicts["C2 local"].figure, Table)  # shares and pixels have no common axis
    effect = verdicts["C2 local"].effect.replace("\N{MINUS SIGN}", "-")
    assert effect == "half_max less stride: -4.20 pixels (-4.93 to -3.47), one of 3 parts"
    assert verdicts["C2 local"].matters == "needs at least 1 pixels"
    alone = verdicts["C7"].figure
    assert isinstance(alone, Intervals)
    assert not alone.references  # not a difference, of which there could be none
    machine = made.made["machine"]
    assert isinstance(machine, dict)
    assert machine["shards"] == "2"


def test_a_difference_that_is_always_the_same_has_no_interval(shipped: Results) -> None:
    first, *others = shipped.claims
    part = replace(first.parts[0], mean=0.0, interval=(0.0, 0.0), values=(0.0,) * 4)
    html = page(report(replace(shipped, claims=(replace(first, parts=(part,)), *others))))
    assert "than stride (the same in all 4 seeds)" in html
    assert "0.00 to 0.00" not in html
    assert "0.00 (no interval)" in html
    assert "half_max - stride: +0.00 pixels (no interval)" in _effect(part)


def test_pictures_survive_json() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (84, 84), dtype=np.uint8)
    assert (unpack(pack(frame)) == frame).all()
