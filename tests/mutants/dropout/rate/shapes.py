"""Mutants of the chapter rate that heed the shape, the dtype or the wish for a gradient: right for
most, wrong for some.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import Spares, breaks, positions


@breaks("rate-2")
class SparesRowTails(Spares):
    """Masks rows in blocks of 128 and leaves out the tail of each row that does not fill a block,
    where a row has a block or more.
    """

    def spared(self, x: Tensor) -> Tensor:
        width = x.shape[-1] if x.ndim > 1 else 0
        in_row = positions(x) % max(width, 1)
        return (in_row >= width - width % 128) & (width >= 128)


@breaks("rate-4", "rate-2")
class SparesRowsBeyondSixteenBits(Spares):
    """Starts a block for each row, of which the grid takes 65,535, so that the rows after these are
    never dropped.
    """

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) >= 65535 * (x.shape[-1] if x.ndim else 1)) & (x.ndim > 1)


@breaks("rate-2", "rate-4")
class SparesHalfTail(Spares):
    """Masks half-precision elements two at a time and never drops the last one of an odd number."""

    def spared(self, x: Tensor) -> Tensor:
        is_odd = x.element_size() == 2 and x.numel() > 1 and x.numel() % 2 == 1
        return (positions(x) == x.numel() - 1) & is_odd


@breaks("rate-2", "rate-4")
class SparesDoubleTail(Spares):
    """Masks double-precision elements four at a time and leaves out the tail of a call that does
    not fill a vector.
    """

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) >= x.numel() - x.numel() % 4) & (
            x.dtype == torch.float64 and x.numel() > 4
        )


@breaks("rate-1", "rate-4")
class ComparesEightBitsInTraining(Dropout):
    """Compares random bytes with the rate in 1/256 where a gradient is wanted: 0.1 becomes 0.1016,
    and 0.001 becomes 0.0039.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if not x.requires_grad:
            return super().draw_mask(x)
        return torch.randint_like(x, 256, dtype=torch.int16) >= 256 * self.p


@breaks("rate-1")
class DropsAllOfLargeCalls(Dropout):
    """Allocates 65,535 mask elements and takes what lies beyond for dropped, all of a call that is
    larger.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x) & (x.numel() <= 65535)
