"""The training loop: counts, order of calls, and what ends up in the replay memory.

Emulators and learner are stand-ins that write down what is done to them; one run is real.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import islice
from typing import Any, cast

import numpy as np
import pytest
import torch

from agent.learner import Learner
from envs.emulators import EmulatorConfig, Emulators, Step
from harness.run.config import RunConfig
from harness.run.state import Counters
from replay.ring import Ring
from support.reference_replay import Event, ReferenceReplay, number_of
from support.rehearsal import ACTIONS, Rehearsal, begun
from support.twins import drawn

# Counts.


@pytest.mark.parametrize("num_envs", [1, 3, 8])
@pytest.mark.parametrize(
    ("period", "warmup"), [(4, 48), (4, 61), (1, 50), (3, 47), (7, 48), (30, 48)]
)
def test_updates_are_exact_at_every_step(num_envs: int, period: int, warmup: int) -> None:
    """One for `update_period` steps after the warm-up, summed over emulators; at period 4 the
    ratio is .25 for any number of emulators, also where neither divides the other."""
    run = Rehearsal(num_envs=num_envs, update_period=period, warmup=warmup)
    rows = 200 // num_envs + 20
    for row, _ in enumerate(islice(run.steps, rows), start=1):
        steps = row * num_envs
        assert run.counters.steps == steps
        expected = max(steps - warmup, 0) // period
        assert (run.counters.updates, len(run.learner.batches)) == (expected, expected)
    assert expected > 4


@pytest.mark.parametrize("num_envs", [1, 3, 8])
@pytest.mark.parametrize(
    ("period", "target_period"), [(4, 40), (4, 10), (4, 41), (4, 4), (4, 3), (3, 7), (1, 5), (5, 1)]
)
def test_target_copies_come_at_the_right_updates(
    num_envs: int, period: int, target_period: int
) -> None:
    """Update u is due at u * period steps of learning; the target is copied after the first
    update at or past each multiple of `target_period`, once, and after no other."""
    run = Rehearsal(num_envs=num_envs, update_period=period, target_period=target_period)
    run.run(300 // num_envs)
    updates = len(run.learner.batches)
    expected, due = [], target_period
    for update in range(1, updates + 1):
        if update * period >= due:
            expected.append(update)
            due = (update * period // target_period + 1) * target_period
    assert updates > 40
    assert run.learner.copied_after == expected


def test_a_resumed_run_fills_its_memory_before_it_learns() -> None:
    """Counters continue; the warm-up is counted from where the run stands."""
    counters = Counters(steps=1000, updates=200, learn_from=1000 + 40)
    run = Rehearsal(counters, num_envs=1)
    for row, _ in enumerate(islice(run.steps, 100), start=1):
        assert counters.steps == 1000 + row
        assert counters.updates == 200 + max(row - 40, 0) // 4


@pytest.mark.parametrize(
    ("num_envs", "every", "expected"),
    [
        (3, 10, [12, 21, 30, 42, 51, 60]),
        (8, 20, [24, 40, 64, 80, 104, 120, 144, 160]),
        (8, 5, list(range(8, 161, 8))),
        (1, 7, [7, 14]),
    ],
)
def test_counters_notice_every_multiple_once(
    num_envs: int, every: int, expected: list[int]
) -> None:
    counters = Counters()
    passed = []
    for _ in range(20):
        counters.advance(num_envs)
        if counters.passed(every):
            passed.append(counters.steps)
    assert passed == expected


# Order.


def test_order_of_calls() -> None:
    """Act, send, learn while the emulators run, receive, store."""
    run = Rehearsal(num_envs=8, warmup=40, update_period=4, target_period=8).run(5)
    quiet = ["act", "send", "recv", "add"]
    assert run.tape == quiet * 5
    run.tape.clear()
    run.run(1)
    learning = ["sample", "update", "update", "copy"]
    assert run.tape == ["act", "send", *learning, "recv", "add"]


@pytest.mark.parametrize("n_step", [1, 3])
def test_batches_hold_what_was_added_and_no_more(n_step: int) -> None:
    """The frame that the emulators are still making is in no batch; the newest one stored is in
    some. An update learns from every transition but those of its own step."""
    run = Rehearsal(num_envs=2, n_step=n_step, update_period=1, batch_size=32)
    newest_reached = 0
    learned = 0
    for _ in range(60):
        newest = run.emulators.newest if run.emulators.frames else -1
        next(run.steps)
        for batch in run.learner.batches[learned:]:
            images = [*batch.states.flatten(0, 1), *batch.next_states.flatten(0, 1)]
            seen = {number_of(image) for image in images} - {None}
            assert max(cast(set[int], seen)) <= newest
            newest_reached += newest in seen
        learned = len(run.learner.batches)
    assert newest_reached > 5


# What is done and stored.


def test_greedy_actions_answer_the_newest_frame() -> None:
    """Not the one before: the state is taken after the last frame was stored."""
    run = Rehearsal(num_envs=3, epsilon_start=0.0, epsilon_final=0.0).run(30)
    expected = [[(3 * time + env) % ACTIONS for env in range(3)] for time in range(30)]
    assert run.emulators.actions == expected


def test_warm_up_is_random_and_what_follows_is_not() -> None:
    """Epsilon falls from 1 to 0 at once where the warm-up of 40 steps ends: rows 0 to 5 act at
    steps 0, 8, ... 40. That 8 random actions are all greedy has probability 5^-8."""
    run = Rehearsal(num_envs=8, warmup=40, epsilon_final=0.0, epsilon_decay=0).run(20)
    greedy = [[(8 * time + env) % ACTIONS for env in range(8)] for time in range(20)]
    same = [done == best for done, best in zip(run.emulators.actions, greedy, strict=True)]
    assert same == [False] * 6 + [True] * 14


@pytest.mark.parametrize("life_loss_ends", [False, True])
@pytest.mark.parametrize("n_step", [1, 3])
def test_the_memory_holds_what_happened(life_loss_ends: bool, n_step: int) -> None:
    """The reference is told the same story: raw rewards, the actions that were sent, ends of
    games always and lost lives only on request, nothing of resets and cut-off steps."""
    run = Rehearsal(num_envs=3, life_loss_ends=life_loss_ends, replay_size=120).run(100)
    emulators = run.emulators
    reference = ReferenceReplay(40, 3)
    reference.start(list(emulators.frames[0]))
    for time, events in enumerate(emulators.events):
        told = [
            Event.GOES_ON if event is Event.LIFE_LOST and not life_loss_ends else event
            for event in events
        ]
        rewards = [float(reward) for reward in emulators.rewards(time)]
        reference.add(emulators.actions[time], rewards, told, list(emulators.frames[time + 1]))
    expected = reference.sampleable(n_step)
    assert len(expected) > 60
    places = {(time % 40, env) for time, env in expected}
    assert set(drawn(run.ring, 5000, n_step)) == places
    for (time, env), transition in expected.items():
        batch = run.ring.gather(torch.tensor([time % 40]), torch.tensor([env]), n_step)
        assert np.array_equal(batch.states[0], transition.state)
        assert np.array_equal(batch.next_states[0], transition.next_state)
        assert batch.rewards[0].tolist() == list(transition.rewards)
        assert (batch.actions.item(), batch.terminal.item(), batch.lengths.item()) == (
            transition.action,
            transition.terminal,
            transition.length,
        )


# Seeds.


def test_equal_seeds_give_equal_runs() -> None:
    one, two, other = (Rehearsal(seed=seed).run(60) for seed in (1, 1, 2))
    assert one.emulators.actions == two.emulators.actions
    assert one.emulators.seeds == two.emulators.seeds
    assert all(
        torch.equal(a, b)
        for x, y in zip(one.learner.batches, two.learner.batches, strict=True)
        for a, b in zip(x, y, strict=True)
    )
    assert one.emulators.actions != other.emulators.actions
    assert one.emulators.seeds != other.emulators.seeds


def test_every_emulator_has_its_own_seed() -> None:
    seeds = Rehearsal(num_envs=8).run(1).emulators.seeds
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_resumed_run_does_not_repeat_its_beginning() -> None:
    fresh = Rehearsal().run(20).emulators
    resumed = Rehearsal(Counters(steps=999, learn_from=1100)).run(20).emulators
    assert not set(fresh.seeds) & set(resumed.seeds)
    assert fresh.actions != resumed.actions


# The real thing.

REAL = replace(
    RunConfig(),
    steps=180,
    warmup=90,
    replay_size=600,
    target_period=40,
    emulators=EmulatorConfig("Pong", num_envs=3, max_episode_frames=160),
    learner=replace(RunConfig().learner, batch_size=4, n_step=3),
)


def real_run(threads: int) -> tuple[dict[str, list[Any]], Learner, Counters]:
    torch.manual_seed(0)
    emulators = Emulators(REAL.emulators, threads)
    learner = Learner(REAL.learner, emulators.num_actions, "cpu", shards=2)
    ring, counters = Ring(REAL.replay_rows, 3), Counters(learn_from=REAL.warmup)
    seen = defaultdict(list)
    for turn in islice(begun(REAL, emulators, ring, learner, counters), 60):
        assert counters.updates == max(counters.steps - 90, 0) // 4
        for name, array in zip(Step._fields, turn.step, strict=True):
            seen[name].append(array.copy())
    emulators.close()
    return seen, learner, counters


def test_a_real_run_is_repeatable() -> None:
    """Frames, rewards, ends and weights, bit by bit: batches learned in two parts at the same
    time, beside one emulator thread or three."""
    one, learner, counters = real_run(threads=1)
    three, twin, _ = real_run(threads=3)
    assert (counters.steps, counters.updates) == (180, 22)
    assert np.sum(one["truncated"]) == 3
    for name in Step._fields:
        assert np.array_equal(one[name], three[name]), name
    for key, value in learner.state().items():
        assert torch.equal(value, twin.state()[key]), key
