"""What can be read from features: drawn patterns, games, readouts, measures."""
