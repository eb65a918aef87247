"""A ring and its brute-force twin, told the same story."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import torch

from replay.batch import Batch
from replay.ring import Ring
from support.reference_replay import Event, Frame, ReferenceReplay, Transition, frame, number_of

WISHES = (
    *(Event.GOES_ON,) * 6,
    Event.LIFE_LOST,
    Event.GAME_OVER,
    Event.CUT_OFF,
    Event.CUT_OFF_WITH_LIFE,
)


class Twins:
    """A ring and the reference, told the same story. Frames are numbered as they come."""

    def __init__(self, rows: int, num_envs: int, device: str = "cpu") -> None:
        self.ring = Ring(rows, num_envs, device)
        self.reference = ReferenceReplay(rows, num_envs)
        self.num_envs = num_envs
        self.stale: set[int] = set()
        self._numbers = iter(range(2**32))
        self.start()

    def start(self) -> None:
        frames = self._frames()
        self._over = [False] * self.num_envs
        self.ring.start(torch.from_numpy(frames))
        self.reference.start(list(frames))
        self.seen_when_newest = [self.ring.latest().cpu()]

    def step(self, wishes: Sequence[Event]) -> None:
        """One step of each emulator; where the episode is over it is a reset, whatever the wish.

        A reset comes with a reward, which no emulator gives, so that a leak shows.
        """
        pairs = zip(wishes, self._over, strict=True)
        events = [Event.RESET if over else wish for wish, over in pairs]
        self._over = [event.episode_over for event in events]
        frames = self._frames()
        code = [number_of(torch.from_numpy(image)) or 0 for image in frames]
        self.stale |= {c for c, event in zip(code, events, strict=True) if event.cut_off}
        actions, rewards = [c % 18 for c in code], [c * 10 + 1 for c in code]
        self.reference.add(actions, [float(r) for r in rewards], events, list(frames))
        reset = [event is Event.RESET for event in events]
        cut_off = [event.cut_off for event in events]
        self.ring.add(
            torch.tensor(actions),
            torch.tensor(rewards, dtype=torch.int32),
            terminal=torch.tensor([event.terminal for event in events]),
            void=torch.tensor(reset) | torch.tensor(cut_off),
            frames=torch.from_numpy(frames),
            first=torch.tensor(reset),
        )
        self.seen_when_newest.append(self.ring.latest().cpu())

    def _frames(self) -> Frame:
        return np.stack([frame(next(self._numbers)) for _ in range(self.num_envs)])

    def row(self, time: int) -> int:
        return time % self.ring.rows

    def gather(self, places: Sequence[tuple[int, int]], n: int) -> Batch:
        """What the ring holds at (time, env)."""
        rows = torch.tensor([self.row(time) for time, _ in places], device=self.ring.device)
        envs = torch.tensor([env for _, env in places], device=self.ring.device)
        return self.ring.gather(rows, envs, n).to(torch.device("cpu"))


def drawn(ring: Ring, count: int, n: int, seed: int = 0) -> list[tuple[int, int]]:
    """(row, env) of `count` transitions that `sample` chose, without cutting them out."""
    generator = torch.Generator(ring.device).manual_seed(seed)
    with patch.object(ring, "gather", lambda rows, envs, _: (rows, envs)):
        rows, envs = ring.sample(count, n, generator)
    return list(zip(rows.tolist(), envs.tolist(), strict=True))


def assert_equal(batch: Batch, expected: list[Transition]) -> None:
    assert np.array_equal(batch.states.numpy(), np.stack([t.state for t in expected]))
    assert batch.actions.tolist() == [t.action for t in expected]
    assert batch.rewards.tolist() == [list(t.rewards) for t in expected]
    assert batch.lengths.tolist() == [t.length for t in expected]
    assert batch.terminal.tolist() == [t.terminal for t in expected]
    assert np.array_equal(batch.next_states.numpy(), np.stack([t.next_state for t in expected]))


def assert_twins(twins: Twins, n: int) -> None:
    """The ring can draw exactly the reference's transitions, and they are equal."""
    ring, expected = twins.ring, twins.reference.sampleable(n)
    if not expected:
        return
    # A slot is missed with probability (1 - 1/slots)^(50 slots), below 1e-21.
    places = set(drawn(ring, 50 * ring.rows * ring.num_envs, n))
    assert places == {(twins.row(time), env) for time, env in expected}
    batch = twins.gather(list(expected), n)
    assert_equal(batch, list(expected.values()))
    seen = [twins.seen_when_newest[time][env] for time, env in expected]
    assert torch.equal(batch.states, torch.stack(seen)), "acting and sampling saw other states"
    images = torch.cat((batch.states, batch.next_states)).flatten(0, 1)
    assert not {number_of(image) for image in images} & twins.stale
