"""The networks of the table written out, window by window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def states(batch: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (batch, 4, 84, 84), generator=generator, dtype=torch.uint8)


def windows(maps: Tensor, stride: int) -> Tensor:
    """[B, C, H', W', k * k]: the values around every stride-th point, nan beyond the border."""
    margin = stride // 2
    padded = F.pad(maps, (margin,) * 4, value=float("nan"))
    size = stride + 1
    return padded.unfold(2, size, stride).unfold(3, size, stride).flatten(-2)


def reduced(kind: str, maps: Tensor, stride: int) -> Tensor:
    """A reducer, written out window by window."""
    if kind == "stagger":
        return staggered(maps, stride)
    around = windows(maps, stride)
    if kind == "sub":
        return around[..., around.shape[-1] // 2]
    if kind == "max":
        return around.nan_to_num(-1).amax(-1)
    row = {2: [1.0, 2, 1], 4: [1.0, 4, 6, 4, 1]}[stride] if kind == "blur" else [1.0] * (stride + 1)
    weights = torch.outer(torch.tensor(row), torch.tensor(row)).flatten()
    inside = ~around.isnan()
    return (around.nan_to_num(0) * weights).sum(-1) / (inside * weights).sum(-1)


def staggered(maps: Tensor, stride: int) -> Tensor:
    """The value of each map at its own place of the window, element by element."""
    _, channels, height, width = maps.shape
    size, found = stride + 1, []
    for channel in range(channels):
        place = channel * size**2 // channels
        down, right = place // size - stride // 2, place % size - stride // 2
        rows = [min(max(row + down, 0), height - 1) for row in range(0, height, stride)]
        columns = [min(max(at + right, 0), width - 1) for at in range(0, width, stride)]
        found.append(torch.stack([maps[:, channel, row, columns] for row in rows], 1))
    return torch.stack(found, 1)


def narrow(kind: str, maps: Tensor, size: int) -> Tensor:
    """[B, C, H / size, W / size]: windows side by side, written out."""
    around = maps.unfold(2, size, size).unfold(3, size, size)
    return {"sub": around[..., 0, 0], "max": around.amax((-1, -2))}.get(kind, around.mean((-1, -2)))


def by_hand(name: str, weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """The network written out, in plain layouts."""
    x = images.float() / 255
    family, _, kind = name.partition("_")
    strides = {"dense": (1, 1, 1), "half": (2, 1, 1), "narrow": (1, 1, 1)}.get(family, (4, 2, 1))
    reduce = {"dense": (4, 2, 1), "half": (2, 2, 1), "narrow": (4, 2, 1)}.get(family, (1, 1, 1))
    padding = (2, 1, 1) if name == "imagenet" else (0, 0, 0)
    for i in range(3):
        layer = f"conv{i + 1}"
        weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        x = F.conv2d(x, weight, bias, strides[i], padding[i])
        if kind == "lowpass":
            x = narrow(kind, x, reduce[i])
        x = F.relu(x)
        if family == "narrow" and kind != "lowpass":
            x = narrow(kind, x, reduce[i])
        elif family in ("dense", "half") and reduce[i] > 1:
            x = reduced(kind, x, reduce[i])
        if name == "imagenet":
            x = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2).amax(-1)
    if name == "stride_gap":
        x = x.flatten(2).mean(2)[..., None].expand(-1, -1, 49)
    if name == "stride_gap64":
        x = x.flatten(2).mean(2)
    if name == "stride_gmp":
        x = x.flatten(2).amax(2)[..., None].expand(-1, -1, 49)
    if name == "stride_sort":
        x = torch.tensor([[sorted(m, reverse=True) for m in s] for s in x.flatten(2).tolist()])
    x = F.relu(F.linear(x.flatten(1), weights["fc1.weight"], weights["fc1.bias"]))
    return F.linear(x, weights["fc2.weight"], weights["fc2.bias"])
