"""Layers that are right though they look unusual; nothing here may be refused.

They meet every MUST and, unless a docstring says otherwise, every SHOULD. NumPy functions stand beside the torch layers.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from dropspec.reference.dropout import Array, apply_mask, check_rate
from dropspec.reference.layers import Dropout

from .independence import laid_out_as, uniforms


class GeometricGaps(Dropout):
    """Draws the distance from each drop to the next, which is geometric, instead of a number for every element."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if self.p == 1:
            return torch.zeros_like(x, dtype=torch.bool)
        mask, last = torch.ones(x.numel(), dtype=torch.bool), -1.0
        while last < x.numel() - 1:
            draws = torch.rand(int(self.p * x.numel()) + 16, dtype=torch.float64)
            at = last + (torch.floor(torch.log1p(-draws) / math.log1p(-self.p)) + 1).cumsum(0)
            mask[at[at < x.numel()].long()] = False
            last = at[-1].item()
        return laid_out_as(x, mask)


class IntegerThreshold(Dropout):
    """Compares 53-bit integers with the rate in 2^-53."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.randint_like(x, 2**53, dtype=torch.int64) >= round(self.p * 2**53)


class Clocks(Dropout):
    """Gives each element an exponential clock, and drops those that ring before -log(keep)."""

    def draw_mask(self, x: Tensor) -> Tensor:
        deadline = -math.log1p(-self.p) if self.p < 1 else math.inf
        return torch.empty_like(x, dtype=torch.float64).exponential_() >= deadline


class Bernoulli(Dropout):
    """Draws survival from torch's Bernoulli distribution, as torch.nn.functional.dropout does."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - self.p)


class ReversedDraws(Dropout):
    """Gives the first element the last number drawn."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x).flip(tuple(range(x.ndim)))


class ShuffledDraws(Dropout):
    """Deals the decisions out in an order drawn anew at each call."""

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        return laid_out_as(x, mask[torch.randperm(x.numel())])


class CoinFlipped(Dropout):
    """Turns the uniforms of a call round by one fair coin; either way the decisions are independent and have the rate."""

    def draw_mask(self, x: Tensor) -> Tensor:
        heads = torch.randint(2, ()).item() == 1
        draws = torch.rand_like(x, dtype=torch.float64)
        return draws < 1 - self.p if heads else draws >= self.p  # 1 - draws >= p would keep a draw of 0 at rate 1


class RekeyedGenerator(Dropout):
    """Draws from a private generator that takes a new key from the global one at each call."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int(torch.randint(2**62, ())))) >= self.p


class CounterBased(Dropout):
    """Numbers the elements and hashes the numbers (Philox), under a key of two draws from the global generator."""

    def draw_mask(self, x: Tensor) -> Tensor:
        key = torch.randint(2**62, (2,)).numpy().astype(np.uint64)
        hashed = np.random.Generator(np.random.Philox(key=key)).random(x.numel())
        return laid_out_as(x, torch.from_numpy(hashed) >= self.p)


class _Masked(torch.autograd.Function):
    """x / keep where the mask is True, else 0; linear in x, so its backward pass is itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, keep: float) -> Tensor:
        ctx.save_for_backward(mask)
        ctx.keep = keep
        return torch.where(mask, x / keep, 0)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        return _Masked.apply(upstream[0], mask, ctx.keep), None, None  # type: ignore[no-untyped-call]


class OwnFunction(Dropout):
    """Has an autograd function of its own, which can be differentiated again."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return _Masked.apply(x, mask, (1 - self.p) or 1.0)  # type: ignore[no-any-return, no-untyped-call]


class FillsMasked(Dropout):
    """Scales everything, then fills the dropped elements with 0."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return (x / ((1 - self.p) or 1.0)).masked_fill_(~mask, 0)  # in place: masked_fill would lose the memory format (layout-5)


class MultipliesByMask(Dropout):
    """Multiplies by the mask, so a dropped NaN or inf becomes NaN: it departs from edge-7."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask / ((1 - self.p) or 1.0)


class RoundsOnce(Dropout):
    """Divides in double precision and rounds once."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x.double(), mask).to(x.dtype)


class Delegates(Dropout):
    """Leaves all to torch.nn.functional.dropout, where a dropped NaN or inf becomes NaN: it departs from edge-7."""

    claims: ClassVar[dict[str, Any]] = {"functional": functional.dropout}

    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.p, self.training)


class InPlace(Dropout):
    """Works in place if asked to."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p)
        self.inplace = inplace

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return x.copy_(y) if self.inplace else y


def torch_function(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """A torch function with a training flag."""
    p = check_rate(p)
    if not x.is_floating_point():
        raise TypeError(f"dropout needs floating input, not {x.dtype}")
    if not training or p == 0:
        return x
    return torch.where(torch.rand_like(x, dtype=torch.float64) < p, 0, x / ((1 - p) or 1.0))


def numpy_generator(x: Array, rate: float, rng: np.random.Generator, training: bool = True) -> Array:
    """A NumPy function that draws from the Generator it is given."""
    rate = check_rate(rate)
    if not training or rate == 0:
        return x.copy(order="K")
    return apply_mask(x, np.asarray(rng.random(x.shape) < 1 - rate), rate)


def numpy_seed(x: Array, rate: float, seed: int) -> Array:
    """A NumPy function that draws from a generator seeded by an integer; it has no evaluation mode."""
    return numpy_generator(x, rate, np.random.default_rng(seed))


def numpy_global(x: Array, rate: float, training: bool = True) -> Array:
    """A NumPy function that draws from NumPy's global generator."""
    rate = check_rate(rate)
    if not training or rate == 0:
        return x.copy(order="K")
    return apply_mask(x, np.asarray(np.random.random_sample(x.shape) >= rate), rate)


class FlagInCall(torch.nn.Module):
    """Takes the mode as an argument of each call, as Keras layers do; its own mode means nothing."""

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = check_rate(rate)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        return torch_function(x, self.rate, training)


class InPlaceByDefault(InPlace):
    """Works in place unless it is asked not to."""

    def __init__(self, p: float = 0.5, inplace: bool = True) -> None:
        super().__init__(p, inplace)


def gives_its_mask(x: Tensor, p: float, training: bool = True) -> tuple[Tensor, Tensor]:
    """Returns the mask beside the output, as torch.native_dropout does."""
    y = torch_function(x, p, training)
    return y, y != 0


RIGHT: tuple[str, ...] = (
    "GeometricGaps",
    "IntegerThreshold",
    "Clocks",
    "Bernoulli",
    "ReversedDraws",
    "ShuffledDraws",
    "CoinFlipped",
    "RekeyedGenerator",
    "CounterBased",
    "OwnFunction",
    "FillsMasked",
    "MultipliesByMask",
    "RoundsOnce",
    "Delegates",
    "InPlace",
    "InPlaceByDefault",
    "FlagInCall",
    "gives_its_mask",
    "torch_function",
    "numpy_generator",
    "numpy_seed",
    "numpy_global",
)
