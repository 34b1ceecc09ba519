"""Mutants of the chapter weights: weights that share their fate."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.kit import breaks


def like(parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
    """53-bit uniforms for each example's mask of a parameter."""
    return torch.rand((*examples, *parameter.shape), dtype=torch.float64)


@breaks("weights-1")
class DropsExamples(DropConnect):
    """Drops whole examples of the product, as EfficientNet's drop_connect does: stochastic
    depth.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return (
            torch.rand((*examples, 1, 1), dtype=torch.float64).expand(*examples, *parameter.shape)
            >= self.p
        )


@breaks("weights-1", "product-3")
class DropsExamplesOfTheOutput(DropConnect):
    """Drops whole examples of the output, bias and all: drop_connect in EfficientNet word for
    word.
    """

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x, self.weight, self.bias)
        return (
            y
            / ((1 - self.p) or 1.0)
            * (torch.rand((*x.shape[:-1], 1), dtype=torch.float64) >= self.p)
            if self.training
            else y
        )


@breaks("weights-1")
class DropsOutputs(DropConnect):
    """Drops whole outputs: dropout behind the layer."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        shape = (*examples, *parameter.shape)
        return torch.rand((*shape[:-1], 1), dtype=torch.float64).expand(shape) >= self.p


@breaks("weights-1")
class DropsOutputsOfACall(DropConnect):
    """Drops the same outputs for all examples: rows of the weight."""

    claims: ClassVar = {"mask_per": "call"}

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return (
            torch.rand((parameter.shape[0], 1), dtype=torch.float64).expand(parameter.shape)
            >= self.p
        )


@breaks("weights-1")
class DropsInputs(DropConnect):
    """Drops whole inputs: dropout before the layer."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        shape = (*examples, *parameter.shape)
        return torch.rand((*shape[:-2], 1, shape[-1]), dtype=torch.float64).expand(shape) >= self.p


@breaks("weights-1")
class DropsInputsOfACall(DropConnect):
    """Drops the same inputs for all examples: columns of the weight."""

    claims: ClassVar = {"mask_per": "call"}

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return (
            torch.rand((1, parameter.shape[-1]), dtype=torch.float64).expand(parameter.shape)
            >= self.p
        )


@breaks("weights-4")
class SharesAmongNeighbours(DropConnect):
    """Gives every weight with an odd index the fate of the one before it, one time in twenty."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        even = mask[..., : mask.shape[-1] // 2 * 2 : 2]
        odd = mask[..., 1::2]
        odd.copy_(torch.where(torch.rand(odd.shape) < 0.05, even, odd))
        return mask


@breaks("weights-4")
class SharesAmongOutputs(DropConnect):
    """Gives every second output the mask of the one before it."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        if parameter.dim() == 2:
            mask[..., 1::2, :] = mask[..., : mask.shape[-2] // 2 * 2 : 2, :]
        return mask


@breaks("weights-5")
class OneMaskForAll(DropConnect):
    """Claims a mask for each example, and draws one for the call."""

    claims: ClassVar = {"mask_per": "example"}

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return torch.rand(parameter.shape, dtype=torch.float64) >= self.p


@breaks("weights-5")
class MaskForEachClaimedOne(DropConnect):
    """Claims one mask for the call, as weight drop has it, and draws one for each example."""

    claims: ClassVar = {"mask_per": "call"}


@breaks("weights-5")
class SharesAmongPairs(DropConnect):
    """Gives every second example the masks of the one before it."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        if examples:
            mask[1::2] = mask[: mask.shape[0] // 2 * 2 : 2]
        return mask
