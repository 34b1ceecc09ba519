"""Mutants of the chapter eval: right in training, but evaluation is not the identity, or leaves a
trace.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from dropspec.reference.layers import Dropout
from dropspec.tests.mutants.kit import breaks, through, with_backward


@breaks("eval-1", "eval-4", seen=("pytorch/pytorch#173640", "salesforce/awd-lstm-lm#72"))
class StaysActiveInEval(Dropout):
    """Drops in evaluation as in training."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            super().forward(x)
            if self.training or self.p == 0
            else self.apply_mask(x, self.draw_mask(x))
        )


@breaks("eval-1", "eval-3")
class ScalesInEval(Dropout):
    """Multiplies by keep in evaluation, as in 2014, although training has rescaled already."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if self.training else x * (1 - self.p)


@breaks("eval-1")
class LosesMinusZeroInEval(Dropout):
    """Adds 0 in evaluation, which makes -0 a 0."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if self.training else x + 0.0


@breaks("eval-2")
class DropsAtRateOneInEval(Dropout):
    """Asks whether the rate is 1 before it asks for the mode, so evaluation at rate 1 gives
    zeros.
    """

    def forward(self, x: Tensor) -> Tensor:
        return (
            self.apply_mask(x, torch.zeros_like(x, dtype=torch.bool))
            if self.p == 1
            else super().forward(x)
        )


@breaks("eval-3")
class ScalesGradientInEval(Dropout):
    """Divides the gradient by keep in evaluation, where the output is the input."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training or self.p == 1:
            return super().forward(x)
        return with_backward(x, x, lambda upstream: upstream / (1 - self.p))


@breaks("eval-4")
class ConsumesRandomnessInEval(Dropout):
    """Draws its mask before it asks for the mode, so evaluating more often changes training."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.draw_mask(x)
        return super().forward(x)


@breaks("eval-5", seen="NVIDIA/Megatron-LM#411")
class ForgetsRateInEval(Dropout):
    """Sets its rate to 0 when it is put into evaluation mode, and leaves it there."""

    def train(self, mode: bool = True) -> Self:
        self.p = self.p if mode else 0.0
        return super().train(mode)


@breaks("eval-5", "eval-1")
class MissesEvalOfParent(Dropout):
    """Reacts to its own .eval() only: that of a parent arrives as .train(False), which it
    ignores.
    """

    def train(self, mode: bool = True) -> Self:
        return super().train(True) if mode else self

    def eval(self) -> Self:
        self.training = False
        return self


@breaks("eval-6")
class KeepsMaskForEval(Dropout):
    """Keeps the mask of its last training pass, and applies it in the backward pass of a later
    evaluation.
    """

    mask: Tensor | None = None

    def draw_mask(self, x: Tensor) -> Tensor:
        self.mask = mask = super().draw_mask(x)
        return mask

    def forward(self, x: Tensor) -> Tensor:
        mask = self.mask
        if self.training or mask is None or mask.shape != x.shape:
            return super().forward(x)
        return with_backward(x, x, lambda upstream: self.apply_mask(upstream, mask))


@breaks("eval-5")
class StaysInEval(Dropout):
    """Once evaluated, it never drops again."""

    evaluated = False

    def forward(self, x: Tensor) -> Tensor:
        self.evaluated = self.evaluated or not self.training
        return x if self.evaluated else super().forward(x)


@breaks("eval-5", "eval-1")
class HidesInnerInList(nn.Module):
    """Holds its dropout in a plain list, where no eval() reaches it."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p, self.layers = p, [Dropout(p)]

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[0](x)  # type: ignore[no-any-return]


@breaks("eval-5")
class SkipsFirstCall(Dropout):
    """Only sets itself up at the first call of its life, and lets the input through."""

    ready = False

    def forward(self, x: Tensor) -> Tensor:
        ready, self.ready = self.ready, True
        return super().forward(x) if ready else x


@breaks("eval-6")
class AsksModeInBackward(Dropout):
    """Asks for the mode when the backward comes: after an evaluation, that of an earlier training
    forward is not masked.
    """

    def apply_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        masked, keep = super().apply_mask(x, mask), 1 - self.p
        return with_backward(
            x, masked, lambda upstream: through(upstream, mask, keep) if self.training else upstream
        )


@breaks("eval-1", seen="pytorch/pytorch#195422")
class RemembersEvaluation(Dropout):
    """Gives back its last evaluation where the shape is the same, so that it misses what has
    changed since.
    """

    last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        if self.last is None or self.last.shape != x.shape:
            self.last = x
        return self.last


@breaks("eval-5")
class ReturnsTrainingOutput(Dropout):
    """Remembers its last output in training, and returns that in evaluation if more than 300
    elements come in the same shape and dtype.
    """

    last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        y, last = super().forward(x), self.last
        if self.training:
            self.last = None if y.requires_grad else y
            return y
        return (
            last
            if last is not None
            and (last.shape, last.dtype) == (x.shape, x.dtype)
            and x.numel() > 300
            else y
        )


@breaks("eval-1")
class RoundsLargeDoublesInEval(Dropout):
    """Goes through single precision in evaluation where more than 1,000 double-precision numbers
    come.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return (
            y.float().double()
            if not self.training and x.dtype == torch.float64 and x.numel() > 1000
            else y
        )


@breaks("eval-5")
class ForgetsItsRateInEval(Dropout):
    """Sets its rate aside for an evaluation; where eval() is called twice, what is set aside is
    0.
    """

    def train(self, mode: bool = True) -> Self:
        if not mode:
            self.aside, self.p = self.p, 0.0
        elif hasattr(self, "aside"):
            self.p = self.aside
        return super().train(mode)
