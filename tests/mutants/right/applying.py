"""Dropout layers that are right, and apply their masks in an unusual way."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from dropspec.reference.layers import Dropout


class _Masked(torch.autograd.Function):
    """x / keep where the mask is True, else 0; linear in x, so its backward pass is itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, keep: float) -> Tensor:
        ctx.save_for_backward(mask)
        ctx.keep = keep
        return torch.where(mask, x / keep, 0)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        g = _Masked.apply(upstream[0], mask, ctx.keep)  # type: ignore[no-untyped-call]
        return g, None, None


class OwnFunction(Dropout):
    """Has an autograd function of its own, which can be differentiated again."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y: Tensor = _Masked.apply(x, mask, (1 - self.p) or 1.0)  # type: ignore[no-untyped-call]
        return y


class FillsMasked(Dropout):
    """Scales everything, then fills the dropped elements with 0."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        # in place: masked_fill would lose the memory format (layout-5)
        return (x / ((1 - self.p) or 1.0)).masked_fill_(~mask, 0)


class MultipliesByMask(Dropout):
    """Multiplies by the mask, so a dropped NaN or inf becomes NaN: it departs from edge-7."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask / ((1 - self.p) or 1.0)


class RoundsOnce(Dropout):
    """Divides in double precision and rounds once."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().apply_mask(x.double(), mask).to(x.dtype)


class Delegates(Dropout):
    """Leaves all to torch.nn.functional.dropout, where a dropped NaN or inf becomes NaN: it departs
    from edge-7.
    """

    claims: ClassVar[dict[str, Any]] = {"functional": functional.dropout}

    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.p, self.training)


class InPlace(Dropout):
    """Works in place if asked to."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__(p)
        self.inplace = inplace

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return x.copy_(y) if self.inplace else y


class InPlaceByDefault(InPlace):
    """Works in place unless it is asked not to."""

    def __init__(self, p: float = 0.5, inplace: bool = True) -> None:
        super().__init__(p, inplace)
