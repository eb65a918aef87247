"""The gallery of a run, in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver

from envs.action_log import LogHeader, Recorder
from envs.emulators import EmulatorConfig, Emulators
from envs.episode_file import save_episode
from envs.stream import Stream
from envs.trace import EpisodeTrace
from harness.commands.gallery import GalleryCommand
from harness.errors import UserError
from harness.players.episodes_page import write_episodes_page
from harness.report.markup import Html
from harness.training.episodes import History, highlights
from support.browsing import show, text, wait_for
from support.episode_samples import edit_json
from support.page_driving import SHOWN, hit, inside, player, there

PROTOCOL = EmulatorConfig("Breakout", num_envs=2, max_episode_frames=400)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, games: dict[int, EpisodeTrace]) -> Path:
    """The folder of a run with recorded games, an action log and curves."""
    folder = tmp_path_factory.mktemp("a run")
    (folder / "episodes").mkdir()
    for number, game in games.items():
        file = folder / "episodes" / f"{number}.episode"
        save_episode(file, game, agent="a run", agent_steps=1000 + number, epsilon=0.1)
    header = LogHeader.for_installed(PROTOCOL, 5, 0, 150)
    random, recorder = np.random.default_rng(0), Recorder(2)
    chunks = []
    with closing(Emulators(PROTOCOL, 1)) as emulators:
        stream = Stream(emulators, 5, 0, 150)
        stream.begin()
        while not chunks:
            stream.send(random.integers(4, size=2))
            chunk = recorder.add(*stream.recv())
            chunks += [chunk] if chunk else []
    (folder / f"{0:012d}.actions").write_bytes(header.packed() + b"".join(chunks))
    lines = [{"steps": episode.steps, "seconds": 1.0, "episode/return": episode.score}
             for episode in History(folder).episodes]  # fmt: skip
    lines.append({"steps": 1000, "seconds": 1.0, "evaluation/return": 1.5})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def gallery(run_dir: Path) -> Path:
    assert GalleryCommand(run_dir).run() == 0
    return run_dir / "gallery.html"


def test_every_episode_of_the_gallery_plays_to_its_score(
    browser: webdriver.Chrome, gallery: Path, run_dir: Path, games: dict[int, EpisodeTrace]
) -> None:
    browser.get(gallery.as_uri())
    assert not browser.find_elements("css selector", "iframe")
    history = History(run_dir)
    recorded = [games[number].score for number in sorted(games)]
    expected = [(best.score, len(games[best.number - 1])) for best in highlights(recorded)]
    expected += [(best.score, history.episodes[best.number - 1].length)
               for best in highlights([each.score for each in history.episodes])]  # fmt: skip
    buttons = browser.find_elements("css selector", "button[data-name]")
    assert len(buttons) == len(expected)
    for button, (score, length) in zip(buttons, expected, strict=True):
        assert f"{score:,} points" in button.get_attribute("data-name")
        browser.execute_script("arguments[0].click()", button)
        there(browser, 0, SHOWN)
        hit(browser, 0, "End")
        with player(browser, 0):
            wait_for(browser, f"{SHOWN} > 0")
            assert text(browser, "score") == f"{score:,}"
            assert text(browser, "step") == f"{length - 1:,}"
            assert not browser.find_element("id", "warning").is_displayed()
        browser.execute_script("document.querySelector('.player button').click()")
        assert not browser.find_elements("css selector", "iframe")


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("paper", ["light", "dark"])
def test_the_gallery_fits(browser: webdriver.Chrome, gallery: Path, width: int, paper: str) -> None:
    show(browser, width, paper)
    browser.get(gallery.as_uri())
    for button in browser.find_elements("css selector", "button[data-name]")[:2]:
        browser.execute_script("arguments[0].click()", button)
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    for place in (0, 1):
        there(browser, place, SHOWN)
        assert inside(browser, place, fits)
        wait_for(
            browser,
            f"""[...document.querySelectorAll('iframe')][{place}]
            .getBoundingClientRect().height > 700""",
        )
    assert browser.execute_script(f"return {fits}")
    tops = browser.execute_script("""
        return [...document.querySelectorAll('iframe')].map(f => f.getBoundingClientRect().top)""")
    assert (tops[0] == tops[1]) == (width > 960)


def test_the_gallery_says_what_it_shows(gallery: Path, run_dir: Path) -> None:
    content = gallery.read_text(encoding="utf-8")
    total = len(History(run_dir).episodes)
    assert total > 4
    assert f"of {total} training episodes" in content
    assert "of 4 recorded games" in content
    for fact in ("Trained for", "1,000 steps", "0.1 of its actions random", "from the action log"):
        assert fact in content


def test_a_name_that_is_no_text_can_be_on_a_page(tmp_path: Path) -> None:
    write_episodes_page(tmp_path / "page.html", "a run \udcff <b>", Html(), [])
    assert "a run \ufffd &lt;b&gt;" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_no_two_panels_have_one_name(gallery: Path) -> None:
    names = re.findall('data-name="([^:]*):', gallery.read_text(encoding="utf-8"))
    assert len(set(names)) == len(names)
    assert [name.split(" ")[-2:] for name in names if name.startswith("Best")] == [
        ["recorded", "game"],
        ["training", "episode"],
    ]


def test_what_cannot_be_played_is_named_and_left_out(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_dir, folder, ignore=shutil.ignore_patterns("*.html"))
    episodes = folder / "episodes"
    (episodes / "empty.episode").touch()
    whole = (episodes / "0.episode").read_bytes()
    (episodes / "damaged.episode").write_bytes(whole[: len(whole) // 2])
    (episodes / "other.episode").write_bytes(whole)
    edit_json(episodes / "other.episode", rom_sha256="0" * 64)
    (log,) = folder.glob("*.actions")
    log.write_bytes(b"")
    assert GalleryCommand(folder).run() == 0
    content = (folder / "gallery.html").read_text(encoding="utf-8")
    warnings = capsys.readouterr().err
    for file in (log, *(episodes / f"{name}.episode" for name in ("empty", "damaged", "other"))):
        assert str(file) in content
        assert str(file) in warnings
    assert "of 4 recorded games" in content
    assert "No training episode can be played" in content
    for number in range(4):
        (episodes / f"{number}.episode").unlink()
    with pytest.raises(UserError, match=r"no episode that can be played: .*damaged\.episode"):
        GalleryCommand(folder).run()


def test_a_training_episode_that_cannot_be_played_is_named(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: History, number: int) -> None:
        raise UserError(f"episode {number} cannot be played")

    monkeypatch.setattr(History, "trace", damaged)
    assert GalleryCommand(run_dir, tmp_path / "gallery.html").run() == 0
    assert "cannot be played" in (tmp_path / "gallery.html").read_text(encoding="utf-8")


def test_which_episodes_are_highlights() -> None:
    chosen = highlights([3, 9, 1, 9, 1, 4])
    assert [(best.roles, best.number, best.score, best.alike) for best in chosen] == [
        (("best",), 2, 9, 2),
        (("worst",), 3, 1, 2),
        (("median", "first"), 1, 3, 1),
    ]
    (only,) = highlights([5])
    assert (only.roles, only.total) == (("best", "worst", "median", "first"), 1)
    assert highlights([]) == []


def test_a_folder_without_episodes_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no episodes to show yet"):
        GalleryCommand(tmp_path).run()
    with pytest.raises(UserError, match="is no folder"):
        GalleryCommand(tmp_path / "nowhere").run()
    with pytest.raises(UserError, match=r"--out must end in \.html"):
        GalleryCommand(tmp_path, tmp_path / "x.png").run()
