"""The process: its signals and its standard streams."""
