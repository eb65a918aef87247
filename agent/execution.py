"""How a sequence of operations is launched: one by one, or as one recorded CUDA graph.

An update of this network is some 40 operations, most of them one kernel of a few microseconds:
less than it takes to launch it from Python.
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
"""Calls that are launched one by one before a sequence is recorded: libraries choose their
kernels and optimizers make their state in them."""


class Launcher(Protocol):
    """Makes a function without arguments ready to be called many times.

    Random numbers that it draws on the device must come from `generators`. What it returns may
    be overwritten by its next call.
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

    It must not wait for the device, nor depend on anything but tensors that keep their address;
    the call that records raises Unsupported when it waits.
    """

    def __init__(self, function: Callable[[], Result], *generators: torch.Generator) -> None:
        self._function, self._generators = function, generators
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    def __call__(self) -> Result:
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._aside()
        if self._graph is None:
            self._graph = self._record()
        self._graph.replay()
        return self._result

    def _aside(self) -> Result:
        """Launch one by one, on another stream as recording demands."""
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
            # The end of a recording that went wrong is an error of its own.
            first = error.__context__ or error
            if isinstance(first, torch.OutOfMemoryError):
                raise first from None
            cause = str(first).partition("\n")[0]
            raise Unsupported(
                f"this network cannot be recorded as a CUDA graph: use --execution eager ({cause})"
            ) from None
        finally:
            torch.cuda.set_stream(current)  # a recording that went wrong leaves its own
        # Its beginning writes the generators' offsets on its stream (torch before 2.13).
        current.wait_stream(self._stream)
        return graph


@contextmanager
def compiling() -> Iterator[None]:
    """Raise Unsupported where torch.compile fails, as it does without a C++ compiler."""
    try:
        yield
    except Exception as error:
        inside = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
        if not any(name.startswith(("torch._dynamo", "torch._inductor")) for name in inside):
            raise
        cause = " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__
        raise Unsupported(
            f"torch.compile does not work here: use --execution eager ({cause})"
        ) from None


class Execution(NamedTuple):
    """What --execution came to."""

    name: Literal["eager", "graph", "compile"]
    recorded: bool
    """Whether acting and updates are recorded CUDA graphs."""

    @property
    def launcher(self) -> Launcher:
        return Recorded if self.recorded else one_by_one


def resolve_execution(
    name: ExecutionName, device: torch.device, replay_device: torch.device
) -> Execution:
    """`auto` is graph where networks and replay memory are on one CUDA device, else eager;
    compile is torch.compile, recorded where graph could be.

    Raises Unsupported for graph anywhere else.
    """
    possible = device.type == "cuda" and replay_device.type == "cuda"
    if name == "graph" and not possible:
        raise Unsupported(
            "execution graph needs networks and replay memory on a CUDA device, and they are on "
            f"{device.type} and {replay_device.type}: use --execution eager"
        )
    if name == "auto":
        name = "graph" if possible else "eager"
    return Execution(name, possible and name != "eager")
