"""Mutants of the chapter layout: in place otherwise than elsewhere, views that begin elsewhere, outputs that share a buffer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks

from .gradient import through, with_backward


@breaks("layout-2")
class IgnoresWhereViewsBegin(Dropout):
    """Reads memory from its beginning, wherever the tensor begins in it."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        keep, plain = 1 - self.p, x.detach()
        y = super().apply_mask(plain.as_strided(plain.shape, plain.stride(), 0), mask)
        return with_backward(x, y, lambda upstream: through(upstream, mask, keep))


@breaks("layout-3")
class EvaluatesIntoABuffer(Dropout):
    """Writes what it gives in evaluation into one buffer, so that an evaluation overwrites the output of the one before."""

    buffer: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training or x.requires_grad:
            return super().forward(x)
        if self.buffer is None or (self.buffer.shape, self.buffer.dtype, self.buffer.stride()) != (x.shape, x.dtype, x.stride()):
            self.buffer = torch.empty_like(x)
        return self.buffer.copy_(x)


class _WorksInPlace(Dropout):
    """Has an in-place path of its own."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p)
        self.inplace = inplace

    def work(self, x: Tensor) -> Tensor:
        """Drops in place, at a rate inside (0, 1)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        if self.inplace and self.training and 0 < self.p < 1:
            return self.work(x)
        y = super().forward(x)
        return x.copy_(y) if self.inplace and y is not x else y


@breaks("layout-4")
class TakesRateForKeepInPlace(_WorksInPlace):
    """Compares the other way round in place: at rate 0.1 nine units of ten are dropped."""

    def work(self, x: Tensor) -> Tensor:
        return x.mul_(torch.rand_like(x, dtype=torch.float64) < self.p).div_(1 - self.p)


@breaks("layout-4")
class SeedsConstantlyInPlace(_WorksInPlace):
    """Draws one and the same mask in place, whatever the seed."""

    def work(self, x: Tensor) -> Tensor:
        kept = torch.rand(x.shape, dtype=torch.float64, generator=Generator().manual_seed(0)) >= self.p
        return x.mul_(kept).div_(1 - self.p)


class _Unscaled(torch.autograd.Function):
    """Multiplies by a mask and divides by keep, in place; its gradient is not divided."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, keep: float) -> Tensor:
        ctx.save_for_backward(mask)
        ctx.mark_dirty(x)
        return x.mul_(mask).div_(keep)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        return upstream[0] * ctx.saved_tensors[0], None, None


@breaks("layout-4")
class LeavesGradientUnscaledInPlace(_WorksInPlace):
    """Masks the gradient of a call in place and does not divide it by keep."""

    def work(self, x: Tensor) -> Tensor:
        return _Unscaled.apply(x, self.draw_mask(x), 1 - self.p)  # type: ignore[no-any-return, no-untyped-call]
