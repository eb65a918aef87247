"""The report: pages that are whole, closed and safe, whatever the blocks hold."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.report.blocks import Column, Curves, Picture, Report, Section, Table, Verdict
from harness.report.markup import Html, escape, tag
from harness.report.page import page, write_page
from support.report_drawings import learning, screen
from support.report_names import HOSTILE, LONG, NAMES
from support.report_samples import everything

VOID = {"img", "meta", "col"}
SHOWN_HOSTILE = re.sub("[\udc80\x00\u202e]", "\ufffd", HOSTILE)


class Parsed(HTMLParser):
    """Elements, attributes and text of a page; a tag that is not closed in its place is an
    error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def html() -> str:
    return page(everything())


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    return Parsed(html)


def test_ids_are_unique_and_every_link_leads_somewhere(parsed: Parsed) -> None:
    ids = parsed.attributes("id")
    assert len(ids) == len(set(ids)) > 30
    links = parsed.attributes("href")
    assert len(links) > 100
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert set(parsed.attributes("aria-labelledby")) <= set(ids)


def test_nothing_comes_from_outside(html: str, parsed: Parsed) -> None:
    assert all(link.startswith("#") for link in parsed.attributes("href"))
    assert all(source.startswith("data:image/png;base64,") for source in parsed.attributes("src"))
    assert not re.search(r"https?:|url\(|@import|srcset|<link|<iframe|<object|<base", html)


def test_hostile_text_is_shown_and_does_nothing(html: str, parsed: Parsed) -> None:
    assert not parsed.count("script")
    assert parsed.count("style") == 1
    assert not [name for _, attrs in parsed.elements for name in attrs if name.startswith("on")]
    assert SHOWN_HOSTILE in parsed.texts
    assert SHOWN_HOSTILE in parsed.attributes("alt")[-1]
    html.encode()  # a lone surrogate would not


def test_every_block_is_there(parsed: Parsed) -> None:
    report = everything()
    blocks = [block for section in report.sections for block in section.blocks]
    verdicts = [block for block in blocks if isinstance(block, Verdict)]
    figures = [block.figure if isinstance(block, Verdict) else block for block in blocks]
    drawn = [figure for figure in figures if figure and not isinstance(figure, str)]
    titles = [figure.title for figure in drawn]
    assert parsed.count("figure") == len(titles) == 19
    assert parsed.count("article") == len(verdicts) == 4
    tables = sum(isinstance(figure, Table) for figure in figures)
    numbered = {f"table-{n}" for n in range(1, tables + 1)}
    numbered |= {f"figure-{n}" for n in range(1, len(titles) - tables + 1)}
    assert numbered <= set(parsed.attributes("id"))
    lines = [text for verdict in verdicts for text in (verdict.effect, verdict.matters) if text]
    for text in (report.title, LONG, *titles, *lines, *(verdict.answer for verdict in verdicts)):
        assert str(escape(text)) in map(str, map(escape, parsed.texts))
    assert parsed.count("img") == sum(
        len(figure.frames) for figure in figures if isinstance(figure, Picture)
    )


def test_the_figure_of_the_answer_comes_first_and_a_folded_section_opens() -> None:
    shown = Table("Shown", (Column("a"),), ())
    sections = tuple(Section(t, "", (replace(shown, title=t),)) for t in ("A", "B"))
    html = page(Report("t", "the answer", sections, figure=shown))
    assert html.index("the answer") < html.index("Table 1. </span>Shown") < html.index("<details>")
    assert re.search('<details><summary><h2>B</h2></summary><div id="section-2">', html)
    assert html.count("<details>") == 2


def test_a_verdict_is_told_in_words_and_shape_too(html: str) -> None:
    for word in ("supported", "refuted", "undetermined"):
        badge = re.compile(
            rf'class="(?:card|verdict) {word}".{{0,80}}?class="badge"><svg.*?>{word}<'
        )
        assert badge.search(html)
    assert len(re.findall('class="badge"', html)) == 8  # a card and a place for each


def test_pictures_and_drawings_are_described(parsed: Parsed) -> None:
    assert all(attrs.get("alt") for name, attrs in parsed.elements if name == "img")
    drawings = [attrs for name, attrs in parsed.elements if attrs.get("class") == "plot"]
    assert [attrs["role"] for attrs in drawings] == ["img"] * 7
    assert all(attrs["aria-label"] for attrs in drawings)
    headings = [attrs for name, attrs in parsed.elements if name == "th"]
    assert {attrs["scope"] for attrs in headings} == {"col", "row", "rowgroup"}
    assert dict(parsed.elements)["html"] == {"lang": "en"}


def test_a_page_of_ten_large_figures_stays_below_3_megabytes() -> None:
    names = NAMES[:10]
    lines = tuple(learning(name, place, seeds=5, length=200) for place, name in enumerate(names))
    screens = tuple(screen(seed, 210, 160) for seed in range(4))
    blocks = [Curves("learning", "steps", "score", lines)] * 5 + [Picture("screens", screens)] * 5
    size = len(page(Report("t", "a", (Section("s", "", tuple(blocks)),))).encode())
    assert 100_000 < size < 3_000_000


def test_a_page_is_written_whole_or_refused_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, everything())
    assert file.read_text(encoding="utf-8") == page(everything())
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(UserError, match="cannot write to"):
        write_page(tmp_path / "missing" / "report.html", everything())


def test_a_report_of_nothing_is_a_page() -> None:
    assert Parsed(page(Report("Nothing", "", ()))).count("h1") == 1


def test_a_claim_has_one_verdict() -> None:
    verdict = Verdict("C1", "a", "refuted", "b", "c")
    with pytest.raises(ValueError, match="two verdicts on one claim"):
        page(Report("t", "a", (Section("s", "", (verdict, replace(verdict, claim="d"))),)))


def test_markup_is_escaped_by_construction() -> None:
    assert tag("p", "<b>", tag("i", "&"), title='"') == '<p title="&#34;">&lt;b&gt;<i>&amp;</i></p>'
    assert (
        tag("path", class_="a", stroke_width="1.5") == '<path class="a" stroke-width="1.5"></path>'
    )
    assert isinstance(escape("x"), Html)


def test_a_name_looks_the_same_in_every_figure(html: str) -> None:
    styles: dict[str, set[tuple[str, str]]] = {}
    legend = (
        r'<svg class="key (\w+)"[^>]*>(?:<path[^>]*></path>)?<use href="#(\w+)"[^>]*></use></svg>'
    )
    for colour, shape, name in re.findall(legend + r"(?:<span>)?([^<]+)<", html):
        styles.setdefault(name, set()).add((colour, shape))
    assert all(len(pairs) == 1 for pairs in styles.values())
    assert styles["half_max"] == {("amber", "triangle")}
    assert len(set().union(*(styles[str(escape(name))] for name in NAMES))) == len(NAMES)
