"""The agent's picture from a single emulator's screen: equal to the batch's in every byte."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from envs.console import console, observe, step
from envs.emulators import FRAMES_PER_STEP, EmulatorConfig, Emulators
from envs.screen import resized

Grey = npt.NDArray[np.uint8]


def slowly(grey: Grey) -> Grey:
    """[210, 160] -> [84, 84] as OpenCV's `resizeArea_` does it: a float32 sum over the columns
    of each row, then over the rows, weights rounded to float32, halves to the even number."""

    def overlaps(pixel: int, scale: float) -> list[tuple[int, np.float32]]:
        begin, end = pixel * scale, (pixel + 1) * scale
        lengths = [(i, min(end, i + 1) - max(begin, i)) for i in range(int(begin), int(end) + 1)]
        return [(i, np.float32(length / scale)) for i, length in lengths if length > 1e-3]

    small = np.zeros((84, 84), np.uint8)
    for y in range(84):
        for x in range(84):
            total = np.float32(0)
            for row, down in overlaps(y, 210 / 84):
                line = np.float32(0)
                for column, across in overlaps(x, 160 / 84):
                    line += np.float32(grey[row, column]) * across
                total += line * down
            small[y, x] = int(np.rint(total))
    return small


def noise(kind: str) -> Grey:
    rng = np.random.default_rng(0)
    if kind == "two colours":  # where halves are frequent
        return np.where(rng.random((210, 160)) < 0.5, 0, 200).astype(np.uint8)
    return rng.integers(256, size=(210, 160)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["two colours", "all greys"])
def test_sums_equal_a_slow_loop_over_pixels(kind: str) -> None:
    assert np.array_equal(resized(noise(kind)), slowly(noise(kind)))


@pytest.mark.parametrize("kind", ["two colours", "all greys"])
def test_sums_equal_opencvs(kind: str) -> None:
    cv2 = pytest.importorskip("cv2")
    grey = noise(kind)
    assert np.array_equal(resized(grey), cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize(
    "game", ["pong", "breakout", "space_invaders", "boxing", "freeway", "seaquest", "ms_pacman"]
)
def test_every_byte_equals_the_batchs(game: str) -> None:
    """120 steps; game ends are left out, where the batch's frame is stale."""
    emulators = Emulators(EmulatorConfig(game, num_envs=1, sticky_actions=0.0), num_threads=1)
    single = console(game, seed=3)
    theirs, ours = [emulators.reset(np.array([3]))[0]], [single.getScreenGrayscale()]
    actions = single.getMinimalActionSet()
    for action in np.random.default_rng(0).integers(len(actions), size=120):
        emulators.send(np.array([action]))
        screens = []
        for _ in range(FRAMES_PER_STEP):
            single.act(actions[action])
            screens.append(single.getScreenGrayscale())
        frames = emulators.recv().frames
        if single.game_over():
            break
        theirs.append(frames[0])
        ours.append(np.maximum(screens[-2], screens[-1]))
    emulators.close()
    assert len(ours) > 90
    assert (resized(np.stack(ours)) != np.stack(theirs)).sum() == 0


def test_a_watched_stack_is_the_batchs_last_four_frames() -> None:
    emulators = Emulators(EmulatorConfig("breakout", num_envs=1, sticky_actions=0.0), num_threads=1)
    single = console("breakout", seed=0)
    emulators.reset(np.array([0]))
    actions = single.getMinimalActionSet()
    frames = []
    for action in [1, 2, 2, 3, 0, 0, 0, 0]:
        emulators.send(np.array([action]))
        frames.append(emulators.recv().frames[0])
    emulators.close()
    for action in [1, 2, 2, 3]:
        step(single, actions[action])
    seen = observe(single)
    assert seen is not None
    assert np.array_equal(seen.stack, np.stack(frames[-4:]))
    assert np.array_equal(seen.screen, single.getScreenRGB())
    assert np.array_equal(seen.ram, single.getRAM())
    assert not np.array_equal(seen.ram, seen.before)


def test_batches_keep_their_shape() -> None:
    greys = np.stack([noise("two colours"), noise("all greys")])
    small = resized(greys[:, None].repeat(3, axis=1))
    assert small.shape == (2, 3, 84, 84)
    assert np.array_equal(small[1, 2], resized(greys[1]))
    assert resized(greys[:0]).shape == (0, 84, 84)


@pytest.mark.parametrize("grey", [np.zeros((84, 84), np.uint8), np.zeros((210, 160))])
def test_other_arrays_are_refused(grey: Grey) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \[..., 210, 160\]"):
        resized(grey)
