"""Recorded CUDA graphs: when functions run, and that they compute the same."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from agent import execution
from agent.errors import Unsupported
from agent.execution import WARM_UP, Execution, Recorded, one_by_one, resolve_execution
from agent.learner import Learner
from agent.precision import allow_tf32, resolve_precision
from envs.emulators import Emulators
from harness.run.state import Counters
from replay.ring import Ring
from support.rehearsal import begun
from test_loop import REAL

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("name", "device", "replay", "expected"),
    [
        ("auto", CPU, CPU, Execution("eager", False)),
        ("auto", CUDA, CUDA, Execution("graph", True)),
        ("auto", CUDA, CPU, Execution("eager", False)),
        ("eager", CUDA, CUDA, Execution("eager", False)),
        ("graph", CUDA, CUDA, Execution("graph", True)),
        ("compile", CPU, CPU, Execution("compile", False)),
        ("compile", CUDA, CUDA, Execution("compile", True)),
    ],
)
def test_what_a_choice_comes_to(name: Any, device: Any, replay: Any, expected: Execution) -> None:
    assert resolve_execution(name, device, replay) == expected
    assert expected.launcher is (Recorded if expected.recorded else one_by_one)


@pytest.mark.parametrize(("device", "replay"), [(CPU, CPU), (CUDA, CPU)])
def test_a_graph_that_cannot_be_is_refused(device: Any, replay: Any) -> None:
    with pytest.raises(Unsupported, match="use --execution eager"):
        resolve_execution("graph", device, replay)


def test_tf32_is_for_cuda() -> None:
    assert resolve_precision("tf32", CUDA) == "tf32"
    with pytest.raises(Unsupported, match="use fp32"):
        resolve_precision("tf32", CPU)


@pytest.mark.parametrize("allowed", [True, False])
def test_tf32_is_off_unless_asked_for(allowed: bool) -> None:
    """Torch's own default lets convolutions use it. Its older and its newer settings must agree:
    it raises RuntimeError when one is read that another contradicts."""
    try:
        allow_tf32(allowed)
        backends = torch.backends
        older = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32
        newer = backends.cuda.matmul.fp32_precision, backends.cudnn.conv.fp32_precision
        assert older == (allowed, allowed)
        assert tuple(mode == "tf32" for mode in newer) == (allowed, allowed)
        assert torch.get_float32_matmul_precision() == ("high" if allowed else "highest")
    finally:
        allow_tf32(False)


class FakeStream:
    def __init__(self) -> None:
        self.waited: list[FakeStream] = []

    def wait_stream(self, other: FakeStream) -> None:
        self.waited.append(other)


class FakeCuda:
    """What `Recorded` needs of torch.cuda: a graph keeps the function that ran inside it."""

    def __init__(self) -> None:
        self.recording = False
        self.registered: list[Any] = []
        self.replays = 0
        self.Stream = FakeStream
        self.current = self.Stream()
        self.current_stream = lambda: self.current
        self.CUDAGraph = lambda: SimpleNamespace(
            replay=self._replay, register_generator_state=self.registered.append
        )

    def _replay(self) -> None:
        self.replays += 1

    def set_stream(self, stream: Any) -> None:
        self.current = stream

    @contextmanager
    def stream(self, _: Any) -> Any:
        yield

    @contextmanager
    def graph(self, _graph: Any, stream: Any) -> Any:
        before, self.current, self.recording = self.current, stream, True
        try:
            yield
        except RuntimeError as error:
            # torch.cuda.graph ends the recording whatever happened, and leaves its stream current.
            raise RuntimeError("operation failed due to a previous error") from error
        self.current, self.recording = before, False


def test_every_call_has_its_effect_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real calls first; then one that is only recorded, and a replay for each call."""
    fake, ran = FakeCuda(), []
    monkeypatch.setattr(execution.torch, "cuda", fake)
    recorded = Recorded(lambda: ran.append(fake.recording) or len(ran), "generator")  # type: ignore
    results = [recorded() for _ in range(WARM_UP + 3)]
    assert ran == [False] * WARM_UP + [True]
    assert fake.replays == 3
    assert fake.registered == ["generator"]
    assert results == [1, 2, 3, 4, 4, 4]
    assert fake.current.waited == [recorded._stream] * (WARM_UP + 1)  # the recording's, too


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            RuntimeError("operation not permitted when capturing\nCompile with ..."),
            pytest.raises(Unsupported, match=r"eager \(.* not permitted when capturing\)$"),
        ),
        (torch.OutOfMemoryError("no room"), pytest.raises(torch.OutOfMemoryError, match="no room")),
    ],
)
def test_what_cannot_be_recorded_is_named(
    wrong: RuntimeError, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first thing that went wrong, not that the recording ended badly; what comes after it
    is launched where everything was before."""
    fake = FakeCuda()
    before = fake.current
    monkeypatch.setattr(execution.torch, "cuda", fake)

    def waits() -> None:
        if fake.recording:
            raise wrong

    recorded = Recorded(waits)
    for _ in range(WARM_UP):
        recorded()
    with told:
        recorded()
    assert fake.current is before


def filled(ring: Ring, seed: int) -> None:
    """Random frames, rewards and ends."""
    generator = torch.Generator().manual_seed(seed)
    envs = ring.num_envs

    def images() -> torch.Tensor:
        return torch.randint(256, (envs, 84, 84), generator=generator, dtype=torch.uint8)

    ring.start(images())
    for _ in range(ring.rows + 5):
        ended = torch.rand(envs, generator=generator) < 0.1
        ring.add(
            torch.randint(6, (envs,), generator=generator),
            torch.randint(-1, 2, (envs,), generator=generator),
            terminal=ended,
            void=torch.rand(envs, generator=generator) < 0.1,
            frames=images(),
            first=ended,
        )


@pytest.mark.gpu
@pytest.mark.parametrize("precision_name", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_recorded_updates_equal_eager_ones(
    precision_name: Any, optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same batches and, within 1e-5 of weights that moved by 1e-3, the same weights after 12
    calls of four updates, nine of them replayed.

    That asks for the same kernels in a recording as outside: on a CPU, two runs whose weights were
    moved by 1e-7 of themselves after three calls are 3e-4 (fp32) to 3e-3 (bf16) apart at the end.
    """
    config = REAL.learner.__class__(
        precision=precision_name,
        optimizer=optimizer,
        learning_rate=1e-3,
        optimizer_epsilon=1e-3,
        max_grad_norm=10.0,
    )
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    weights, drawn = [], []
    for launcher in (one_by_one, Recorded):
        torch.manual_seed(0)
        learner, ring = Learner(config, 6, CUDA), Ring(50, 4, CUDA)
        filled(ring, 0)
        start = [p.detach().clone() for p in learner.online.parameters()]
        generator = torch.Generator("cuda").manual_seed(1)

        def update(learner: Learner, ring: Ring, generator: torch.Generator) -> torch.Tensor:
            batch = ring.sample(4 * 32, 1, generator)
            learner.update(batch, 4)
            return batch.actions

        call = launcher(partial(update, learner, ring, generator), generator)
        drawn.append([call().clone() for _ in range(12)])
        weights.append([p.detach().clone() for p in learner.online.parameters()])
        assert learner.metrics()["loss"] > 0
    assert all(torch.equal(first, second) for first, second in zip(*drawn, strict=True))
    moved = max((a - b).abs().max().item() for a, b in zip(start, weights[0], strict=True))
    apart = max((a - b).abs().max().item() for a, b in zip(*weights, strict=True))
    assert moved > 1e-3
    assert apart < 1e-5


@pytest.mark.gpu
def test_a_recorded_run_counts_and_learns() -> None:
    """The real loop on real games, replayed graphs and all."""
    torch.manual_seed(0)
    emulators = Emulators(REAL.emulators)
    learner = Learner(REAL.learner, emulators.num_actions, CUDA)
    ring, counters = Ring(REAL.replay_rows, 3, CUDA), Counters(learn_from=REAL.warmup)
    before = [p.detach().clone() for p in learner.online.parameters()]
    for _ in islice(begun(REAL, emulators, ring, learner, counters, Recorded), 60):
        assert counters.updates == max(counters.steps - REAL.warmup, 0) // 4
    after = list(learner.online.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(bool(p.isfinite().all()) for p in after)
