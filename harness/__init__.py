"""Everything above the agent: runs, checkpoints, metrics, scoring, recording and replaying."""
