"""Mutants of the chapter independence whose masks hang on what came before: an evaluation, a
backward pass, the very same tensor.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Generator, Tensor

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, uniforms, with_backward


@breaks("independence-3")
class RemembersSameTensor(Dropout):
    """Gives its last output again where it is called on the very same tensor."""

    last: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.last is not None and self.last[0] is x:
            return self.last[1]
        y = super().forward(x)
        self.last = (x, y) if self.training and not x.requires_grad else None
        return y


@breaks("independence-3")
class ReplaysAfterEvaluation(Dropout):
    """Keeps its last mask, and the first call in training after an evaluation uses it again."""

    last: Tensor | None = None
    evaluated = False

    def forward(self, x: Tensor) -> Tensor:
        self.evaluated = self.evaluated or not self.training
        return super().forward(x)

    def draw_mask(self, x: Tensor) -> Tensor:
        evaluated, self.evaluated = self.evaluated, False
        if not evaluated or self.last is None or self.last.shape != x.shape:
            self.last = super().draw_mask(x)
        return self.last


@breaks("independence-3")
class SeedsAfterEvaluation(Dropout):
    """Draws the first mask after each return to training from seed 0."""

    returned = False

    def train(self, mode: bool = True) -> Self:
        self.returned = mode and (self.returned or not self.training)
        return super().train(mode)

    def draw_mask(self, x: Tensor) -> Tensor:
        returned, self.returned = self.returned, False
        return (
            uniforms(x, Generator().manual_seed(0)) >= self.p if returned else super().draw_mask(x)
        )


@breaks("independence-3")
class RestoresStateInTrain(Dropout):
    """Saves torch's generator at its first eval(), and every return to training puts it back to
    there: all epochs draw the same masks.
    """

    saved: Tensor | None = None

    def train(self, mode: bool = True) -> Self:
        if not mode and self.saved is None:
            self.saved = torch.get_rng_state()
        if mode and not self.training and self.saved is not None:
            torch.set_rng_state(self.saved)
        return super().train(mode)


@breaks("independence-3")
class RewindsInBackward(Dropout):
    """Keeps no mask: the backward puts torch's generator back to where the forward began, draws
    again, and leaves it there.
    """

    def forward(self, x: Tensor) -> Tensor:
        state, like, rate = torch.get_rng_state(), torch.empty_like(x, dtype=torch.float64), self.p
        y = super().forward(x)

        def rule(upstream: Tensor) -> Tensor:
            torch.set_rng_state(state)
            return torch.where(torch.rand_like(like) >= rate, upstream / (1 - rate), 0)

        return with_backward(x, y, rule) if self.training and 0 < rate < 1 else y
