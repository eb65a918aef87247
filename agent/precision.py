"""The arithmetic of the layers: fp32, tf32 or bf16."""

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
    """Instruction sets of the processor; empty where the file cannot be read."""
    try:
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("flags"):
                return set(line.partition(":")[2].split())
    except OSError:
        pass
    return set()


def allow_tf32(allowed: bool) -> None:
    """Allow or forbid that a CUDA device rounds the inputs of fp32 products to tf32. By default
    torch allows it in convolutions."""
    # Not by the newer `fp32_precision`: torch raises where it reads both settings, and
    # torch.compile reads these up to 2.10 (pytorch 166387).
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


class ComputeNetwork:
    """The network that computes: in fp32 the original, in bf16 a copy with rounded layers.

    Autocast alone would round every weight in every forward pass. This rounds them once after
    each change. Only convolutions and fully connected layers are rounded; the copy shares all
    other parameters and buffers with the original.
    """

    def __init__(
        self,
        original: nn.Module,
        precision: Precision,
        pool: CorePool | None = None,
        compiled: bool = False,
    ) -> None:
        bf16 = precision == "bf16"
        self.network = _rounded(original) if bf16 else original
        # A user's network may compute in fp32 between its layers: autocast rounds that.
        self._autocast = bf16 and type(original) is not QNetwork
        self._compute = split(self.network, pool or CorePool(1))
        if compiled:
            self._compute = torch.compile(self._compute)
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        """The parameters to differentiate, in the order of the original's."""
        pairs = zip(original.parameters(), self.network.parameters(), strict=True)
        self._pairs = [(master, rounded) for master, rounded in pairs if master is not rounded]

    def refresh(self) -> None:
        """Round the original's weights again, after they changed."""
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
    shared = [t for t in (*original.parameters(), *original.buffers()) if id(t) not in own]
    network = copy.deepcopy(original, {id(tensor): tensor for tensor in shared})
    for module in network.modules():
        if isinstance(module, layers):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.bfloat16()
    for parameter, copied in zip(original.parameters(), network.parameters(), strict=True):
        copied._backward_hooks = parameter._backward_hooks  # deepcopy drops them
    return network
