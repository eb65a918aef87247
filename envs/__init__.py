"""Atari emulators: games, a batch of them stepping together, and recorded episodes."""
