"""Showing recorded episodes: in a terminal and as a video."""
