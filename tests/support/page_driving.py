"""Players in the frames of a page, driven as by their keys and buttons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver

from support.browsing import wait_for

SHOWN = "document.documentElement.dataset.frame"
"""What a page shows, for a script."""


@contextmanager
def player(browser: webdriver.Chrome, place: int) -> Iterator[None]:
    """Within one of the open players."""
    browser.switch_to.frame(browser.find_elements("css selector", "iframe")[place])
    try:
        yield
    finally:
        browser.switch_to.default_content()


def inside(browser: webdriver.Chrome, place: int, script: str) -> Any:
    with player(browser, place):
        return browser.execute_script(f"return {script}")


def click(browser: webdriver.Chrome, place: int, name: str) -> None:
    inside(browser, place, f"document.getElementById('{name}').click()")


def hit(browser: webdriver.Chrome, place: int, key: str) -> None:
    """A key, as one that has the keyboard gets it."""
    pressed = f"new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}})"
    inside(browser, place, f"document.body.dispatchEvent({pressed})")


def there(browser: webdriver.Chrome, place: int, condition: str) -> None:
    with player(browser, place):
        wait_for(browser, condition)
