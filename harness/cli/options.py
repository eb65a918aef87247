"""How options are described."""

from __future__ import annotations

from typing import Any

import tyro


def option(metavar: str, hint: str, **more: Any) -> object:
    """An option and, as `hint`, its default in words; `more` is what tyro.conf.arg takes."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {hint})", **more)
