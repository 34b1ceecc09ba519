"""Mutants of the chapter gradient that heed the upstream gradient: its place in memory, its size
and its values.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.tests.mutants.kit import OwnBackward, breaks, through


@breaks("gradient-2", "gradient-1")
class MasksUpstreamInPlace(OwnBackward):
    """Masks and scales the upstream gradient in place, so that in x + drop(x) the other branch gets
    it masked too.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        # autograd, or expanded memory, forbids it
        if torch.is_grad_enabled() or 0 in upstream.stride():
            return through(upstream, mask, keep)
        return upstream.mul_(mask).div_(keep)


@breaks("gradient-2")
class ReadsUpstreamInStorageOrder(OwnBackward):
    """Reads the upstream gradient in the order of storage, so that a transposed one comes out
    scrambled.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        if not upstream.is_contiguous() and 0 not in upstream.stride():
            order = sorted(
                range(upstream.ndim), key=lambda axis: upstream.stride(axis), reverse=True
            )
            upstream = upstream.permute(order).reshape(upstream.shape)
        return through(upstream, mask, keep)


@breaks("gradient-1")
class LeavesExpandedUpstreamUnmasked(OwnBackward):
    """Takes an expanded upstream gradient, as that of a sum, for a single number, and does not mask
    it.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return upstream / keep if 0 in upstream.stride() else through(upstream, mask, keep)


@breaks("gradient-2")
class FlushesSmallGradients(OwnBackward):
    """Takes upstream gradients below 0.0001 in size for 0."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(torch.where(upstream.abs() < 1e-4, upstream * 0, upstream), mask, keep)


@breaks("gradient-2")
class ClipsLargeGradients(OwnBackward):
    """Clips the gradient at 60,000 on its way back, which fits in float16, in every dtype."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, keep).clamp(-60000, 60000)


@breaks("gradient-2")
class UnderflowsInHalf(OwnBackward):
    """Scales float16 gradients down by 2^12 before it divides them, for fear of overflow, and up
    again: small ones lose their digits.
    """

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        down = 2.0**-12 if upstream.dtype == torch.float16 else 1.0
        return through(upstream * down, mask, keep) / down


@breaks("gradient-2")
class LeavesLargeGradientsUnscaled(OwnBackward):
    """Does not divide gradients of more than 4,096 elements by keep, which go another way."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        return through(upstream, mask, 1.0 if upstream.numel() > 4096 else keep)


@breaks("gradient-1")
class LeavesLargeHalfGradientsUnmasked(OwnBackward):
    """Does not mask half-precision gradients of more than 4,096 elements."""

    def backward(self, upstream: Tensor, mask: Tensor, keep: float) -> Tensor:
        is_large = upstream.numel() > 4096 and upstream.element_size() == 2
        return upstream / keep if is_large else through(upstream, mask, keep)
