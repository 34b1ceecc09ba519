"""Mutants of the chapter numerics: dtypes that are refused, overflow that need not be, subnormals
lost.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


@breaks("numerics-1", seen="pytorch/pytorch#12431")
class RefusesHalf(Dropout):
    """Raises on float16 and bfloat16 in training."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.element_size() == 2:
            raise RuntimeError(f'"dropout" not implemented for {x.dtype}')
        return super().draw_mask(x)


@breaks("numerics-1", "scale-1")
class ComputesHalfInBfloat16(Dropout):
    """Sends float16 through bfloat16, and so loses three of its bits."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return y.bfloat16().half() if x.dtype == torch.float16 else y


@breaks("numerics-2")
class OverflowsEarly(Dropout):
    """Doubles before it divides by twice keep, so large inputs overflow where x / keep does not."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, x * 2 / (2 * (1 - self.p) or 1.0), 0)


@breaks("numerics-3")
class FlushesSubnormals(Dropout):
    """Takes subnormal inputs for 0."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        subnormal = (x != 0) & (x.abs() < torch.finfo(x.dtype).tiny)
        return super().apply_mask(x.masked_fill(subnormal, 0), mask)


@breaks("numerics-3")
class FlushesSmallest(Dropout):
    """Takes outputs below a quarter of the smallest normal number for 0."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return torch.where(y.abs() < torch.finfo(x.dtype).tiny / 4, y - y.detach(), y)
