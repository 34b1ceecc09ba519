"""Mutants of the chapter scale: survivors that are not x / keep, and dropped elements that are not
0.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


@breaks("scale-1", seen=("kaldi-asr/kaldi#2814", "ayrna/dlordinal#138"))
class DividesByRate(Dropout):
    """Multiplies survivors by 1 / rate, which is 1 / keep at rate 0.5 only."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / self.p, 0)


@breaks("scale-1", "expectation-1")
class LeavesSurvivorsUnscaled(Dropout):
    """Drops but does not rescale: the dropout of 2014 without its scaling at inference."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x, 0)


@breaks("scale-1")
class RoundsKeepToBfloat16(Dropout):
    """Forms keep in bfloat16, so the scale is off by up to 2^-9: seen in single precision, hidden
    in bfloat16.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        keep = torch.tensor(1 - self.p, dtype=torch.bfloat16).item() or 1.0
        return torch.where(mask, x / keep, 0)


@breaks("scale-1")
class AddsToKeep(Dropout):
    """Divides by keep + 1e-6, so that nothing is divided by 0 at rate 1: a thousandth too little is
    left at rate 0.999.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x / (1 - self.p + 1e-6), 0)


@breaks("scale-1")
class RemembersScaleByPercent(Dropout):
    """Keeps a table of scales by whole percents, so rates that share one get the scale of the first
    that came.
    """

    table: ClassVar[dict[int, float]] = {}

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(
            mask, x * self.table.setdefault(int(100 * self.p), 1 / ((1 - self.p) or 1.0)), 0
        )


@breaks("scale-2", "scale-4")
class MultipliesByGaussians(Dropout):
    """Multiplies by a normal number of the right mean and variance, which is another method of the
    same paper.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not 0 < self.p < 1:
            return super().forward(x)
        deviation: float = (self.p / (1 - self.p)) ** 0.5
        return x * (1 + torch.randn_like(x) * deviation)


@breaks("scale-3", "scale-1")
class DividesByKeptCount(Dropout):
    """Divides by the fraction that this very mask kept, so the scale changes from call to call."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        kept = mask.double().mean().item() or 1.0
        return torch.where(mask, x / kept, 0)


@breaks("scale-3", "scale-1")
class WobblesInScale(Dropout):
    """Scales each survivor by a slightly different factor, with the right mean."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask) * (1 + 0.02 * (torch.rand_like(x) - 0.5))


@breaks("scale-2")
class LeavesTraceOfDropped(Dropout):
    """Sets dropped elements to the smallest normal number instead of 0, as one guards a
    logarithm.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, super().apply_mask(x, mask), torch.finfo(x.dtype).tiny)


@breaks("scale-4")
class LiftsZeros(Dropout):
    """Adds 0.001 to inputs of 0 and to them alone, so a surviving 0 does not stay 0."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x + 1e-3 * (x == 0).to(x.dtype), mask)


class _ScalesTooMuch(Dropout):
    """Multiplies survivors by `factor` beyond 1 / keep in the calls that `strikes` names."""

    factor = 1.02

    def strikes(self, x: Tensor) -> bool:
        """Whether this call is scaled wrongly."""
        return True

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return y * self.factor if self.strikes(x) else y


@breaks("scale-1", "expectation-1")
class ScalesTwoPercentTooMuch(_ScalesTooMuch):
    """Multiplies survivors by 1.02 / keep."""


@breaks("scale-1")
class ScalesBfloat16TooMuch(_ScalesTooMuch):
    """Multiplies survivors by 1.03 / keep in bfloat16 only, where 0.8 % is one ulp."""

    factor = 1.03

    def strikes(self, x: Tensor) -> bool:
        return x.dtype == torch.bfloat16


@breaks("scale-1", "expectation-1")
class ScalesLargeCallsTooMuch(_ScalesTooMuch):
    """Multiplies survivors by 1.02 / keep in calls of more than 2^16 elements, which go another
    way.
    """

    def strikes(self, x: Tensor) -> bool:
        return x.numel() > 2**16


@breaks("scale-1")
class ScalesBatchOfOneTooMuch(_ScalesTooMuch):
    """Multiplies survivors by 1.02 / keep in a batch of one sample."""

    def strikes(self, x: Tensor) -> bool:
        return x.ndim > 0 and x.shape[0] == 1


@breaks("scale-3", "scale-1")
class DividesByKeptCountOfRow(Dropout):
    """Divides each row by the fraction of it that was kept, so that its mean is right however many
    survived.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        kept = mask.double().mean(-1, keepdim=True) if mask.ndim else mask.double()
        return torch.where(mask, (x / torch.where(kept > 0, kept, 1.0)).to(x.dtype), 0)


@breaks("scale-1")
class ScalesLargeHalfTooMuch(_ScalesTooMuch):
    """Multiplies survivors by 1.03 / keep in half-precision calls of 1,024 elements or more."""

    factor = 1.03

    def strikes(self, x: Tensor) -> bool:
        return x.element_size() == 2 and x.numel() >= 2**10
