"""A ring of single frames, [time, env, 84, 84], from which states and n-step windows are gathered.

Row t of one environment holds the frame the agent saw, its action, and the outcome:

    row        t-1      t        t+1      t+2 (final)  t+3 (reset)  t+4
    frame      o7       o8       o9       o10          o0'          o1'
    action     a7       a8       a9       ignored      a0'          not yet
    reward     r7       r8       r9       0            r0'          not yet
    first      .        .        .        .            x            .
    terminal   .        .        x        .            .            .
    void       .        .        .        x            .            .

- The state of row t is its last four frames; frames from before `first` are zero. Acting and
  sampling use the same function for it.
- `void` rows are not transitions: the final frame's ignored action, and a step cut off by the
  frame cap (its next frame is stale, so nothing may be bootstrapped from it).
- A window of n steps from row t stops after a `terminal` row (no bootstrapping) or before a
  `void` one (bootstrapping from the state of that row, which is real).
- The newest row has no action yet, so the newest n rows start no window. Once the ring has
  wrapped, the oldest three rows have lost frames of their states and start none either.
"""

from __future__ import annotations

import torch
from torch import Tensor

from replay.batch import Batch

STACK_SIZE = 4
FRAME_SHAPE = (84, 84)
FIRST, TERMINAL, VOID = 1, 2, 4
SLOT_BYTES = FRAME_SHAPE[0] * FRAME_SHAPE[1] + 1 + 4 + 1
"""Frame, action, reward and flags of one transition (bytes)."""


class Upload:
    """Copies emulators' answers to a CUDA device through pinned memory, without waiting for the
    device."""

    def __init__(self, num_envs: int, device: torch.device) -> None:
        def pinned(*shape: int, dtype: torch.dtype = torch.uint8) -> Tensor:
            return torch.empty(shape, dtype=dtype, pin_memory=True)

        rewards = pinned(num_envs, dtype=torch.float32)
        self._pinned = (rewards, pinned(2, num_envs), pinned(num_envs, *FRAME_SHAPE))
        self._device = device
        self._read = torch.cuda.Event()  # type: ignore[no-untyped-call]

    def __call__(self, *tensors: Tensor) -> list[Tensor]:
        """Rewards [E], flags [2, E] and frames [E, 84, 84] on the device. The caller may overwrite
        the originals at once."""
        self._read.synchronize()
        for pinned, tensor in zip(self._pinned, tensors, strict=True):
            pinned.copy_(tensor)
        on_device = [pinned.to(self._device, non_blocking=True) for pinned in self._pinned]
        self._read.record()
        return on_device


