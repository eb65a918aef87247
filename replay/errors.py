"""Errors that a user can fix. This file imports no torch, so that they show without its wait."""

from __future__ import annotations


class ReplayTooLarge(ValueError):
    """No memory has room for the replay memory. The message gives a size that would fit."""
