"""Linear readouts of features: ridge regression in closed form.

What can be read from features by a linear map is fitted on training states, its penalty chosen on
validation states, its error told on test states; no state of an episode is in two of them
(`split`). Features are scaled by one number, the root mean square of all: a scale for every column
would blow up those that are nearly always zero.

Written in its dual form, so that the cost grows with states and not with features:

    prediction = k(test, train) (K + penalty I)^-1 (y - mean y),   K = k(train, train) centred

K is taken apart into its eigenvectors once; every target and penalty is cheap then
(Hoerl & Kennard 1970; Saunders, Gammerman & Vovk 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float64]
PENALTIES = tuple(10.0**e for e in range(-6, 6))
"""Tried on validation states; 1 is the mean squared length of the centred features, and the largest
leaves little but the mean."""


class Split(NamedTuple):
    """Which states are for what: indices [n] each, ascending."""

    train: npt.NDArray[np.int64]
    valid: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


def split(episodes: npt.NDArray[np.int64], seed: int = 0) -> Split:
    """5/8, 1/8 and 2/8 of the episodes, whole ones; `episodes` [N] names that of each state."""
    names = np.unique(episodes)
    order = np.random.default_rng(seed).permutation(names)
    first, second = len(names) * 5 // 8, len(names) * 6 // 8
    parts = order[:first], order[first:second], order[second:]
    if not all(len(part) for part in parts):
        raise ValueError("a split needs states of at least three parts: more episodes")
    return Split(*(np.flatnonzero(np.isin(episodes, part)) for part in parts))


@dataclass(frozen=True)
class Readout:
    """Products of the features of states: all that fitting needs, for any number of targets."""

    train: Floats  # [n, n] of training states with each other
    valid: Floats  # [v, n] of validation states with training states
    test: Floats  # [m, n]
    _bases: dict[int, _Basis] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, features: Tensor, parts: Split) -> Readout:
        """The readout of features [N, ...], float."""
        flat = features.flatten(1)
        unit = _Unit.of(flat[torch.from_numpy(parts.train)])
        train = unit.scaled(flat[torch.from_numpy(parts.train)])
        return cls._of(flat, parts, lambda rows: unit.scaled(rows) @ train.T)

    @classmethod
    def by_distance(cls, features: Tensor, parts: Split) -> Readout:
        """A readout that is not linear: products exp(-d^2 / (2 m^2)) for a distance d of features
        [N, ...], m the median distance of training states."""
        flat = features.flatten(1)
        train = flat[torch.from_numpy(parts.train)]
        unit = float(torch.cdist(train, train).median()) or 1.0

        def products(rows: Tensor) -> Tensor:
            return torch.exp(-(torch.cdist(rows, train) / unit).square() / 2)

        return cls._of(flat, parts, products)

    @classmethod
    def _of(cls, flat: Tensor, parts: Split, products: Callable[[Tensor], Tensor]) -> Readout:
        rows = (products(flat[torch.from_numpy(part)]) for part in parts)
        train, valid, test = (part.double().numpy() for part in rows)
        return cls(train, valid, test)

    def predict(
        self,
        train: Floats,
        valid: Floats,
        states: int | None = None,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> Floats:
        """Targets of the test states [m, k], fitted to `train` [n, k]; the penalty is the one with
        the least squared error on `valid` [v, k], columns weighed alike whatever their unit, or
        where `counted` [v, k] says. `states` fits the first so many alone."""
        n = len(train) if states is None else states
        basis, weights, (mean, unit) = self._fit(train[:n], valid, counted)
        return np.asarray((basis.test @ weights) * unit + mean)

    def shares(self, train: Floats, valid: Floats) -> tuple[Floats, Floats]:
        """The same fit by training states: what each adds to a prediction for each unit of its
        product [n, k], and the prediction without any [k]."""
        basis, weights, (mean, unit) = self._fit(train, valid)
        return np.asarray((basis.vectors @ weights) * unit), mean

    def _fit(
        self, train: Floats, valid: Floats, counted: npt.NDArray[np.bool_] | None = None
    ) -> tuple[_Basis, Floats, tuple[Floats, Floats]]:
        """The basis, the weights [n, k] of its columns, and the mean and unit of targets [k]."""
        n = len(train)
        basis = self._basis(n)
        mean = train.mean(0)
        unit = train.std(0)
        unit[unit == 0] = 1.0
        if counted is not None:
            unit[:] = 1.0
        projected = basis.vectors.T @ ((train - mean) / unit)
        best, chosen = np.inf, projected
        for penalty in PENALTIES:
            weights = projected / (basis.values + penalty)[:, None]
            off = np.square(basis.valid @ weights - (valid - mean) / unit)
            error = float(off.mean() if counted is None else off[counted].mean())
            if error < best:
                best, chosen = error, weights
        return basis, chosen, (mean, unit)

    def _basis(self, states: int) -> _Basis:
        """For the first so many training states, made once."""
        if states not in self._bases:
            parts = self.train[:states, :states], self.valid[:, :states], self.test[:, :states]
            self._bases[states] = _Basis.of(*_centred(*parts))
        return self._bases[states]


@dataclass(frozen=True)
class LinearMap:
    """A linear readout for states that it was not made with."""

    centre: Tensor  # [D]
    weights: Tensor  # [D, k] float64
    offset: Floats  # [k]

    @classmethod
    def of(cls, features: Tensor, parts: Split, targets: Floats) -> LinearMap:
        """`Readout.of(features, parts)` fitted to `targets` [N, k], for any features."""
        readout = Readout.of(features, parts)
        shares, offset = readout.shares(targets[parts.train], targets[parts.valid])
        train = features.flatten(1)[torch.from_numpy(parts.train)]
        unit = _Unit.of(train)
        weights = unit.scaled(train).double().T @ torch.from_numpy(shares) / unit.scale
        return cls(unit.centre, weights, offset)

    def __call__(self, features: Tensor) -> Floats:
        """float64 [M, k] of features [M, ...]."""
        moved = (features.flatten(1) - self.centre).double()
        return np.asarray((moved @ self.weights).numpy() + self.offset)


class _Unit(NamedTuple):
    """What features are centred by and divided by."""

    centre: Tensor  # [D]
    scale: float

    @classmethod
    def of(cls, train: Tensor) -> _Unit:
        """That of training states [n, D]: then their mean squared length is 1."""
        centre = train.mean(0)
        scale = float((train - centre).double().square().sum(1).mean().sqrt()) or 1.0
        return cls(centre, scale)

    def scaled(self, rows: Tensor) -> Tensor:
        """Features [M, D] centred and divided."""
        return (rows - self.centre) / self.scale


class _Basis(NamedTuple):
    """The eigenvectors of centred products, K = Q diag(values) Q', and the others in them."""

    values: Floats  # [n]
    vectors: Floats  # [n, n] Q, one a column
    valid: Floats  # [v, n] times Q
    test: Floats  # [m, n] times Q

    @classmethod
    def of(cls, kernel: Floats, valid: Floats, test: Floats) -> _Basis:
        """Products were rounded to fp32: what comes out negative is zero."""
        values, vectors = (part.numpy() for part in torch.linalg.eigh(torch.from_numpy(kernel)))
        return cls(np.maximum(values, 0.0), vectors, valid @ vectors, test @ vectors)


def _centred(train: Floats, valid: Floats, test: Floats) -> tuple[Floats, Floats, Floats]:
    """The products after the mean of these training states is taken from all features."""
    columns, whole = train.mean(0), train.mean()

    def around(products: Floats) -> Floats:
        return np.asarray(products - products.mean(1, keepdims=True) - columns + whole)

    return around(train), around(valid), around(test)
