"""results.json of the claims, and the report that is made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.claims.judgement import judged_claim
from harness.claims.page import report
from harness.claims.preregistration import read_preregistration
from harness.claims.results import (
    Measured,
    Results,
    as_json,
    by_training,
    pack,
    read_results,
    unpack,
)
from harness.commands.claims import _effect
from harness.report.blocks import Curves, Intervals, Table, Verdict
from harness.report.page import page

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results" / "claims-quick"


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
    rules, measured = read_preregistration(), by_training(shipped.measured)
    for claim, before in zip(rules.claims, shipped.claims, strict=True):
        again = judged_claim(claim, measured, rules.corrected)
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
    assert "17 claims: 2 supported, 6 refuted, 9 undetermined." in opened.answer
    assert isinstance(opened.figure, Intervals)
    values = [row.value for row in opened.figure.rows]
    assert len(values) == 16
    assert values == sorted(values)
    (stride,) = (row.value for row in opened.figure.rows if row.label == "stride")
    assert [(line.value, line.label) for line in opened.figure.references] == [(stride, "stride")]


def test_the_shipped_report_says_what_there_is(shipped: Results) -> None:
    made = report(shipped)
    html = page(made)
    assert "6.97 (0.00 to 16.20)" in html  # pixels: of -2.3 there are none
    assert "95% interval over agents" in html
    verdicts = {b.claim_id: b for s in made.sections for b in s.blocks if isinstance(b, Verdict)}
    assert isinstance(verdicts["C2 local"].figure, Table)  # shares and pixels have no common axis
    effect = verdicts["C2 local"].effect.replace("\N{MINUS SIGN}", "-")
    assert effect == "half_max less stride: -4.20 pixels (-4.93 to -3.47), one of 5 parts"
    assert verdicts["C2 local"].matters == "needs at least 1 pixels; corrected: the same"
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


def test_errors_by_states_come_first_where_they_were_measured(shipped: Results) -> None:
    def with_states(unit: Measured) -> Measured:
        if unit.training != "location" or unit.network not in ("stride", "half_max"):
            return unit
        errors = {"500": 4.0 + unit.seed, "8000": 2.0 + unit.seed}
        states = {"states": {"Pong": errors, "mean": errors}}
        return replace(unit, profile=unit.profile | states)

    opened = report(replace(shipped, measured=tuple(map(with_states, shipped.measured))))
    assert isinstance(opened.figure, Curves)
    drawn = {line.name: (tuple(line.x), tuple(line.y)) for line in opened.figure.series}
    assert drawn == dict.fromkeys(("stride", "half_max"), ((500, 8000), (6.5, 4.5)))


def test_imitators_have_a_section_and_verdicts_their_correction(shipped: Results) -> None:
    def measured(network: str, seed: int, points: float) -> Measured:
        profile = {"points": points, "agreement": 0.5}
        return Measured(training="imitate Pong", network=network, seed=seed, profile=profile)

    known = {"random": -20.0, "expert": 0.0}
    units = (
        Measured(training="imitate Pong references", profile=known),
        *(measured("stride", seed, -10.0 - seed) for seed in (1, 2, 3)),
    )
    made = report(replace(shipped, measured=(*shipped.measured, *units)))
    (section,) = (s for s in made.sections if s.title == "Playing by imitation")
    (block,) = section.blocks
    assert isinstance(block, Intervals)
    assert [(r.group, r.label, r.value) for r in block.rows] == [
        ("mean of all games", "stride", pytest.approx(0.4)),
        ("Pong", "stride", pytest.approx(0.4)),
    ]
    html = page(made)
    assert "needs at least 1 pixels; corrected: the same" in html
    assert "needs at least 0.25 sprites; corrected: undetermined" in html


def test_pictures_survive_json() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (84, 84), dtype=np.uint8)
    assert (unpack(pack(frame)) == frame).all()
