"""Mutants of the chapter weights: masks that repeat, or numbers that are not Binomial."""

from __future__ import annotations

import torch
from torch import Tensor

from dropspec.reference.layers import DropConnect
from dropspec.tests.mutants.dropconnect.weights.units import like
from dropspec.tests.mutants.kit import breaks


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
        return kept.setdefault(
            (examples, parameter.shape), super().draw_mask(parameter, examples)
        ).clone()


@breaks("weights-6", "weights-8")
class AlternatesMasks(DropConnect):
    """Uses the complement of the last call's uniforms in every second call: antithetic masks."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        last: Tensor | None = self.__dict__.pop("last", None)
        if last is not None and last.shape == (*examples, *parameter.shape):
            return 1 - last > self.p
        self.last = like(parameter, examples)
        return self.last >= self.p


@breaks("weights-8", "weights-5", "weights-6")
class DrawsFromAPool(DropConnect):
    """Takes each example's mask from a pool of 64 that it drew when it was built."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        pool: dict[object, Tensor] = self.__dict__.setdefault("pool", {})
        if parameter.shape not in pool:
            pool[parameter.shape] = (
                torch.rand((64, *parameter.shape), dtype=torch.float64) >= self.p
            )
        return pool[parameter.shape][torch.randint(0, 64, examples)]


@breaks("weights-8")
class RepeatsAfterAWhile(DropConnect):
    """Draws 4,096 uniforms a call and repeats them over all examples."""

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        shape = (*examples, *parameter.shape)
        few = torch.rand(4096, dtype=torch.float64) >= self.p
        return few.repeat(-(-torch.Size(shape).numel() // 4096))[
            : torch.Size(shape).numel()
        ].reshape(shape)


@breaks("weights-6")
class StartsFromProgramSeed(DropConnect):
    """Starts from the program's seed at every call where gradients are enabled, so that all
    training steps use the same masks.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        if not torch.is_grad_enabled():
            return super().draw_mask(parameter, examples)
        own = torch.Generator().manual_seed(torch.initial_seed())
        return (
            torch.rand((*examples, *parameter.shape), dtype=torch.float64, generator=own) >= self.p
        )


@breaks("weights-4")
class RepeatsOutputs(DropConnect):
    """Draws masks for 64 outputs, and uses them again for those beyond, where there are 20 inputs
    or more.
    """

    def draw_mask(self, parameter: Tensor, examples: tuple[int, ...]) -> Tensor:
        mask, outputs = super().draw_mask(parameter, examples), parameter.shape[0]
        many = parameter.dim() == 2 and outputs > 64 and parameter.shape[-1] >= 20
        return mask[..., torch.arange(outputs) % 64, :] if many else mask
