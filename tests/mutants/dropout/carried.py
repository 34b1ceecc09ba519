"""Mutants that carry something over: from call to call, from layer to layer, from memory."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import DropsAt, OwnGenerator, Spares, breaks, positions


class _Counts(DropsAt):
    """Counts its calls."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.calls = 0

    def factor(self) -> float:
        """What the rate is multiplied by at this call."""
        raise NotImplementedError

    def rate(self, x: Tensor) -> float:
        self.calls += 1
        return self.p * self.factor()


@breaks("rate-1", "rate-4")
class AnnealsItsRate(_Counts):
    """Lowers its rate by a two-hundredth at each call, down to half."""

    def factor(self) -> float:
        return max(0.5, 1 - self.calls / 200)


@breaks("rate-1")
class WarmsUp(_Counts):
    """Raises its rate from 0 over its first 200 calls."""

    def factor(self) -> float:
        return min(1.0, self.calls / 200)


@breaks("rate-4")
class TiresAfterAHundredCalls(_Counts):
    """Drops half as much after a hundred calls."""

    def factor(self) -> float:
        return 1.0 if self.calls <= 100 else 0.5


@breaks("independence-7")
class BeginsAnewWithEachLayer(OwnGenerator):
    """Seeds the stream of each new layer by one constant: all layers have the same masks, call by
    call.
    """

    def new_key(self) -> int:
        return 20_141


@breaks("independence-7")
class SeedsItsStreamByItsRate(OwnGenerator):
    """Seeds the stream of a layer by its rate: layers of one rate have the same masks."""

    def new_key(self) -> int:
        return int(self.p * 2**53)


@breaks("scale-2")
class LeavesWhatWasThere(Dropout):
    """Writes survivors into memory that it does not clear: where a unit is dropped stands a number
    of no meaning.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        if not 0 < self.p < 1:
            return y
        junk = torch.sin(12.9898 * positions(x).double() + 78.233) * 43_758.5453
        return torch.where(mask, y, (junk - junk.floor() + 0.1).to(y.dtype))


@breaks("scale-3")
class PassesWhatItDrops(Dropout):
    """Rescales survivors, and hands the others on as they are."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        y = super().apply_mask(x, mask)
        return torch.where(mask, y, x) if 0 < self.p < 1 else y


@breaks("layout-1")
class RemovesTokens(Dropout):
    """Removes the first of two or more rows instead of setting units to 0."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        is_long = self.training and y.dim() > 0 and y.shape[0] > 1
        return y[1:] if is_long else y


@breaks("rate-2")
class SparesWhatFillsNoVector(Spares):
    """Masks sixteen units at a time, and never drops the last ones that are fewer."""

    def spared(self, x: Tensor) -> Tensor:
        return positions(x).view_as(x) >= x.numel() - x.numel() % 16


@breaks("rate-2")
class DropsWhatFillsNoVector(Dropout):
    """Masks eight units at a time, and drops the last ones that are fewer, always."""

    def draw_mask(self, x: Tensor) -> Tensor:
        tail = positions(x).view_as(x) >= x.numel() - x.numel() % 8
        return super().draw_mask(x).logical_and_(~tail) if self.p > 0 else super().draw_mask(x)


@breaks("independence-6")
class ServesTwoCallsWithOneMask(Dropout):
    """Draws at every second call, and hands the mask out again at the next of the same shape."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.kept: Tensor | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        kept, self.kept = self.kept, None
        if kept is not None and kept.shape == x.shape:
            return kept
        self.kept = super().draw_mask(x)
        return self.kept
