"""HTML that cannot be broken from inside: what is not markup already is escaped."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from typing import Final

_EMPTY: Final = {"img", "meta"}
"""Elements without an end tag."""
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
"""Control characters, halves of surrogate pairs (names of files can hold them, UTF-8 cannot)
and what turns the direction of text around."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def escape(text: str) -> Html:
    """Text as markup that shows it; unprintable characters become U+FFFD."""
    return Html(html.escape(_UNPRINTABLE.sub("\ufffd", text)))


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element. Children that are not `Html` are escaped; attributes always are.

    `class_` and `for_` lose their underscore, inner ones become hyphens (`aria_label`); None leaves
    an attribute out.
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY:
        return Html(f"<{name}{opened}>")
    return Html(f"<{name}{opened}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Parts one after the other; those that are not `Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def _attribute(key: str, value: str | float | None) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else f"{value:g}"
    return f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"'


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


def shown(value: float | None) -> float | None:
    """The value if it can be drawn: neither None nor infinite nor nan."""
    return value if value is not None and math.isfinite(value) else None


def is_interval(low: float | None, high: float | None) -> bool:
    """Whether two ends are an interval: values that do not differ, or a single one, give none."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return False
    return high - low > 1e-9  # less is rounding


def telling(form: str, low: float, high: float) -> str:
    """A format such as `.2f`, with up to four more digits where the two ends of an interval would
    look the same."""
    for _ in range(4):
        if number(low, form) != number(high, form):
            break
        form = re.sub(r"\.(\d+)", lambda found: f".{int(found[1]) + 1}", form)
    return form


def percent(share: float) -> str:
    """A share of a side as a coordinate that stretches with the figure."""
    return f"{100 * share:.4g}%" if abs(share) >= 1e-6 else "0%"
