"""The ring of frames against a store of whole transitions, and against hand-drawn timelines."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.ring import FRAME_SHAPE, SLOT_BYTES, STACK_SIZE, Ring
from support.reference_replay import Event, number_of
from support.twins import WISHES, Twins, assert_twins, drawn


@st.composite
def stories(draw: st.DrawFn) -> tuple[int, list[tuple[Event, ...]], int]:
    """Rows of a small ring, what its emulators do for up to five times round it, n."""
    rows = draw(st.integers(STACK_SIZE + 1, 13))
    num_envs = draw(st.integers(1, 4))
    step = st.tuples(*[st.sampled_from(WISHES)] * num_envs)
    # The length is drawn first: lists of free length stay short and seldom wrap.
    length = draw(st.integers(1, 5 * rows))
    story = draw(st.lists(step, min_size=length, max_size=length))
    return rows, story, draw(st.integers(1, 5))


@settings(max_examples=80)
@given(stories(), st.integers(1, 9))
def test_every_transition_equals_the_reference(
    story: tuple[int, list[tuple[Event, ...]], int], every: int
) -> None:
    """States, actions, rewards, lengths, terminals and next states of every sampleable slot,
    through several times round the ring; and no other slot is ever drawn.

    Finds every known bug of other libraries at once: the next reset overwriting the final frame
    (SB3, CleanRL), a duplicated terminal and a lost last reward (Dopamine), bootstrapping from
    s_t (Tianshou), a terminal one step early (Rainbow); each has its own timeline below.
    """
    rows, steps, n = story
    twins = Twins(rows, len(steps[0]))
    for count, wishes in enumerate(steps):
        twins.step(wishes)
        if count % every == 0:
            assert_twins(twins, n)
    assert_twins(twins, n)


@settings(max_examples=15)
@given(stories(), st.integers(0, 12))
def test_start_forgets_everything(
    story: tuple[int, list[tuple[Event, ...]], int], again: int
) -> None:
    """After a second `start` nothing of the first life is left, wherever the head was."""
    rows, steps, n = story
    twins = Twins(rows, len(steps[0]))
    for wishes in steps:
        twins.step(wishes)
    twins.start()
    assert len(twins.ring) == twins.num_envs
    for wishes in steps[:again]:
        twins.step(wishes)
        assert_twins(twins, n)


def told(*events: Event, rows: int = 32) -> Twins:
    """One emulator's story; frame k belongs to row k."""
    twins = Twins(rows, 1)
    for event in events:
        twins.step([event])
    return twins


def numbers(states: torch.Tensor) -> list[list[int | None]]:
    return [[number_of(image) for image in state] for state in states]


ON, LIFE, OVER, CUT, _, RESET = Event


def test_stacks_are_blank_before_the_first_frame() -> None:
    """One rule for acting and sampling: zeros, not copies of the first frame."""
    twins = told(ON, ON, ON, OVER, RESET, ON)
    states = numbers(twins.ring.stack(torch.arange(7), torch.zeros(7, dtype=torch.long)))
    assert states == [
        [None, None, None, 0],
        [None, None, 0, 1],
        [None, 0, 1, 2],
        [0, 1, 2, 3],
        [1, 2, 3, 4],
        [None, None, None, 5],
        [None, None, 5, 6],
    ]


def test_the_final_frame_survives_the_reset() -> None:
    """SB3's and CleanRL's memory-optimised buffers hand out the next episode's first frame as
    the last next state. Here frame 4 is final and frame 5 belongs to the next episode."""
    batch = told(ON, ON, ON, OVER, RESET, ON).gather([(3, 0)], 1)
    assert numbers(batch.next_states) == [[1, 2, 3, 4]]
    assert batch.terminal.tolist() == [True]


