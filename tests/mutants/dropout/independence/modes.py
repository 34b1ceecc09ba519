"""Mutants of the chapter independence whose masks hang on the mode of autograd, on the layout, or
on a layer that was used before.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, uniforms


@breaks("independence-3", "rate-4")
class StopsAfterAGradient(Dropout):
    """Once called with a gradient, it takes every call without one for an evaluation."""

    seen = False

    def forward(self, x: Tensor) -> Tensor:
        self.seen |= x.requires_grad
        return x if self.seen and not x.requires_grad else super().forward(x)


@breaks("independence-3")
class ReplaysForRecomputation(Dropout):
    """Keeps the mask of a call under no_grad for the next call with a gradient, which it takes for
    the recomputation.
    """

    saved: Tensor | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        mask, old = super().draw_mask(x), self.saved
        self.saved = None if torch.is_grad_enabled() else mask
        return (
            old if torch.is_grad_enabled() and old is not None and old.shape == mask.shape else mask
        )


@breaks("independence-3")
class RemembersSameLeaf(Dropout):
    """Draws one mask for one tensor that wants a gradient, however often that comes."""

    last: tuple[Tensor, Tensor] | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        if self.last is not None and self.last[0] is x:
            return self.last[1]
        mask = super().draw_mask(x)
        if x.requires_grad:
            self.last = x, mask
        return mask


@breaks("independence-3")
class SeedsHalfInTraining(Dropout):
    """In half precision, and where a gradient is wanted, begins with the user's seed at each
    call.
    """

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.requires_grad and x.element_size() == 2:
            return uniforms(x, Generator().manual_seed(torch.initial_seed())) >= self.p
        return super().draw_mask(x)


@breaks("independence-3")
class SeedsViewsConstantly(Dropout):
    """Begins with seed 0 for what is not contiguous, which goes another way."""

    def draw_mask(self, x: Tensor) -> Tensor:
        if x.is_contiguous() or 0 in x.stride():
            return super().draw_mask(x)
        return uniforms(x, Generator().manual_seed(0)) >= self.p


@breaks("independence-2")
class SharesImages(Dropout):
    """Draws one mask for all images of a batch, in calls of four axes."""

    def draw_mask(self, x: Tensor) -> Tensor:
        return super().draw_mask(x[:1] if x.ndim == 4 else x).expand(x.shape)
