"""Mutants of the chapter expectation: a wrong mean, a wrong variance, and a ridge identity that
fails.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, laid_out_as


@breaks("expectation-1", "scale-1")
class FallsShortByOnePercent(Dropout):
    """Compensates for the dropped mean by 1 % too little."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask) * 0.99


@breaks("expectation-2", "scale-3")
class AddsNoise(Dropout):
    """Adds noise of mean zero, in proportion to each survivor: the mean is right, the variance too
    large.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask) * (0.5 + torch.rand_like(x))


@breaks("expectation-3", "independence-5")
class PairsInputs(Dropout):
    """In each group of four inputs the last shares the fate of the first: mean and variance are
    right, the ridge identity is not.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        mask = torch.rand(x.numel(), dtype=torch.float64) >= self.p
        mask[3::4] = mask[: x.numel() - 3 : 4] if x.numel() > 3 else mask[3::4]
        return laid_out_as(x, mask)


@breaks("expectation-2", "rate-1", "scale-1")
class DropsHalfAsOften(Dropout):
    """Drops at half the rate and rescales for that: the mean is right, the variance less than
    half.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float64) >= (self.p / 2 if self.p < 1 else 1)

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / (1 - self.p / 2), 0)
