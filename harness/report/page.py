"""The page: one HTML file that needs nothing else and no network, and runs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from harness.files.atomic import appearing
from harness.report.blocks import (
    Block,
    Curves,
    Figure,
    Heat,
    Intervals,
    Outcome,
    Picture,
    Report,
    Scatter,
    Section,
    Table,
    Text,
    Verdict,
)
from harness.report.curves import draw_curves, draw_scatter
from harness.report.intervals import draw_intervals
from harness.report.markup import Html, escape, join, tag
from harness.report.pictures import draw_picture
from harness.report.styles import Styles, colour_rules, series_names, shape_symbols
from harness.report.tables import draw_heat, draw_table

SYMBOLS: Final[dict[Outcome, str]] = {
    "supported": "M3 8.5L6.7 12L13 4.5",
    "refuted": "M4 4L12 12M12 4L4 12",
    "undetermined": "M3 8H13",
}
"""Tick, cross and dash of 16 by 16, so that a verdict is not told by its colour alone."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser refuses scripts and the network, whatever stands in the text."""


def write_page(file: Path, report: Report) -> None:
    """Write the page; it is never there in part. Raises UserError where that cannot be."""
    text = page(report)
    with appearing(file) as part:
        part.write_bytes(text.encode())


def page(report: Report) -> str:
    """The report as HTML5. Raises ValueError for two verdicts of one claim."""
    verdicts = [block for section in report.sections for block in section.blocks
                if isinstance(block, Verdict)]  # fmt: skip
    claims = [verdict.claim_id for verdict in verdicts]
    if len(claims) != len(set(claims)):
        raise ValueError(f"two verdicts of one claim: {', '.join(claims)}")
    drawing = _Drawing(report, claims)
    answer = [tag("p", paragraph) for paragraph in report.answer.split("\n\n") if paragraph]
    main = tag(
        "main",
        tag("header", tag("h1", report.title), tag("div", *answer, class_="answer")),
        drawing.figure(report.figure) if report.figure else Html(""),
        drawing.cards(verdicts) if verdicts else Html(""),
        *(drawing.section(section, place) for place, section in enumerate(report.sections, 1)),
        _made(report.made),
    )
    body = tag("body", shape_symbols(), tag("div", _contents(report), main, class_="page"))
    html = tag("html", _head(report.title), body, lang="en")
    return f"<!DOCTYPE html>\n{html}\n"


