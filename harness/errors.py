"""What a user can mend."""

from __future__ import annotations

import re


class UserError(Exception):
    """Something the user can mend; the message is one line that says how."""


_NO_MEMORY = re.compile("can't allocate memory|out of memory", re.IGNORECASE)
"""How torch says so."""
