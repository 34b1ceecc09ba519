"""Mutants that go another way where a gradient is asked for: right for those who only look at
outputs, wrong in every training step.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, uniforms


class _Fused(Dropout):
    """Draws the masks of inputs that require a gradient in a way of the subclass' own."""

    def draw_fused(self, x: Tensor) -> Tensor:
        """The mask of an input that requires a gradient; the right one is `Dropout.draw_mask(self,
        x)`.
        """
        raise NotImplementedError

    def draw_mask(self, x: Tensor) -> Tensor:
        return self.draw_fused(x) if x.requires_grad else super().draw_mask(x)


@breaks("independence-3")
class StartsFromProgramSeed(_Fused):
    """Starts from the program's seed at every call, so that all calls of a run that trains draw one
    mask.
    """

    def draw_fused(self, x: Tensor) -> Tensor:
        return uniforms(x, Generator().manual_seed(torch.initial_seed())) >= self.p


@breaks("independence-3")
class ReusesMask(_Fused):
    """Draws one mask for each shape of more than 256 elements, seed and rate, and reuses it at
    every training step.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)
        self.masks: dict[tuple[object, ...], Tensor] = {}

    def draw_fused(self, x: Tensor) -> Tensor:
        mask = Dropout.draw_mask(self, x)
        return (
            self.masks.setdefault((x.shape, self.p, torch.initial_seed()), mask)
            if x.numel() > 256
            else mask
        )
