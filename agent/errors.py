"""What a user can mend, in a file that is imported without torch: errors are shown before it is."""

from __future__ import annotations


class UnknownNetwork(ValueError):
    """A network name that is neither in the table nor an importable `module:Class`."""


class Unsupported(ValueError):
    """A setting that the device cannot have."""
