"""Errors that a user can fix."""

from __future__ import annotations


class UserError(Exception):
    """An error that the user can fix. The message is one line that says how."""