def test_the_last_reward_is_kept_once_and_the_terminal_is_not_doubled() -> None:
    """Dopamine's accumulator stores the terminal twice and loses the true last reward."""
    twins = told(ON, ON, ON, OVER, RESET, ON, ON)
    batch = twins.gather([(1, 0), (2, 0), (3, 0)], 3)
    assert batch.rewards.tolist() == [[21, 31, 41], [31, 41, 0], [41, 0, 0]]
    assert batch.lengths.tolist() == [3, 2, 1]
    assert batch.terminal.tolist() == [True] * 3
    assert {row for row, _ in drawn(twins.ring, 500, 1)} == {0, 1, 2, 3, 5, 6}


def test_the_next_state_is_not_the_state() -> None:
    """Tianshou's deduplicated buffer bootstraps from s_t."""
    batch = told(*[ON] * 8).gather([(3, 0), (3, 0)], 1)
    assert numbers(batch.states)[0] == [0, 1, 2, 3]
    assert numbers(batch.next_states)[0] == [1, 2, 3, 4]
    assert numbers(told(*[ON] * 8).gather([(3, 0)], 4).next_states) == [[4, 5, 6, 7]]


def test_the_terminal_is_not_a_step_early() -> None:
    """schmidtdominik/Rainbow marks the step before the last as the end."""
    batch = told(ON, ON, ON, OVER, RESET, ON).gather([(2, 0), (3, 0)], 1)
    assert batch.terminal.tolist() == [False, True]


def test_a_lost_life_ends_the_window_and_not_the_stack() -> None:
    twins = told(ON, ON, LIFE, ON, ON, ON)
    batch = twins.gather([(1, 0), (3, 0)], 3)
    assert batch.terminal.tolist() == [True, False]
    assert batch.lengths.tolist() == [2, 3]
    assert numbers(batch.states)[1] == [0, 1, 2, 3]


def test_a_window_stops_before_a_truncated_step_and_bootstraps() -> None:
    """Row 3 is cut off: its state is real, frame 4 is stale. Nothing may follow row 3, and a
    window that reaches it ends in its state, without being terminal."""
    twins = told(ON, ON, ON, CUT, RESET, ON, ON)
    batch = twins.gather([(1, 0), (2, 0)], 3)
    assert batch.rewards.tolist() == [[21, 31, 0], [31, 0, 0]]
    assert batch.terminal.tolist() == [False, False]
    assert numbers(batch.next_states) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert {row for row, _ in drawn(twins.ring, 500, 1)} == {0, 1, 2, 5, 6}


def test_neighbours_do_not_touch() -> None:
    """Row t of emulator 1 lies beside row t of emulator 0: no stack or window mixes them."""
    twins = Twins(9, 2)
    for wishes in [(ON, OVER), (OVER, RESET), (RESET, ON), (ON, ON), (ON, ON), (ON, ON)]:
        twins.step(wishes)
    assert numbers(twins.ring.latest()) == [[6, 8, 10, 12], [7, 9, 11, 13]]
    assert twins.gather([(0, 0), (0, 1)], 3).lengths.tolist() == [2, 1]


@pytest.mark.parametrize("n", [1, 3, 5])
def test_the_oldest_and_newest_rows_are_out(n: int) -> None:
    """Row t is out until its n steps are over; three rows are out once the ring is full."""
    twins = told(rows=12)
    for time in range(1, 40):
        twins.step([ON])
        oldest = time - 11 + 3 if time >= 11 else 0
        expected = {t % 12 for t in range(oldest, time - n + 1)}
        assert ({row for row, _ in drawn(twins.ring, 600, n)} if expected else set()) == expected
        assert len(twins.ring) == min(time + 1, 12)


def test_sampling_too_early_is_refused() -> None:
    twins = told(ON, ON)
    with pytest.raises(ValueError, match="3 rows hold no transition of 3 steps yet"):
        twins.ring.sample(1, 3, torch.Generator())


def test_a_ring_shorter_than_a_stack_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 5 rows, not 4"):
        Ring(4, 1)


