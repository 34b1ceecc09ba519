"""Mutants of the chapter rate that heed the values of the input: large ones and tiny ones have a rate of their own."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks

from .rate import Spares


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
        return super().draw_mask(x) & ((size >= 1e-2) | (size <= torch.finfo(x.dtype).tiny) | size.isnan())
