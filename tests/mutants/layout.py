"""Mutants of the chapter layout: another dtype, elements in the wrong places, inputs overwritten."""

from __future__ import annotations

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


@breaks("layout-4")
class IgnoresInplace(Dropout):
    """Offers `inplace`, and returns a new tensor nevertheless."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p)
        self.inplace = inplace


@breaks("layout-5")
class LosesMemoryFormat(Dropout):
    """Gives back channels-last and transposed input in plain order."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x, mask).contiguous()
