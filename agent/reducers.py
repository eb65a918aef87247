"""What follows a convolution: local reducers of dense maps on one sampling grid.

A strided convolution is a dense one (stride 1) of which every s-th value is kept. All reducers
use that grid of points and differ in how they combine the values around each point:

    y[i] = R(u[s*i - p], ..., u[s*i + p]),   window k = 2p + 1 = s + 1 for even s

`sub` keeps the middle value, so it is striding itself. `stagger` keeps one value, too, but at a
different place of the window in each map. At the border only values inside the map count.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subsample(nn.Module):
    """Keep every s-th value, as a strided convolution does."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]."""
        return maps[..., :: self.stride, :: self.stride]


class Staggered(nn.Module):
    """Keep one value of the window, as striding does, but at a different place in each map.
    Together the maps see the whole window, each alone as little as with striding. This isolates
    the effect of a wider view."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride, self.kernel_size = stride, stride + 1

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> [B, C, ceil(H / s), ceil(W / s)]. Maps are assigned to places row
        by row, as evenly as C allows. Beyond the border the nearest value inside counts."""
        size, margin, count = self.kernel_size, self.stride // 2, maps.shape[1]
        places = torch.arange(size**2, device=maps.device)
        place_of_map = torch.arange(count, device=maps.device) * size**2 // count
        kernels = (places == place_of_map[:, None]).to(maps.dtype).view(count, 1, size, size)
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
    """A weighted mean of the window's values. At the border the weights inside are rescaled to
    sum to 1."""

    def __init__(self, stride: int, weights: Tensor) -> None:
        """`weights` [k] along one axis of the window; a place has the product of its two."""
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
        """(weight, values [B, C, H', W'] at that place of every window) for each place of the
        window. Values beyond the border are `outside`."""
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
    """A family from striding to averaging to maximum, with two numbers and nothing to learn:

        y = sum_j w_j u_j / sum_j w_j,   w_j = exp(-d_j^2 / (2 (sigma s)^2)) exp(beta u_j)

    for values u_j at a distance of d_j from the middle of a window of stride s. sigma 0 is `sub`
    for every beta. sigma inf is `avg` with beta 0 and `max` with beta inf.
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
    """One value per map, repeated everywhere: all information on location is lost."""

    def __init__(self, kind: str) -> None:
        """`avg` or `max` over the whole map."""
        super().__init__()
        self.kind = kind

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> the same shape."""
        reduce = torch.mean if self.kind == "avg" else torch.amax
        return reduce(maps, dim=(-2, -1), keepdim=True).expand_as(maps)


class Sorted(nn.Module):
    """The values of each map in descending order, row by row. The values themselves stay, but
    where they were is lost, and so is which features occurred at the same place."""

    def forward(self, maps: Tensor) -> Tensor:
        """float [B, C, H, W] -> the same shape."""
        values: Tensor = maps.flatten(2).sort(-1, descending=True).values
        return values.view(maps.shape)
