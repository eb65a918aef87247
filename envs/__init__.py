"""Atari emulators: games, batches of emulators, action logs and recorded episodes."""
