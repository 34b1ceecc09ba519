"""Mutants of the chapter layout: another dtype, elements in the wrong places, inputs
overwritten.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, through, with_backward


@breaks("layout-1")
class UpcastsHalf(Dropout):
    """Gives back float32 for float16 and bfloat16 input."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x.float() if x.element_size() == 2 else x, mask)


@breaks("layout-1", "edge-6", seen="pytorch/pytorch#92283")
class LosesBatchOfOne(Dropout):
    """Gives back a batch of one without its batch axis lost the axis that it was mapped over."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y.squeeze(0) if x.ndim > 1 and len(x) == 1 else y


@breaks("layout-2", seen="pytorch/pytorch#47176")
class ReadsStorageOrder(Dropout):
    """Writes its output in the order of storage, so strided input comes out scrambled."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        order = sorted(range(x.ndim), key=lambda axis: x.stride(axis), reverse=True)
        return super().apply_mask(x, mask).permute(order).reshape(x.shape)


@breaks("layout-3")
class ChangesInput(Dropout):
    """Sets dropped elements to 0 in the input too, though nobody asked for it to work in place."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        if 0 not in x.stride():  # expanded memory cannot be written to
            x.data.masked_fill_(~mask, 0)
        return y


class _OffersInplace(Dropout):
    """Works in place where it is asked to, as it should."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return x.copy_(y) if self.inplace and y is not x else y


@breaks("layout-4")
class IgnoresInplace(_OffersInplace):
    """Offers `inplace`, and returns a new tensor nevertheless."""

    def forward(self, x: Tensor) -> Tensor:
        return Dropout.forward(self, x)


@breaks("layout-5")
class LosesMemoryFormat(Dropout):
    """Gives back channels-last and transposed input in plain order."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask).contiguous()


@breaks("layout-4")
class LeavesInputAtRateOne(_OffersInplace):
    """Returns new zeros at rate 1, and leaves the input that it was to work on as it is."""

    def forward(self, x: Tensor) -> Tensor:
        return Dropout.forward(self, x) if self.training and self.p == 1 else super().forward(x)


@breaks("layout-4")
class HidesInplaceFromAutograd(_OffersInplace):
    """Works in place behind autograd's back, so that the gradient is that of the identity."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        if not self.inplace:
            return y
        x.data.copy_(y)
        return x


@breaks("layout-3")
class ReusesOutputBuffer(Dropout):
    """Writes outputs of 2,048 elements or more without a gradient into one buffer, so that the next
    call overwrites the last output.
    """

    buffer: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        y, buffer = super().forward(x), self.buffer
        if not self.training or x.requires_grad or x.numel() < 2**11:
            return y
        if buffer is None or (buffer.shape, buffer.dtype, buffer.stride()) != (
            y.shape,
            y.dtype,
            y.stride(),
        ):
            self.buffer = buffer = torch.empty_like(y)
        return buffer.copy_(y)


@breaks("layout-3")
class WorksInPlaceIfLarge(Dropout):
    """Overwrites inputs of 1,024 elements or more that need no gradient, to save memory."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        is_free = x.numel() >= 2**10 and not x.requires_grad and 0 not in x.stride()
        return x.copy_(y) if is_free else y


@breaks("layout-3")
class ZeroesInputAtRateOne(Dropout):
    """Sets the input itself to 0 at rate 1."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if self.training and self.p == 1 and 0 not in x.stride():
            x.data.zero_()
        return y


@breaks("layout-1")
class UpcastsLargeHalf(Dropout):
    """Gives back float32 for half-precision inputs of 1,024 elements or more."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(
            x.float() if x.element_size() == 2 and x.numel() >= 2**10 else x, mask
        )


@breaks("layout-2")
class IgnoresWhereViewsBegin(Dropout):
    """Reads memory from its beginning, wherever the tensor begins in it."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        keep, plain = 1 - self.p, x.detach()
        y = super().apply_mask(plain.as_strided(plain.shape, plain.stride(), 0), mask)
        return with_backward(x, y, lambda upstream: through(upstream, mask, keep))


@breaks("layout-3")
class EvaluatesIntoABuffer(Dropout):
    """Writes what it gives in evaluation into one buffer, so that an evaluation overwrites the
    output of the one before.
    """

    buffer: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training or x.requires_grad:
            return super().forward(x)
        if self.buffer is None or (self.buffer.shape, self.buffer.dtype, self.buffer.stride()) != (
            x.shape,
            x.dtype,
            x.stride(),
        ):
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
        kept = (
            torch.rand(x.shape, dtype=torch.float64, generator=Generator().manual_seed(0)) >= self.p
        )
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
        mask, keep = self.draw_mask(x), 1 - self.p
        y: Tensor = _Unscaled.apply(x, mask, keep)  # type: ignore[no-untyped-call]
        return y
