"""States with an object put elsewhere: natural, spread, deterministic, honestly labelled."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from envs import interventions
from envs.emulators import EmulatorConfig, Emulators
from envs.interventions import STATES_PER_EPISODE, Intervened, displaced, intervened, possible
from envs.labels import GAMES, SCREEN_TO_SMALL, NoLabels, labels_of, sprite_of
from envs.screen import resized

PONG = ((8, 0), (0, -10))


@cache
def pong(count: int = 40, seed: int = 0) -> Intervened:
    return intervened("Pong", "ball", count, seed)


def same(first: object, second: object) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return all(same(first[name], second[name]) for name in first.keys() | second.keys())
    return np.array_equal(np.asarray(first), np.asarray(second), equal_nan=True)


def test_shapes_and_types() -> None:
    data = pong()
    assert (data.states.shape, data.states.dtype) == ((40, 4, 84, 84), np.uint8)
    assert (data.screens.shape, data.screens.dtype) == ((40, 210, 160, 3), np.uint8)
    assert (data.episodes.shape, data.episodes.dtype) == ((40,), np.int64)
    assert data.positions.keys() == {"ball", "player", "enemy"}
    assert {(place.shape, str(place.dtype)) for place in data.positions.values()} == {
        ((40, 2), "float32")
    }
    assert not np.isnan(data.positions["ball"]).any()


def test_the_same_seed_makes_the_same_states() -> None:
    repeated = intervened("pong", "ball", 40, 0)
    assert all(same(first, second) for first, second in zip(pong(), repeated, strict=True))
    assert not np.array_equal(pong().states[:4], intervened("pong", "ball", 4, 1).states)
    assert np.array_equal(intervened("pong", "ball", 5, 0).states, repeated.states[:5])


def test_few_states_come_from_one_episode() -> None:
    numbers, states = np.unique(pong().episodes, return_counts=True)
    assert states.max() <= STATES_PER_EPISODE
    assert len(numbers) >= 40 / STATES_PER_EPISODE
    assert (np.diff(pong().episodes) >= 0).all()


def test_the_ball_is_spread_over_the_field_and_all_states_differ() -> None:
    place = pong().positions["ball"]
    left, right = place[:, 0] < 42, place[:, 1] < 42
    assert 10 <= left.sum() <= 30
    assert 10 <= right.sum() <= 30
    assert len({state.tobytes() for state in pong().states}) == 40


def test_labels_point_at_the_ball_on_screen_and_in_the_stack() -> None:
    """The newest picture holds the maximum of two frames: the ball is within two pixels of where
    the last one has it, and brighter than the field."""
    data = pong()
    for (x, y), screen, state in zip(
        data.positions["ball"], data.screens, data.states, strict=True
    ):
        column, row = round(x / SCREEN_TO_SMALL[0]), round(y / SCREEN_TO_SMALL[1])
        assert (screen[row : row + 4, column : column + 2] == 236).all(axis=-1).any()
        nearby = state[3, int(y) : int(y) + 3, max(int(x) - 1, 0) : int(x) + 3]
        assert nearby.max() > np.median(state[3]) + 20


@pytest.mark.parametrize("game", GAMES)
def test_stacks_move_as_the_game_moves(game: str) -> None:
    """Four different pictures (none is from before the object was moved, none is twice there),
    the newest made of the last screen."""
    data = intervened(game, labels_of(game).main, 3, 3)
    moving = sum(len({picture.tobytes() for picture in state}) > 1 for state in data.states)
    assert moving >= 2
    name = labels_of(game).main
    assert not np.isnan(data.positions[name]).any()
    assert np.ptp(data.positions[name], axis=0).max() > 5
    assert data.counts.keys() == labels_of(game).counts.keys()
    assert all((count > 0).all() for count in data.counts.values())


def test_the_newest_picture_is_no_darker_than_its_last_screen() -> None:
    """It is the maximum of the last two; ALE's grey is the usual weighting of colours."""
    data = pong()
    grey = np.rint(data.screens @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    assert (data.states[:, 3].astype(int) - resized(grey) >= -1).all()


def test_the_place_is_what_it_was_put_at_where_nothing_moves_it() -> None:
    """The player of Space Invaders stands still while nobody moves it."""
    data = intervened("space_invaders", "player", 12, 0)
    place = data.positions["player"][:, 0]
    assert np.allclose(place, data.put[:, 0], atol=1e-4)
    assert len(np.unique(place)) > 8
    assert np.isnan(data.put[:, 1]).all()


@pytest.mark.parametrize(
    ("game", "obj"), [("pong", "ball"), ("boxing", "player"), ("seaquest", "player")]
)
def test_the_game_keeps_what_was_written(game: str, obj: str) -> None:
    data = intervened(game, obj, 30, 1)
    for axis in range(2):
        assert np.corrcoef(data.positions[obj][:, axis], data.put[:, axis])[0, 1] > 0.75


def test_it_is_put_uniformly_over_its_reach() -> None:
    """Quarters of the reach, 40 draws each about 10 times."""
    ball = sprite_of("pong", "ball")
    for axis, rule in enumerate((ball.x, ball.y)):
        assert rule.reach is not None
        first, last = (np.array(rule.reach) + rule.offset) * SCREEN_TO_SMALL[axis]
        quarters = np.histogram(pong().put[:, axis], bins=4, range=(first, last))[0]
        assert quarters.sum() == 40
        assert quarters.min() >= 3


# Displaced.


def test_displaced_by_the_offsets_while_all_else_is_equal() -> None:
    data = displaced("pong", "ball", 8, 0, PONG)
    assert data.states.shape == (8, 3, 4, 84, 84)
    assert data.positions.shape == (8, 3, 2)
    moved = (data.positions[:, 1:] - data.positions[:, :1]) / SCREEN_TO_SMALL
    intended = np.abs(moved - np.array(PONG)).max(axis=(1, 2)) < 0.5
    assert intended.sum() >= 4, "most do not bounce"
    for states, places in zip(data.states[intended], data.positions[intended], strict=True):
        for state, (x, y) in zip(states[1:], places[1:], strict=True):
            different = state[3] != states[0, 3]
            different[:, :11] = False  # the enemy follows the ball
            rows, columns = np.nonzero(different)
            # The ball at two places, on two frames each, and nothing else.
            assert 0 < len(rows) <= 60
            near = [
                (np.abs(columns - x) < 4) & (np.abs(rows - y) < 6) for x, y in (places[0], (x, y))
            ]
            assert (near[0] | near[1]).all()


def test_no_offset_changes_nothing() -> None:
    """The emulator is set back whole: the same place twice gives the same bytes."""
    data = displaced("boxing", "player", 2, 0, [(0, 0), (6, 0), (0, 0)])
    assert np.array_equal(data.states[:, 0], data.states[:, 1])
    assert np.array_equal(data.states[:, 0], data.states[:, 3])
    assert (data.states[:, 0] != data.states[:, 2]).any(axis=(1, 2, 3)).all()
    assert np.array_equal(data.positions[:, 0], data.positions[:, 3])


def test_displaced_is_a_function_of_its_arguments() -> None:
    first, second = (displaced("space_invaders", "player", 3, 5, [(4, 0)]) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.allclose(first.positions[:, 1] - first.positions[:, 0], [4 * 84 / 160, 0], atol=1e-4)
    assert len(np.unique(first.episodes)) == 1


def test_every_base_and_its_offsets_are_spots() -> None:
    """Brute force over all pairs of bytes."""
    for game, name in (("pong", "ball"), ("ms_pacman", "player"), ("freeway", "chicken")):
        spots = sprite_of(game, name).spots()
        places = [(0, 0), (0, -7)] if game == "freeway" else [(0, 0), (5, 0), (9, 0)]
        slowly = {
            (x, y)
            for x, y in np.argwhere(spots).tolist()
            if all(
                0 <= x + dx < 256 and 0 <= y + dy < 256 and spots[x + dx, y + dy]
                for dx, dy in places
            )
        }
        bases = interventions._bases(sprite_of(game, name), places)
        assert {(x, y) for x, y in bases.tolist()} == slowly
        assert 10 < len(slowly) < spots.sum()


@pytest.mark.parametrize(
    ("game", "obj", "offset", "can"),
    [
        ("pong", "ball", (8, 0), True),
        ("pong", "ball", (-8, 10), True),
        ("pong", "ball", (120, 0), True),
        ("pong", "ball", (121, 0), False),
        ("pong", "ball", (300, 0), False),
        ("pong", "player", (0, 4), False),
        ("space_invaders", "player", (8, 0), True),
        ("space_invaders", "player", (0, 2), False),
        ("space_invaders", "bullet", (0, 4), True),
        ("space_invaders", "bullet", (0, 3), False),
        ("freeway", "chicken", (0, 10), True),
        ("freeway", "chicken", (2, 0), False),
        ("ms_pacman", "player", (8, 0), True),
        ("ms_pacman", "player", (8, 8), True),
        ("ms_pacman", "player", (0, 130), False),
    ],
)
def test_what_can_be_displaced(game: str, obj: str, offset: tuple[int, int], can: bool) -> None:
    assert possible(game, obj, offset) == can


def test_y_goes_down_also_where_the_byte_goes_up() -> None:
    data = displaced("freeway", "chicken", 3, 0, [(0, 20)])
    moved = data.positions[:, 1, 1] - data.positions[:, 0, 1]
    assert (moved > 0).sum() >= 2


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: intervened("pong", "player", 2, 0), NoLabels, "cannot be moved; try ball, enemy"),
        (lambda: intervened("tennis", "ball", 2, 0), NoLabels, "no memory labels for Tennis"),
        (lambda: intervened("pong", "bal", 2, 0), NoLabels, "no object 'bal' in Pong"),
        (lambda: intervened("pong", "ball", 0, 0), ValueError, "count must be at least 1, not 0"),
        (
            lambda: displaced("space_invaders", "player", 2, 0, [(0, 2)]),
            ValueError,
            "cannot be moved along y",
        ),
        (
            lambda: displaced("space_invaders", "bullet", 2, 0, [(0, 3)]),
            ValueError,
            "3 along y is not a multiple of 2",
        ),
        (
            lambda: displaced("pong", "ball", 2, 0, [(100, 0), (-100, 0)]),
            ValueError,
            "has no place from which it can be moved by",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()  # type: ignore[operator]


def test_an_object_that_never_comes_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interventions, "MOST_FRUITLESS_EPISODES", 2)
    monkeypatch.setattr(interventions, "WARM_UP", (0, 1))
    monkeypatch.setattr(interventions, "GAP", (0, 1))
    with pytest.raises(NoLabels, match="ball of pong was not seen in 2 episodes"):
        intervened("pong", "ball", 1, 0)


def test_states_in_which_its_colour_is_missing_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory alone is not believed."""
    sprites = GAMES["pong"].sprites
    monkeypatch.setitem(sprites, "ball", replace(sprites["ball"], colours=((1, 2, 3),)))
    monkeypatch.setattr(interventions, "MOST_FRUITLESS_EPISODES", 3)
    with pytest.raises(NoLabels, match="ball of pong was not seen in 3 episodes"):
        intervened("pong", "ball", 1, 0)


def test_play_begins_as_the_agents_does() -> None:
    """The same start as an emulator of the batch with that seed."""
    emulators = Emulators(EmulatorConfig("pong", num_envs=1, sticky_actions=0.0), num_threads=1)
    first = emulators.reset(np.array([4]))[0]
    emulators.close()
    assert np.array_equal(resized(interventions.console("pong", 4).getScreenGrayscale()), first)
