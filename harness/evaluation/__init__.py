"""Agents play whole games and are scored."""
