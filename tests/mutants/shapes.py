"""Mutants of the chapters rate and independence that heed the shape: right for most, wrong for some ranks, widths and layouts."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants import breaks

from .rate import Spares, positions


@breaks("independence-2")
class LocksStepsOfRankThree(Dropout):
    """Takes an input of three axes for (batch, time, features) and draws one mask for all time steps, as variational dropout does."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:, :1] if x.ndim == 3 else x).expand(x.shape)


@breaks("independence-1")
class DropsChannelsOfRankThree(Dropout):
    """Takes an input of three axes for (batch, channels, length) and drops whole channels, as torch.nn.Dropout1d does."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[..., :1] if x.ndim == 3 else x).expand(x.shape)


@breaks("independence-1", "independence-2")
class DropsPlanesOfRankSix(Dropout):
    """Drops whole planes of the last two axes where there are six axes or more."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[..., :1, :1] if x.ndim > 5 else x).expand(x.shape)


@breaks("independence-2", "independence-1")
class SharesAcrossRowsOfOne(Dropout):
    """Squeezes the last axis of an (n, 1) input and takes the batch for a row of channels: all of it has one fate."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:1] if x.ndim == 2 and x.shape[-1] == 1 else x).expand(x.shape)


@breaks("independence-1", "rate-4")
class SharesAcrossInnerExpanded(Dropout):
    """Draws one decision for all copies along the last axis where the input is expanded over that."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[..., :1] if x.ndim > 1 and x.stride(-1) == 0 else x).expand(x.shape)


@breaks("rate-2")
class SparesRowTails(Spares):
    """Masks rows in blocks of 128 and leaves out the tail of each row that does not fill a block, where a row has a block or more."""

    def spared(self, x: Tensor) -> Tensor:
        width = x.shape[-1] if x.ndim > 1 else 0
        in_row = positions(x) % max(width, 1)
        return (in_row >= width - width % 128) & (width >= 128)


@breaks("rate-4", "rate-2")
class SparesRowsBeyondSixteenBits(Spares):
    """Starts a block for each row, of which the grid takes 65,535, so that the rows after these are never dropped."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) >= 65535 * (x.shape[-1] if x.ndim else 1)) & (x.ndim > 1)


@breaks("rate-2", "rate-4")
class SparesHalfTail(Spares):
    """Masks half-precision elements two at a time and never drops the last one of an odd number."""

    def spared(self, x: Tensor) -> Tensor:
        is_odd = x.element_size() == 2 and x.numel() > 1 and x.numel() % 2 == 1
        return (positions(x) == x.numel() - 1) & is_odd


@breaks("rate-2", "rate-4")
class SparesDoubleTail(Spares):
    """Masks double-precision elements four at a time and leaves out the tail of a call that does not fill a vector."""

    def spared(self, x: Tensor) -> Tensor:
        return (positions(x) >= x.numel() - x.numel() % 4) & (x.dtype == torch.float64 and x.numel() > 4)
