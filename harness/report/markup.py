"""HTML from the templates of this folder, and numbers as people write them.

Templates escape whatever is not markup already. `page` and `escape` also replace characters that
cannot be printed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TypeAlias

import markupsafe
from jinja2 import Environment, FileSystemLoader, StrictUndefined

Html: TypeAlias = markupsafe.Markup
"""Text that is markup already."""

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
"""Control characters, halves of surrogate pairs (file names can hold them, UTF-8 cannot) and
characters that reverse the direction of text."""


def printable(text: str) -> str:
    """Text with U+FFFD in the place of every character that cannot be printed."""
    return _UNPRINTABLE.sub("\ufffd", text)


def escape(text: str) -> Html:
    """Text as markup that shows it; unprintable characters become U+FFFD."""
    return markupsafe.escape(printable(text))


def tag(name: str, /, *children: str, **attributes: str) -> Html:
    """An element with an end tag. Children that are not `Html` are escaped; attributes always are.

    `class_` and `for_` lose their underscore, inner ones become hyphens (`aria_label`).
    """
    opened = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{opened}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Parts one after the other; those that are not `Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def render(template: str, /, **values: Any) -> Html:
    """A template of this folder, filled with values."""
    return Html(_templates.get_template(f"{template}.html.j2").render(values))


def number(value: float, form: str = "") -> str:
    """A number as people write it: a true minus, and never minus zero."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    text = format(value, form) if form else _six_digits(value)
    if not re.search("[1-9]", text):
        text = text.lstrip("-")
    return re.sub("(^|e)-", "\\1\N{MINUS SIGN}", text)


def _six_digits(value: float) -> str:
    """1234567 as 1,234,567; 0.123456789 as 0.123457."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.6g}"


def compact(value: float) -> str:
    """400000 as 400k, 2500000 as 2.5M, 5 as 5; at most six digits."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return number(value / size, ".6g") + unit
    return number(value, ".6g")


def shown(value: float | None) -> float | None:
    """The value if it can be drawn: neither None nor infinite nor nan."""
    return value if value is not None and math.isfinite(value) else None


def is_interval(low: float | None, high: float | None) -> bool:
    """Whether two ends are an interval: values that do not differ, or a single one, give none."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return False
    return high - low > 1e-9  # less is rounding


def telling(form: str, low: float, high: float) -> str:
    """A format such as `.2f`, with up to four more digits where the ends of an interval would read
    the same without them."""
    for _ in range(4):
        if number(low, form) != number(high, form):
            break
        form = re.sub(r"\.(\d+)", lambda digits: f".{int(digits[1]) + 1}", form)
    return form


def percent(share: float) -> str:
    """A share of a side as a coordinate that stretches with the figure."""
    return f"{100 * share:.4g}%" if abs(share) >= 1e-6 else "0%"


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"number": number, "percent": percent}