@pytest.mark.parametrize(
    ("n", "wishes"),
    [
        (1, [ON]),
        (3, [ON, ON, OVER]),
        # Two void rows for each one that is left, so that most draws are rejected.
        (1, [CUT, ON, CUT]),
        (4, [CUT, ON, CUT, CUT, OVER]),
    ],
)
def test_sampling_is_uniform_over_valid_transitions(n: int, wishes: list[Event]) -> None:
    """Chi-square against uniform. Shifting a rejected draw to its neighbour, or giving short
    windows at terminals another weight, fails it."""
    twins = Twins(41, 3)
    random = np.random.default_rng(0)
    for _ in range(130):
        twins.step([wishes[i] for i in random.integers(len(wishes), size=3)])
    expected = {(twins.row(time), env) for time, env in twins.reference.sampleable(n)}
    counts = dict.fromkeys(expected, 0)
    for seed in range(10):
        for place in drawn(twins.ring, 3000, n, seed):
            counts[place] += 1
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 0.01


def test_rejected_draws_are_a_large_share_in_the_story_above() -> None:
    """Otherwise the test above says little."""
    twins = Twins(41, 3)
    for _ in range(130):
        twins.step([CUT] * 3)
        twins.step([ON] * 3)
    slots = len(twins.ring.sampleable_rows(1)) * 3
    assert len(twins.reference.sampleable(1)) < 0.7 * slots


def test_equal_generators_draw_equal_batches() -> None:
    ring = told(ON, ON, OVER, RESET, ON, CUT, RESET, ON, ON).ring
    first, second, other = (ring.sample(16, 2, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first.states, other.states)


def test_batch_types() -> None:
    batch = told(*[ON] * 6).ring.sample(7, 2, torch.Generator())
    assert [tuple(t.shape) for t in batch] == [
        (7, 4, 84, 84), (7,), (7, 2), (7,), (7,), (7, 4, 84, 84),
    ]  # fmt: skip
    assert [t.dtype for t in batch] == [
        torch.uint8, torch.int64, torch.float32, torch.int64, torch.bool, torch.uint8,
    ]  # fmt: skip


def test_a_batch_does_not_change_when_the_ring_goes_on() -> None:
    twins = told(*[ON] * 6, rows=8)
    batch = twins.ring.sample(8, 1, torch.Generator())
    before = [tensor.clone() for tensor in batch]
    for _ in range(20):
        twins.step([OVER])
    assert all(torch.equal(a, b) for a, b in zip(before, batch, strict=True))


def test_the_frames_handed_over_may_be_reused() -> None:
    """Emulators may write their next frames into the same memory."""
    ring = Ring(6, 1)
    buffer = torch.full((1, *FRAME_SHAPE), 7, dtype=torch.uint8)
    ring.start(buffer)
    buffer.fill_(9)
    assert ring.latest()[0, -1].unique().tolist() == [7]


def test_raw_rewards_and_all_18_actions_survive_storage() -> None:
    ring = Ring(24, 1)
    blank, no = torch.zeros((1, *FRAME_SHAPE), dtype=torch.uint8), torch.tensor([False])
    ring.start(blank)
    rewards = [0, -1, 100_000, -32_768, 400, 7]
    for action in range(18):
        reward = torch.tensor([rewards[action % 6]], dtype=torch.int32)
        ring.add(torch.tensor([action]), reward, terminal=no, void=no, frames=blank, first=no)
    batch = ring.gather(torch.arange(18), torch.zeros(18, dtype=torch.long), 1)
    assert batch.actions.tolist() == list(range(18))
    assert batch.rewards[:6, 0].tolist() == rewards


def test_memory_is_what_the_ring_says() -> None:
    """Frames, actions, rewards and flags; one blank frame is all there is beside the slots."""
    ring = Ring(50, 3)
    tensors = [ring._slots, ring._actions, ring._rewards, ring._flags]
    held = sum(tensor.nbytes for tensor in tensors)
    assert held == 50 * 3 * SLOT_BYTES + 84 * 84
    assert ring._frames.data_ptr() == ring._slots.data_ptr()


@pytest.mark.gpu
def test_the_ring_on_a_gpu_equals_the_reference() -> None:
    twins = Twins(11, 2, "cuda")
    random = np.random.default_rng(0)
    for _ in range(30):
        twins.step([WISHES[i] for i in random.integers(len(WISHES), size=2)])
        assert_twins(twins, 3)
