"""Dropout layers that are right, and draw their masks in an unusual way."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import laid_out_as, uniforms


class GeometricGaps(Dropout):
    """Draws the distance from each drop to the next, which is geometric, instead of a number for
    every element.
    """

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
    """Turns the uniforms of a call round by one fair coin; either way the decisions are independent
    and have the rate.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        heads = torch.randint(2, ()).item() == 1
        draws = torch.rand_like(x, dtype=torch.float64)
        # 1 - draws >= p would keep a draw of 0 at rate 1
        return draws < 1 - self.p if heads else draws >= self.p


class RekeyedGenerator(Dropout):
    """Draws from a private generator that takes a new key from the global one at each call."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(int(torch.randint(2**62, ())))) >= self.p


class CounterBased(Dropout):
    """Numbers the elements and hashes the numbers (Philox), under a key of two draws from the
    global generator.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        key = torch.randint(2**62, (2,)).numpy().astype(np.uint64)
        hashed = np.random.Generator(np.random.Philox(key=key)).random(x.numel())
        return laid_out_as(x, torch.from_numpy(hashed) >= self.p)
