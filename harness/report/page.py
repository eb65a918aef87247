"""The page: one HTML file that needs nothing else and no network, and runs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
    Table,
    Verdict,
)
from harness.report.curves import draw_curves
from harness.report.figures import draw_heat, draw_intervals, draw_picture, draw_table
from harness.report.markup import Html, printable, render
from harness.report.styles import Styles, colour_rules, series_names, shape_symbols

SYMBOLS: Final[dict[Outcome, str]] = {
    "supported": "M3 8.5L6.7 12L13 4.5",
    "refuted": "M4 4L12 12M12 4L4 12",
    "undetermined": "M3 8H13",
}
"""Tick, cross and dash of 16 by 16, so that a verdict is not told by its colour alone."""


def write_page(file: Path, report: Report) -> None:
    """Write the page; it is never there in part. Raises UserError where it cannot be written."""
    text = page(report)
    with appearing(file) as part:
        part.write_bytes(text.encode())


def page(report: Report) -> str:
    """The report as HTML5. Raises ValueError for two verdicts on one claim."""
    blocks = [block for section in report.sections for block in section.blocks]
    verdicts = [block for block in blocks if isinstance(block, Verdict)]
    claims = [verdict.claim_id for verdict in verdicts]
    if len(claims) != len(set(claims)):
        raise ValueError(f"two verdicts on one claim: {', '.join(claims)}")
    words = sorted(verdicts, key=lambda verdict: list(SYMBOLS).index(verdict.verdict))
    outcomes = Counter(verdict.word or verdict.verdict for verdict in words)
    numbers = Counter[str]()
    styles = Styles(series_names(report))
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

    def next_number(kind: str) -> int:
        numbers[kind] += 1
        return numbers[kind]

    html = render(
        "page",
        report=report,
        verdicts=verdicts,
        counts=", ".join(f"{count} {word}" for word, count in outcomes.items()),
        anchors={claim: f"claim-{place}" for place, claim in enumerate(claims, 1)},
        symbols=SYMBOLS,
        css=Html(css + colour_rules()),
        shapes=shape_symbols(),
        groups=_groups,
        name_of=lambda block: type(block).__name__.lower(),
        next_number=next_number,
        drawn=lambda figure: _drawn(figure, styles),
    )
    return printable(html.lstrip()) + "\n"


def _groups(blocks: tuple[Block, ...]) -> Iterator[tuple[bool, list[Block]]]:
    """Blocks in their order, and whether they stand side by side: figures in a row do."""
    for small, group in groupby(blocks, lambda block: isinstance(block, Curves | Heat)):
        members = list(group)
        yield small and len(members) > 1, members


def _drawn(figure: Figure, styles: Styles) -> Html:
    match figure:
        case Table():
            return draw_table(figure, styles)
        case Curves():
            return draw_curves(figure, styles)
        case Intervals():
            return draw_intervals(figure, styles)
        case Heat():
            return draw_heat(figure)
        case Picture():
            return draw_picture(figure, styles)
