"""Replay memory: a ring of single frames, one stacking rule, uniform n-step sampling."""
