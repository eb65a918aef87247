"""What all tests share: one thread, quiet emulators, repeatable examples, skipped GPU tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from ale_py import ALEInterface, LoggerMode
from hypothesis import settings

import train
from envs.episode_file import save_episode
from envs.trace import EpisodeTrace
from harness.cli.program import run_cli
from harness.evaluation.play import play_episodes
from support.agent_samples import untrained
from support.episode_samples import BREAKOUT
from support.programs import Refused

if TYPE_CHECKING:
    from selenium import webdriver

# One thread: the arrays are small, and a run of the tests should leave the machine usable.
torch.set_num_threads(1)
ALEInterface.setLoggerMode(LoggerMode.Error)

# The same examples every time, so that a failure belongs to the change that caused it.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests of pages."""
    from support import browsing  # other tests do without selenium

    if not (browsing.CHROMIUM and browsing.DRIVER):
        pytest.skip("no chromium and chromedriver to look at the page with")
    with browsing.chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def games() -> dict[int, EpisodeTrace]:
    """Four whole games of Breakout by their number."""
    policy = torch.Generator().manual_seed(0)
    played = play_episodes(
        lambda states: torch.rand((len(states), 4), generator=policy), BREAKOUT, range(4), 0.1
    )
    return dict(played)


@pytest.fixture(scope="session")
def game(games: dict[int, EpisodeTrace]) -> EpisodeTrace:
    """A whole game of Breakout, the second that its emulator played."""
    return games[3]


@pytest.fixture
def file(tmp_path: Path, game: EpisodeTrace) -> Path:
    path = tmp_path / "game.episode"
    save_episode(path, game, epsilon=0.1, agent="run/best", agent_steps=1000)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's empty folder, as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """train.py, called in this process."""

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        with pytest.raises(SystemExit) as ended:
            run_cli(train.main)
        assert ended.value.code == 2
        return capsys.readouterr().err

    return call


@pytest.fixture(autouse=True)
def _same_state() -> None:
    """Every test begins with the same random state, and with denormal numbers, which commands that
    ran in this process flush and hypothesis needs."""
    torch.manual_seed(0)
    torch.set_flush_denormal(False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, which would end last among several processes; skip what needs a
    CUDA device where there is none."""
    items.sort(key=lambda item: item.path.name != "test_resume.py")
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained network of a run on Breakout that is cut off early and half random."""
    return untrained(tmp_path_factory.mktemp("run") / "best")


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """Chromium; nothing may go wrong on its pages."""
    from support.browsing import complaints, show

    show(chromium, 1400, "light")
    chromium.get("about:blank")
    complaints(chromium)
    yield chromium
    chromium.switch_to.default_content()
    assert complaints(chromium) == []
    assert chromium.execute_script("return performance.getEntriesByType('resource').filter("
                                   "r => !r.name.startsWith('blob:')).length") == 0  # fmt: skip
