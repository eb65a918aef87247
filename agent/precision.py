"""Which arithmetic the layers use."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

PrecisionName = Literal["auto", "fp32", "bf16"]


def resolve_precision(name: PrecisionName, device: torch.device) -> Literal["fp32", "bf16"]:
    """`auto` is bf16 on a CPU that multiplies bf16 in hardware, fp32 everywhere else."""
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
