"""Training runs: begin, update, write to disk, resume."""
