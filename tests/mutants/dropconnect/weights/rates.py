"""Mutants of the chapter weights: weights that are dropped too often or too seldom."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.dropconnect.weights.units import like
from dropspec.tests.mutants.kit import breaks


@breaks("weights-1", "product-1")
class AddsNoise(DropConnect):
    """Adds Gaussian noise of deviation p instead of dropping anything."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x, self.weight, self.bias)
        return y + torch.randn_like(y) * self.p if self.training else y


@breaks("weights-2")
class TakesRateForKeep(DropConnect):
    """Keeps with probability p, the paper's notation, and scales by 1 / (1 - p) all the same."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return like(parameter, examples) < self.p


@breaks("weights-2", "product-1")
class TakesRateForKeepThroughout(DropConnect):
    """Keeps with probability p and scales by 1 / p: right for 1 - rate, and at 0.5."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return like(parameter, examples) < self.p

    def apply_mask(self, parameter: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, parameter / (self.p or 1.0), 0)


@breaks("weights-2")
class DropsTooOften(DropConnect):
    """Drops at a rate that is 0.004 too high."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return like(parameter, examples) >= self.p + 0.004


@breaks("weights-2")
class ComparesEightBits(DropConnect):
    """Compares random bytes with the rate in 1/256, rounded up."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        threshold = -int(-self.p * 256 // 1)
        return torch.randint(0, 256, (*examples, *parameter.shape)) >= threshold


@breaks("weights-2")
class DrawsInOwnDtype(DropConnect):
    """Draws uniforms in the dtype of the weight, of which half precision has too few."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return torch.rand((*examples, *parameter.shape), dtype=parameter.dtype) >= self.p


@breaks("weights-3")
class SparesLastInput(DropConnect):
    """Never drops the weights of the last input, as a vector loop that leaves its tail."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        mask[..., -1] = True
        return mask


@breaks("weights-3")
class DropsNegativeMoreOften(DropConnect):
    """Drops negative weights at 1.05 times the rate, and positive ones at 0.95 times."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return like(parameter, examples) >= self.p * (1 - 0.05 * parameter.detach().sign().double())


@breaks("weights-3")
class PrunesSmallWeights(DropConnect):
    """Drops a weight below the median size at 1.1 times the rate, and one above it at 0.9 times:
    half a pruning.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        size = parameter.detach().double().abs()
        return like(parameter, examples) >= self.p * torch.where(size < size.median(), 1.1, 0.9)


@breaks("weights-7")
class DropsExactly(DropConnect):
    """Drops exactly round(rate · n) weights of each example: pruning at random."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        flat = torch.rand((*examples, parameter.numel())).argsort(-1).argsort(-1) >= round(
            self.p * parameter.numel()
        )
        return flat.reshape(*examples, *parameter.shape)


@breaks("weights-3", "weights-2")
class SparesBeyond64Inputs(DropConnect):
    """Never drops the weights of inputs from the 65th on: a tile that is not repeated."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        return (
            mask.logical_or_(torch.arange(parameter.shape[-1]) >= 64)
            if parameter.dim() == 2 and self.p < 1
            else mask
        )


@breaks("weights-2")
class RoundsToQuartersInWideLayers(DropConnect):
    """Rounds the rate to quarters beyond 128 inputs: 0.1 becomes 0."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        if parameter.shape[-1] <= 128 or parameter.dim() != 2:
            return super().draw_mask(parameter, examples)
        return torch.randint(4, (*examples, *parameter.shape)) >= round(self.p * 4)


@breaks("weights-3")
class SparesTheLastOfManyInputs(DropConnect):
    """Never drops the weights of the last input where there are more than 64."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        if parameter.dim() == 2 and parameter.shape[-1] > 64 and self.p < 1:
            mask[..., -1] = True
        return mask
