"""Agents that play whole games, and what their scores say."""
