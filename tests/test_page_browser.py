"""The page of an episode in a real browser: it plays, finds every moment, and its pixels are true.

Skipped where there is no Chromium: the Debian packages are chromium and chromium-driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from agent.networks import make_network
from envs.episode_file import read_header, save_episode
from envs.labels import sprite_of
from envs.memory import memories
from envs.trace import EpisodeTrace, resimulate, screens
from harness.players.page import write_page
from harness.players.second_network import SecondNetwork
from support.browsing import at, complaints, open_at, pixels, press, show, text, wait_for
from support.locator_samples import spotter


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, game: EpisodeTrace) -> Path:
    """The page of a game beside a network that nobody trained."""
    folder = tmp_path_factory.mktemp("page")
    save_episode(folder / "game.episode", game, agent="run/<i>best</i>")
    # A name as somebody else could write it.
    second = SecondNetwork("</script><b>other</b>", make_network("stride", 4).eval())
    header = read_header(folder / "game.episode")
    out = folder / "game.html"
    marks = (spotter("place"), replace(spotter("other-place"), error=1.25))
    write_page(
        out, game, screens(game), header, "game.episode", second, attention=True, locators=marks
    )
    return out


@pytest.fixture
def browser(chromium: webdriver.Chrome, page: Path) -> Iterator[webdriver.Chrome]:
    """A browser that has just opened the page; nothing may go wrong on it."""
    show(chromium, 1400, "light")
    open_at(chromium, page, "")
    complaints(chromium)
    yield chromium
    assert complaints(chromium) == []


def test_pixels_are_those_of_the_emulator(browser: webdriver.Chrome, game: EpisodeTrace) -> None:
    true = np.concatenate(list(islice(screens(game), 65)))
    for frame in (0, 1, 7, 239, 240, 259):  # the second chunk begins with frame 240
        browser.execute_script(f"location.hash = '#frame={frame}'")
        at(browser, frame)
        shown = pixels(browser, "#screen")
        assert np.array_equal(shown[..., :3], true[frame])
        assert (shown[..., 3] == 255).all()


def test_the_page_shows_what_the_agent_saw(browser: webdriver.Chrome, game: EpisodeTrace) -> None:
    seen = [moment.frame for moment in islice(resimulate(game), 64)]
    for step in (1, 59, 60, 63):
        browser.execute_script(f"location.hash = '#frame={4 * step + 3}'")
        at(browser, 4 * step + 3)
        for place in range(4):
            shown = pixels(browser, f"#seen canvas:nth-child({place + 1})")[..., 0]
            true = seen[step - 3 + place] if step - 3 + place >= 0 else np.zeros((84, 84))
            assert np.array_equal(shown, true)


def test_the_last_frame_has_the_score_of_the_file(
    browser: webdriver.Chrome, game: EpisodeTrace
) -> None:
    press(browser, Keys.END)
    wait_for(browser, "document.documentElement.dataset.frame > 0")
    assert text(browser, "score") == f"{game.score:,}"
    assert text(browser, "lives") == "0"
    assert text(browser, "step") == f"{len(game) - 1:,}"
    press(browser, Keys.HOME)
    at(browser, 0)
    assert (text(browser, "score"), text(browser, "lives")) == ("0", "5")


def test_a_link_leads_to_its_moment(
    browser: webdriver.Chrome, page: Path, game: EpisodeTrace
) -> None:
    open_at(browser, page, "#frame=300")
    at(browser, 300)
    assert text(browser, "step") == "75"
    assert text(browser, "score") == f"{game.rewards[:75].sum():,}"
    names = ("noop", "fire", "right", "left")
    taken = browser.execute_script("return document.querySelector('.taken th').textContent")
    assert taken == names[game.actions[75]]
    assert browser.execute_script("return document.getElementById('link').hash") == "#frame=300"
    open_at(browser, page, "#frame=999999999")
    assert text(browser, "score") == f"{game.score:,}"
    open_at(browser, page, "#frame=x'><b>")
    at(browser, 0)


def test_the_keyboard_moves_by_frames_and_steps(
    browser: webdriver.Chrome, game: EpisodeTrace
) -> None:
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    at(browser, 2)
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, shift=True)
    at(browser, 8)
    press(browser, Keys.ARROW_LEFT)
    at(browser, 7)
    assert browser.current_url.endswith("#frame=7")
    press(browser, Keys.ARROW_LEFT, shift=True)
    at(browser, 0)
    press(browser, "r")
    first = int(np.flatnonzero(game.rewards)[0])
    at(browser, 4 * first + 3)
    assert text(browser, "score") == str(game.rewards[first])
    press(browser, "+", "+", "-")
    assert browser.execute_script("return document.getElementById('speed').value") == "2"
    press(browser, "?")
    assert browser.execute_script("return document.getElementById('help').open")
    press(browser, Keys.ESCAPE)
    assert not browser.execute_script("return document.getElementById('help').open")


def test_it_plays_and_pauses(browser: webdriver.Chrome) -> None:
    press(browser, " ")
    wait_for(browser, "document.documentElement.dataset.frame > 30")
    assert text(browser, "play") == "Pause"
    browser.find_element("id", "play").click()
    assert text(browser, "play") == "Play"
    stopped = browser.execute_script("return document.documentElement.dataset.frame")
    assert browser.current_url.endswith(f"#frame={stopped}")


def test_it_plays_to_the_end_and_again(browser: webdriver.Chrome, game: EpisodeTrace) -> None:
    press(browser, Keys.END, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    press(browser, " ")
    wait_for(browser, "document.getElementById('play').textContent === 'Play'")
    assert text(browser, "score") == f"{game.score:,}"
    press(browser, " ")
    wait_for(browser, "Number(document.documentElement.dataset.frame) < 200")
    press(browser, " ")


def mouse(
    browser: webdriver.Chrome, kind: str, box: dict[str, float], share: float, held: int = 1
) -> None:
    """What the left button does at a share of the way through a box; whether it stays down."""
    place = {"x": box["x"] + share * box["width"], "y": box["y"] + box["height"] / 2}
    button = {"button": "left", "buttons": held, "clickCount": 1}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place, **button})


def test_the_timeline_can_be_dragged(browser: webdriver.Chrome) -> None:
    line = browser.find_element("id", "timeline")
    box = line.rect
    mouse(browser, "mousePressed", box, 0.25)
    quarter = int(line.get_attribute("aria-valuenow") or 0)
    mouse(browser, "mouseMoved", box, 0.5)
    mouse(browser, "mouseReleased", box, 0.5, 0)
    mouse(browser, "mouseMoved", box, 0.75, 0)
    half, last = (int(line.get_attribute(f"aria-value{end}") or 0) for end in ("now", "max"))
    assert abs(quarter - last / 4) < 5
    assert abs(half - last / 2) < 5
    assert f"frame {half}, " in (line.get_attribute("aria-valuetext") or "")


def test_attention_is_a_switch(browser: webdriver.Chrome) -> None:
    layer = browser.find_element("id", "attention")
    assert not layer.is_displayed()
    browser.find_element("id", "attend").click()
    assert layer.is_displayed()
    assert pixels(browser, "#attention")[..., 3].max() == 225
    press(browser, "a")
    assert not layer.is_displayed()


def test_marks_are_where_the_readout_says(browser: webdriver.Chrome, game: EpisodeTrace) -> None:
    seen = [moment.frame for moment in islice(resimulate(game), 66)]
    ball = sprite_of("Breakout", "ball").is_drawn(np.stack(list(islice(memories(game), 66))))
    assert not ball[0]
    assert ball[65]
    for frame in (0, 2, 3, 4, 6, 239, 240, 243, 259):
        browser.execute_script(f"location.hash = '#frame={frame}'")
        at(browser, frame)
        step = (frame + 1) // 4  # the last one that is over
        shown = browser.find_element("id", "place").is_displayed()
        assert shown == bool(ball[step])
        if not shown:
            continue
        newest = seen[step].astype(float)
        x, y = newest[:, :42].mean(), newest[:, 42:].mean()
        for name in ("place", "other-place"):
            left, top = browser.execute_script("""
                const mark = document.getElementById(arguments[0]).getBoundingClientRect();
                const box = document.getElementById('screen').getBoundingClientRect();
                return [(mark.left + mark.width / 2 - box.left) / box.width,
                        (mark.top + mark.height / 2 - box.top) / box.height];
            """, name)  # fmt: skip
            assert (left, top) == pytest.approx(((x + 0.5) / 84, (y + 0.5) / 84), abs=0.002)
    assert "second network (median error 1.3 pixels)" in text(browser, "places-note")
    press(browser, "o")
    assert not browser.find_element("id", "place").is_displayed()
    browser.find_element("id", "locate").click()
    assert browser.find_element("id", "place").is_displayed()


def test_the_next_difference_is_one(browser: webdriver.Chrome, game: EpisodeTrace) -> None:
    browser.find_element("id", "differ").click()
    wait_for(browser, "document.documentElement.dataset.frame !== ''")
    step = int(text(browser, "step").replace(",", ""))
    best = browser.execute_script("""
        return [...document.querySelectorAll('#actions tbody tr')].map(
            row => [...row.querySelectorAll('td')].map(cell => cell.matches('.best')));
    """)
    mine, second = (column.index(True) for column in map(list, zip(*best, strict=True)))
    assert mine != second
    assert mine == game.q_values[step].argmax()


@pytest.mark.parametrize("width", [390, 768, 1400])
@pytest.mark.parametrize("paper", ["light", "dark"])
def test_the_page_fits(browser: webdriver.Chrome, page: Path, width: int, paper: str) -> None:
    show(browser, width, paper)
    open_at(browser, page, "#frame=200")
    assert browser.execute_script("""
        const root = document.documentElement;
        return root.scrollWidth === root.clientWidth && root.clientWidth <= arguments[0]
            && [...document.querySelectorAll('main *')].every(
                part => part.getBoundingClientRect().right <= root.clientWidth + 0.5);
    """, width)  # fmt: skip
    screen = browser.find_element("id", "screen").rect
    assert screen["width"] / screen["height"] == pytest.approx(4 / 3, rel=0.01)
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(252, 252, 250)", "dark": "rgb(20, 23, 28)"}[paper]


def test_names_are_text_and_nothing_is_fetched(browser: webdriver.Chrome) -> None:
    assert "run/<i>best</i>" in text(browser, "facts")
    assert "</script><b>other</b>" in text(browser, "facts")
    assert not browser.find_elements("css selector", "b, i")
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_a_page_without_q_values_says_so(
    chromium: webdriver.Chrome, page: Path, game: EpisodeTrace
) -> None:
    nothing = replace(game, q_values=np.zeros((len(game), 0), np.float32))
    out = page.with_name("log.html")
    header = read_header(page.with_name("game.episode"))
    write_page(out, nothing, islice(screens(nothing), 20), header, "log")
    open_at(chromium, out, "#frame=79")
    assert "no Q-values" in text(chromium, "values-note")
    assert not chromium.find_element("id", "attention-switch").is_displayed()
    assert not chromium.find_element("id", "locate").is_displayed()
    assert not chromium.find_element("id", "places").is_displayed()
    assert complaints(chromium) == []
