"""Planted patterns: what is drawn is what the labels say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from harness.probes.patterns import SIDE, counted, located, moved


@pytest.mark.parametrize("size", [2, 5, 8])
def test_the_block_is_where_its_label_says(size: int) -> None:
    """Its bright pixels form a filled square; the rings' do not."""
    planted = located(40, 0, size, rings=2)
    for state, position in zip(planted.states, planted.positions, strict=True):
        left, top = np.round(position - (size - 1) / 2).astype(int)
        newest = state[-1]
        assert (newest[top : top + size, left : left + size] == 236).all()


def test_older_frames_show_it_on_a_line() -> None:
    planted = located(30, 1, 4)
    empty = located(30, 1, 4, share=0)
    assert np.isnan(empty.positions).all()
    for state, position in zip(planted.states, planted.positions, strict=True):
        left, top = np.round(position - 1.5).astype(int)
        steps = [
            {
                (dx, dy)
                for dx in range(-2, 3)
                for dy in range(-2, 3)
                if (f[top - a * dy :, left - a * dx :][:4, :4] == 236).all()
            }
            for a, f in zip((3, 2, 1), state[:3], strict=True)
        ]
        assert set.intersection(*steps), "no speed explains all four frames"


def test_present_states_are_the_share_asked_for() -> None:
    planted = located(400, 2, 4, share=0.5)
    assert 0.4 < planted.present.mean() < 0.6
    assert (np.isnan(planted.positions[:, 0]) == ~planted.present).all()


def test_counts_are_those_of_the_connected_pieces() -> None:
    planted = counted(120, 3)
    eight = np.ones((3, 3))
    for state, count in zip(planted.states, planted.counts, strict=True):
        pieces = ndimage.label(state[-1] == 236, structure=eight)[1]
        assert pieces == count
    assert set(planted.counts) == set(range(1, 9))


def test_neither_area_nor_place_tells_the_count() -> None:
    planted = counted(1500, 4)
    area = (planted.states[:, -1] == 236).sum((1, 2))
    x, y = planted.positions.T
    for other in (area, x, y):
        assert abs(np.corrcoef(other, planted.counts)[0, 1]) < 0.15
    near = planted.nearest[planted.counts > 1]
    assert (near < 9).mean() > 0.1
    assert (near >= 9).mean() > 0.1


def test_the_same_seed_draws_the_same() -> None:
    assert (located(5, 7, 3).states == located(5, 7, 3).states).all()
    assert (located(5, 7, 3).states != located(5, 8, 3).states).any()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (0, -5), (-2, 7), (84, 0)])
def test_a_moved_picture_against_every_pixel(dx: int, dy: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (2, SIDE, SIDE), dtype=np.uint8)
    found = moved(picture, dx, dy)
    for y in range(0, SIDE, 7):
        for x in range(0, SIDE, 5):
            source = min(max(y - dy, 0), SIDE - 1), min(max(x - dx, 0), SIDE - 1)
            assert (found[:, y, x] == picture[:, source[0], source[1]]).all()
