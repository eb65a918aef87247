"""Which arithmetic the layers use."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from agent.core_pool import CorePool
from agent.errors import Unsupported
from agent.networks import QNetwork
from agent.splitting import split

PrecisionName = Literal["auto", "fp32", "tf32", "bf16"]
Precision = Literal["fp32", "tf32", "bf16"]


def resolve_precision(name: PrecisionName, device: torch.device) -> Precision:
    """`auto` is bf16 on a CPU that multiplies bf16 in hardware, fp32 everywhere else.

    Raises Unsupported for tf32 without a CUDA device.
    """
    if name == "tf32" and device.type != "cuda":
        raise Unsupported(f"precision tf32 needs a CUDA device, not {device.type}: use fp32")
    if name != "auto":
        return name
    return "bf16" if device.type == "cpu" and _cpu_flags() & {"avx512_bf16", "amx_bf16"} else "fp32"


def _cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Instruction sets the processor names; none where the file does not exist."""
    try:
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("flags"):
                return set(line.partition(":")[2].split())
    except OSError:
        pass
    return set()


def allow_tf32(allowed: bool) -> None:
    """Whether products of fp32 matrices may round their inputs to tf32 on a CUDA device. Torch
    allows it in convolutions unless told otherwise."""
    # The newer `fp32_precision` would leave these behind, and torch raises where it reads both:
    # torch.compile does up to 2.10 (pytorch 166387).
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


class ComputeNetwork:
    """A network as it computes: in fp32 itself, in bf16 a copy with rounded layers.

    Autocast alone would round every weight again in every forward pass; this rounds them once
    after each change. Only convolutions and fully connected layers are rounded; whatever else a
    network holds is shared with the original.
    """

    def __init__(
        self,
        original: nn.Module,
        precision: Precision,
        shards: CorePool | None = None,
        compiled: bool = False,
    ) -> None:
        bf16 = precision == "bf16"
        self.network = _rounded(original) if bf16 else original
        # Autocast rounds what a network of somebody's own makes in fp32 between the layers.
        self._autocast = bf16 and type(original) is not QNetwork
        self._compute = split(self.network, shards or CorePool(1))
        if compiled:
            self._compute = torch.compile(self._compute)
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        """Those that gradients are taken of, in the order of the original's."""
        pairs = zip(original.parameters(), self.network.parameters(), strict=True)
        self._pairs = [(master, rounded) for master, rounded in pairs if master is not rounded]

    def refresh(self) -> None:
        """Round the original's weights again: they changed."""
        with torch.no_grad():
            for master, rounded in self._pairs:
                rounded.copy_(master)

    def __call__(self, states: Tensor) -> Tensor:
        """float32 [B, A]: Q-values of states uint8 [B, 4, 84, 84]."""
        if not self._autocast:
            return self._compute(states).float()
        with torch.autocast(states.device.type, torch.bfloat16, cache_enabled=False):
            return self._compute(states).float()


def _rounded(original: nn.Module) -> nn.Module:
    layers = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    own = {id(p) for m in original.modules() if isinstance(m, layers) for p in m.parameters(False)}
    tensors = [*original.parameters(), *original.buffers()]
    working = copy.deepcopy(original, {id(t): t for t in tensors if id(t) not in own})
    for module in working.modules():
        if isinstance(module, layers):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.bfloat16()
    for parameter, copied in zip(original.parameters(), working.parameters(), strict=True):
        copied._backward_hooks = parameter._backward_hooks  # a deep copy leaves them out
    return working
