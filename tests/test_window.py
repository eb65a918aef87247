"""The window: what is drawn in it and the keys it gives, on SDL's screen that nobody sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from harness.errors import UserError
from harness.players.frame_cache import FrameCache
from harness.players.player import View, play
from harness.players.window import LINE, PANEL, Window, picture_size, window

pygame = pytest.importorskip("pygame")
NAMES = ("NOOP", "FIRE", "UP")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with window("Pong") as display:
        yield display


def view() -> View:
    image = np.zeros((210, 160, 3), np.uint8)
    image[:105, :80] = (200, 50, 10)
    q_values = np.array([0, 0.25, 1], np.float32)
    return View(image, 7, 100, -3, 1, q_values, NAMES, shares=q_values)


def pixels() -> np.ndarray:
    """[H, W, 3] of the window."""
    return np.swapaxes(pygame.surfarray.array3d(pygame.display.get_surface()), 0, 1)


def test_the_window_shows_the_picture_and_the_values(opened: Window) -> None:
    # A screen that is large enough for four by three, twice or four times the emulator's rows.
    width, height = pygame.display.get_surface().get_size()
    assert (width - PANEL, height - 2 * LINE) in ((1120, 840), (560, 420))
    opened.show(view())
    shown = pixels()
    middle = (height - 2 * LINE) // 2, (width - PANEL) // 2
    assert (shown[: middle[0], : middle[1]] == (200, 50, 10)).all()
    assert not shown[middle[0] : height - 2 * LINE, : width - PANEL].any()
    # The chosen line is on light ground, and bars end where the values do.
    tops = [8 + action * (LINE + 2) for action in range(3)]
    assert [shown[top + 1, width - PANEL + 9].min() > 200 for top in tops] == [False, True, False]
    room = shown[:, width - PANEL + 212 : width]
    lengths = [(room[top + LINE // 2] == (90, 130, 190)).all(-1).sum() for top in tops]
    assert lengths == [0, 18, 72]
    assert shown[height - 2 * LINE :].max() > 200


def test_a_small_window_has_the_picture_alone(opened: Window) -> None:
    pygame.display.set_mode((400, 300))
    opened.show(view())
    size = picture_size(400, 300 - 2 * LINE)
    assert size == (341, 256)
    assert (pixels()[: size[1] // 2 - 1, : size[0] // 2 - 1] == (200, 50, 10)).all()


def press(key: int, text: str = "") -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=text))


def test_keys_have_the_names_of_the_terminal(opened: Window) -> None:
    opened.keys(0)  # what opening the window brought
    press(pygame.K_SPACE, " ")
    press(pygame.K_LEFT)
    press(pygame.K_PERIOD, ".")
    press(pygame.K_LSHIFT)
    press(pygame.K_PAGEDOWN)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert opened.keys(0) == [" ", "left", ".", "pagedown", "q"]
    assert opened.keys(0) == []


def test_an_episode_plays_until_the_window_is_closed(
    opened: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.player_samples import made_up

    trace, steps = made_up(50), np.zeros((50, 4, 210, 160, 3), np.uint8)
    steps += np.arange(50, dtype=np.uint8)[:, None, None, None, None]
    clock = iter(np.arange(0, 1000, 0.01))
    monkeypatch.setattr(opened, "now", lambda: float(next(clock)))
    views: list[View] = []
    show = opened.show

    def shown(view: View) -> None:
        show(view)
        assert (pixels()[0, 0] == view.image[0, 0]).all()
        views.append(view)
        if len(views) in (5, 8):
            press(pygame.K_SPACE, " ")
        if view.step == 49:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    monkeypatch.setattr(opened, "show", shown)
    play(trace, FrameCache(lambda: steps), NAMES, opened)
    assert views[-1].step == 49
    assert [view.paused for view in views[4:9]] == [False, True, True, True, False]


def test_without_a_screen_or_pygame_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    with pytest.raises(UserError, match="no screen"), window("Pong"):
        pass
    monkeypatch.setenv("SDL_VIDEODRIVER", "nonsense")
    with pytest.raises(UserError, match="no screen"), window("Pong"):
        pass
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(UserError, match=r"pip install -e .*\[window\]'"), window("Pong"):
        pass
