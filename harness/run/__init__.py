"""A run: settings, folder, checkpoints, machine."""