class _Drawing:
    """Draws blocks, and counts figures and tables as it goes."""

    def __init__(self, report: Report, claims: list[str]) -> None:
        self.styles = Styles(series_names(report))
        self.numbers: Counter[str] = Counter()
        self.anchors = {claim: f"claim-{place}" for place, claim in enumerate(claims, 1)}

    def section(self, section: Section, place: int) -> Html:
        lead = tag("p", section.lead, class_="lead") if section.lead else Html("")
        title, anchor = tag("h2", section.title), f"section-{place}"
        if section.folded:  # a browser opens it for links to what is inside
            body = tag("div", lead, *self.blocks(section.blocks), id=anchor)
            return tag("section", tag("details", tag("summary", title), body))
        return tag("section", title, lead, *self.blocks(section.blocks), id=anchor)

    def blocks(self, blocks: tuple[Block, ...]) -> Iterator[Html]:
        """Blocks in their order; figures that follow each other stand side by side."""
        for beside, group in groupby(blocks, lambda block: isinstance(block, _SIDE_BY_SIDE)):
            drawn = [self.block(block) for block in group]
            yield tag("div", *drawn, class_="beside") if beside and len(drawn) > 1 else join(drawn)

    def block(self, block: Block) -> Html:
        if isinstance(block, Text):
            return join(tag("p", paragraph) for paragraph in block.paragraphs)
        if isinstance(block, Verdict):
            return self.verdict(block)
        return self.figure(block)

    def figure(self, figure: Figure) -> Html:
        """A figure or table with its number, title and note."""
        kind = "Table" if isinstance(figure, Table) else "Figure"
        self.numbers[kind] += 1
        caption = tag("figcaption", tag("span", f"{kind} {self.numbers[kind]}. ", class_="count"),
                      figure.title)  # fmt: skip
        note = tag("p", figure.note, class_="note") if figure.note else Html("")
        return tag("figure", caption, self.drawn(figure), note,
                   id=f"{kind.lower()}-{self.numbers[kind]}",
                   class_=type(figure).__name__.lower())  # fmt: skip

    def drawn(self, figure: Figure) -> Html:
        match figure:
            case Table():
                return draw_table(figure, self.styles)
            case Curves():
                return draw_curves(figure, self.styles)
            case Scatter():
                return draw_scatter(figure, self.styles)
            case Intervals():
                return draw_intervals(figure, self.styles)
            case Heat():
                return draw_heat(figure)
            case Picture():
                return draw_picture(figure, self.styles)

    def verdict(self, verdict: Verdict) -> Html:
        """A claim in its place: verdict, answer, what shows it, and the rule."""
        heading = tag("h3", tag("span", verdict.claim_id, class_="claim-id"), " ", verdict.claim)
        figure = self.figure(verdict.figure) if verdict.figure else Html("")
        rule = tag("p", tag("b", "Rule. "), verdict.rule, class_="rule")
        return tag("article", _badge(verdict), heading, tag("p", verdict.answer), figure, rule,
                   class_=f"verdict {verdict.verdict}",
                   id=self.anchors[verdict.claim_id])  # fmt: skip

    def cards(self, verdicts: list[Verdict]) -> Html:
        """A line for each verdict, which leads to its place."""
        counts = Counter(verdict.verdict for verdict in verdicts)
        said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in SYMBOLS if counts[outcome])
        cards = [
            tag("li", tag("a", _badge(verdict), tag("b", verdict.claim_id, class_="claim-id"),
                          tag("span", verdict.claim, class_="claim"),
                          tag("span", verdict.effect), tag("span", verdict.matters),
                          href=f"#{self.anchors[verdict.claim_id]}"),
                class_=f"card {verdict.verdict}")
            for verdict in verdicts
        ]  # fmt: skip
        heading = tag("h2", "Verdicts", id="verdicts-title")
        return tag("section", heading, tag("p", f"{said}. {_LINE}", class_="lead"),
                   tag("ul", *cards, class_="cards"), id="verdicts",
                   aria_labelledby="verdicts-title")  # fmt: skip


_LINE = (
    "A line has the verdict, the claim, the effect with its interval, and the smallest effect that "
    "matters."
)
_SIDE_BY_SIDE = (Curves, Scatter, Heat)


def _badge(verdict: Verdict) -> Html:
    path = tag("path", d=SYMBOLS[verdict.verdict])
    symbol = tag("svg", path, viewBox="0 0 16 16", width=16, height=16, aria_hidden="true")
    return tag("span", symbol, verdict.verdict, class_="badge")


def _head(title: str) -> Html:
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("title", title),
        tag("style", Html(style + colour_rules())),
    )


def _contents(report: Report) -> Html:
    has_verdicts = any(isinstance(b, Verdict) for s in report.sections for b in s.blocks)
    entries = [tag("li", tag("a", "Verdicts", href="#verdicts"))] if has_verdicts else []
    entries += [
        tag("li", tag("a", section.title, href=f"#section-{place}"))
        for place, section in enumerate(report.sections, 1)
    ]
    if report.made:
        entries.append(tag("li", tag("a", "How this was made", href="#made")))
    return tag("nav", tag("p", "Contents"), tag("ol", *entries), aria_label="Contents")


def _made(made: Mapping[str, str | Mapping[str, str]]) -> Html:
    """Machine, versions, date and command, as pairs."""
    if not made:
        return Html("")
    pairs = []
    for name, value in made.items():
        text: Html
        if isinstance(value, str):
            text = tag("code", value) if name == "command" else escape(value)
        else:
            text = join(
                tag("span", f"{key}\N{NO-BREAK SPACE}{part}", class_="pair")
                for key, part in value.items()
            )
        pairs.append(tag("div", tag("dt", name), tag("dd", text)))
    heading = tag("h2", "How this was made")
    return tag("footer", heading, tag("dl", *pairs), id="made")
