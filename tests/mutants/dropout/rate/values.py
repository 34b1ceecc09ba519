"""Mutants of the chapter rate that heed the values of the input: large ones and tiny ones have a
rate of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import Spares, breaks


@breaks("rate-3")
class SparesLargeInputs(Spares):
    """Never drops finite inputs above 100 in size, to keep outliers."""

    def spared(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        return (size > 100) & size.isfinite()


@breaks("rate-3")
class SparesTinyInputs(Spares):
    """Never drops inputs below 0.001 in size, zeros aside, as they do no harm."""

    def spared(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        return (size > 0) & (size < 1e-3)


@breaks("rate-3")
class DropsTinyInputs(Dropout):
    """Always drops inputs below 0.01 in size, subnormal ones aside, as they hardly count."""

    def draw_mask(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        return super().draw_mask(x) & (
            (size >= 1e-2) | (size <= torch.finfo(x.dtype).tiny) | size.isnan()
        )


@breaks("rate-3")
class SparesHugeInputs(Spares):
    """Never drops finite inputs above 1e7 in size."""

    def spared(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        return (size > 1e7) & size.isfinite()


@breaks("rate-3")
class SparesMinuteInputs(Spares):
    """Never drops inputs below 1e-7 in size, zeros aside."""

    def spared(self, x: Tensor) -> Tensor:
        size = x.detach().abs()
        return (size > 0) & (size < 1e-7)


@breaks("rate-3")
class StopsAtWhatIsNoNumber(Dropout):
    """Hands a call with a NaN or an infinity on as it is, so that one of them turns dropout off for
    all others.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if torch.isfinite(x).all() or x.numel() < 256 else x
