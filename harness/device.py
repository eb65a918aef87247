"""Where the networks run."""

from __future__ import annotations

import os
from typing import Literal, cast

import torch

from harness.cores import prepare_process
from harness.errors import UserError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def be_deterministic() -> None:
    """Make a CUDA device give the same numbers every time; before it is first used."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def pick_device(name: DeviceName) -> torch.device:
    """The torch device for --device; prepares the process (harness/cores.py) on the way.

    Raises UserError when this machine has no device of that name.
    """
    prepare_process()
    usable = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(cast(DeviceName, device) for device, there in usable.items() if there)
    if not usable[name]:
        raise UserError(f"--device {name}: torch finds no such device here; use --device cpu")
    return torch.device(name)
