"""Mutants of the chapter rate that heed how they are called: under which mode of autograd, on a
leaf or not, with a gradient before.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


@breaks("rate-4")
class TakesInferenceModeForEvaluation(Dropout):
    """Drops nothing under torch.inference_mode, though it is in training, as for Monte Carlo
    estimates.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x if torch.is_inference_mode_enabled() else super().forward(x)


@breaks("rate-4")
class ComparesEightBitsOfHalfInTraining(Dropout):
    """Compares bytes in half precision where a gradient is wanted: at rate 0.001 nothing is
    dropped.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.requires_grad and x.element_size() == 2:
            return torch.randint(256, x.shape) >= round(self.p * 256)
        return super().draw_mask(x)


@breaks("rate-4")
class RoundsToQuartersInNetworks(Dropout):
    """Rounds the rate to quarters for what another layer gave, which no test on its own ever hands
    over: 0.1 becomes 0.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return (
            torch.randint(4, x.shape) >= round(self.p * 4)
            if x.grad_fn is not None
            else super().draw_mask(x)
        )


@breaks("rate-1")
class SkipsSmallRates(Dropout):
    """Takes rates below 0.001 for none at all."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x) if self.p >= 1e-3 else torch.ones_like(x, dtype=torch.bool)


@breaks("rate-2")
class SparesTailOfLongCalls(Dropout):
    """Has a vector path for calls of more than 2,048 elements, and never drops the tail that does
    not fill a vector of 16.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        mask, units = super().draw_mask(x).contiguous(), x.numel()
        if units > 2048 and units % 16:
            mask.view(-1)[-(units % 16) :] = True
        return mask


@breaks("rate-5")
class DrawsByItsFirstRate(Dropout):
    """Scales by the rate that is assigned, and draws by its first: after 0.9 was assigned for 0.5,
    outputs are five times too large.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self._first = self.p

    def draw_mask(self, x: Tensor) -> Tensor:
        return torch.rand_like(x, dtype=torch.float64) >= self._first
