"""What a user can mend, in a file that is imported without torch: errors are shown before it is."""

from __future__ import annotations


class ReplayTooLarge(ValueError):
    """A replay memory that fits nowhere; the message says which size would."""
