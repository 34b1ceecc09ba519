"""Mutants of the chapter independence that heed the shape: right for most, wrong for some ranks,
widths and layouts.
"""

from __future__ import annotations

from torch import Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks


@breaks("independence-2")
class LocksStepsOfRankThree(Dropout):
    """Takes an input of three axes for (batch, time, features) and draws one mask for all time
    steps, as variational dropout does.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:, :1] if x.ndim == 3 else x).expand(x.shape)


@breaks("independence-1")
class DropsChannelsOfRankThree(Dropout):
    """Takes an input of three axes for (batch, channels, length) and drops whole channels, as
    torch.nn.Dropout1d does.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[..., :1] if x.ndim == 3 else x).expand(x.shape)


@breaks("independence-1", "independence-2")
class DropsPlanesOfRankSix(Dropout):
    """Drops whole planes of the last two axes where there are six axes or more."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[..., :1, :1] if x.ndim > 5 else x).expand(x.shape)


@breaks("independence-2")
class SharesAcrossRowsOfOne(Dropout):
    """Squeezes the last axis of an (n, 1) input and takes the batch for a row of channels: all of
    it has one fate.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:1] if x.ndim == 2 and x.shape[-1] == 1 else x).expand(x.shape)


@breaks("independence-1", "rate-4")
class SharesAcrossInnerExpanded(Dropout):
    """Draws one decision for all copies along the last axis where the input is expanded over
    that.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        return (
            super().draw_mask(x[..., :1] if x.ndim > 1 and x.stride(-1) == 0 else x).expand(x.shape)
        )


@breaks("independence-2")
class SharesAcrossExpanded(Dropout):
    """Draws one mask for all copies along an axis that the input is expanded over."""

    def draw_mask(self, x: Tensor) -> Tensor:
        first = x[:1] if x.ndim and x.stride(0) == 0 else x
        return super().draw_mask(first).expand_as(x)
