"""The process: its streams, and what ends it."""
