"""Mutants that are other kinds of dropout, and claim nothing: each breaks clauses of elementwise
dropout, and has to be called by its own name.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


class _Shares(Dropout):
    """One decision for all units along some axes of inputs of more than one."""

    axes: tuple[int, ...] = ()

    def draw_mask(self, x: Tensor) -> Tensor:
        shared = [a % max(x.dim(), 1) for a in self.axes if -x.dim() <= a < x.dim()]
        shape = [1 if axis in shared and x.dim() > 1 else n for axis, n in enumerate(x.shape)]
        return (torch.rand(shape, dtype=torch.float64) >= self.p).expand(x.shape)


@breaks("independence-1", "independence-2")
class LocksTheFirstAxis(_Shares):
    """Locked dropout of (time, batch, features): one mask for all time steps."""

    axes = (0,)


@breaks("independence-1", "independence-2")
class LocksTheSecondAxis(_Shares):
    """Locked dropout of (batch, time, features): one mask for all time steps."""

    axes = (1,)


@breaks("independence-1")
class DropsTokens(_Shares):
    """Drops all features of a token at once."""

    axes = (-1,)


@breaks("independence-1")
class DropsSamples(Dropout):
    """Stochastic depth: whole samples are dropped."""

    def draw_mask(self, x: Tensor) -> Tensor:
        shape = [n if axis == 0 else 1 for axis, n in enumerate(x.shape)]
        return (torch.rand(shape, dtype=torch.float64) >= self.p).expand(x.shape)


@breaks("independence-1")
class DropsBlocks(Dropout):
    """DropBlock in one dimension: runs of three that begin anywhere, of inputs of two axes or
    more.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.dim() < 2:
            return super().draw_mask(x)
        begins = torch.rand(x.shape, dtype=torch.float64) >= (1 - self.p) ** (1 / 3)
        padded = functional.pad(begins, (2, 0))
        return ~(padded[..., 2:] | padded[..., 1:-1] | padded[..., :-2])


@breaks("rate-1", "independence-1")
class DropsTheWholeCall(Dropout):
    """LayerDrop: the whole call is kept or dropped."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return (torch.rand((), dtype=torch.float64) >= self.p).expand(x.shape)


@breaks("scale-2")
class FillsDroppedUnits(Dropout):
    """Alpha dropout's fill: a dropped unit becomes -1.75."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, super().apply_mask(x, mask), -1.75)


@breaks("scale-2")
class AddsGaussians(Dropout):
    """Adds normal noise of the variance of dropout to every unit."""

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        noise: Tensor = torch.randn_like(x) * (self.p / ((1 - self.p) or 1.0)) ** 0.5
        return x + noise


@breaks("independence-4", "independence-2")
class Stratifies(Dropout):
    """Drops equally many of every ten neighbours, where it can, in an order that is drawn."""

    def draw_mask(self, x: Tensor) -> Tensor:
        n, units = max(x.numel(), 1), torch.arange(x.numel())
        order = torch.rand((-(-n // 10), 10), dtype=torch.float64).argsort(1).flatten()
        drawn = (order[: x.numel()] + torch.rand(x.numel(), dtype=torch.float64)) / 10
        return (drawn[units] >= self.p).view(x.shape)
