"""Errors that a user can fix."""

from __future__ import annotations

import re


class UserError(Exception):
    """An error that the user can fix. The message is one line that says how."""


_NO_MEMORY = re.compile("can't allocate memory|out of memory", re.IGNORECASE)
"""How torch says so."""
