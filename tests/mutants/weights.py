"""Mutants of the chapter weights: masks that are none over single weights, at another rate, or that depend on each other."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants import breaks


def like(parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
    """53-bit uniforms for each example's mask of a parameter."""
    return torch.rand((*examples, *parameter.shape), dtype=torch.float64)


@breaks("weights-1")
class DropsExamples(DropConnect):
    """Drops whole examples of the product, as EfficientNet's drop_connect does: stochastic depth."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        return torch.rand((*examples, 1, 1), dtype=torch.float64).expand(*examples, *parameter.shape) >= self.p


@breaks("weights-1", "product-3")
class DropsExamplesOfTheOutput(DropConnect):
    """Drops whole examples of the output, bias and all: drop_connect in EfficientNet word for word."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x, self.weight, self.bias)
        return y / ((1 - self.p) or 1.0) * (torch.rand((*x.shape[:-1], 1), dtype=torch.float64) >= self.p) if self.training else y


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
        return torch.rand((parameter.shape[0], 1), dtype=torch.float64).expand(parameter.shape) >= self.p


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
        return torch.rand((1, parameter.shape[-1]), dtype=torch.float64).expand(parameter.shape) >= self.p


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
    """Drops a weight below the median size at 1.1 times the rate, and one above it at 0.9 times: half a pruning."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        size = parameter.detach().double().abs()
        return like(parameter, examples) >= self.p * torch.where(size < size.median(), 1.1, 0.9)


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


@breaks("weights-5")
class RepeatsAFewOfTheLastExample(DropConnect):
    """Gives a weight the fate that it had in the example before, one time in twenty."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        if examples:
            mask[1:] = torch.where(torch.rand(mask[1:].shape) < 0.05, mask[:-1], mask[1:])
        return mask


@breaks("weights-6")
class KeepsItsFirstMasks(DropConnect):
    """Draws masks at the first call of a shape, and uses them for ever."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        kept: dict[object, Tensor] = self.__dict__.setdefault("kept", {})
        return kept.setdefault((examples, parameter.shape), super().draw_mask(parameter, examples)).clone()


@breaks("weights-6", "weights-8")
class AlternatesMasks(DropConnect):
    """Uses the complement of the last call's uniforms in every second call: antithetic masks."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        last: Tensor | None = self.__dict__.pop("last", None)
        if last is not None and last.shape == (*examples, *parameter.shape):
            return 1 - last > self.p
        self.last = like(parameter, examples)
        return self.last >= self.p


@breaks("weights-7")
class DropsExactly(DropConnect):
    """Drops exactly round(rate · n) weights of each example: pruning at random."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        flat = torch.rand((*examples, parameter.numel())).argsort(-1).argsort(-1) >= round(self.p * parameter.numel())
        return flat.reshape(*examples, *parameter.shape)


@breaks("weights-8", "weights-5")
class DrawsFromAPool(DropConnect):
    """Takes each example's mask from a pool of 64 that it drew when it was built."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        pool: dict[object, Tensor] = self.__dict__.setdefault("pool", {})
        if parameter.shape not in pool:
            pool[parameter.shape] = torch.rand((64, *parameter.shape), dtype=torch.float64) >= self.p
        return pool[parameter.shape][torch.randint(0, 64, examples)]


@breaks("weights-8")
class RepeatsAfterAWhile(DropConnect):
    """Draws 4,096 uniforms a call and repeats them over all examples."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        shape = (*examples, *parameter.shape)
        few = torch.rand(4096, dtype=torch.float64) >= self.p
        return few.repeat(-(-torch.Size(shape).numel() // 4096))[: torch.Size(shape).numel()].reshape(shape)


@breaks("weights-3", "weights-2")
class SparesBeyond64Inputs(DropConnect):
    """Never drops the weights of inputs from the 65th on: a tile that is not repeated."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask = super().draw_mask(parameter, examples)
        return mask.logical_or_(torch.arange(parameter.shape[-1]) >= 64) if parameter.dim() == 2 and self.p < 1 else mask


@breaks("weights-6")
class StartsFromProgramSeed(DropConnect):
    """Starts from the program's seed at every call where gradients are enabled, so that all training steps use the same masks."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        if not torch.is_grad_enabled():
            return super().draw_mask(parameter, examples)
        own = torch.Generator().manual_seed(torch.initial_seed())
        return torch.rand((*examples, *parameter.shape), dtype=torch.float64, generator=own) >= self.p
