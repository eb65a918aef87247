"""The schedule of updates, for training and for passive learning."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from agent.execution import Launcher
from agent.learner import Learner
from harness.run.config import RunConfig
from harness.training.session import Session
from replay.ring import Ring


def due_updates(
    config: RunConfig, session: Session, ring: Ring, learner: Learner, launcher: Launcher
) -> Callable[[], None]:
    """A function that makes the updates that are due and the target copies between them. Updates
    without a copy between them are made together.

    After each call, (steps - learn_from) // update_period updates have been made since the warm-up,
    whatever the number of emulators.
    """
    counters, sampling = session.counters, session.random_streams.sampling

    def update(count: int) -> None:
        batch = ring.sample(count * config.learner.batch_size, config.learner.n_step, sampling)
        learner.update(batch.to(learner.device), count)

    updates = cache(lambda count: launcher(partial(update, count), sampling))

    def learn() -> None:
        while counters.owed >= config.update_period:
            before_copy = counters.updates_before_copy(config.update_period, config.target_period)
            count = min(counters.owed // config.update_period, before_copy)
            updates(count)()
            counters.owed -= count * config.update_period
            counters.updates += count
            if count == before_copy:
                learner.copy_to_target()

    return learn
