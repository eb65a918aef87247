"""Showing episodes: in a terminal or a window, as a page or a video."""
