"""Mutants of the chapter layout: another dtype, elements in the wrong places, inputs overwritten."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks


@breaks("layout-1")
class UpcastsHalf(Dropout):
    """Gives back float32 for float16 and bfloat16 input."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x.float() if x.element_size() == 2 else x, mask)


@breaks("layout-1", "edge-6")
class LosesBatchOfOne(Dropout):
    """Gives back a batch of one without its batch axis, as pytorch/pytorch#92283 lost the axis that it was mapped over."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y.squeeze(0) if x.ndim > 1 and len(x) == 1 else y


@breaks("layout-2")
class ReadsStorageOrder(Dropout):
    """Writes its output in the order of storage, so strided input comes out scrambled, as pytorch/pytorch#47176."""

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
    """Writes outputs of 2,048 elements or more without a gradient into one buffer, so that the next call overwrites the last output."""

    buffer: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        y, buffer = super().forward(x), self.buffer
        if not self.training or x.requires_grad or x.numel() < 2**11:
            return y
        if buffer is None or (buffer.shape, buffer.dtype, buffer.stride()) != (y.shape, y.dtype, y.stride()):
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
        return super().apply_mask(x.float() if x.element_size() == 2 and x.numel() >= 2**10 else x, mask)
