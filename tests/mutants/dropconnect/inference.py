"""Mutants of the chapter inference: evaluations that are neither the plain layer nor the paper's
moment matching.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.kit import breaks
from dropspec.tests.mutants.right.connections import MatchesMoments


@breaks("inference-1")
class ScalesInEval(DropConnect):
    """Multiplies by keep in evaluation, though training has divided by it."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            super().forward(x)
            if self.training
            else self.product(x, self.weight * (1 - self.p), self.bias)
        )


@breaks("inference-1")
class ScalesInEvalWithoutBias(DropConnect):
    """Multiplies by keep in evaluation where there is no bias."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if self.bias is not None or self.training else y * (1 - self.p)


@breaks("inference-1")
class StaysActiveInEval(DropConnect):
    """Drops in evaluation too, as Monte Carlo DropConnect does without saying so."""

    def forward(self, x: Tensor) -> Tensor:
        mode, self.training = self.training, True
        try:
            return super().forward(x)
        finally:
            self.training = mode


@breaks("inference-1")
class SumsTheOtherWayRound(DropConnect):
    """Sums the products in another order than the framework's linear layer: arguable, so a
    departure.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        y = (self.weight.flip(-1) * x.flip(-1).unsqueeze(-2)).cumsum(-1)[..., -1]
        return y if self.bias is None else y + self.bias


@breaks("inference-2")
class StopsGradientInEval(DropConnect):
    """No gradient reaches the weight in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            super().forward(x)
            if self.training
            else self.product(x, self.weight.detach(), self.bias)
        )


@breaks("inference-3")
class DrawsInEval(DropConnect):
    """Draws a mask in evaluation and does not use it."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.draw_mask(self.weight, ())
        return super().forward(x)


@breaks("inference-4")
class StaysInEval(DropConnect):
    """Once evaluated, it never drops again."""

    def forward(self, x: Tensor) -> Tensor:
        self.done = getattr(self, "done", False) or not self.training
        return self.product(x, self.weight, self.bias) if self.done else super().forward(x)


@breaks("inference-4", "limits-8")
class KeepsTheMaskedWeight(DropConnect):
    """Stores the masked weight over the raw one in training, and gives it back never."""

    def forward(self, x: Tensor) -> Tensor:
        stored: Tensor | None = getattr(self, "masked", None)
        if not self.training and stored is not None:
            return self.product(x, stored, self.bias)
        if self.training and self.p > 0:
            self.masked = self.apply_mask(
                self.weight, torch.rand_like(self.weight, dtype=torch.float64) >= self.p
            ).detach()
        return super().forward(x)


@breaks("inference-4")
class EvaluatesItsFirstWeight(DropConnect):
    """Keeps a copy of the weight at the first evaluation, for speed, and evaluates by it from then
    on.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        if not hasattr(self, "fast"):
            self.fast = self.weight.detach().clone()
        weight = self.weight if torch.is_grad_enabled() else self.fast
        return self.product(x, weight, self.bias)


@breaks("inference-4")
class TrainsTheWeightOfTheLastEvaluation(DropConnect):
    """Masks a copy of the weight that was made where the mode changed, and so misses all steps
    between two evaluations.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not hasattr(self, "raw"):
            self.raw = self.weight.detach().clone()
        if not self.training or self.p == 0:
            return self.product(x, self.weight, self.bias)
        stale = self.weight + (self.raw - self.weight).detach()  # with the gradient of the weight
        return self.product(
            x, self.apply_mask(stale, self.draw_mask(stale, x.shape[:-1])), self.bias
        )


@breaks("inference-4")
class ForgetsItsRateInEval(DropConnect):
    """Sets its rate aside for an evaluation; where eval() is called twice, what is set aside is
    0.
    """

    def train(self, mode: bool = True) -> Self:
        if not mode:
            self.aside, self.p = self.p, 0.0
        elif hasattr(self, "aside"):
            self.p = self.aside
        return super().train(mode)


@breaks("inference-1")
class StaysActiveForSequences(DropConnect):
    """Drops in evaluation where the input has three axes."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training or x.dim() != 3:
            return super().forward(x)
        return self.product(
            x, self.apply_mask(self.weight, self.draw_mask(self.weight, x.shape[:-1])), self.bias
        )


@breaks("inference-5")
class MatchesAScaledMean(MatchesMoments):
    """The mean is multiplied by keep, as in the paper, whose training does not rescale."""

    def sampled(self, x: Tensor) -> Tensor:
        mean = self.product(x, self.weight * (1 - self.p), self.bias)
        return self.drawn(mean, self.ratio() * nn.functional.linear(x**2, self.weight**2))


@breaks("inference-6")
class MatchesVarianceWithKeep(MatchesMoments):
    """The variance is rate · keep · (W ∘ W)(x ∘ x), as in the paper, whose training does not
    rescale.
    """

    def sampled(self, x: Tensor) -> Tensor:
        return self.drawn(
            self.product(x, self.weight, self.bias),
            self.p * (1 - self.p) * nn.functional.linear(x**2, self.weight**2),
        )


@breaks("inference-6")
class MatchesVarianceWithoutSquares(MatchesMoments):
    """The variance is rate / keep · |W| |x|."""

    def sampled(self, x: Tensor) -> Tensor:
        return self.drawn(
            self.product(x, self.weight, self.bias),
            self.ratio() * nn.functional.linear(x.abs(), self.weight.abs()),
        )


@breaks("inference-6")
class MatchesVarianceWithMean(MatchesMoments):
    """The variance is rate / keep · |W x|: the size of the mean, not the sum of squares."""

    def sampled(self, x: Tensor) -> Tensor:
        return self.drawn(
            self.product(x, self.weight, self.bias),
            self.ratio() * self.product(x, self.weight, None).abs(),
        )


@breaks("inference-6")
class MatchesVarianceWithBias(MatchesMoments):
    """The bias is in the variance, though it is never dropped."""

    def sampled(self, x: Tensor) -> Tensor:
        variance = self.ratio() * (nn.functional.linear(x**2, self.weight**2) + self.bias**2)
        return self.drawn(self.product(x, self.weight, self.bias), variance)


@breaks("inference-7")
class AveragesBeforeTheActivation(MatchesMoments):
    """The activation is applied to the average of the draws."""

    def drawn(self, mean: Tensor, variance: Tensor) -> Tensor:
        return self.activated(
            (
                mean + variance.sqrt() * torch.randn(self.samples, *mean.shape, dtype=mean.dtype)
            ).mean(0)
        )

    def sampled(self, x: Tensor) -> Tensor:
        return self.drawn(
            self.product(x, self.weight, self.bias),
            self.ratio() * nn.functional.linear(x**2, self.weight**2),
        )
