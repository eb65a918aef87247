"""Files that survive a crash, and places where nothing is overwritten."""
