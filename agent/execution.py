"""How a sequence of operations is launched: one by one, or as one recorded CUDA graph.

An update of this network is some 40 operations. Most are one kernel of a few microseconds, which
is less time than Python takes to launch it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

import torch

from agent.errors import Unsupported

Result = TypeVar("Result")
ExecutionName = Literal["auto", "eager", "graph", "compile"]
WARM_UP = 3
"""Calls that are launched one by one before a sequence is recorded. During these, libraries choose
their kernels and optimizers create their state."""


class Launcher(Protocol):
    """Prepares a function without arguments for many calls.

    The function must draw its random numbers on the device from `generators`. Its next call may
    overwrite what it returned.
    """

    def __call__(
        self, function: Callable[[], Result], *generators: torch.Generator
    ) -> Callable[[], Result]: ...


def one_by_one(
    function: Callable[[], Result], *generators: torch.Generator
) -> Callable[[], Result]:
    """The function itself."""
    return function


class Recorded(Generic[Result]):
    """A function of CUDA tensors that is recorded after WARM_UP calls and replayed from then on.
    Every call has its effect exactly once.

    The function must not wait for the device, and may depend only on tensors that keep their
    address. The call that records raises Unsupported where the function cannot be recorded.
    """

    def __init__(self, function: Callable[[], Result], *generators: torch.Generator) -> None:
        self._function, self._generators = function, generators
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    def __call__(self) -> Result:
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._launch_on_stream()
        if self._graph is None:
            self._graph = self._record()
        self._graph.replay()
        return self._result

    def _launch_on_stream(self) -> Result:
        """Launch one by one, on the stream that recording will use."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._function()
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _record(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        gc.collect()  # memory freed while recording would end up in the graph
        current = torch.cuda.current_stream()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                self._result = self._function()
        except RuntimeError as error:
            # Ending a failed recording raises another error, whose context is the first one.
            original = error.__context__ or error
            if isinstance(original, torch.OutOfMemoryError):
                raise original from None
            cause = str(original).partition("\n")[0]
            raise Unsupported(
                f"this network cannot be recorded as a CUDA graph: use --execution eager ({cause})"
            ) from None
        finally:
            torch.cuda.set_stream(current)  # a failed recording leaves its own stream set
        # Recording begins with writing the generators' offsets on its stream (torch before 2.13).
        current.wait_stream(self._stream)
        return graph


@contextmanager
def compiling() -> Iterator[None]:
    """Raise Unsupported where torch.compile fails, as it does without a C++ compiler."""
    try:
        yield
    except Exception as error:
        modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
        if not any(module.startswith(("torch._dynamo", "torch._inductor")) for module in modules):
            raise
        cause = " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__
        raise Unsupported(
            f"torch.compile does not work here: use --execution eager ({cause})"
        ) from None


class Execution(NamedTuple):
    """The mode that --execution resolved to."""

    name: Literal["eager", "graph", "compile"]
    recorded: bool
    """Whether acting and updates are recorded as CUDA graphs."""

    @property
    def launcher(self) -> Launcher:
        return Recorded if self.recorded else one_by_one


def resolve_execution(
    name: ExecutionName, device: torch.device, replay_device: torch.device
) -> Execution:
    """Resolve `auto`: graph where networks and replay memory are on a CUDA device, else eager.

    On a CUDA device `compile` is recorded, too. Raises Unsupported for graph without CUDA.
    """
    recordable = device.type == "cuda" and replay_device.type == "cuda"
    if name == "graph" and not recordable:
        raise Unsupported(
            "execution graph needs networks and replay memory on a CUDA device, and they are on "
            f"{device.type} and {replay_device.type}: use --execution eager"
        )
    if name == "auto":
        name = "graph" if recordable else "eager"
    return Execution(name, recordable and name != "eager")
