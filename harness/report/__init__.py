"""One self-contained HTML page out of plain blocks."""
