"""What a run measures, on its way to files and the terminal, and back."""
