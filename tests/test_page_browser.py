"""The page of an episode in a real browser: it plays, finds every moment, and its pixels are true.

Skipped where there is no Chromium: the Debian packages are chromium and chromium-driver.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from agent.networks import make_network
from envs.episode_file import read_header, save_episode
from envs.trace import EpisodeTrace, resimulate, screens
from harness.players.page import write_page
from harness.players.second_opinion import SecondOpinion

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver to look at the page with"
)
OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, game: EpisodeTrace) -> Path:
    """The page of a game beside a network that nobody trained."""
    folder = tmp_path_factory.mktemp("page")
    save_episode(folder / "game.episode", game, agent="run/<i>best</i>")
    # A name as somebody else could write it.
    opinion = SecondOpinion("</script><b>other</b>", make_network("stride", 4).eval())
    header = read_header(folder / "game.episode")
    out = folder / "game.html"
    write_page(out, game, screens(game), header, "game.episode", opinion, attention=True)
    return out


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    profile = tmp_path_factory.mktemp("profile")
    for option in (*OPTIONS.split(), f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome, page: Path) -> Iterator[webdriver.Chrome]:
    """A browser that has just opened the page; nothing may go wrong on it."""
    show(chromium, 1400, "light")
    open_at(chromium, page, "")
    complaints(chromium)
    yield chromium
    assert complaints(chromium) == []


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What stands in the console since the last call, but for advice on how the test reads."""
    messages = [entry["message"] for entry in browser.get_log("browser")]
    return [message for message in messages if "readback operations" not in message]


def show(browser: webdriver.Chrome, width: int, paper: str) -> None:
    """Width of the page (CSS pixels), light or dark paper."""
    size: dict[str, Any] = {"width": width, "height": 900, "deviceScaleFactor": 1}
    size["mobile"] = width < 600
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": paper}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def open_at(browser: webdriver.Chrome, page: Path, link: str) -> None:
    browser.get("about:blank")
    browser.get(page.as_uri() + link)
    wait_for(browser, "document.documentElement.dataset.frame")


def wait_for(browser: webdriver.Chrome, condition: str) -> None:
    WebDriverWait(browser, 60, 0.05).until(lambda b: b.execute_script(f"return {condition}"))


def at(browser: webdriver.Chrome, frame: int) -> None:
    """Wait until that frame is on the screen."""
    wait_for(browser, f"document.documentElement.dataset.frame === '{frame}'")


def press(browser: webdriver.Chrome, *keys: str, shift: bool = False) -> None:
    actions = ActionChains(browser)
    if shift:
        actions = actions.key_down(Keys.SHIFT)
    for key in keys:
        actions = actions.send_keys(key)
    if shift:
        actions = actions.key_up(Keys.SHIFT)
    actions.perform()


def text(browser: webdriver.Chrome, name: str) -> str:
    return str(browser.execute_script(f"return document.getElementById('{name}').textContent"))


def pixels(browser: webdriver.Chrome, selector: str) -> np.ndarray:
    """[rows, columns, 4] of a canvas: red, green, blue, alpha."""
    rows, columns, data = browser.execute_script(
        """
        const canvas = document.querySelector(arguments[0]);
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
        return [height, width, btoa(Array.from(data, b => String.fromCharCode(b)).join(''))];
        """,
        selector,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(rows, columns, 4)


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
    assert complaints(chromium) == []