class Ring:
    """Replay memory of `rows` x `num_envs` slots on one device.

    Memory is `rows * num_envs * SLOT_BYTES`: 7.06 GB for a million transitions.
    """

    def __init__(self, rows: int, num_envs: int, device: torch.device | str = "cpu") -> None:
        if rows < STACK_SIZE + 1:
            raise ValueError(f"a ring needs at least {STACK_SIZE + 1} rows, not {rows}")
        self.rows, self.num_envs, self.device = rows, num_envs, torch.device(device)
        slots = (rows, num_envs)
        # One slot more than transitions: a blank frame, for those before an episode's first.
        self._blank_slot = rows * num_envs
        self._slots = torch.zeros(
            (self._blank_slot + 1, *FRAME_SHAPE), dtype=torch.uint8, device=device
        )
        self._frames = self._slots[: self._blank_slot].view(*slots, *FRAME_SHAPE)
        self._actions = torch.zeros(slots, dtype=torch.uint8, device=device)
        self._rewards = torch.zeros(slots, dtype=torch.float32, device=device)
        self._flags = torch.zeros(slots, dtype=torch.uint8, device=device)
        self._envs = torch.arange(num_envs, device=device)
        self._frame_offsets = torch.arange(STACK_SIZE - 1, -1, -1, device=device)
        self._newest = -1  # row of the latest frame
        self._filled = 0  # rows that hold a frame
        # Both numbers on the device, where a recorded CUDA graph reads them.
        self._newest_on_device = torch.zeros((), dtype=torch.int64, device=device)
        self._filled_on_device = torch.zeros((), dtype=torch.int64, device=device)
        self._upload = Upload(num_envs, self.device) if self.device.type == "cuda" else None

    def __len__(self) -> int:
        """Slots that hold a frame."""
        return self._filled * self.num_envs

    def start(self, frames: Tensor) -> None:
        """Empty the ring and begin with the first frames [E, 84, 84] of new episodes."""
        self._newest, self._filled = -1, 0
        first = torch.full((self.num_envs,), FIRST, dtype=torch.uint8, device=self.device)
        self._push(frames, first)

    def add(
        self,
        actions: Tensor,
        rewards: Tensor,
        *,
        terminal: Tensor,
        void: Tensor,
        frames: Tensor,
        first: Tensor,
    ) -> None:
        """Complete the newest row with `actions`, raw `rewards`, `terminal` and `void` (each
        [E]), then append a row with the `frames` [E, 84, 84] that followed and `first` [E].
        `actions` may be on any device, the rest must be on the CPU.
        """
        flags = torch.stack((terminal * TERMINAL + void * VOID, first * FIRST)).to(torch.uint8)
        if self._upload:
            rewards, flags, frames = self._upload(rewards, flags, frames)
        self._actions[self._newest] = actions
        self._rewards[self._newest] = rewards
        self._flags[self._newest] += flags[0]
        self._push(frames, flags[1])

    def _push(self, frames: Tensor, flags: Tensor) -> None:
        self._newest = (self._newest + 1) % self.rows
        self._filled = min(self._filled + 1, self.rows)
        self._newest_on_device.fill_(self._newest)
        self._filled_on_device.fill_(self._filled)
        self._frames[self._newest] = frames
        self._flags[self._newest] = flags

    def latest(self) -> Tensor:
        """uint8 [E, 4, 84, 84]: the current state of each environment."""
        return self.stack(self._newest_on_device.expand(self.num_envs), self._envs)

    def stack(self, rows: Tensor, envs: Tensor) -> Tensor:
        """uint8 [B, 4, 84, 84]: the states of rows [B] of environments [B], oldest frame first.

        Frames from before the episode's first one are zero.
        """
        window = (rows[:, None] - self._frame_offsets) % self.rows
        first = (self._flags[window, envs[:, None]] & FIRST).bool()
        # A frame belongs to the state's episode unless a later frame of the state is a first one.
        later = first.flip(1).cumsum(1).flip(1) - first.int()
        slots = torch.where(later > 0, self._blank_slot, window * self.num_envs + envs[:, None])
        # index_select copies whole frames; plain indexing copies byte by byte on the CPU.
        return self._slots.index_select(0, slots.flatten()).view(*slots.shape, *FRAME_SHAPE)

    def sampleable_rows(self, n_step: int) -> range:
        """Rows that may start a window of n_step rows, counted from the oldest row held."""
        oldest = STACK_SIZE - 1 if self._filled == self.rows else 0
        return range(oldest, self._filled - n_step)

    def sample(self, batch_size: int, n_step: int, generator: torch.Generator) -> Batch:
        """Draw `batch_size` valid transitions uniformly, with replacement. Raises ValueError when
        too few rows are filled for a window."""
        rows, envs = self._sample_rows(batch_size, n_step, generator)
        return self.gather(rows, envs, n_step)

    def _sample_rows(
        self, batch_size: int, n_step: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Rows [B] and environments [B] of valid transitions: the first B valid ones of more than
        8 B draws. Nothing here waits for the device.

        If fewer than B are valid, they are repeated in turn; this takes a memory that holds little
        but ends of episodes. Raises IndexError (on the CPU) if none is valid.
        """
        if not self.sampleable_rows(n_step):
            raise ValueError(f"{self._filled} rows hold no transition of {n_step} steps yet")
        oldest = torch.where(self._filled_on_device == self.rows, STACK_SIZE - 1, 0)
        slots = (self._filled_on_device - n_step - oldest) * self.num_envs
        # float32 has too few values to tell a million slots apart evenly.
        uniform = torch.rand(
            8 * batch_size + 64, generator=generator, device=self.device, dtype=torch.float64
        )
        slot = torch.minimum((uniform * slots).long(), slots - 1)
        age, envs = slot // self.num_envs + oldest, slot % self.num_envs
        rows = (age + self._newest_on_device + 1 - self._filled_on_device) % self.rows
        valid = ((self._flags[rows, envs] & VOID) == 0).cumsum(0)
        ranks = torch.arange(batch_size, device=self.device) % valid[-1].clamp(min=1)
        chosen = torch.searchsorted(valid, ranks + 1)
        return rows[chosen], envs[chosen]

    def gather(self, rows: Tensor, envs: Tensor, n_step: int) -> Batch:
        """The transitions that start at rows [B] of environments [B]."""
        window = (rows[:, None] + torch.arange(n_step, device=self.device)) % self.rows
        flags = self._flags[window, envs[:, None]]
        void, terminal = (flags & VOID).bool(), (flags & TERMINAL).bool()
        # Step k counts if no row up to k is void and no row before k is terminal.
        ended_before = terminal.cumsum(1) - terminal.int()
        inside = (void.cumsum(1) + ended_before) == 0
        lengths = inside.sum(1)
        return Batch(
            states=self.stack(rows, envs),
            actions=self._actions[rows, envs].long(),
            rewards=self._rewards[window, envs[:, None]] * inside,
            lengths=lengths,
            terminal=(terminal & inside).any(1),
            next_states=self.stack((rows + lengths) % self.rows, envs),
        )
