"""The comparison of networks: a design, its training runs, and what their scores say."""
