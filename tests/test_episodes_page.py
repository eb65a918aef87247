"""Episodes side by side, in a real browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains

from envs.action_log import LogHeader
from envs.emulators import EmulatorConfig
from envs.episode_file import save_episode
from envs.trace import EpisodeTrace
from harness.commands.replay import ReplayCommand
from harness.players.episode_page import Played, _listed
from support.browsing import complaints, text
from support.page_driving import SHOWN, click, hit, inside, player, there

PROTOCOL = EmulatorConfig("Breakout", num_envs=2, max_episode_frames=400)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, games: dict[int, EpisodeTrace]) -> Path:
    """Two games of different lengths on one page, made as a user makes it."""
    folder = tmp_path_factory.mktemp("pair")
    for number in (2, 3):
        save_episode(folder / f"{number}.episode", games[number], agent="run/<i>best</i>")
    out = folder / "pair.html"
    files = (folder / f"{number}.episode" for number in (2, 3))
    ReplayCommand(next(files), show_in="page", second=next(files), out=out).run()
    return out


def open_pair(browser: webdriver.Chrome, pair: Path) -> None:
    browser.get(pair.as_uri())
    for place in (0, 1):
        there(browser, place, f"{SHOWN} === '0'")


def test_both_go_to_a_moment_together(
    browser: webdriver.Chrome, pair: Path, games: dict[int, EpisodeTrace]
) -> None:
    open_pair(browser, pair)
    click(browser, 0, "on")
    click(browser, 0, "on")
    there(browser, 1, f"{SHOWN} === '2'")
    hit(browser, 1, "ArrowLeft")
    there(browser, 0, f"{SHOWN} === '1'")
    hit(browser, 1, "+")
    hit(browser, 1, "+")
    there(browser, 0, "document.getElementById('speed').value === '4'")


def test_the_longer_one_goes_on_when_the_other_is_over(
    browser: webdriver.Chrome, pair: Path, games: dict[int, EpisodeTrace]
) -> None:
    open_pair(browser, pair)
    lengths = [len(games[2]), len(games[3])]
    short, long = (int(np.argmin(lengths)), int(np.argmax(lengths)))
    assert lengths[short] < lengths[long]
    hit(browser, short, "End")
    for place, game in enumerate((games[2], games[3])):
        there(browser, place, f"{SHOWN} !== '' && {SHOWN} > 400")
        with player(browser, place):
            assert text(browser, "score") == f"{game.score:,}"
            assert text(browser, "step") == f"{len(game) - 1:,}"
    last = int(inside(browser, long, SHOWN))
    hit(browser, short, "ArrowLeft")
    there(browser, long, f"{SHOWN} === '{last - 1}'")
    with player(browser, short):
        assert text(browser, "score") == f"{(games[2], games[3])[short].score:,}"


def test_they_play_together_and_either_stops_both(browser: webdriver.Chrome, pair: Path) -> None:
    open_pair(browser, pair)
    ActionChains(browser).send_keys(" ").perform()  # the page hands keys on
    for place in (0, 1):
        there(browser, place, f"{SHOWN} > 20")
    click(browser, 1, "play")
    for place in (0, 1):
        there(browser, place, "document.getElementById('play').textContent === 'Play'")
    assert inside(browser, 0, SHOWN) == inside(browser, 1, SHOWN) != "0"


def test_each_alone_when_they_are_not_together(browser: webdriver.Chrome, pair: Path) -> None:
    open_pair(browser, pair)
    browser.execute_script("document.getElementById('together').click()")
    click(browser, 1, "on")
    there(browser, 1, f"{SHOWN} === '1'")
    click(browser, 0, "screen")
    there(browser, 0, f"{SHOWN} > 20")
    assert inside(browser, 1, SHOWN) == "1"
    browser.execute_script("document.getElementById('together').click()")
    there(browser, 1, f"{SHOWN} > 20")


def test_one_that_was_led_goes_on_alone(browser: webdriver.Chrome, pair: Path) -> None:
    """When they part while they play, and when the one that led is closed."""
    open_pair(browser, pair)
    click(browser, 0, "play")
    there(browser, 1, f"{SHOWN} > 5")
    browser.execute_script("document.getElementById('together').click()")
    since = int(inside(browser, 1, SHOWN))
    there(browser, 1, f"{SHOWN} > {since + 20}")
    open_pair(browser, pair)
    click(browser, 0, "play")
    there(browser, 1, f"{SHOWN} > 5")
    browser.find_element("css selector", ".player button").click()
    since = int(inside(browser, 0, SHOWN))
    there(browser, 0, f"{SHOWN} > {since + 20}")


def test_a_leader_out_of_sight_leads_on(browser: webdriver.Chrome, pair: Path) -> None:
    open_pair(browser, pair)
    browser.execute_script("document.querySelector('.player').style.marginBottom = '5000px'")
    click(browser, 0, "play")
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    since = int(inside(browser, 1, SHOWN) or 0)
    there(browser, 1, f"{SHOWN} > {since + 20}")


def test_names_are_text_and_only_the_pages_own_scripts_run(
    browser: webdriver.Chrome, pair: Path
) -> None:
    content = pair.read_text(encoding="utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', content)[0]
    assert re.fullmatch(r"default-src 'none'; style-src 'unsafe-inline'; script-src"
                        r"( 'sha256-[\w+/=]{44}'){2}; frame-src blob:", policy)  # fmt: skip
    open_pair(browser, pair)
    assert not browser.find_elements("css selector", "i, b")
    with player(browser, 0):
        assert "run/<i>best</i>" in text(browser, "facts")
        assert not browser.find_elements("css selector", "i, b")
        ran = browser.execute_script("""
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            return window.ran === true;
        """)
    assert not ran
    complaints(browser)  # a browser may say what it refused


def test_a_game_that_was_cut_off_is_called_so(games: dict[int, EpisodeTrace]) -> None:
    cut = replace(games[0], truncated=True)
    header = LogHeader.for_installed(PROTOCOL, 5, 0, 150)
    card = _listed(Played("a", None, header, cut), "First")
    assert ("Length", f"{len(cut)} steps, cut off by the frame cap") in card.facts
