"""A run on its way: updates, what it writes, how it goes on."""
