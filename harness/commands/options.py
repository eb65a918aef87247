"""How options are described."""

from __future__ import annotations

import tyro


def option(metavar: str, hint: str) -> object:
    """An option that may be left out, and what happens then."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {hint})")
