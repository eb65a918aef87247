"""Command lines: how they are read, what was meant, how a program ends."""
