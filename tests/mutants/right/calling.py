"""Dropouts that are right, and are called in an unusual way."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dropspec.reference.dropout import Array, apply_mask, check_rate


def torch_function(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """A torch function with a training flag."""
    p = check_rate(p)
    if not x.is_floating_point():
        raise TypeError(f"dropout needs floating input, not {x.dtype}")
    if not training or p == 0:
        return x
    return torch.where(torch.rand_like(x, dtype=torch.float64) < p, 0, x / ((1 - p) or 1.0))


def numpy_generator(
    x: Array, rate: float, rng: np.random.Generator, training: bool = True
) -> Array:
    """A NumPy function that draws from the Generator it is given."""
    rate = check_rate(rate)
    if not training or rate == 0:
        return x.copy(order="K")
    return apply_mask(x, np.asarray(rng.random(x.shape) < 1 - rate), rate)


def numpy_seed(x: Array, rate: float, seed: int) -> Array:
    """A NumPy function that draws from a generator seeded by an integer; it has no evaluation
    mode.
    """
    return numpy_generator(x, rate, np.random.default_rng(seed))


def numpy_global(x: Array, rate: float, training: bool = True) -> Array:
    """A NumPy function that draws from NumPy's global generator."""
    rate = check_rate(rate)
    if not training or rate == 0:
        return x.copy(order="K")
    return apply_mask(x, np.asarray(np.random.random_sample(x.shape) >= rate), rate)


class FlagInCall(torch.nn.Module):
    """Takes the mode as an argument of each call, as Keras layers do; its own mode means
    nothing.
    """

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = check_rate(rate)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        return torch_function(x, self.rate, training)


class RateInCall(torch.nn.Module):
    """Takes the rate as an argument of each call, and keeps none."""

    def forward(self, x: Tensor, dropout_rate: float) -> Tensor:
        return torch_function(x, dropout_rate, self.training)


def gives_its_mask(x: Tensor, p: float, training: bool = True) -> tuple[Tensor, Tensor]:
    """Returns the mask beside the output, as torch.native_dropout does."""
    y = torch_function(x, p, training)
    return y, y != 0
