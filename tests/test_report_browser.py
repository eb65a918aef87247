"""The report in a real browser: nothing breaks, sticks out or overlaps, by day and by night.

Skipped where there is no Chromium: the Debian packages are chromium and chromium-driver.
"""

from __future__ import annotations

import pytest
from selenium import webdriver

from harness.report.page import write_page
from support.browsing import show
from support.report_samples import everything

WIDTHS = (390, 768, 1400)


@pytest.fixture(scope="module")
def browser(
    chromium: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory
) -> webdriver.Chrome:
    """A browser that shows the page of every block; the pictures stay folded until a link opens
    them."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    write_page(file, everything())
    show(chromium, 1400, "light")
    chromium.get_log("browser")  # what other pages left there
    chromium.get(file.as_uri())
    chromium.execute_script("""
        for (const section of document.querySelectorAll('details:not(:has(#section-3))'))
            section.open = true;
    """)
    return chromium


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(browser: webdriver.Chrome, width: int) -> None:
    show(browser, width, "light")
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("""
        const page = document.documentElement;
        return page.scrollWidth === page.clientWidth;
    """)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_writing_sticks_out_or_overlaps(browser: webdriver.Chrome, width: int) -> None:
    show(browser, width, "light")
    assert not browser.execute_script("""
        const wrong = [], box = text => text.getBoundingClientRect();
        for (const drawing of document.querySelectorAll('svg')) {
            const texts = [...drawing.querySelectorAll('text')];
            texts.forEach((text, place) => {
                const a = box(text);
                if (a.left < 0 || a.right > innerWidth) wrong.push('out: ' + text.textContent);
                for (const other of texts.slice(place + 1)) {
                    const b = box(other);
                    if (a.left < b.right && b.left < a.right && a.top < b.bottom - 4
                        && b.top < a.bottom - 4)
                        wrong.push(text.textContent + ' over ' + other.textContent);
                }
            });
        }
        return wrong;
    """)


@pytest.mark.parametrize("width", WIDTHS)
def test_legends_cover_no_data(browser: webdriver.Chrome, width: int) -> None:
    show(browser, width, "light")
    assert browser.execute_script("""
        return [...document.querySelectorAll('figure .plot')].every(plot => {
            const legend = plot.closest('figure').querySelector('.legend');
            const marks = [...plot.querySelectorAll('use')].filter(mark => mark.checkVisibility());
            const lower = Math.min(...marks.map(mark => mark.getBoundingClientRect().top));
            return marks.length && legend.getBoundingClientRect().bottom <= lower;
        });
    """)


def test_wide_tables_scroll_inside_their_box(browser: webdriver.Chrome) -> None:
    show(browser, 390, "light")
    widths = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(b => [b.scrollWidth, b.clientWidth])"
    )
    assert any(inside > outside for inside, outside in widths)
    assert all(outside <= 390 for _, outside in widths)


@pytest.mark.parametrize("width", [390, 1400])
def test_links_of_the_contents_lead_to_their_sections(
    browser: webdriver.Chrome, width: int
) -> None:
    show(browser, width, "light")
    links = browser.find_elements("css selector", "nav a, .card a")
    assert len(links) == 10
    for link in links:
        browser.execute_script("scrollTo(0, 0)")
        link.click()
        assert browser.execute_script("""
            const top = document.querySelector(':target').getBoundingClientRect().top;
            const bottom = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
            const folded = document.querySelector(':target').closest('details:not([open])');
            return !folded && ((top >= 0 && top < 60) || bottom);
        """), link.get_attribute("href")


def test_the_paper_turns_dark_and_the_colours_with_it(browser: webdriver.Chrome) -> None:
    colours = []
    for paper in ("light", "dark"):
        show(browser, 1400, paper)
        colours.append(
            browser.execute_script("""
            const of = (place, name) => getComputedStyle(document.querySelector(place))[name];
            return [of('body', 'backgroundColor'), of('body', 'color'), of('.line', 'stroke'),
                    of('.plot text', 'fill'), of('.badge', 'color')];
        """)
        )
    assert all(light != dark for light, dark in zip(*colours, strict=True))
    assert colours[0][0] == "rgb(252, 252, 250)"
    assert colours[1][0] == "rgb(20, 23, 28)"


def test_pictures_are_decoded_and_sharp(browser: webdriver.Chrome) -> None:
    assert browser.execute_script("""
        return [...document.images].every(image => image.naturalWidth > 0
            && getComputedStyle(image).imageRendering === 'pixelated');
    """)


def test_the_console_is_silent(browser: webdriver.Chrome) -> None:
    browser.refresh()
    assert browser.get_log("browser") == []
    assert browser.execute_script("""
        const fetched = performance.getEntriesByType('resource');
        return fetched.every(resource => resource.name.startsWith('data:'));
    """)
