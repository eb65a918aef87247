"""The DQN agent: networks, TD targets and losses, the learner, exploration."""
