"""What follows a convolution: local reducers of dense maps on one sampling grid.

A strided convolution is a dense one (stride 1) of which every s-th value is kept. All reducers
keep that grid and differ in what they make of the values around each point:

    y[i] = R(u[s*i - p], ..., u[s*i + p]),   window k = 2p + 1 = s + 1 for even s

`sub` keeps the middle value, so it is striding itself; `stagger` keeps one value, too, in each map
that of another place. Windows that reach over the border use the values inside only.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subsample(nn.Module):
    """Every s-th value: what a strided convolution does."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]."""
        return maps[..., :: self.stride, :: self.stride]


class Staggered(nn.Module):
    """One value of the window, as striding, but every map keeps that of another place: together
    they look everywhere, each by itself no further than striding. Beside the other reducers it
    tells what the wider view alone is worth."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride, self.kernel_size = stride, stride + 1

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]. Places are dealt out row by row
        as evenly as C allows; beyond the border the nearest value inside stands in."""
        size, margin, count = self.kernel_size, self.stride // 2, maps.shape[1]
        places = torch.arange(size**2, device=maps.device)
        own = torch.arange(count, device=maps.device) * size**2 // count
        kernels = (places == own[:, None]).to(maps.dtype).view(count, 1, size, size)
        padded = F.pad(maps, (margin,) * 4, mode="replicate")
        return F.conv2d(padded, kernels, stride=self.stride, groups=count)


class Average(nn.AvgPool2d):
    """The mean of the window's values inside the map."""

    def __init__(self, stride: int) -> None:
        super().__init__(stride + 1, stride, stride // 2, count_include_pad=False)


class Maximum(nn.MaxPool2d):
    """The largest of the window's values."""

    def __init__(self, stride: int) -> None:
        super().__init__(stride + 1, stride, stride // 2)


class Weighted(nn.Module):
    """A mean of the window's values with weights of their places, renormalised at the border."""

    def __init__(self, stride: int, weights: Tensor) -> None:
        """`weights` [k] of a row of the window; those of a place are products."""
        super().__init__()
        self.stride, self.margin = stride, len(weights) // 2
        self.places = [
            (row, column, float(weights[row] * weights[column]))
            for row in range(len(weights))
            for column in range(len(weights))
            if weights[row] * weights[column] > 0
        ]

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]."""
        total = sum(weight * part for weight, part in self._parts(maps))
        inside = torch.ones_like(maps[:1, :1])
        return total / sum(weight * part for weight, part in self._parts(inside))  # type: ignore[return-value]

    def _parts(self, maps: Tensor, outside: float = 0.0) -> list[tuple[float, Tensor]]:
        """(weight, the values at that place of every window), `outside` beyond the border."""
        m, s = self.margin, self.stride
        height, width = (-(-size // s) for size in maps.shape[-2:])
        padded = F.pad(maps, (m, m, m, m), value=outside)
        return [
            (weight, padded[..., row : row + s * height : s, column : column + s * width : s])
            for row, column, weight in self.places
        ]


def blur(stride: int) -> Weighted:
    """Binomial weights: [1 4 6 4 1] for stride 4, [1 2 1] for stride 2 (Zhang 2019)."""
    return Weighted(stride, torch.tensor([float(math.comb(stride, i)) for i in range(stride + 1)]))


class Dial(Weighted):
    """Between striding, averaging and maximum, by two numbers and without parameters:

        y = sum_j w_j u_j / sum_j w_j,   w_j = exp(-d_j^2 / (2 (sigma s)^2)) exp(beta u_j)

    for values u_j at a distance of d_j from the middle of a window of stride s. sigma 0 is `sub`
    whatever beta; sigma inf is `avg` with beta 0 and `max` with beta inf.
    """

    def __init__(self, stride: int, sigma: float, beta: float) -> None:
        distances = torch.arange(stride + 1) - stride // 2
        if sigma == 0:
            weights = (distances == 0).float()
        else:
            weights = torch.exp(-(distances.float() ** 2) / (2 * (sigma * stride) ** 2))
        super().__init__(stride, weights)
        self.beta = beta

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]."""
        if self.beta == 0:
            return super().forward(maps)
        parts = self._parts(maps, outside=-math.inf)
        largest = torch.stack([part for _, part in parts]).amax(0)
        if self.beta == math.inf:
            return largest
        total, norm = torch.zeros_like(largest), torch.zeros_like(largest)
        for weight, part in parts:
            share = weight * torch.exp(self.beta * (part - largest))
            total = total + share * part.clamp(min=0)  # beyond the border share is 0
            norm = norm + share
        return total / norm


class Broadcast(nn.Module):
    """One value a map, everywhere: what is left when the location is thrown away."""

    def __init__(self, kind: str) -> None:
        """`avg` or `max` over the whole map."""
        super().__init__()
        self.kind = kind

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> the same shape."""
        reduce = torch.mean if self.kind == "avg" else torch.amax
        return reduce(maps, dim=(-2, -1), keepdim=True).expand_as(maps)


class Sorted(nn.Module):
    """The values of each map in falling order, row by row: where they stood is forgotten, and with
    it which features were met at one place. What each feature's answers were is still there."""

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> the same shape."""
        values: Tensor = maps.flatten(2).sort(-1, descending=True).values
        return values.view(maps.shape)
