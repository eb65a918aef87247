"""A real browser to look at pages with, and how tests use it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for option in (*OPTIONS.split(), f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What stands in the console since the last call, but for advice on how the test reads."""
    messages = [entry["message"] for entry in browser.get_log("browser")]
    return [message for message in messages if "readback operations" not in message]


def show(browser: webdriver.Chrome, width: int, paper: str) -> None:
    """Width of the page (CSS pixels), light or dark paper, and no scrolling that takes time."""
    size: dict[str, Any] = {"width": width, "height": 900, "deviceScaleFactor": 1}
    size["mobile"] = width < 600
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": paper},
                {"name": "prefers-reduced-motion", "value": "reduce"}]  # fmt: skip
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
