"""Mutants of the chapter gradient that are right for one or two forwards of plain numbers, and
wrong for more or others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import OwnBackward, breaks, through, with_backward


@breaks("gradient-7")
class HasTwoMaskBuffers(Dropout):
    """Has two buffers for masks that take turns, so that the third forward spoils the backward of
    the first.
    """

    calls = 0

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        if not hasattr(self, "ring"):
            self.ring: dict[int, Tensor] = {}
        ring, slot, keep = self.ring, self.calls % 2, 1 - self.p
        self.calls, ring[slot] = self.calls + 1, mask
        return with_backward(
            x, super().apply_mask(x, mask), lambda upstream: through(upstream, ring[slot], keep)
        )


@breaks("gradient-7")
class FindsMaskByAddress(Dropout):
    """Finds the mask again by the address of the input: for a tensor that goes in twice, the second
    mask is that of both.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        if not hasattr(self, "masks"):
            self.masks: dict[int, Tensor] = {}
        masks, address, keep = self.masks, x.data_ptr(), 1 - self.p
        masks[address] = mask
        return with_backward(
            x, super().apply_mask(x, mask), lambda upstream: through(upstream, masks[address], keep)
        )


@breaks("gradient-1")
class StopsAtInfinity(Dropout):
    """Gives no gradient where the output is infinite, as if that had been dropped."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y, keep = super().apply_mask(x, mask), 1 - self.p
        passing = mask & ~torch.isinf(y.detach())
        return with_backward(x, y, lambda upstream: through(upstream, passing, keep))


@breaks("gradient-6")
class DetachesForViews(OwnBackward):
    """Has a backward pass of its own for what is not contiguous, which cannot be differentiated
    again.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return (
            Dropout.apply_mask(self, x, mask) if x.is_contiguous() else super().apply_mask(x, mask)
        )

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream.detach(), mask, keep)
