"""Errors that a user can fix. This file imports no torch, so that they show without its wait."""

from __future__ import annotations


class UnknownNetwork(ValueError):
    """No network in the table has this name, and it is no usable `module:Class`."""


class Unsupported(ValueError):
    """A setting that the device does not support."""
