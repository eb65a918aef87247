"""What readouts' answers are worth: hand-worked, and on features that are known to know."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.probes import measures
from harness.probes.measures import decoding, near
from harness.probes.readout import Readout, split

N = 240
PARTS = split(np.arange(N))
POSITIONS = np.random.default_rng(0).uniform(12, 72, (N, 2))


def readout(features: np.ndarray) -> Readout:
    return Readout.of(torch.from_numpy(features), PARTS)


def test_positions_that_are_features_are_read_exactly() -> None:
    found = measures.location(readout(POSITIONS), PARTS, POSITIONS, 8)
    assert found.error < 0.01
    assert found.r2 == pytest.approx(1, abs=1e-6)
    assert found.cell > 0.98


def test_noise_is_read_as_chance() -> None:
    noise = np.random.default_rng(1).normal(size=(N, 50))
    found = measures.location(readout(noise), PARTS, POSITIONS, 8)
    assert found.r2 < 0.1
    assert found.error > 15
    assert found.cell < 0.1
    # Errors of a guess are uniform from 0 to half a pitch.
    assert found.phase == pytest.approx(2.0, abs=0.4)


def test_a_cell_without_phase_and_a_phase_without_cell() -> None:
    """x = pitch * cell + phase: each half of a position is known on its own."""
    cells = np.floor(POSITIONS / 8)
    one_hot = np.concatenate([(cells == c).astype(float) for c in range(11)], 1)
    cell_only = measures.location(readout(one_hot), PARTS, POSITIONS, 8)
    assert cell_only.cell > 0.9
    assert cell_only.phase > 1.5
    turn = 2 * np.pi * POSITIONS / 8
    circle = np.concatenate([np.cos(turn), np.sin(turn)], 1)
    phase_only = measures.location(readout(circle), PARTS, POSITIONS, 8)
    assert phase_only.phase < 0.05
    assert phase_only.cell < 0.15


def test_errors_fall_with_states_and_end_at_all_of_them() -> None:
    rng = np.random.default_rng(2)
    features = np.concatenate([POSITIONS, 10 * rng.normal(size=(N, 40))], 1)
    found = measures.errors_by_states(readout(features), PARTS, POSITIONS, (10, 40, 9999))
    assert list(found) == [10, 40, len(PARTS.train)]
    assert found[10] > found[len(PARTS.train)]


def test_errors_by_place_against_a_loop() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(-3, 87, (200, 2))  # the parts at a border have what lies beyond it
    read = truth + rng.normal(size=(200, 2))
    found = measures.errors_by_place(read, truth, 84, places=4)
    for row in range(4):
        for column in range(4):
            off = [
                np.hypot(*(r - t))
                for r, t in zip(read, truth, strict=True)
                if tuple(np.clip(t, 0, 83) // 21) == (column, row)
            ]
            assert found[row][column] == pytest.approx(np.median(off))


def test_counting_by_hand() -> None:
    read = np.array([1.2, 2.6, 4.0, 8.0])
    truth = np.array([1, 2, 4, 6])
    nearest = np.array([np.inf, 3.0, 20.0, 5.0])
    found = measures.counting(read, truth, nearest)
    assert found.error == pytest.approx((0.2 + 0.6 + 0 + 2) / 4)
    assert found.exact == 0.5
    assert found.error_near == pytest.approx(1.3)
    assert found.error_far == 0.0


def test_fisher_information_of_a_known_slope_and_noise() -> None:
    """Read as half of the truth with a standard deviation of 2: (1/2)^2 / 2^2."""
    rng = np.random.default_rng(8)
    truth = rng.uniform(0, 84, (5000, 2))
    read = truth / 2 + 2 * rng.normal(size=(5000, 2))
    assert measures.fisher(read, truth) == pytest.approx(1 / 16, rel=0.05)
    truth[:, 1] = 7.0  # a coordinate that never changes has none
    assert measures.fisher(read, truth) == pytest.approx(1 / 16, rel=0.05)


def test_presence_is_the_share_told_rightly() -> None:
    present = np.random.default_rng(4).random(N) < 0.5
    told = measures.presence(readout(np.where(present, 1.0, 0.0)[:, None]), PARTS, present)
    assert told == 1.0
    noise = np.random.default_rng(5).normal(size=(N, 5))
    assert measures.presence(readout(noise), PARTS, present) < 0.7


def test_a_code_is_shorter_for_features_that_know() -> None:
    noise = np.random.default_rng(6).normal(size=(N, 20))
    sizes = (20, 40, 80)
    blind = measures.code_length(readout(noise), PARTS, POSITIONS, sizes)
    seeing = measures.code_length(readout(POSITIONS + noise[:, :2]), PARTS, POSITIONS, sizes)
    # Uniform over 60 pixels: about log2(60) bits, and no more with nothing to go by.
    assert blind == pytest.approx(np.log2(60), abs=0.8)
    assert seeing < blind - 2


def test_near_pixels_against_a_loop() -> None:
    positions = np.array([[20.0, 31.0], [5.5, 77.0]])
    found = near(positions, (2.5, 1.5)).reshape(2, 42, 42)
    for which, (x, y) in enumerate(positions):
        for row in range(42):
            for column in range(42):
                touches = any(
                    abs(px - x) <= 2.5 and abs(py - y) <= 1.5
                    for px in np.linspace(2 * column, 2 * column + 1, 21)
                    for py in np.linspace(2 * row, 2 * row + 1, 21)
                )
                assert found[which, row, column] == touches


def test_a_picture_is_drawn_again_from_itself_and_not_from_noise() -> None:
    rng = np.random.default_rng(7)
    states = rng.integers(0, 255, (N, 4, 84, 84), dtype=np.uint8) // 16
    for state, (x, y) in zip(states, POSITIONS.astype(int), strict=True):
        state[:, y - 4 : y + 4, x - 4 : x + 4] = 250
    frame = states[:, -1].reshape(N, 42, 2, 42, 2).mean((2, 4)).reshape(N, -1)
    known = decoding(readout(frame), PARTS, states, POSITIONS, (5, 5))
    blind = decoding(readout(rng.normal(size=(N, 10))), PARTS, states, POSITIONS, (5, 5))
    assert known["object"] < 0.7 * blind["object"]
    assert blind["object"] > 0.9
