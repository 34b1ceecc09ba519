"""Dropouts that are right by what their documentation says, and were once accused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dropspec.reference.dropout import Array, apply_mask, check_rate, gradient
from dropspec.reference.layers import Dropout


class Recomputes(Dropout):
    """Dropout inside a checkpoint: what is saved is the random state, and the rate that the layer
    then has is used again.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.p and x.is_floating_point()):
            return super().forward(x)
        return checkpoint(self.masked, x, use_reentrant=False)  # type: ignore[no-any-return]

    def masked(self, x: Tensor) -> Tensor:
        """What is recomputed."""
        return self.apply_mask(x, self.draw_mask(x))


class _RateError(Exception):
    """The error of a package of its own."""


class RefusesRate1(Dropout):
    """Takes rates of [0, 1), and says so by an error of its own class."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p < 1:
            raise _RateError(f"rates are of [0, 1), not {p}")
        super().__init__(p)


@dataclass
class _Reply:
    output: Array
    mask: Array
    rate: float

    def gradient(self, upstream: Array) -> Array:
        return gradient(upstream, self.mask, self.rate)


class SeedsNumpyAsAsked:
    """NumPy code on the global stream behind the protocol: a seed that it is given is NumPy's. Of
    dtypes it knows NumPy's own.
    """

    claims: ClassVar[dict[str, Any]] = {}

    def train(self, x: Array, rate: float, seed: int | None) -> _Reply:
        """A masked copy."""
        rate = check_rate(rate)
        if x.dtype.kind != "f":
            raise TypeError(f"dropout needs NumPy's floating input, not {x.dtype}")
        if seed is not None:
            np.random.seed(seed)
        if rate == 0:
            return _Reply(x.copy(order="K"), np.ones(x.shape, bool), rate)
        mask = np.asarray(np.random.random_sample(x.shape) >= rate)
        return _Reply(apply_mask(x, mask, rate), mask, rate)

    def evaluate(self, x: Array, rate: float) -> _Reply:
        """The input."""
        check_rate(rate)
        return _Reply(x.copy(order="K"), np.ones(x.shape, bool), 0.0)


class HandsItsMaskOut:
    """A plain class over NumPy: forward gives its output and a cache, backward takes the cache."""

    def __init__(self, ratio: float = 0.5) -> None:
        self.ratio = check_rate(ratio)

    def forward(self, x: Array, train_flg: bool = True) -> tuple[Array, tuple[Array, float]]:
        """A masked copy and its mask; in evaluation a copy."""
        if x.dtype.kind != "f":
            raise TypeError(f"dropout needs NumPy's floating input, not {x.dtype}")
        if not train_flg or self.ratio == 0:
            return x.copy(order="K"), (np.ones(x.shape, bool), 0.0)
        mask = np.asarray(np.random.random_sample(x.shape) >= self.ratio)
        return apply_mask(x, mask, self.ratio), (mask, self.ratio)

    def backward(self, dout: Array, cache: tuple[Array, float]) -> Array:
        """Through the mask and the rate of that forward."""
        return gradient(dout, *cache)


class TakesBatchesOfSteps(Dropout):
    """Takes inputs of (batch, time, features) only, and says so."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3:
            raise ValueError(f"wants (batch, time, features), not {x.dim()} axes")
        return super().forward(x)


def of_images(
    x: Array, rate: float, training: bool = True, rng: np.random.Generator | None = None
) -> Array:
    """A NumPy function that unpacks four axes."""
    _, _, _, _ = x.shape
    if x.dtype.kind != "f":
        raise TypeError(f"dropout needs NumPy's floating input, not {x.dtype}")
    rate = check_rate(rate)
    if not training or rate == 0:
        return x.copy(order="K")
    drawn = np.random.random_sample(x.shape) if rng is None else rng.random(x.shape)
    return apply_mask(x, np.asarray(drawn >= rate), rate)


class KnowsTwoDtypes(SeedsNumpyAsAsked):
    """Behind the protocol, code that computes in single precision whatever it is given, as a policy
    of its framework says, and does not know bfloat16.
    """

    def train(self, x: Array, rate: float, seed: int | None) -> _Reply:
        """In single precision."""
        return super().train(x.astype(np.float32) if x.dtype.kind == "f" else x, rate, seed)


class ScalesDoublesInSingle(Dropout):
    """Keeps its scale in single precision, whatever the dtype: a departure, and no more."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        if self.p == 1:
            return super().apply_mask(x, mask)
        scale = 1 / (1 - torch.tensor(self.p, dtype=torch.float32))
        return torch.where(mask, (x.double() * scale.double()).to(x.dtype), 0)
