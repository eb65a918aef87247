"""Screens as few bytes: palettes, rows that changed, animated pictures."""
